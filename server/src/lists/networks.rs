//! Which network of a list is an address in? The most specific one, from sets of tens of millions.
//!
//! Each prefix length has its networks' first addresses in one sorted array: 4 bytes for an IPv4 network, 16 for an
//! IPv6 one, and no pointers. A question is one search for each length that occurs, longest first: in a sample of the
//! array that stays in the processor's cache, then in the few lines of memory that the sample points at.

use crate::config::Network;
use std::{net::IpAddr, sync::Arc};

/// A set of networks of both families.
#[derive(Clone, Debug, Default)]
pub struct NetworkSet {
    listed: Families,
    /// Exceptions: where the smallest network that holds an address is one, or as small as one, the address is in none.
    excluded: Option<Box<Families>>,
}

#[derive(Clone, Debug, Default)]
struct Families {
    v4: Family<u32>,
    v6: Family<u128>,
}

impl NetworkSet {
    /// The most specific network that holds the address.
    pub fn longest(&self, ip: IpAddr) -> Option<Network> {
        self.longest_up_to(ip, u8::MAX)
    }

    /// All of them, by size and address; exceptions are not among them.
    pub fn iter(&self) -> impl Iterator<Item = Network> {
        let v4 = self.listed.v4.iter().map(|(prefix, first)| (prefix, IpAddr::from(first.to_be_bytes())));
        let v6 = self.listed.v6.iter().map(|(prefix, first)| (prefix, IpAddr::from(first.to_be_bytes())));
        v4.chain(v6).map(|(prefix, address)| Network { address, prefix })
    }

    /// A network that holds all of another.
    pub fn covering(&self, inner: &Network) -> Option<Network> {
        self.longest_up_to(inner.address, inner.prefix)
    }

    /// Adds exceptions.
    #[must_use]
    pub fn except(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        let excluded = Families::of(networks);
        self.excluded = (excluded.len() > 0).then(|| Box::new(excluded));
        self
    }

    fn longest_up_to(&self, ip: IpAddr, prefix_max: u8) -> Option<Network> {
        let prefix = self.listed.longest_up_to(ip, prefix_max)?;
        let excluded = self.excluded.as_ref().and_then(|excluded| excluded.longest_up_to(ip, prefix_max));
        let counts = excluded.is_none_or(|excluded| excluded < prefix);
        counts.then(|| Network { address: first_address(ip, prefix), prefix })
    }

    /// Networks, doubles not counted, nor exceptions.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// No networks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self { listed: Families::of(networks), excluded: None }
    }
}

impl Families {
    fn of(networks: impl IntoIterator<Item = Network>) -> Self {
        let mut v4: Vec<Vec<u32>> = vec![Vec::new(); 33];
        let mut v6: Vec<Vec<u128>> = vec![Vec::new(); 129];
        for network in networks {
            match network.address {
                IpAddr::V4(address) => v4[usize::from(network.prefix.min(32))].push(u32::from(address)),
                IpAddr::V6(address) => v6[usize::from(network.prefix.min(128))].push(u128::from(address)),
            }
        }
        Self { v4: Family::new(v4), v6: Family::new(v6) }
    }

    fn longest_up_to(&self, ip: IpAddr, prefix_max: u8) -> Option<u8> {
        match ip {
            IpAddr::V4(v4) => self.v4.longest_up_to(u32::from(v4), prefix_max),
            IpAddr::V6(v6) => self.v6.longest_up_to(u128::from(v6), prefix_max),
        }
    }

    fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }
}

/// Several sets that count as one: what the configuration names, and a file. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<Arc<NetworkSet>>);

impl Networks {
    /// One of several.
    pub fn new(sets: Vec<Arc<NetworkSet>>) -> Self {
        Self(sets.into_iter().filter(|set| !set.is_empty()).collect())
    }

