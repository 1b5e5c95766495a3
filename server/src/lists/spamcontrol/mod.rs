//! Does a list in SpamControl's dialect name this address? Patterns in order, the last one that matches decides.
//!
//! `pattern` lists, `!pattern` excepts what earlier lines list, `?pattern` excepts for good. A sign at the end restricts:
//! `pattern-` holds for clients whose host name is unknown, `domain=` for clients whose host is not of that domain,
//! `domain+` for clients that may not relay. `~host` looks at the client's host name instead of the address. A pattern
//! without `*`, `?`, `[` and `\` is an address or `@host`, as in qmail.

mod wildmat;

use super::reachable::{names_postmaster, unreachable};
use crate::session::Address;
use std::sync::Arc;

/// A list in this dialect.
#[derive(Clone, Debug, Default)]
pub struct SpamControlList(Vec<Entry>);

/// What the signs look at besides the address.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The client's host name as the mail server found it.
    pub host: Option<&'a [u8]>,
    /// The client may relay.
    pub may_relay: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    /// As written.
    text: Box<[u8]>,
    /// Without its signs, in lower case.
    pattern: Box<[u8]>,
    is_wild: bool,
    sign: Sign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    None,
    Exception,
    ExceptionForGood,
    HostUnknown,
    HostElsewhere,
    NoRelay,
    Host,
}

impl SpamControlList {
    /// Entries of one list: every sender is compared with all of them.
    pub const ENTRIES_MAX: usize = 10_000;
    /// Octets of all patterns with wildcards together: so many times an address's length is the work for one of them.
    pub const WILD_OCTETS_MAX: usize = 32_768;

    /// Takes entries in the order of the file, the least significant first. The error says what there is too much of.
    pub fn new<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Result<Self, String> {
        let entries: Vec<Entry> = texts.take(Self::ENTRIES_MAX + 1).map(Entry::read).collect();
        if entries.len() > Self::ENTRIES_MAX {
            return Err(format!("more than {} entries: expected fewer in this dialect", Self::ENTRIES_MAX));
        }
        let wild: usize = entries.iter().filter(|entry| entry.is_wild).map(|entry| entry.pattern.len()).sum();
        if wild > Self::WILD_OCTETS_MAX {
            return Err(format!("{wild} bytes of patterns: expected at most {}", Self::WILD_OCTETS_MAX));
        }
        Ok(Self(entries))
    }

    /// The entry that lists the address, as written, over several lists, the later ones being the more significant. Nothing
    /// lists the null sender.
    pub fn find<'a>(lists: &'a [Arc<Self>], address: &Address, standing: Standing<'_>) -> Option<&'a [u8]> {
        if address.is_null() {
            return None;
        }
        let host = standing.host.map(<[u8]>::to_ascii_lowercase);
        let host = host.as_deref().filter(|host| !host.is_empty() && *host != b"unknown");
        let mut listed = None;
        let entries = lists.iter().flat_map(|list| &list.0);
        for entry in entries.filter(|entry| entry.holds(address, host, standing.may_relay)) {
            match entry.sign {
                Sign::ExceptionForGood => return None,
                Sign::Exception => listed = None,
                _ => listed = Some(&entry.text[..]),
            }
        }
        listed
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses a list with an entry that lists postmaster or abuse at one of our `domains`, or plain postmaster, by name.
    pub fn postmaster_stays_reachable(&self, domains: &[String]) -> Result<(), String> {
        let lists = |entry: &&Entry| !matches!(entry.sign, Sign::Exception | Sign::ExceptionForGood | Sign::Host);
        let mut named = self.0.iter().filter(lists).filter(|entry| names_postmaster(&entry.pattern, domains));
        named.next().map_or(Ok(()), |entry| Err(unreachable(&entry.text)))
    }
}

impl Entry {
    fn read(text: &[u8]) -> Self {
        let (sign, pattern) = match text {
            [b'!', pattern @ ..] => (Sign::Exception, pattern),
            [b'?', pattern @ ..] => (Sign::ExceptionForGood, pattern),
            [b'~', pattern @ ..] => (Sign::Host, pattern),
            [pattern @ .., b'-'] => (Sign::HostUnknown, pattern),
            [pattern @ .., b'='] => (Sign::HostElsewhere, pattern),
            [pattern @ .., b'+'] => (Sign::NoRelay, pattern),
            pattern => (Sign::None, pattern),
        };
        let mut pattern = pattern.to_ascii_lowercase();
        let is_wild = pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'));
        // These are about domains: the @ may be left out.
        if matches!(sign, Sign::HostElsewhere | Sign::NoRelay) && !is_wild && !pattern.contains(&b'@') {
            pattern.insert(0, b'@');
        }
        Self { text: text.into(), pattern: pattern.into(), is_wild, sign }
    }

