//! How does a name that was written down become one of ours again? Names of checks, rules and the like are `&'static`:
//! those of this release are found, those of another are kept for the life of the process, up to a bound.

use crate::{
    checks,
    dns_lists::health::Cause,
    pipeline::degraded,
    state::octets::{Reader, Writer},
};
use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Longest name in octets.
const WORD_OCTETS_MAX: usize = 64;

/// Names of other releases that are kept: more than all checks with all rules have.
const FOREIGN_MAX: usize = 512;

/// In place of those beyond the bound.
const OTHER: &str = "other";

/// Shelves on which the names of this release stand: a record has twenty, so that one must be found in a few nanoseconds.
const SHELVES: usize = 256;

static OURS: LazyLock<Vec<Vec<&'static str>>> = LazyLock::new(|| {
    let of_checks =
        checks::ALL.iter().flat_map(|def| std::iter::once(def.name).chain(def.rules.iter().map(|rule| rule.name)));
    let steps = ["", "rcpthosts", "score", "exempt", "relay", "trusted_client"];
    let spf = ["none", "neutral", "pass", "fail", "softfail", "error", "unknown"];
    let causes = Cause::ALL.iter().map(|cause| cause.name());
    let mut shelves = vec![Vec::new(); SHELVES];
    for word in of_checks.chain(steps).chain(spf).chain(causes).chain(degraded::ALL) {
        let on: &mut Vec<&str> = &mut shelves[shelf(word)];
        if !on.contains(&word) {
            on.push(word);
        }
    }
    shelves
});

/// By length, first and last octet.
fn shelf(word: &str) -> usize {
    let octet = |octet: Option<&u8>| octet.map_or(0, |&octet| usize::from(octet));
    let octets = word.as_bytes();
    (octets.len() + 5 * octet(octets.first()) + 11 * octet(octets.last())) % SHELVES
}

static FOREIGN: LazyLock<Mutex<Foreign>> = LazyLock::new(Mutex::default);

/// Names of other releases.
#[derive(Default)]
struct Foreign(HashSet<&'static str>);

impl Foreign {
    fn kept(&mut self, text: &str) -> &'static str {
        if let Some(known) = self.0.get(text) {
            return known;
        }
        if self.0.len() >= FOREIGN_MAX {
            return OTHER;
        }
        let kept: &'static str = text.to_owned().leak();
        self.0.insert(kept);
        kept
    }
}

pub(super) fn write(out: &mut Writer, word: &str) {
    out.text(word);
}

pub(super) fn read(from: &mut Reader<'_>) -> Option<&'static str> {
    let text = from.text(WORD_OCTETS_MAX)?;
    let foreign = || FOREIGN.lock().unwrap_or_else(PoisonError::into_inner).kept(text);
    Some(OURS[shelf(text)].iter().find(|&&ours| ours == text).copied().unwrap_or_else(foreign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(word: &str) -> Option<&'static str> {
        let mut out = Writer::new(1);
        write(&mut out, word);
        read(&mut Reader::new(&out.finish(), 1)?)
    }

    #[test]
    fn names_come_back_whichever_release_gave_them() {
        for word in ["", "rbl", "listed", "rcpthosts", "deadline", "a_check_of_another_release"] {
            assert_eq!(round(word), Some(word));
        }
        assert_eq!(round(&"x".repeat(WORD_OCTETS_MAX + 1)), None);
    }

    #[test]
    fn names_of_other_releases_are_bounded() {
        let mut foreign = Foreign::default();
        (0..FOREIGN_MAX * 2).for_each(|number| _ = foreign.kept(&format!("w{number}")));
        assert_eq!((foreign.0.len(), foreign.kept("w1"), foreign.kept("one_more")), (FOREIGN_MAX, "w1", OTHER));
    }
}