    /// The most specific network that holds the address.
    pub fn longest(&self, ip: IpAddr) -> Option<Network> {
        self.0.iter().filter_map(|set| set.longest(ip)).max_by_key(|network| network.prefix)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Network> {
        self.0.iter().flat_map(|set| set.iter())
    }

    /// Networks over all sets.
    pub fn len(&self) -> usize {
        self.0.iter().map(|set| set.len()).sum()
    }

    /// No networks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Prefix lengths that occur, longest first, each with the first addresses of its networks.
#[derive(Clone, Debug)]
struct Family<T>(Vec<(u8, Sorted<T>)>);

impl<T> Default for Family<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Bits> Family<T> {
    fn new(by_prefix: Vec<Vec<T>>) -> Self {
        let lengths = (0u8..).zip(by_prefix).filter(|(_, addresses)| !addresses.is_empty());
        let mut lengths: Vec<_> = lengths.map(|(prefix, addresses)| (prefix, Sorted::new(addresses))).collect();
        lengths.reverse();
        Self(lengths)
    }

    fn longest_up_to(&self, address: T, prefix_max: u8) -> Option<u8> {
        let mut lengths = self.0.iter().skip_while(|(prefix, _)| *prefix > prefix_max);
        lengths.find(|(prefix, sorted)| sorted.contains(address.masked(*prefix))).map(|(prefix, _)| *prefix)
    }

    fn iter(&self) -> impl Iterator<Item = (u8, T)> {
        self.0.iter().flat_map(|(prefix, sorted)| sorted.addresses.iter().map(|&first| (*prefix, first)))
    }

    fn len(&self) -> usize {
        self.0.iter().map(|(_, sorted)| sorted.addresses.len()).sum()
    }
}

/// Sorted addresses of one prefix length.
#[derive(Clone, Debug)]
struct Sorted<T> {
    addresses: Box<[T]>,
    /// The first of every [`BLOCK`] addresses.
    sample: Box<[T]>,
}

/// Addresses between two of the sample: four lines of cache for IPv4. Ten million leave a sample of 600 KB.
const BLOCK: usize = 64;

impl<T: Bits> Sorted<T> {
    fn new(mut addresses: Vec<T>) -> Self {
        addresses.sort_unstable();
        addresses.dedup();
        let sample = addresses.iter().copied().step_by(BLOCK).collect();
        Self { addresses: addresses.into(), sample }
    }

    fn contains(&self, address: T) -> bool {
        let end = self.sample.partition_point(|first| *first <= address) * BLOCK;
        let block = end.saturating_sub(BLOCK)..end.min(self.addresses.len());
        self.addresses[block].binary_search(&address).is_ok()
    }
}

/// An address as a number.
trait Bits: Copy + Ord {
    /// With all bits behind the prefix zero.
    fn masked(self, prefix: u8) -> Self;
}

impl Bits for u32 {
    fn masked(self, prefix: u8) -> Self {
        self & Self::MAX.checked_shl(Self::BITS - u32::from(prefix)).unwrap_or(0)
    }
}

impl Bits for u128 {
    fn masked(self, prefix: u8) -> Self {
        self & Self::MAX.checked_shl(Self::BITS - u32::from(prefix)).unwrap_or(0)
    }
}

fn first_address(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::from(u32::from(v4).masked(prefix).to_be_bytes()),
        IpAddr::V6(v6) => IpAddr::from(u128::from(v6).masked(prefix).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(networks: &[&str]) -> NetworkSet {
        networks.iter().map(|text| text.parse::<Network>().expect("a network")).collect()
    }

    fn longest(set: &NetworkSet, ip: &str) -> Option<String> {
        set.longest(ip.parse().expect("an address")).map(|network| network.to_string())
    }

    #[test]
    fn the_most_specific_network_wins() {
        let set = set(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8:1::/48", "10.0.0.0/8"]);
        assert_eq!(set.len(), 5);
        assert_eq!(longest(&set, "10.1.2.3"), Some("10.1.2.3/32".to_owned()));
        assert_eq!(longest(&set, "10.1.2.4"), Some("10.1.0.0/16".to_owned()));
        assert_eq!(longest(&set, "10.255.255.255"), Some("10.0.0.0/8".to_owned()));
        assert_eq!(longest(&set, "11.0.0.0"), None);
        assert_eq!(longest(&set, "2001:db8:1::9"), Some("2001:db8:1::/48".to_owned()));
        assert_eq!(longest(&set, "2001:db8:2::9"), Some("2001:db8::/32".to_owned()));
        assert_eq!(longest(&set, "2001:db9::"), None);
    }

    #[test]
    fn a_network_is_covered_by_one_as_large_or_larger() {
        let set = set(&["192.0.2.0/24", "192.0.2.8/29", "198.51.100.7"]);
        let covering = |text: &str| set.covering(&text.parse().expect("a network")).map(|network| network.to_string());
        assert_eq!(covering("192.0.2.9").as_deref(), Some("192.0.2.8/29"));
        assert_eq!(covering("192.0.2.0/28").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(covering("198.51.100.0/24"), None);
        assert_eq!(covering("2001:db8::/32"), None);
    }

    #[test]
    fn a_whole_family_is_a_network_and_families_do_not_mix() {
        let set = set(&["0.0.0.0/0"]);
        assert_eq!(longest(&set, "255.255.255.255"), Some("0.0.0.0/0".to_owned()));
        assert_eq!(longest(&set, "::"), None);
    }

    #[test]
    fn a_million_networks_take_four_bytes_each() {
        let nth = |n: u32| Network { address: IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes()), prefix: 32 };
        let set: NetworkSet = (0..1_000_000).map(nth).collect();
        let octets = |sorted: &Sorted<u32>| (size_of_val(&*sorted.addresses), size_of_val(&*sorted.sample));
        assert_eq!(set.listed.v4.0.iter().map(|(_, sorted)| octets(sorted)).collect::<Vec<_>>(), [(4_000_000, 62_500)]);
        assert_eq!(set.len(), 1_000_000);
        assert!((0..1_000_000).step_by(997).all(|n| set.longest(nth(n).address) == Some(nth(n))));
    }

    proptest! {
        #[test]
        fn agrees_with_trying_every_network(
            nets in proptest::collection::vec((any::<u32>(), 0u8..=32), 0..300), near in any::<(usize, u32, u8)>(),
        ) {
            let network = |&(bits, prefix): &(u32, u8)| Network {
                address: IpAddr::from(bits.masked(prefix).to_be_bytes()), prefix,
            };
            // An address close to one of the networks, so that hits are common.
            let base = nets.get(near.0 % nets.len().max(1)).map_or(0, |net| net.0);
            let ip = IpAddr::from((base ^ (near.1.checked_shr(u32::from(near.2 % 33)).unwrap_or(0))).to_be_bytes());
            let set: NetworkSet = nets.iter().map(network).collect();
            let slow = nets.iter().map(network).filter(|net| net.contains(ip)).max_by_key(|net| net.prefix);
            prop_assert_eq!(set.longest(ip), slow);
        }
    }
}
