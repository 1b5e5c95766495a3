//! Is a rules file read as tcpserver reads it? Expectations from ucspi-tcp 0.88; tests/ compares with the program.

use super::*;
use proptest::prelude::*;

fn rules(text: &str) -> TcpRules {
    TcpRules::parse(text.as_bytes()).expect("rules")
}

fn key(rules: &TcpRules, ip: &str, host: Option<&str>, info: Option<&str>) -> Option<String> {
    let client = Client { ip: ip.as_bytes(), host: host.map(str::as_bytes), info: info.map(str::as_bytes) };
    rules.find(&client).map(|hit| String::from_utf8_lossy(&hit.key).into_owned())
}

#[test]
fn the_first_of_eight_keys_holds() {
    let order = [
        "me@192.0.2.9",
        "me@=a.b.example",
        "192.0.2.9",
        "=a.b.example",
        "192.0.2.",
        "192.",
        "=.b.example",
        "=.example",
        "=",
        "",
    ];
    for from in 0..order.len() {
        let lines: String = order[from..].iter().rev().map(|address| format!("{address}:allow\n")).collect();
        let found = key(&rules(&lines), "192.0.2.9", Some("a.b.example"), Some("me"));
        assert_eq!(found.as_deref(), Some(order[from]));
    }
    assert_eq!(key(&rules(""), "192.0.2.9", None, None), None);
}

#[test]
fn without_name_and_ident_only_addresses_count() {
    let rules = rules("=:allow\n=.example:allow\nme@192.0.2.9:allow\n192.0.2:allow\n:deny\n");
    assert_eq!(key(&rules, "192.0.2.9", None, None).as_deref(), Some(""));
    // A prefix without its dot is the address "192.0.2", which nobody has.
    assert_eq!(key(&rules, "192.0.2", None, None).as_deref(), Some("192.0.2"));
}

#[test]
fn a_rule_replaces_all_variables_of_the_default() {
    let rules = rules("192.0.2.9:allow,RELAYCLIENT=\"\"\n:allow,RBLSMTPD=/-go away/,A=\"1\",A=x2x\n192.0.2.9:deny\n");
    let at = |ip: &'static str| rules.find(&Client { ip: ip.as_bytes(), host: None, info: None }).expect("a rule");
    assert_eq!(at("192.0.2.9").variable(b"RELAYCLIENT"), Some(b"".as_slice()));
    assert_eq!(at("192.0.2.9").variable(b"RBLSMTPD"), None);
    assert!(!at("192.0.2.9").denies(), "the first line of an address wins");
    assert_eq!(at("192.0.2.8").variable(b"RBLSMTPD"), Some(b"-go away".as_slice()));
    assert_eq!(at("192.0.2.8").variable(b"A"), Some(b"2".as_slice()));
}

#[test]
fn ranges_are_expanded_in_one_component() {
    let rules = rules("10.0.0.8-11:deny\n10.1-2.:deny\n10.3.0.250-999:deny\n=host-1-2:deny\n10.4.0.9-1:deny\n");
    assert_eq!(rules.len(), 4 + 2 + 6 + 1);
    for (ip, hit) in [("10.0.0.7", false), ("10.0.0.11", true), ("10.2.9.9", true), ("10.3.0.255", true)] {
        assert_eq!(key(&rules, ip, None, None).is_some(), hit, "{ip}");
    }
}

#[test]
fn comments_and_lines_without_colon_are_passed_over_and_faults_are_named() {
    assert_eq!(rules("#:deny\n\nnothing here\n").len(), 0);
    for (text, line) in [
        ("1.2.3.4:Allow\n", 1),
        (":allow\n1.2.3.4:allow,X\n", 2),
        (":allow,X=\n", 1),
        (":allow,X=\"1\n", 1),
        (":allow X\n", 1),
        ("1.2.3.a-b:deny\n", 1),
        (":allow\r\n", 1),
    ] {
        assert_eq!(TcpRules::parse(text.as_bytes()).map_err(|(line, _)| line).err(), Some(line), "{text:?}");
    }
}

#[test]
fn keys_know_how_specific_they_are() {
    let bits = |key: &str, by| Hit { key: key.into(), by, data: b"" }.prefix_bits();
    assert_eq!(
        ["192.0.2.9", "192.0.2.", "192.", "", "2001:db8::1"].map(|key| bits(key, KeyedBy::Address)),
        [32, 24, 8, 0, 128]
    );
    assert_eq!([bits("=mx.example", KeyedBy::Name), bits("me@192.0.2.9", KeyedBy::Ident)], [0, 0]);
}

#[test]
fn data_of_a_foreign_cdb_is_read_as_tcpserver_reads_it() {
    let hit = Hit { key: Vec::new(), by: KeyedBy::Address, data: b"Dx\0+A=1\0+B\0junk\0+C=cut off" };
    assert!(hit.denies());
    assert_eq!(hit.variables().collect::<Vec<_>>(), [(b"A".as_slice(), b"1".as_slice())]);
}

proptest! {
    #[test]
    fn any_bytes_are_rules_or_a_fault(text in proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b':'), Just(b'-'), Just(b'.'), Just(b','), Just(b'='), Just(b'"'), b'0'..=b'9', any::<u8>()],
        0..120,
    ), ip in proptest::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(rules) = TcpRules::parse(&text) {
            let client = Client { ip: &ip, host: Some(&ip), info: Some(&ip) };
            if let Some(hit) = rules.find(&client) {
                let _ = (hit.denies(), hit.prefix_bits(), hit.variables().count());
            }
        }
    }

    #[test]
    fn lines_of_rules_never_hurt(words in proptest::collection::vec(
        prop_oneof!["allow", "deny", "[0-9]{1,3}-[0-9]{1,25}", "[0-9.]{1,9}", ":", ",[A-C]=\"x?\"", "=", "@", "\n"], 0..40,
    )) {
        let _ = TcpRules::parse(words.concat().as_bytes());
    }
}
