//! Is this exact text in the list? Sorted texts in one block of memory, or a cdb file; the same question to both.

use super::{Cdb, rbldnsd::Domains};
use crate::config::Build;
use bytes::Bytes;
use std::sync::Arc;

/// Texts to be matched exactly, in one form or the other.
#[derive(Clone, Debug)]
pub enum Keys {
    /// From lines of text; ASCII letters in lower case.
    Sorted(Sorted),
    /// The keys of a cdb, as they are: whoever makes it writes them in lower case, as qmail's own tools do.
    Cdb(Cdb),
    /// Domains of one of rbldnsd's zones: `@host` asks for the domain itself, `.host` for all below it.
    Domains(Domains),
}

impl Keys {
    /// Of texts.
    pub fn sorted<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        Self::Sorted(Sorted::new(texts))
    }

    /// Is it there? `key` is in lower case.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Sorted(sorted) => sorted.contains(key),
            Self::Cdb(cdb) => cdb.find(key).is_some(),
            Self::Domains(domains) => domains.listed.contains(domain(key)),
        }
    }

    /// Is it an exception? Then no key that is asked for later in the same question counts.
    fn excludes(&self, key: &[u8]) -> bool {
        matches!(self, Self::Domains(domains) if domains.excluded.contains(domain(key)))
    }

    /// Entries.
    pub fn len(&self) -> usize {
        match self {
            Self::Sorted(sorted) => sorted.ends.len(),
            Self::Cdb(cdb) => cdb.len(),
            Self::Domains(domains) => domains.listed.ends.len(),
        }
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first entry for which `holds` is true; looks at all of them, for tests of a list when it is loaded. Zones of
    /// domains have another form and are passed over.
    pub fn find_entry(&self, holds: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        match self {
            Self::Sorted(sorted) => (0..sorted.ends.len()).map(|at| sorted.entry(at)).find(|entry| holds(entry)),
            Self::Cdb(cdb) => cdb.iter().map(|(key, _)| key).find(|entry| holds(entry)),
            Self::Domains(_) => None,
        }
    }
}

/// A key as the name in a zone.
fn domain(key: &[u8]) -> &[u8] {
    key.strip_prefix(b"@").unwrap_or(key)
}

/// Sorted texts: their bytes end to end, and where each ends. Four bytes an entry beyond the text itself.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    text: Bytes,
    ends: Box<[u32]>,
}

// Offsets are 32 bits wide: no file that is read, nor the longest list in a configuration, holds more.
const _: () = assert!(Build::FILE_OCTETS_MAX < u32::MAX as u64);

impl Sorted {
    /// Folds ASCII letters to lower case, sorts, drops doubles.
    pub fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut folded: Vec<u8> = Vec::new();
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for text in texts {
            let start = offset(folded.len());
            folded.extend(text.iter().map(u8::to_ascii_lowercase));
            spans.push((start, offset(folded.len())));
        }
        let text_of = |&(start, end): &(u32, u32)| &folded[start as usize..end as usize];
        spans.sort_unstable_by(|a, b| text_of(a).cmp(text_of(b)));
        spans.dedup_by(|a, b| text_of(a) == text_of(b));
        let mut text = Vec::with_capacity(folded.len());
        let mut ends = Vec::with_capacity(spans.len());
        for span in &spans {
            text.extend_from_slice(text_of(span));
            ends.push(offset(text.len()));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// Is it there? `key` is in lower case.
    pub fn contains(&self, key: &[u8]) -> bool {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle).cmp(key) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }

    fn entry(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Several sources of keys that count as one list: what the configuration names, and a file. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct KeyList(Vec<Arc<Keys>>);

impl KeyList {
    /// One list of several sources.
    pub fn new(sources: Vec<Arc<Keys>>) -> Self {
        Self(sources.into_iter().filter(|keys| !keys.is_empty()).collect())
    }

    /// Is it in one of them? `key` is in lower case.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.0.iter().any(|keys| keys.contains(key))
    }

    /// The first of several keys that is in one of them, each source on its own: where a source has an exception for one
    /// key, those behind it are not found there.
    pub fn first<'k>(&self, keys: impl Iterator<Item = &'k [u8]> + Clone) -> Option<&'k [u8]> {
        let in_one = |source: &Arc<Keys>| {
            let mut numbered = keys.clone().enumerate();
            let (at, key) = numbered.find(|(_, key)| source.contains(key) || source.excludes(key))?;
            (!source.excludes(key)).then_some((at, key))
        };
        self.0.iter().filter_map(in_one).min_by_key(|(at, _)| *at).map(|(_, key)| key)
    }

    /// Entries over all sources.
    pub fn len(&self) -> usize {
        self.0.iter().map(|keys| keys.len()).sum()
    }

    /// No entries at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first entry for which `holds` is true; looks at all of them, for tests of a list when it is loaded. Zones of
    /// domains have another form and are passed over.
    pub fn find_entry(&self, holds: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
        self.0.iter().find_map(|keys| keys.find_entry(&holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn sorted_texts_answer_like_a_set(
            texts in proptest::collection::vec("[aAb.]{0,4}", 0..40), asked in "[ab.]{0,4}",
        ) {
            let sorted = Sorted::new(texts.iter().map(String::as_bytes));
            let set: BTreeSet<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
            prop_assert_eq!(sorted.ends.len(), set.len());
            prop_assert_eq!(sorted.contains(asked.as_bytes()), set.contains(&asked));
            for text in &set {
                prop_assert!(sorted.contains(text.as_bytes()));
            }
        }
    }
}
