//! Which addresses does an entry of rbldnsd's ip4 and ip6 datasets cover? Prefixes, CIDR, and ranges such as `127.16-31`.

use crate::config::Network;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of the longest entry that is looked at: two IPv4 addresses, or one IPv6 address with its prefix length.
const OCTETS_MAX: usize = 64;

/// What an entry covers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Range {
    V4 { first: u32, last: u32 },
    V6(Network),
}

impl Range {
    /// How many IPv4 addresses; 0 = it is of the other family.
    pub(super) fn v4_addresses(&self) -> u64 {
        match self {
            Self::V4 { first, last } => u64::from(last - first) + 1,
            Self::V6(_) => 0,
        }
    }

    /// The fewest networks that cover the same: at most 62 for a range.
    pub(super) fn networks(&self, out: &mut Vec<Network>) {
        let (first, last) = match self {
            Self::V6(network) => return out.push(*network),
            Self::V4 { first, last } => (u64::from(*first), u64::from(*last)),
        };
        let mut at = first;
        while at <= last {
            // As large as the alignment of its first address and what is left allow.
            let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
            let fits = (last - at + 1).ilog2();
            let bits = aligned.min(fits);
            let address = Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX));
            out.push(Network { address: IpAddr::V4(address), prefix: u8::try_from(32 - bits).unwrap_or(32) });
            at += 1 << bits;
        }
    }
}

/// Reads an entry. An IPv4 one may be followed by a value that begins with a colon.
pub(super) fn of(text: &[u8]) -> Result<Range, String> {
    let wrong = || {
        let shown = text.escape_ascii().take(OCTETS_MAX).map(char::from).collect::<String>();
        format!("\"{shown}\" is no network: expected one such as 192.0.2.0/24, 192.0.2, 192.0.2.1-9 or 2001:db8::/32")
    };
    let whole = std::str::from_utf8(text).ok().filter(|text| text.len() <= OCTETS_MAX).ok_or_else(wrong)?;
    let head = whole.split(':').next().unwrap_or_default();
    let is_v6 = head.len() < whole.len() && head.len() <= 4 && head.chars().all(|c| c.is_ascii_hexdigit());
    let range = if is_v6 { v6(whole).map(Range::V6) } else { v4(head) };
    range.ok_or_else(wrong)
}

fn v4(text: &str) -> Option<Range> {
    let (first, last) = match (text.split_once('/'), text.split_once('-')) {
        (Some((address, prefix)), None) => {
            let (first, _) = octets(address)?;
            let host_bits = 32_u32.checked_sub(number(prefix, 32)?)?;
            let covered = u32::try_from((1_u64 << host_bits) - 1).ok()?;
            // rbldnsd takes no network with host bits set either.
            if first & covered != 0 {
                return None;
            }
            (first, first | covered)
        }
        (None, Some((from, to))) => {
            let (first, given) = octets(from)?;
            let last = match to.split_once('.') {
                // One number stands for the last octet that was given.
                None => {
                    let shift = 32 - 8 * given;
                    (first & !(0xff << shift)) | (number(to, 255)? << shift) | rest(given)
                }
                Some(_) => octets(to).map(|(last, given)| last | rest(given))?,
            };
            (first, last)
        }
        (None, None) => octets(text).map(|(first, given)| (first, first | rest(given)))?,
        (Some(_), Some(_)) => return None,
    };
    (first <= last).then_some(Range::V4 { first, last })
}

/// The bits behind so many octets.
fn rest(octets: u32) -> u32 {
    u32::MAX.checked_shr(8 * octets).unwrap_or(0)
}

/// One to four octets, the rest zero, and how many there were.
fn octets(text: &str) -> Option<(u32, u32)> {
    let mut address = 0;
    let mut given = 0;
    for octet in text.split('.') {
        if given == 4 {
            return None;
        }
        given += 1;
        address |= number(octet, 255)? << (32 - 8 * given);
    }
    Some((address, given))
}

fn number(text: &str, max: u32) -> Option<u32> {
    let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|&number| is_number && number <= max)
}

/// `2001:db8::/32`; words at the end may be left out, and then the prefix ends with the last word that is there.
fn v6(text: &str) -> Option<Network> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let words = address.split(':').count();
    let is_whole = words == 8 || address.contains("::");
    let address: Ipv6Addr = if is_whole { address.parse() } else { format!("{address}::").parse() }.ok()?;
    let usual = if is_whole { 128 } else { u32::try_from(16 * words).ok()? };
    let prefix = prefix.map_or(Some(usual), |prefix| number(prefix, 128))?;
    let host_bits = u128::MAX.checked_shr(prefix).unwrap_or(0);
    (u128::from(address) & host_bits == 0)
        .then_some(Network { address: IpAddr::V6(address), prefix: u8::try_from(prefix).ok()? })
}
