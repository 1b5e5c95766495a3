//! What did the client say in HELO: a host's name, an address literal, a bare address, or something that is neither?

use crate::{ask::host_name, session::parse_ip};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An argument of HELO or EHLO, read by RFC 5321 §4.1.1.1 and §4.1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
    /// An address without brackets.
    BareAddress(IpAddr),
    /// Lower case, without a final dot.
    Name(String),
    /// Neither domain nor literal, and why.
    Malformed(&'static str),
}

impl Form {
    /// Reads any bytes.
    pub(super) fn of(text: &[u8]) -> Self {
        if let Some(rest) = text.strip_prefix(b"[") {
            let address = rest.strip_suffix(b"]").and_then(literal);
            return address.map_or(Self::Malformed("no address literal"), Self::Literal);
        }
        if let Some(ip) = parse_ip(text) {
            return Self::BareAddress(ip);
        }
        match host_name(text) {
            // No top-level domain is a number (RFC 3696 §2), so that nothing but an address ends in one.
            Some(name) if ends_in_number(&name) => Self::Malformed("neither name nor address"),
            Some(name) => Self::Name(name),
            None if text.is_empty() => Self::Malformed("nothing"),
            None => Self::Malformed("no host name"),
        }
    }
}

fn ends_in_number(name: &str) -> bool {
    let (rest, last) = name.rsplit_once('.').unwrap_or(("", name));
    !rest.is_empty() && last.bytes().all(|octet| octet.is_ascii_digit())
}

fn literal(text: &[u8]) -> Option<IpAddr> {
    const TAG: &[u8] = b"IPv6:";
    let text = std::str::from_utf8(text).ok()?;
    match text.split_at_checked(TAG.len()) {
        Some((tag, rest)) if tag.as_bytes().eq_ignore_ascii_case(TAG) => {
            let v6: Ipv6Addr = rest.parse().ok()?;
            Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4))
        }
        _ => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn names_and_literals_are_read() {
        for (text, form) in [
            ("mx.Example.", Form::Name("mx.example".to_owned())),
            ("friend", Form::Name("friend".to_owned())),
            ("WIN_SERVER.example", Form::Name("win_server.example".to_owned())),
            ("1234", Form::Name("1234".to_owned())),
            ("4.example", Form::Name("4.example".to_owned())),
            ("[192.0.2.1]", Form::Literal(ip("192.0.2.1"))),
            ("[IPv6:2001:db8::1]", Form::Literal(ip("2001:db8::1"))),
            ("[ipv6:2001:DB8::1]", Form::Literal(ip("2001:db8::1"))),
            ("[IPv6:::ffff:192.0.2.1]", Form::Literal(ip("192.0.2.1"))),
            ("192.0.2.1", Form::BareAddress(ip("192.0.2.1"))),
            ("2001:db8::1", Form::BareAddress(ip("2001:db8::1"))),
        ] {
            assert_eq!(Form::of(text.as_bytes()), form, "{text}");
        }
    }

    #[test]
    fn all_else_is_malformed() {
        for text in [
            "",
            ".",
            "a..b",
            "a b",
            "-a.example",
            "caf\u{e9}.example",
            "192.0.2",
            "192.0.2.300",
            "192.0.2.01",
            "[]",
            "[192.0.2.1",
            "[192.0.2]",
            "[192.0.2.1] ",
            "[mx.example]",
            "[2001:db8::1]",
            "[IPv6:192.0.2.1]",
            "[IPv6:]",
            "192.0.2.1]",
            "<mx.example>",
            "ann@mx.example",
            "mx.example:25",
        ] {
            assert!(matches!(Form::of(text.as_bytes()), Form::Malformed(_)), "{text}: {:?}", Form::of(text.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn literals_of_all_addresses_are_read(v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>()) {
            let v4 = IpAddr::from(v4);
            prop_assert_eq!(Form::of(format!("[{v4}]").as_bytes()), Form::Literal(v4));
            prop_assert_eq!(Form::of(v4.to_string().as_bytes()), Form::BareAddress(v4));
            let v6 = Ipv6Addr::from(v6);
            prop_assume!(v6.to_ipv4_mapped().is_none());
            prop_assert_eq!(Form::of(format!("[IPv6:{v6}]").as_bytes()), Form::Literal(v6.into()));
        }

        #[test]
        fn any_bytes_are_something(text in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Form::Name(name) = Form::of(&text) {
                prop_assert_eq!(Form::of(name.as_bytes()), Form::Name(name.clone()));
            }
        }
    }
}
