//! Who asks to be believed? The client's address, the identity it uses, and what macros may say of both.

use super::{domain::folded, limits::INPUT_OCTETS_MAX};
use std::net::IpAddr;

/// In place of a local part that is not there (RFC 7208 §4.3).
const POSTMASTER: &[u8] = b"postmaster";

/// The arguments of check_host() (RFC 7208 §4.1), and the HELO argument for `%{h}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The client's address; an IPv4-mapped one is IPv4.
    pub ip: IpAddr,
    /// Local part, domain and HELO argument, one behind the other: one piece of memory, for each session makes several.
    text: Box<[u8]>,
    local_part: u16,
    domain: u16,
}

impl Query {
    /// The identity "MAIL FROM" (RFC 7208 §2.4). The null sender, and one without a domain, is `postmaster` at the HELO
    /// name.
    pub fn mail_from(ip: IpAddr, sender: &[u8], helo: &[u8]) -> Self {
        match sender.iter().rposition(|&octet| octet == b'@') {
            Some(at) if at + 1 < sender.len() => Self::new(ip, &sender[..at], &sender[at + 1..], helo),
            _ => Self::helo_name(ip, helo),
        }
    }

    /// The identity "HELO" (RFC 7208 §2.3).
    pub fn helo_name(ip: IpAddr, helo: &[u8]) -> Self {
        Self::new(ip, POSTMASTER, helo, helo)
    }

    /// By its parts as they were handed out, an absent domain as the empty one. Nothing is folded or filled in once more.
    pub fn restored(ip: IpAddr, local_part: &[u8], domain: &[u8], helo: &[u8]) -> Self {
        let (local_part, domain, helo) = (cut(local_part), cut(domain), cut(helo));
        let text = [local_part, domain, helo].concat().into_boxed_slice();
        let octets = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX);
        Self { ip, local_part: octets(local_part), domain: octets(domain), text }
    }

    fn new(ip: IpAddr, local_part: &[u8], domain: &[u8], helo: &[u8]) -> Self {
        let local_part = if local_part.is_empty() { POSTMASTER } else { cut(local_part) };
        let (domain, helo) = (folded(domain).unwrap_or_default(), cut(helo));
        let text = [local_part, domain.as_bytes(), helo].concat().into_boxed_slice();
        let octets = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX);
        Self { ip: ip.to_canonical(), local_part: octets(local_part), domain: octets(domain.as_bytes()), text }
    }

    /// The local part of `<sender>`.
    pub fn local_part(&self) -> &[u8] {
        &self.text[..usize::from(self.local_part)]
    }

    /// The domain of `<sender>`, which is also `<domain>`; `None` = there is none that could have a record.
    pub fn domain(&self) -> Option<&str> {
        let start = usize::from(self.local_part);
        let domain = &self.text[start..start + usize::from(self.domain)];
        std::str::from_utf8(domain).ok().filter(|domain| !domain.is_empty())
    }

    /// The HELO argument as the client gave it.
    pub fn helo(&self) -> &[u8] {
        &self.text[usize::from(self.local_part) + usize::from(self.domain)..]
    }

    /// `<sender>`: `local-part@domain`.
    pub fn sender(&self) -> Vec<u8> {
        [self.local_part(), b"@", self.domain().unwrap_or_default().as_bytes()].concat()
    }
}

fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(INPUT_OCTETS_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_without_a_domain_are_postmaster_at_the_helo_name() {
        let ip = IpAddr::from([192, 0, 2, 1]);
        for (sender, helo, expected) in [
            ("ann@Example.org", "mx.example", "ann@example.org"),
            ("\"a@b\"@example.org", "mx.example", "\"a@b\"@example.org"),
            ("@example.org", "mx.example", "postmaster@example.org"),
            ("", "mx.example", "postmaster@mx.example"),
            ("ann", "mx.example", "postmaster@mx.example"),
            ("ann@", "mx.example", "postmaster@mx.example"),
            ("", "[192.0.2.1]", "postmaster@"),
        ] {
            let query = Query::mail_from(ip, sender.as_bytes(), helo.as_bytes());
            assert_eq!(String::from_utf8_lossy(&query.sender()), expected);
        }
    }

    #[test]
    fn its_parts_come_out_as_they_went_in() {
        let query = Query::mail_from(IpAddr::from([192, 0, 2, 1]), b"Ann@D.Example", b"[x]");
        assert_eq!((query.local_part(), query.domain(), query.helo()), (&b"Ann"[..], Some("d.example"), &b"[x]"[..]));
        let query = Query::helo_name(IpAddr::from([192, 0, 2, 1]), &[b'x'; 9_000]);
        assert_eq!((query.domain(), query.helo().len()), (None, INPUT_OCTETS_MAX));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        assert_eq!(Query::helo_name(mapped, b"mx.example").ip, IpAddr::from([192, 0, 2, 1]));
    }
}
