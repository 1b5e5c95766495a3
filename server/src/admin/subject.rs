//! Whom can an administrator look up in DNS lists? A public address that is not ours, or a domain.

use crate::{ask::is_public, config::Network, session::parse_ip};
use std::net::IpAddr;

/// Longest name of the DNS in text (RFC 1035 §2.3.4).
const NAME_OCTETS_MAX: usize = 253;

/// What is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Address(IpAddr),
    /// Lower case, without the final dot.
    Domain(String),
}

impl Subject {
    /// Reads what somebody typed; `own` are the addresses of our hosts. `Err` is one line.
    pub(super) fn read(text: &str, own: &[Network]) -> Result<Self, String> {
        let text = text.trim();
        let Some(ip) = parse_ip(text.trim_start_matches('[').trim_end_matches(']').as_bytes()) else {
            return domain(text).map(Self::Domain);
        };
        if !is_public(ip) {
            return Err(format!("{ip} is no address of the public Internet: no list is ever asked about it"));
        }
        if own.iter().any(|network| network.contains(ip)) {
            return Err(format!("{ip} is ours ([policy] own_addresses): no list is ever asked about it"));
        }
        Ok(Self::Address(ip))
    }
}

/// A host name of at least two labels (RFC 1123 §2.1), with the underscore that the DNS allows.
fn domain(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    // A number at the end: an address that is none, such as 192.0.2.
    let top = name.rsplit_once('.').is_some_and(|(_, top)| !top.bytes().all(|byte| byte.is_ascii_digit()));
    if name.len() > NAME_OCTETS_MAX || !top || !name.split('.').all(label) {
        let shown: String = text.chars().take(NAME_OCTETS_MAX).collect();
        return Err(format!(
            "\"{shown}\" is neither an address nor a domain: expected such as 192.0.2.1, 2001:db8::1 or mail.example \
             (other letters than a-z as xn--...)"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Subject, String> {
        Subject::read(text, &["203.0.113.0/28".parse().expect("a network")])
    }

    #[test]
    fn addresses_and_domains_are_told_apart() {
        let address = |text: &str| Ok(Subject::Address(text.parse().expect("an address")));
        assert_eq!(read("192.0.2.1"), address("192.0.2.1"));
        assert_eq!(read(" [192.0.2.1] "), address("192.0.2.1"));
        assert_eq!(read("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_eq!(read("2001:db8::1"), address("2001:db8::1"));
        assert_eq!(read("Mail.Example."), Ok(Subject::Domain("mail.example".to_owned())));
        assert_eq!(read("_x.xn--bcher-kva.example"), Ok(Subject::Domain("_x.xn--bcher-kva.example".to_owned())));
    }

    #[test]
    fn nobody_is_asked_about_what_is_not_public() {
        for (text, expected) in [
            ("10.1.2.3", "is no address of the public Internet"),
            ("127.0.0.2", "is no address of the public Internet"),
            ("fe80::1", "is no address of the public Internet"),
            ("203.0.113.7", "is ours"),
            ("", "is neither"),
            ("localhost", "is neither"),
            ("192.0.2", "is neither"),
            ("192.0.2.300", "is neither"),
            ("a..example", "is neither"),
            ("a b.example", "is neither"),
            ("ann@client.example", "is neither"),
            ("b\u{fc}cher.example", "xn--"),
            (&["a"; 130].join("."), "is neither"),
        ] {
            assert!(read(text).is_err_and(|error| error.contains(expected)), "{text}: {:?}", read(text));
        }
    }

    proptest! {
        /// Any text is a subject of the DNS' alphabet, or one line.
        #[test]
        fn any_text_is_read(text in "\\PC{0,40}(\\.[a-z]{1,5})?") {
            match read(&text) {
                Ok(Subject::Domain(name)) => prop_assert!(name.is_ascii() && name.contains('.')),
                Ok(Subject::Address(ip)) => prop_assert!(is_public(ip)),
                Err(error) => prop_assert!(!error.contains('\n')),
            }
        }
    }
}
