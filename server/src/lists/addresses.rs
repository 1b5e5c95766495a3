//! Does a list name this address? qmail's matcher: the whole address, `@host`, and with wildcards `.suffix`.

use super::{KeyList, Keys, keys::Sorted};
use crate::session::Address;
use std::sync::Arc;

/// A list of addresses, in the forms of `control/badmailfrom`.
///
/// `user@host` matches that address, `@host` all addresses at the host, but none at its subdomains. `.suffix` (Tom
/// Clegg's patch) matches all subdomains of the suffix, but not the suffix itself: `.example.com` covers
/// `u@a.b.example.com`, not `u@example.com`. ASCII letters match in either case, on both sides, local part included.
#[derive(Clone, Debug, Default)]
pub struct AddressList {
    keys: KeyList,
    wildcard: bool,
}

impl AddressList {
    /// A list; `wildcard` = lines such as `.suffix` count.
    pub fn new(keys: KeyList, wildcard: bool) -> Self {
        Self { keys, wildcard }
    }

    /// A list of one entry, with wildcards.
    pub fn of(entry: &str) -> Self {
        let sorted = Sorted::new(Some(entry.as_bytes()).filter(|entry| !entry.is_empty()).into_iter());
        Self::new(KeyList::new(vec![Arc::new(Keys::Sorted(sorted))]), true)
    }

    /// The entry that covers the address, if there is one. Nothing covers the null sender.
    pub fn find<'a>(&self, address: &'a Address) -> Option<&'a [u8]> {
        if self.keys.is_empty() || address.is_null() {
            return None;
        }
        let whole = address.lower();
        let Some(domain) = address.domain() else {
            return self.keys.first(std::iter::once(whole));
        };
        let at_host = &whole[whole.len() - domain.0.len() - 1..];
        // At most as many suffixes as an address has octets: Address::OCTETS_MAX.
        let suffixes = domain.dot_suffixes().filter(|_| self.wildcard);
        self.keys.first([whole, at_host].into_iter().chain(suffixes))
    }

    /// An entry that covers no usual address: its author most likely meant another form. One line for a warning.
    pub fn find_useless(&self) -> Option<String> {
        let bare = self.keys.find_entry(|entry| !entry.contains(&b'@') && !entry.starts_with(b"."));
        let suffix = self.keys.find_entry(|entry| entry.starts_with(b".") && !self.wildcard);
        let shown =
            |entry: &[u8]| entry.escape_ascii().take(Self::SHOWN_OCTETS_MAX).map(char::from).collect::<String>();
        let bare = bare.map(shown).map(|entry| {
            format!("\"{entry}\" has no @: it covers only an address without a domain: expected @{entry} for a domain")
        });
        let suffix =
            || suffix.map(shown).map(|entry| format!("\"{entry}\" covers nothing: suffixes do not count here"));
        bare.or_else(suffix)
    }

    /// Octets of an entry that a warning shows.
    const SHOWN_OCTETS_MAX: usize = 100;

    /// Entries.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn found(entry: &str, wildcard: bool, address: &str) -> bool {
        list(&[entry], wildcard).find(&Address::new(Bytes::copy_from_slice(address.as_bytes()))).is_some()
    }

    #[test]
    fn matches_as_qmail_does() {
        for (entry, address, expected) in [
            ("u@x.example", "u@x.example", true),
            ("U@X.Example", "u@x.eXAMPLE", true),
            ("u@x.example", "v@x.example", false),
            ("@x.example", "u@x.example", true),
            ("@x.example", "@x.example", true),
            ("@x.example", "u@sub.x.example", false),
            ("@x.example", "u@y@x.example", true),
            ("@y@x.example", "u@y@x.example", false),
            ("x.example", "u@x.example", false),
            ("root", "root", true),
            ("@root", "root", false),
            ("@", "u@", true),
        ] {
            assert_eq!(found(entry, false, address), expected, "{entry} against {address}");
        }
    }

    #[test]
    fn suffixes_cover_subdomains_and_not_the_domain_itself() {
        for (entry, address, expected) in [
            (".example.com", "u@a.example.com", true),
            (".example.com", "u@a.b.Example.com", true),
            (".example.com", "u@example.com", false),
            (".example.com", "u@badexample.com", false),
            (".com", "u@example.com", true),
            (".example.com", "u.example.com@elsewhere.example", false),
            (".", "u@a.", true),
        ] {
            assert_eq!(found(entry, true, address), expected, "{entry} against {address}");
            assert!(!found(entry, false, address), "{entry} without wildcards");
        }
    }

    fn list(entries: &[&str], wildcard: bool) -> AddressList {
        let sorted = Sorted::new(entries.iter().map(|entry| entry.as_bytes()));
        AddressList::new(KeyList::new(vec![Arc::new(Keys::Sorted(sorted))]), wildcard)
    }

    #[test]
    fn entries_in_the_wrong_form_are_found() {
        assert_eq!(list(&["@a.example", "b@a.example", ".a.example"], true).find_useless(), None);
        let bare = list(&["a.example"], true).find_useless().expect("a warning");
        assert!(bare.contains("expected @a.example"), "{bare}");
        let suffix = list(&[".a.example"], false).find_useless().expect("a warning");
        assert!(suffix.contains("covers nothing"), "{suffix}");
    }

    #[test]
    fn nothing_covers_the_null_sender() {
        for entry in ["", "@", ".", "<>"] {
            assert!(!found(entry, true, ""), "{entry}");
        }
    }
}
