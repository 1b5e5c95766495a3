//! Whom is a reputation about? An address, a net, a HELO name, a sender domain.

use crate::{config::Network, state::Key};
use std::{fmt, net::IpAddr, str::FromStr};

/// Whoever can earn a reputation. Names are lower case, without a final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A client.
    Ip(IpAddr),
    /// The net of a client.
    Net(Network),
    /// What a client calls itself.
    Helo(Box<str>),
    /// A sender's domain, proven by SPF.
    Domain(Box<str>),
}

impl Subject {
    /// Longest name, in octets: a domain name's.
    pub const NAME_OCTETS_MAX: usize = 255;

    /// A HELO name; `None` = too long, empty, or not printable ASCII: nobody is remembered by that.
    pub fn helo(name: &[u8]) -> Option<Self> {
        named(name).map(Self::Helo)
    }

    /// A sender's domain; `None` as with [`Subject::helo`].
    pub fn domain(name: &[u8]) -> Option<Self> {
        named(name).map(Self::Domain)
    }

    /// The nets of an address that are looked at: /24 of IPv4; /64, /56 and /48 of IPv6.
    pub fn nets_of(ip: IpAddr) -> impl Iterator<Item = Self> {
        let prefixes: &[u8] = if ip.is_ipv4() { &[24] } else { &[64, 56, 48] };
        prefixes.iter().map(move |&prefix| Self::Net(Network::around(ip, prefix)))
    }

    /// What kind, in a word: metric label and command line.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ip(_) => "ip",
            Self::Net(_) => "net",
            Self::Helo(_) => "helo",
            Self::Domain(_) => "domain",
        }
    }
}

fn named(name: &[u8]) -> Option<Box<str>> {
    // All of them, so that what is kept reads back as itself.
    let name = &name[..name.iter().rposition(|&octet| octet != b'.').map_or(0, |last| last + 1)];
    let fits = !name.is_empty() && name.len() <= Subject::NAME_OCTETS_MAX && name.iter().all(u8::is_ascii_graphic);
    fits.then(|| String::from_utf8_lossy(name).to_ascii_lowercase().into_boxed_str())
}

const IP: u8 = b'i';
const NET: u8 = b'n';
const HELO: u8 = b'h';
const DOMAIN: u8 = b'd';

impl Key for Subject {
    const OCTETS_MAX: usize = 1 + Self::NAME_OCTETS_MAX;

    fn octets(&self) -> Vec<u8> {
        let with = |tag: u8, parts: [&[u8]; 2]| [&[tag], parts[0], parts[1]].concat();
        let ip_octets = |tag, ip: &IpAddr, more: &[u8]| match ip {
            IpAddr::V4(v4) => with(tag, [&v4.octets(), more]),
            IpAddr::V6(v6) => with(tag, [&v6.octets(), more]),
        };
        match self {
            Self::Ip(ip) => ip_octets(IP, ip, &[]),
            Self::Net(net) => ip_octets(NET, &net.address, &[net.prefix]),
            Self::Helo(name) => with(HELO, [name.as_bytes(), &[]]),
            Self::Domain(name) => with(DOMAIN, [name.as_bytes(), &[]]),
        }
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        let (&tag, rest) = octets.split_first()?;
        let ip = |octets: &[u8]| match octets.len() {
            4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
            16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
            _ => None,
        };
        let subject = match tag {
            IP => Self::Ip(ip(rest)?),
            NET => {
                let (&prefix, address) = rest.split_last()?;
                Self::Net(Network { address: ip(address)?, prefix })
            }
            HELO => Self::helo(rest)?,
            DOMAIN => Self::domain(rest)?,
            _ => return None,
        };
        (subject.octets() == octets).then_some(subject)
    }

    fn heap_octets(&self) -> usize {
        match self {
            Self::Ip(_) | Self::Net(_) => 0,
            // What an allocator gives at least, and rounds up to.
            Self::Helo(name) | Self::Domain(name) => (name.len() + 8).max(24).next_multiple_of(16),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Net(net) => write!(f, "{net}"),
            Self::Helo(name) => write!(f, "helo:{name}"),
            Self::Domain(name) => write!(f, "domain:{name}"),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    /// As it is displayed; a bare name is a sender's domain.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is nobody: expected an address, a net such as 192.0.2.0/24, a sender's domain or helo:NAME"
            )
        };
        if let Some(name) = text.strip_prefix("helo:") {
            return Self::helo(name.as_bytes()).ok_or_else(wrong);
        }
        if let Some(name) = text.strip_prefix("domain:") {
            return Self::domain(name.as_bytes()).ok_or_else(wrong);
        }
        if text.contains('/') {
            return text.parse().map(Self::Net);
        }
        match crate::session::parse_ip(text.as_bytes()) {
            Some(ip) => Ok(Self::Ip(ip)),
            None if text.contains(':') => Err(wrong()),
            None => Self::domain(text.as_bytes()).ok_or_else(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::state) fn any_subject() -> impl Strategy<Value = Subject> {
        prop_oneof![
            any::<IpAddr>()
                .prop_map(|ip| Subject::Ip(crate::session::parse_ip(ip.to_string().as_bytes()).unwrap_or(ip))),
            any::<(IpAddr, u8)>().prop_map(|(ip, prefix)| Subject::Net(Network::around(ip, prefix % 33))),
            "[!-~]{1,40}".prop_filter_map("a name", |name| Subject::helo(name.as_bytes())),
            "[a-z0-9.-]{1,60}".prop_filter_map("a name", |name| Subject::domain(name.as_bytes())),
        ]
    }

    proptest! {
        #[test]
        fn octets_and_text_are_the_subject(subject in any_subject()) {
            prop_assert_eq!(Subject::from_octets(&subject.octets()), Some(subject.clone()));
            prop_assert!(subject.octets().len() <= Subject::OCTETS_MAX);
            if !matches!(subject, Subject::Ip(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some()) {
                let text = subject.to_string();
                if !matches!(subject, Subject::Net(_)) {
                    prop_assert_eq!(text.parse(), Ok(subject));
                }
            }
        }

        #[test]
        fn other_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(subject) = Subject::from_octets(&octets) {
                prop_assert_eq!(subject.octets(), octets);
            }
        }
    }

    #[test]
    fn people_write_what_is_shown() {
        let of = |text: &str| text.parse::<Subject>().map(|subject| subject.to_string());
        assert_eq!(of("192.0.2.1"), Ok("192.0.2.1".to_owned()));
        assert_eq!(of("2001:db8::/48"), Ok("2001:db8::/48".to_owned()));
        assert_eq!(of("Example.ORG."), Ok("domain:example.org".to_owned()));
        assert_eq!(of("example.org.."), Ok("domain:example.org".to_owned()));
        assert_eq!(of("helo:MX.example"), Ok("helo:mx.example".to_owned()));
        for wrong in ["", "..", "helo:", "192.0.2.1/24", "2001:xyz", "a b"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nets_grow() {
        let nets = |ip: &str| {
            let nets = Subject::nets_of(ip.parse().expect("an address")).map(|net| net.to_string());
            nets.collect::<Vec<_>>()
        };
        assert_eq!(nets("192.0.2.77"), ["192.0.2.0/24"]);
        assert_eq!(nets("2001:db8:1:2ff::7"), ["2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"]);
    }
}
