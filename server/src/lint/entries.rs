//! What is odd about the entries of a list, whatever it lists? Blanks, remarks, doubles.

use super::{Linter, files::File, shown};
use crate::lists::control;
use std::collections::{HashMap, HashSet};

/// An entry in lower case with its line.
pub(super) type Entry = (usize, Vec<u8>);

impl Linter<'_> {
    /// The entries that can match something; what is odd about the others is told.
    pub(super) fn entries(&mut self, file: &File) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first: HashMap<Vec<u8>, usize> = HashMap::new();
        for entry in control::entries(&file.content) {
            let text = entry.text.to_ascii_lowercase();
            if let Some(wrong) = oddity(entry.text) {
                self.error(&file.path, entry.line, wrong);
            } else if let Some(line) = first.get(&text) {
                self.note(&file.path, entry.line, format!("{} stands in line {line} already", shown(entry.text)));
            } else {
                first.insert(text.clone(), entry.line);
                entries.push((entry.line, text));
            }
        }
        entries
    }

    /// `.dom` covers what is below `dom`, but not `dom` itself: whoever writes one usually means both.
    pub(super) fn look_at_suffixes(&mut self, file: &File, entries: &[Entry], itself: impl Fn(&[u8]) -> Vec<u8>) {
        let all: HashSet<&[u8]> = entries.iter().map(|(_, text)| &text[..]).collect();
        for (line, text) in entries {
            // Nobody has an address at a top-level domain itself.
            let Some(domain) = text.strip_prefix(b".").filter(|domain| domain.contains(&b'.')) else { continue };
            let expected = itself(domain);
            if !all.contains(&expected[..]) {
                let text = format!(
                    "{} does not cover {} itself: expected a line {} too, if that is meant",
                    shown(text),
                    shown(domain),
                    shown(&expected)
                );
                self.warning(&file.path, *line, text);
            }
        }
    }
}

/// Why an entry never matches as it stands.
fn oddity(text: &[u8]) -> Option<String> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    if text.first().is_some_and(blank) {
        return Some(format!("{} begins with a blank and never matches: expected none", shown(text)));
    }
    if text.iter().any(blank) {
        let word = text.split(blank).next().unwrap_or_default();
        return Some(format!(
            "{} holds a blank and never matches, remarks need lines of their own: expected {}",
            shown(text),
            shown(word)
        ));
    }
    None
}
