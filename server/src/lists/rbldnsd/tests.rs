//! Is a zone read as rbldnsd's manual page has it? tests/ compares with the program.

use super::*;
use crate::{
    lists::{AddressList, KeyList, Keys, NameList, NetworkSet, Networks},
    session::Address,
};
use proptest::prelude::*;
use std::sync::Arc;

fn listed(entry: &str) -> Vec<String> {
    let zone = networks(entry.as_bytes(), |mistake| panic!("{mistake:?}"));
    zone.listed.iter().map(Network::to_string).collect()
}

#[test]
fn networks_have_many_forms() {
    for (entry, expected) in [
        ("127.0.0.0/24", "127.0.0.0/24"),
        ("127.0.0", "127.0.0.0/24"),
        ("127/24", "127.0.0.0/24"),
        ("127-127.0.0", "127.0.0.0/24"),
        ("127.0.0.0-127.0.0.255", "127.0.0.0/24"),
        (
            "127.0.0.1-255",
            "127.0.0.1/32 127.0.0.2/31 127.0.0.4/30 127.0.0.8/29 127.0.0.16/28 127.0.0.32/27 127.0.0.64/26 127.0.0.128/25",
        ),
        ("127.16.0.0-127.31.255.255", "127.16.0.0/12"),
        ("127.16.0-127.31.255", "127.16.0.0/12"),
        ("127.16-127.31", "127.16.0.0/12"),
        ("127.16-31", "127.16.0.0/12"),
        ("127.16/12", "127.16.0.0/12"),
        ("127.16.0-31", "127.16.0.0/19"),
        ("10", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("0.0.0.1-255.255.255.255", ""),
        ("10.1.2.3 :127.0.0.4:text", "10.1.2.3/32"),
        ("10.1.2.3:4:text", "10.1.2.3/32"),
        ("10.1.2.3 listed since May", "10.1.2.3/32"),
        ("10.1.2.3 # remark", "10.1.2.3/32"),
        ("10.1.2.3;remark", "10.1.2.3/32"),
        ("2001:21ab:c000/36", "2001:21ab:c000::/36"),
        ("2001:21ab:def7:4242 :3: text", "2001:21ab:def7:4242::/64"),
        ("2605:6001:42::/52", "2605:6001:42::/52"),
        ("::1 # localhost", "::1/128"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6/128"),
    ] {
        let found = listed(entry);
        if expected.is_empty() {
            assert_eq!((found.len(), found.last().map(String::as_str)), (32, Some("128.0.0.0/1")), "{entry}");
        } else {
            assert_eq!(found.join(" "), expected, "{entry}");
        }
    }
}

#[test]
fn mistakes_have_their_line() {
    let content = b"# ok\n10.1.2.3/8\n256.1.1.1\n10.2-1\n1.2.3.4.5\nexample.com\n2001:db8::1/32\n$DATASET ip4set @\n$MAXRANGE4 x\n10.1-2/8\n";
    let mut lines = Vec::new();
    let zone = networks(content, |(line, _)| lines.push(line));
    assert_eq!((lines, zone.listed.len()), ((2..=10).collect(), 0));
}

#[test]
fn specials_and_defaults_list_nothing_and_bound_ranges() {
    let content = b"$SOA 0 a b 0 1 1 1 1\n:127.0.0.2:Listed, see $\n#$NS 0 ns.example\n;$MAXRANGE4 /24\n10.1\n10.1.2\n:$maxrange4 16\n10.1.3\n10.1.3.0/28\n$MAXRANGE4 /8\n10.9\n";
    let zone = networks(content, |mistake| panic!("{mistake:?}"));
    assert_eq!(zone.listed.iter().map(Network::to_string).collect::<Vec<_>>(), ["10.1.2.0/24", "10.1.3.0/28"]);
    assert_eq!(zone.too_large, 3);
}

#[test]
fn the_smallest_entry_decides() {
    let zone =
        super::networks(b"10\n!10.1\n10.1.2\n! 10.1.2.3\n10.1.2.3\n2001:db8::/32\n!2001:db8:1::/48\n", |mistake| {
            panic!("{mistake:?}")
        });
    let others: NetworkSet =
        ["192.0.2.0/24", "10.1.2.3"].iter().map(|text| text.parse::<Network>().expect("one")).collect();
    let set = zone.listed.into_iter().collect::<NetworkSet>().except(zone.excluded);
    let set = Networks::new(vec![Arc::new(others), Arc::new(set)]);
    for (ip, expected) in [
        ("10.0.0.1", Some("10.0.0.0/8")),
        ("10.1.0.1", None),
        ("10.1.2.4", Some("10.1.2.0/24")),
        // What the configuration itself names is not the zone's to except.
        ("10.1.2.3", Some("10.1.2.3/32")),
        ("192.0.2.1", Some("192.0.2.0/24")),
        ("2001:db8::1", Some("2001:db8::/32")),
        ("2001:db8:1::1", None),
    ] {
        let found = set.longest(ip.parse().expect("an address")).map(|network| network.to_string());
        assert_eq!(found.as_deref(), expected, "{ip}");
    }
    assert_eq!(set.len(), 2 + 4);
}

fn zone(content: &str) -> KeyList {
    KeyList::new(vec![Arc::new(Keys::Domains(domains(content.as_bytes(), |mistake| panic!("{mistake:?}"))))])
}

#[test]
fn domains_are_listed_with_and_without_what_is_below() {
    let content = "# list\nA.example :2:text\n*.b.example\n.c.example.\n!good.c.example\n!*.fine.c.example # all\nbad.fine.c.example\n:3:x\n";
    let (names, addresses) = (NameList::new(zone(content)), AddressList::new(zone(content), true));
    for (name, expected) in [
        ("a.example", true),
        ("x.a.example", false),
        ("b.example", false),
        ("x.y.b.example", true),
        ("c.example", true),
        ("x.c.example", true),
        ("good.c.example", false),
        ("x.good.c.example", true),
        ("fine.c.example", true),
        ("x.fine.c.example", false),
        ("bad.fine.c.example", true),
    ] {
        assert_eq!(names.find(name.as_bytes()).is_some(), expected, "{name}");
        let address = Address::new(format!("u@{name}").into());
        assert_eq!(addresses.find(&address).is_some(), expected, "u@{name}");
    }
    assert_eq!(addresses.find_useless(), None);
}

#[test]
fn what_is_no_domain_is_a_mistake() {
    let mut lines = Vec::new();
    domains(b"u@a.example\n*\n.\na..b\nx.*.b\n!\n\xff.example\n", |(line, _)| lines.push(line));
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7]);
}

