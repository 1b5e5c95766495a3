//! Who asks to be believed? The client's address, the identity it uses, and what macros may say of both.

use super::{domain::mail_domain, limits::INPUT_OCTETS_MAX};
use std::{net::IpAddr, sync::Arc};

/// In place of a local part that is not there (RFC 7208 §4.3).
const POSTMASTER: &[u8] = b"postmaster";

/// The arguments of check_host() (RFC 7208 §4.1), and the HELO argument for `%{h}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    /// The client's address; an IPv4-mapped one is IPv4.
    pub ip: IpAddr,
    /// The local part of `<sender>`.
    pub local_part: Arc<[u8]>,
    /// The domain of `<sender>`, which is also `<domain>`; `None` = there is none that could have a record.
    pub domain: Option<Arc<str>>,
    /// As the client gave it.
    pub helo: Arc<[u8]>,
}

impl Query {
    /// The identity "MAIL FROM" (RFC 7208 §2.4). The null sender, and one without a domain, is `postmaster` at the HELO
    /// name.
    pub fn mail_from(ip: IpAddr, sender: &[u8], helo: &[u8]) -> Self {
        match sender.iter().rposition(|&octet| octet == b'@') {
            Some(at) if at + 1 < sender.len() => Self::new(ip, &sender[..at], &sender[at + 1..], helo),
            _ => Self::helo(ip, helo),
        }
    }

    /// The identity "HELO" (RFC 7208 §2.3).
    pub fn helo(ip: IpAddr, helo: &[u8]) -> Self {
        Self::new(ip, POSTMASTER, helo, helo)
    }

    fn new(ip: IpAddr, local_part: &[u8], domain: &[u8], helo: &[u8]) -> Self {
        let cut = |text: &[u8]| -> Arc<[u8]> { text[..text.len().min(INPUT_OCTETS_MAX)].into() };
        let local_part = if local_part.is_empty() { POSTMASTER } else { local_part };
        Self { ip: ip.to_canonical(), local_part: cut(local_part), domain: mail_domain(domain), helo: cut(helo) }
    }

    /// `<sender>`: `local-part@domain`.
    pub fn sender(&self) -> Vec<u8> {
        let domain = self.domain.as_deref().unwrap_or_default();
        [&self.local_part[..], b"@", domain.as_bytes()].concat()
    }
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
    fn mapped_addresses_are_ipv4() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        assert_eq!(Query::helo(mapped, b"mx.example").ip, IpAddr::from([192, 0, 2, 1]));
    }
}