    fn holds(&self, address: &Address, host: Option<&[u8]>, may_relay: bool) -> bool {
        match self.sign {
            Sign::Host => host.is_some_and(|host| self.is_of(&self.pattern, host)),
            _ if !self.matches(address) => false,
            Sign::None | Sign::Exception | Sign::ExceptionForGood => true,
            Sign::HostUnknown => host.is_none(),
            Sign::HostElsewhere => !host.is_some_and(|host| self.is_of(self.domain(), host)),
            Sign::NoRelay => !may_relay,
        }
    }

    fn matches(&self, address: &Address) -> bool {
        match &self.pattern[..] {
            pattern if self.is_wild => wildmat::matches(pattern, address.lower()),
            [b'@', host @ ..] if address.domain().is_some_and(|domain| domain.0 == host) => true,
            pattern => address.lower() == pattern,
        }
    }

    fn domain(&self) -> &[u8] {
        let at = self.pattern.iter().rposition(|&byte| byte == b'@').map_or(0, |at| at + 1);
        &self.pattern[at..]
    }

    /// Is the host the domain itself, or below it?
    fn is_of(&self, domain: &[u8], host: &[u8]) -> bool {
        if self.is_wild {
            return wildmat::matches(domain, host);
        }
        let domain = domain.strip_prefix(b".").unwrap_or(domain);
        let rest = host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(lines: &[&str], address: &str, host: Option<&str>, may_relay: bool) -> Option<String> {
        let list = SpamControlList::new(lines.iter().map(|line| line.as_bytes())).expect("a list");
        let standing = Standing { host: host.map(str::as_bytes), may_relay };
        let address = Address::new(address.to_owned().into());
        SpamControlList::find(&[Arc::new(list)], &address, standing)
            .map(|entry| String::from_utf8_lossy(entry).into_owned())
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let sample = ["*", "!", "!*@*.*", "*%*"];
        for (lines, address, expected) in [
            (&sample[..], "root", Some("*")),
            (&sample, "u@x.test", None),
            (&sample, "u%y@x.test", Some("*%*")),
            (&sample, "", None),
            (&["*@X.test", "!Good@x.test"], "u@x.test", Some("*@X.test")),
            (&["*@x.test", "!good@x.test"], "GOOD@x.test", None),
            (&["!good@x.test", "*@x.test"], "good@x.test", Some("*@x.test")),
            (&["?good@x.test", "*@x.test"], "good@x.test", None),
            (&["@x.test"], "u@x.test", Some("@x.test")),
            (&["@x.test"], "u@a.x.test", None),
            (&["u@x.test"], "U@x.test", Some("u@x.test")),
            (&["x.test"], "u@x.test", None),
        ] {
            assert_eq!(find(lines, address, None, false).as_deref(), expected, "{lines:?} against {address}");
        }
    }

    #[test]
    fn signs_look_at_the_client() {
        let (home, away) = (Some("mx.bank.test"), Some("mx.evil.test"));
        for (line, host, may_relay, expected) in [
            ("@bank.test-", None, false, true),
            ("@bank.test-", Some("unknown"), false, true),
            ("@bank.test-", away, false, false),
            ("bank.test=", away, false, true),
            ("@bank.test=", away, false, true),
            ("bank.test=", None, false, true),
            ("bank.test=", home, false, false),
            ("bank.test=", Some("BANK.test"), false, false),
            ("bank.test=", Some("notbank.test"), false, true),
            ("*@*bank.test=", Some("notbank.test"), false, false),
            ("bank.test+", away, false, true),
            ("bank.test+", away, true, false),
            ("~evil.test", away, false, true),
            ("~.evil.test", away, false, true),
            ("~mx.*", away, false, true),
            ("~evil.test", home, false, false),
            ("~*", None, false, false),
        ] {
            assert_eq!(find(&[line], "u@bank.test", host, may_relay).is_some(), expected, "{line} of {host:?}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let new = |line: &str, count: usize| SpamControlList::new(vec![line.as_bytes(); count].into_iter());
        assert!(new("u@x.test", SpamControlList::ENTRIES_MAX).is_ok());
        assert!(new("u@x.test", SpamControlList::ENTRIES_MAX + 1).is_err());
        assert!(new("********", 4096).is_ok());
        assert!(new("********", 4097).is_err());
    }

    #[test]
    fn entries_against_postmaster_are_found() {
        let ours = ["here.test".to_owned()];
        let found = |line: &str| {
            let list = SpamControlList::new(std::iter::once(line.as_bytes())).expect("a list");
            list.postmaster_stays_reachable(&ours).is_err()
        };
        assert!(found("Postmaster@here.test") && found("abuse@here.test-"));
        assert!(!found("!postmaster@here.test") && !found("*@here.test"));
    }
}
