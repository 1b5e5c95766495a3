//! Which return codes of a DNS list are a listing? Exact addresses, ranges, networks and bit masks within 127.0.0.0/8.

use crate::{config::Network, dns_lists::Refusal};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// A pattern of return codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// `127.0.0.2`
    Exact(Ipv4Addr),
    /// `127.0.0.4-127.0.0.7`, or `127.0.0.4-7`
    Range(Ipv4Addr, Ipv4Addr),
    /// `127.0.0.0/24`; with `mask BITS` all these bits must be set, as in `127.0.0.0/24 mask 4`
    Masked(Network, u32),
}

impl Codes {
    /// Every address a list may answer with.
    pub(super) fn any() -> Self {
        Self::Masked(Network { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 }, 0)
    }

    /// Is this return code one of them?
    pub(super) fn hold(&self, code: Ipv4Addr) -> bool {
        match *self {
            Self::Exact(exact) => code == exact,
            Self::Range(first, last) => (first..=last).contains(&code),
            Self::Masked(network, bits) => network.contains(IpAddr::V4(code)) && u32::from(code) & bits == bits,
        }
    }
}

impl FromStr for Codes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let codes = parse(text).ok_or_else(|| {
            format!(
                "\"{text}\": expected return codes within 127.0.0.0/8, such as 127.0.0.2, 127.0.0.4-7, 127.0.0.0/24 or \
                 127.0.0.0/24 mask 4"
            )
        })?;
        match codes {
            Self::Exact(code) if Refusal::of(code, &[code]).is_some() => {
                Err(format!("{code} is never a listing: lists answer so when they refuse (or answer to everything)"))
            }
            _ => Ok(codes),
        }
    }
}

fn parse(text: &str) -> Option<Codes> {
    let local = |code: &Ipv4Addr| code.is_loopback();
    if let Some((first, last)) = text.split_once('-') {
        let first: Ipv4Addr = first.trim().parse().ok()?;
        let last = last.trim();
        let [a, b, c, _] = first.octets();
        let last = last.parse::<Ipv4Addr>().or_else(|_| last.parse::<u8>().map(|d| Ipv4Addr::new(a, b, c, d))).ok()?;
        return (local(&first) && local(&last) && first <= last).then_some(Codes::Range(first, last));
    }
    let (network, bits) = match text.split_once(" mask ") {
        Some((network, bits)) => (network, mask(bits.trim())?),
        None => (text, 0),
    };
    let network: Network = network.trim().parse().ok()?;
    let IpAddr::V4(address) = network.address else { return None };
    match (network.prefix, bits) {
        (32, 0) => local(&address).then_some(Codes::Exact(address)),
        (8.., _) => local(&address).then_some(Codes::Masked(network, bits)),
        _ => None,
    }
}

/// A number, or a dotted quad; within the three octets that lists use.
fn mask(text: &str) -> Option<u32> {
    let bits = text.parse::<u32>().or_else(|_| text.parse::<Ipv4Addr>().map(u32::from)).ok()?;
    (1..1 << 24).contains(&bits).then_some(bits)
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(code) => write!(f, "{code}"),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Masked(network, 0) => write!(f, "{network}"),
            Self::Masked(network, bits) => write!(f, "{network} mask {bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Codes {
        text.parse().expect("codes")
    }

    fn held(text: &str) -> Vec<u8> {
        let codes = codes(text);
        (0..=255).filter(|&last| codes.hold(Ipv4Addr::new(127, 0, 0, last))).collect()
    }

    #[test]
    fn patterns_hold_what_they_say() {
        assert_eq!(held("127.0.0.2"), [2]);
        assert_eq!(held("127.0.0.10-11"), [10, 11]);
        assert_eq!(held("127.0.0.250-127.0.1.3"), [250, 251, 252, 253, 254, 255]);
        assert!(codes("127.0.0.250-127.0.1.3").hold(Ipv4Addr::new(127, 0, 1, 3)));
        assert_eq!(held("127.0.0.4/30"), [4, 5, 6, 7]);
        assert!(held("127.0.0.0/24 mask 6").iter().all(|last| last & 6 == 6));
        assert_eq!(held("127.0.0.0/24 mask 6").len(), 64);
        assert!(codes("127.0.0.0/8 mask 0.0.2.0").hold(Ipv4Addr::new(127, 0, 3, 0)));
        assert_eq!(held("127.0.0.0/8 mask 0.0.2.0"), Vec::<u8>::new());
    }

    #[test]
    fn patterns_are_shown_as_they_are_read() {
        for text in ["127.0.0.2", "127.0.0.4-127.0.0.7", "127.0.0.0/24", "127.0.0.0/24 mask 4", "127.0.0.0/8"] {
            assert_eq!(codes(text).to_string(), text);
            assert_eq!(codes(&codes(text).to_string()), codes(text));
        }
        assert_eq!(codes("127.0.0.4-7"), codes("127.0.0.4-127.0.0.7"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2",
            "128.0.0.2",
            "127.0.0.2-1",
            "127.0.0.2-",
            "-",
            "127.0.0.2-126.0.0.1",
            "127.0.0.2-300",
            "0.0.0.0/0",
            "::1",
            "127.0.0.2/31 mask 0",
            "127.0.0.0/24 mask",
            "127.0.0.0/24 mask 16777216",
            "127.0.0.0/24 mask x",
            "126.0.0.0/7",
            "127.0.0.1",
            "127.255.255.254",
        ] {
            assert!(text.parse::<Codes>().is_err(), "{text}");
        }
    }
}
