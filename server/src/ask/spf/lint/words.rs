//! Which words does a record have, and which of them are terms? Unlike an evaluation it goes on behind a fault.

use super::super::record::{ParseError, Record, Term, VERSION};

/// A word of a record.
pub(super) struct Word {
    /// As it is written, octets that cannot be shown as `?`.
    pub(super) text: String,
    /// `None` = it is none.
    pub(super) term: Option<Term>,
}

/// The words behind the version, and the faults with their places in `record`.
pub(super) fn read(record: &[u8]) -> (Vec<Word>, Vec<(String, ParseError)>) {
    let (mut words, mut faults) = (Vec::new(), Vec::new());
    let mut at = VERSION.len();
    for word in record.get(at..).unwrap_or_default().split(|&octet| octet == b' ') {
        if !word.is_empty() {
            let text = shown(word);
            let term = match Record::parse_terms(word) {
                Ok(mut terms) => terms.terms.pop(),
                Err(error) => {
                    faults.push((text.clone(), ParseError { at: at + error.at, ..error }));
                    None
                }
            };
            words.push(Word { text, term });
        }
        at += word.len() + 1;
    }
    // What only the whole shows: a second redirect= or exp=.
    if faults.is_empty()
        && let Err(error) = Record::parse(record)
    {
        faults.push((String::new(), error));
    }
    (words, faults)
}

/// A character for each octet.
pub(super) fn shown(octets: &[u8]) -> String {
    octets.iter().map(|&octet| if matches!(octet, b' '..=b'~') { char::from(octet) } else { '?' }).collect()
}