proptest! {
    #[test]
    fn any_bytes_are_a_zone_or_mistakes(content in proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b'.'), Just(b':'), Just(b'-'), Just(b'/'), Just(b'!'), Just(b'$'), b'0'..=b'9', any::<u8>()], 0..200,
    )) {
        let zone = networks(&content, |_| {});
        prop_assert!(zone.listed.iter().all(|network| network.to_string().parse() == Ok(*network)));
        let _ = domains(&content, |_| {});
    }

    #[test]
    fn a_range_covers_its_addresses_and_no_others(from in any::<u32>(), octets in any::<u32>(), near in any::<u32>()) {
        let to = from.saturating_add(octets >> (near % 32));
        let range = network::Range::V4 { first: from, last: to };
        let mut networks = Vec::new();
        range.networks(&mut networks);
        prop_assert!(networks.len() <= 62);
        let size: u64 = networks.iter().map(|network| 1_u64 << (32 - network.prefix)).sum();
        prop_assert_eq!(size, u64::from(to - from) + 1);
        let set: NetworkSet = networks.into_iter().collect();
        for inside in [from, to, from.midpoint(to)] {
            prop_assert!(set.longest(std::net::Ipv4Addr::from(inside).into()).is_some());
        }
        for outside in [from.checked_sub(1), to.checked_add(1)].into_iter().flatten() {
            prop_assert!(set.longest(std::net::Ipv4Addr::from(outside).into()).is_none());
        }
    }
}
