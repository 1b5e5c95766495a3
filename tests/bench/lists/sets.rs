//! Which sets are compared, and what are they asked?

use std::{
    collections::{BTreeSet, HashSet},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tollgate::{
    config::Network,
    lists::{AddressList, KeyList, Keys, NetworkSet, Sorted},
    session::Address,
};

/// A number scattered over 32 bits, each once.
fn scattered(number: usize) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap_or(0).wrapping_mul(2_654_435_761)
}

/// The network of a number: most are single addresses.
pub(crate) fn network(number: usize) -> Network {
    let prefix = match number % 20 {
        0..16 => 32,
        16..19 => 24,
        // There are no more than 65,536 of the larger ones; the rest is smaller.
        _ if number < 400_000 => 16,
        _ => 28,
    };
    Network::around(IpAddr::V4(Ipv4Addr::from(scattered(number))), prefix)
}

/// The domain of a number, as long as domains are.
pub(crate) fn domain(number: usize) -> String {
    let noise = scattered(number);
    format!("{:x}-{}.{}.example", noise, noise % 9, ["shop", "mail", "news", "x"][number % 4])
}

/// A set of one kind in one form.
pub(crate) enum Made {
    Networks(NetworkSet),
    NetworksHash(HashSet<(u32, u8)>),
    NetworksTree(BTreeSet<(u32, u8)>),
    Domains(AddressList),
    DomainsHash(HashSet<String>),
    DomainsTree(BTreeSet<String>),
}

/// What is asked.
pub(crate) enum Questions {
    Addresses(Vec<IpAddr>),
    Senders(Vec<Address>),
}

/// Prefix lengths that occur, as a plain set has to try them.
const PREFIXES: [u8; 4] = [32, 28, 24, 16];

impl Made {
    pub(crate) fn new(kind: &str, set: &str, entries: usize) -> Option<Self> {
        let numbers = 0..entries;
        let key = |number| match network(number) {
            Network { address: IpAddr::V4(v4), prefix } => (u32::from(v4), prefix),
            Network { .. } => (0, 0),
        };
        Some(match (kind, set) {
            ("networks", "ours") => Self::Networks(numbers.map(network).collect()),
            ("networks", "hash") => Self::NetworksHash(numbers.map(key).collect()),
            ("networks", "btree") => Self::NetworksTree(numbers.map(key).collect()),
            ("domains", "ours") => {
                // In one piece, as a file is: what is freed goes back to the system then.
                let mut content = String::new();
                numbers.for_each(|number| content.push_str(&format!("@{}\n", domain(number))));
                let sorted = Sorted::new(content.lines().map(str::as_bytes));
                Self::Domains(AddressList::new(KeyList::new(vec![Arc::new(Keys::Sorted(sorted))]), true))
            }
            ("domains", "hash") => Self::DomainsHash(numbers.map(domain).collect()),
            ("domains", "btree") => Self::DomainsTree(numbers.map(domain).collect()),
            _ => return None,
        })
    }

    /// Half of them are listed.
    pub(crate) fn questions(&self, entries: usize, count: usize) -> Questions {
        let number = |at: usize| if at.is_multiple_of(2) { scattered(at) as usize % entries } else { entries + at };
        match self {
            Self::Networks(_) | Self::NetworksHash(_) | Self::NetworksTree(_) => {
                Questions::Addresses((0..count).map(|at| network(number(at)).address).collect())
            }
            Self::Domains(_) | Self::DomainsHash(_) | Self::DomainsTree(_) => {
                let sender = |at| Address::new(format!("ann@{}", domain(number(at))).into());
                Questions::Senders((0..count).map(sender).collect())
            }
        }
    }

    /// How many are listed?
    pub(crate) fn ask(&self, questions: &Questions) -> usize {
        match questions {
            Questions::Addresses(all) => all.iter().filter(|ip| self.holds_address(**ip)).count(),
            Questions::Senders(all) => all.iter().filter(|sender| self.holds_sender(sender)).count(),
        }
    }

    fn holds_address(&self, ip: IpAddr) -> bool {
        let IpAddr::V4(v4) = ip else { return false };
        let masked = |prefix: u8| (u32::from(v4) & u32::MAX << (32 - prefix), prefix);
        match self {
            Self::Networks(set) => set.longest(ip).is_some(),
            Self::NetworksHash(set) => PREFIXES.iter().any(|&prefix| set.contains(&masked(prefix))),
            Self::NetworksTree(set) => PREFIXES.iter().any(|&prefix| set.contains(&masked(prefix))),
            Self::Domains(_) | Self::DomainsHash(_) | Self::DomainsTree(_) => false,
        }
    }

    /// The same keys in the same order as our matcher asks for them: the address, its domain, the suffixes.
    fn holds_sender(&self, sender: &Address) -> bool {
        let Some(domain) = sender.domain() else { return false };
        let texts = [sender.lower(), domain.0].into_iter().chain(domain.dot_suffixes());
        let mut texts = texts.filter_map(|text| std::str::from_utf8(text).ok());
        match self {
            Self::Domains(list) => list.find(sender).is_some(),
            Self::DomainsHash(set) => texts.any(|text| set.contains(text)),
            Self::DomainsTree(set) => texts.any(|text| set.contains(text)),
            Self::Networks(_) | Self::NetworksHash(_) | Self::NetworksTree(_) => false,
        }
    }
}
