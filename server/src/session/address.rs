//! How do client strings become addresses? The only parsers of them; checks never split a string themselves.

use bytes::Bytes;
use std::net::{IpAddr, Ipv6Addr};

/// An envelope address after the mail server's parsing: unquoted, without brackets; any byte but NUL and LF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    raw: Bytes,
    lower: Bytes,
}

impl Address {
    /// Octets looked at: qmail's own limit (`addrparse`, 900 with its NUL). Longer ones are cut here.
    pub const OCTETS_MAX: usize = 900;

    /// Takes the address as the mail server gave it. Empty is the null sender.
    pub fn new(raw: Bytes) -> Self {
        let raw = if raw.len() > Self::OCTETS_MAX { raw.slice(..Self::OCTETS_MAX) } else { raw };
        let lower =
            if raw.iter().any(u8::is_ascii_uppercase) { Bytes::from(raw.to_ascii_lowercase()) } else { raw.clone() };
        Self { raw, lower }
    }

    /// As given.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// ASCII letters in lower case; qmail compares whole addresses this way, local part included.
    pub fn lower(&self) -> &[u8] {
        &self.lower
    }

    /// The null sender `<>`.
    pub fn is_null(&self) -> bool {
        self.raw.is_empty()
    }

    /// Where the last `@` stands.
    fn at(&self) -> Option<usize> {
        self.lower.iter().rposition(|&byte| byte == b'@')
    }

    /// Before the last `@`, lower case; all of it if there is none.
    pub fn local_part(&self) -> &[u8] {
        &self.lower[..self.at().unwrap_or(self.lower.len())]
    }

    /// After the last `@`, lower case; `None` if there is no `@`.
    pub fn domain(&self) -> Option<Domain<'_>> {
        self.at().map(|at| Domain(&self.lower[at + 1..]))
    }
}

/// A domain in lower case, as part of an address; not checked for DNS syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain<'a>(pub &'a [u8]);

impl<'a> Domain<'a> {
    /// Every suffix that starts at a dot, longest first: `a.b.c` gives `.b.c`, `.c`. qmail's `.dom` lines match these.
    pub fn dot_suffixes(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let bytes = self.0;
        bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'.').map(move |(at, _)| &bytes[at..])
    }
}

/// Reads a textual address; an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is IPv4. A zone (`%eth0`) is ignored.
pub fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    // 45 octets hold the longest IPv6 text (RFC 4291 §2.2); a zone name may follow.
    const OCTETS_MAX: usize = 80;
    if text.len() > OCTETS_MAX {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let text = text.split_once('%').map_or(text, |(address, _zone)| address);
    match text.parse().ok()? {
        IpAddr::V6(v6) => Some(unmapped(v6)),
        v4 => Some(v4),
    }
}

fn unmapped(v6: Ipv6Addr) -> IpAddr {
    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_at_and_folds_case() {
        let address = Address::new(Bytes::from_static(b"A@b@Example.COM"));
        assert_eq!(address.local_part(), b"a@b");
        assert_eq!(address.domain(), Some(Domain(b"example.com")));
        assert_eq!(address.raw(), b"A@b@Example.COM");
        assert!(Address::new(Bytes::new()).is_null());
        assert_eq!(Address::new(Bytes::from_static(b"root")).domain(), None);
    }

    #[test]
    fn suffixes_start_at_dots() {
        let found: Vec<_> = Domain(b"a.b.c").dot_suffixes().collect();
        assert_eq!(found, [b".b.c".as_slice(), b".c"]);
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert_eq!(parse_ip(b"::ffff:192.0.2.1"), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(parse_ip(b"fe80::1%eth0"), "fe80::1".parse().ok());
        assert_eq!(parse_ip(b"192.0.2.1\0"), None);
        assert_eq!(parse_ip(&[b'1'; 200]), None);
    }
}
