//! Which names are generic? A table of what providers and postmasters write, and what holds for any bytes.

use super::*;
use proptest::prelude::*;

/// Names of 192.0.2.9, or of the address behind a blank.
const GENERIC_NAMES: &[&str] = &[
    // The address in decimal, forwards and backwards, with all sorts of separators.
    "192-0-2-9.isp.example",
    "192.0.2.9.isp.example",
    "9.2.0.192.isp.example",
    "9-2-0-192.adsl.isp.example",
    "host-192-0-2-9.isp.example",
    "host192_0_2_9.isp.example",
    "h192x0x2x9.isp.example",
    "c-192-0-2-9.hsd1.ma.cable.example",
    "pool-192-0-2-9.bltmmd.fios.isp.example",
    "ec2-192-0-2-9.compute-1.cloud.example",
    "adsl-192-0-2-9.dsl.pltn13.isp.example",
    "ip-192-0-2-9.ec2.internal",
    "192-0-2-9.rev.isp.example",
    "dsl192-009.isp.example 192.0.2.9",
    "p9.pool2.isp.example",
    "cm9.2.0.192.isp.example",
    // Zero-padded, joined, as one number.
    "192-000-002-009.isp.example",
    "host192000002009.isp.example",
    "009002000192.isp.example",
    "host3221225993.isp.example",
    "ip1921681789.isp.example 192.168.17.89",
    "x203011377.isp.example 203.0.113.77",
    // Hexadecimal.
    "c0000209.isp.example",
    "pc0000209.dip0.isp.example",
    "x090200c0.isp.example",
    "c0-00-02-09.isp.example",
    "p5b01a2c3.dip0.t-isp.example 91.1.162.195",
    "x590c1a2b.dyn.isp.example 89.12.26.43",
    "0xcb007109.boanxx1.isp.example 203.0.113.9",
    // Three octets; two with a word.
    "h9-2-0.isp.example",
    "0-2-9.isp.example",
    "192-0-2.isp.example",
    "client-2-9.isp.example",
    "cust-9-2.isp.example",
    // Words for lines.
    "dyn.isp.example",
    "a17.dyn.isp.example",
    "dyn12.isp.example",
    "dynamic-77.isp.example",
    "abc.dynamic.isp.example",
    "dhcp-7.isp.example",
    "dhcp7.campus.isp.example",
    "dialup-5.isp.example",
    "x.dial.isp.example",
    "ppp-5.town.isp.example",
    "ppp5.isp.example",
    "pppoe-12.isp.example",
    "user.adsl.isp.example",
    "12.vdsl.isp.example",
    "foo-pool.isp.example",
    "pool12.isp.example",
    "cable-5.isp.example",
    "m5.cable.isp.co.uk",
    "cpe-5.isp.example",
    "x1.catv.isp.example",
    "x.broadband.isp.example",
    "bband-dyn12.isp.example",
    "ann.home.isp.example",
    "ann.wlan.isp.example",
    "abc.ftth.isp.example",
    "4g-abc.isp.example",
    "host.mobile.isp.example",
    "x.res.dsl.isp.com.br",
    // IPv6: nibbles, groups, the host's half, the net's half.
    "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.isp.example 2001:db8:1:2::9",
    "20010db8000100020000000000000009.isp.example 2001:db8:1:2::9",
    "h-2001-db8-1-2--9.isp.example 2001:db8:1:2::9",
    "2001-db8-1-2-0-0-0-9.isp.example 2001:db8:1:2::9",
    "2001-0db8-0001-0002-0000-0000-0000-0009.isp.example 2001:db8:1:2::9",
    "x-02aabbfffe010203.isp.example 2001:db8:1:2:2aa:bbff:fe01:203",
    "u20010db800010002.isp.example 2001:db8:1:2::9",
    "DYN-192-0-2-9.ISP.Example.",
];

/// The same, of names that are no dial-up line's.
const NORMAL_NAMES: &[&str] = &[
    "mx.isp.example",
    "mail.isp.example",
    "isp.example",
    "example",
    "smtp-out-9.isp.example",
    "mail-oo1-f42.search.example",
    "a8-192.smtp-out.mailer.example",
    "mta9.dyn.isp.example",
    "mail.cable.example",
    "mx1.dynamic-solutions.example",
    "www.dsl.example",
    "mail.home.pl",
    "x.dsl.co.uk",
    "static-192-0-2-9.isp.example",
    "192-0-2-9.static.isp.example",
    "mail-192-0-2-9.isp.example",
    "192-0-2-9.mx.isp.example",
    "relay-0-2-9.isp.example",
    "mx-pool.isp.example",
    "smtp-dsl.isp.example",
    "host.isp.example",
    "customer.isp.example",
    "client9.isp.example",
    "h2-9.isp.example",
    "dynamo.isp.example",
    "adslot.isp.example",
    "homer.isp.example",
    "pooley.isp.example",
    "lists.python.example",
    "ns1.isp.example 1.1.1.1",
    "a1-1.isp.example 1.1.1.1",
    "192-0-3-8.isp.example",
    "c0000208.isp.example",
    "v6-9.isp.example 2001:db8:1:2::9",
    "mail6.isp.example 2001:db8:1:2::9",
    "mx-2001-db8-1-2--9.isp.example 2001:db8:1:2::9",
];

