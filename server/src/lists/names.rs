//! Does a list name this host? Exact names and `.suffix`, for HELO arguments and client names.

use super::{KeyList, Keys, keys::Sorted};
use crate::session::Domain;
use std::sync::Arc;

/// A list of host names: `mx.example` matches itself, `.example` every name below it, but not `example`.
#[derive(Clone, Debug, Default)]
pub struct NameList(KeyList);

impl NameList {
    /// Longer texts are no host names (RFC 1035 §2.3.4) and match nothing.
    pub const OCTETS_MAX: usize = 255;

    /// A list; its keys are in lower case.
    pub fn new(keys: KeyList) -> Self {
        Self(keys)
    }

    /// A list of these entries, in either case.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a String>) -> Self {
        let entries = entries.into_iter().map(|entry| entry.as_bytes()).filter(|entry| !entry.is_empty());
        Self::new(KeyList::new(vec![Arc::new(Keys::Sorted(Sorted::new(entries)))]))
    }

    /// The entry that covers the name, if there is one. One final dot does not count, nor does case.
    pub fn find(&self, name: &[u8]) -> Option<Vec<u8>> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if self.0.is_empty() || name.is_empty() || name.len() > Self::OCTETS_MAX {
            return None;
        }
        let name = name.to_ascii_lowercase();
        self.0.first(std::iter::once(&name[..]).chain(Domain(&name).dot_suffixes())).map(<[u8]>::to_vec)
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whole_or_by_suffix() {
        let list = NameList::of(&["friend", "[192.0.2.9]", ".Dyn.example", ""].map(str::to_owned));
        for (name, expected) in [
            ("friend", true),
            ("FRIEND.", true),
            ("[192.0.2.9]", true),
            ("a.dyn.example", true),
            ("a.b.DYN.example.", true),
            ("dyn.example", false),
            ("friend.example", false),
            ("", false),
            (".", false),
        ] {
            assert_eq!(list.find(name.as_bytes()).is_some(), expected, "{name}");
        }
        assert!(list.find(&[b'.'; 100_000]).is_none());
    }
}