fn patterns(text: &str) -> (Patterns, Vec<String>) {
    use crate::config::{Document, Section};
    let document = Document::parse("t.toml", text).expect("TOML");
    let faults = std::cell::RefCell::default();
    let section = Section::new(&document, "check.rdns", &[crate::checks::rdns::DEF.fields], &[], &faults);
    let patterns = Patterns::read(&section);
    (patterns, faults.borrow().iter().map(ToString::to_string).collect())
}

fn wrong<'a>(names: &[&'a str], expected: bool) -> Vec<&'a str> {
    let is_generic = |line: &str| {
        let (name, ip) = line.split_once(' ').unwrap_or((line, "192.0.2.9"));
        Patterns::default().is_generic(name, ip.parse().expect("an address"))
    };
    names.iter().copied().filter(|line| is_generic(line) != expected).collect()
}

#[test]
fn names_of_lines_are_generic() {
    assert!(GENERIC_NAMES.len() >= 60, "{}", GENERIC_NAMES.len());
    assert_eq!(wrong(GENERIC_NAMES, true), [""; 0]);
}

#[test]
fn names_of_servers_are_not() {
    assert_eq!(wrong(NORMAL_NAMES, false), [""; 0]);
}

#[test]
fn suffixes_and_words_can_be_added() {
    let ip = IpAddr::from([192, 0, 2, 9]);
    let (own, faults) = patterns(
        "[check.rdns]\ngeneric = [\".Lines.example.\", \"teil\", \"relay\"]\n\
         not_generic = [\".good.example\", \"dyn\"]\n",
    );
    assert_eq!(faults, [""; 0]);
    for (name, generic) in [
        ("mx.lines.example", true),
        ("lines.example", false),
        ("teil-7.isp.example", true),
        ("relay.isp.example", true),
        ("192-0-2-9.dsl.good.example", false),
        ("ann.dyn.isp.example", false),
        ("ann.dsl.isp.example", true),
    ] {
        assert_eq!(own.is_generic(name, ip), generic, "{name}");
    }
}

#[test]
fn other_patterns_are_refused() {
    for text in ["", "a.b", ".", ".a b", "x-y", "caf\u{e9}"] {
        let (_, faults) = patterns(&format!("[check.rdns]\ngeneric = [\"{text}\"]\n"));
        assert!(faults.len() == 1 && faults[0].contains("expected a suffix"), "{text}: {faults:?}");
    }
}

proptest! {
    /// Any bytes, even such as no DNS name has.
    #[test]
    fn case_changes_nothing_and_nothing_panics(
        name in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "[a-fA-F0-9.-]{0,80}".prop_map(String::into_bytes),
            "(dyn|MAIL|Dsl|192|0|2|9|[.-]){0,40}".prop_map(String::into_bytes),
        ],
        v4 in any::<[u8; 4]>(),
        v6 in any::<[u16; 8]>(),
    ) {
        let name = String::from_utf8_lossy(&name);
        for ip in [IpAddr::from(v4), IpAddr::from(v6), IpAddr::from([192, 0, 2, 9])] {
            let generic = Patterns::default().is_generic(&name, ip);
            prop_assert_eq!(Patterns::default().is_generic(&name.to_ascii_uppercase(), ip), generic);
            prop_assert_eq!(Patterns::default().is_generic(&name.to_ascii_lowercase(), ip), generic);
        }
    }

    #[test]
    fn an_address_is_found_in_every_form(v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>()) {
        let [a, b, c, d] = v4;
        for front in [
            format!("{a}-{b}-{c}-{d}"),
            format!("{d}.{c}.{b}.{a}"),
            format!("x{a:03}{b:03}{c:03}{d:03}"),
            format!("x{a:02x}{b:02x}{c:02x}{d:02x}"),
        ] {
            let name = format!("{front}.isp.example");
            prop_assert!(Patterns::default().is_generic(&name, IpAddr::from(v4)), "{}", name);
        }
        let ip = IpAddr::from(v6);
        let name = format!("{}.isp.example", crate::ask::reversed(ip));
        prop_assert!(Patterns::default().is_generic(&name, ip), "{}", name);
    }
}

#[test]
fn what_is_registered_is_told_by_its_shape() {
    for (name, domain) in [
        ("mx1.isp.example", "isp.example"),
        ("a.b.isp.example", "isp.example"),
        ("isp.example", "isp.example"),
        ("mx.isp.co.uk", "isp.co.uk"),
        ("isp.co.uk", "isp.co.uk"),
        ("localhost", "localhost"),
        ("", ""),
    ] {
        assert_eq!(registered(name), domain, "{name}");
    }
}
