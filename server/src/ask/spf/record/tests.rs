//! Records are read as they are printed, and refused with the place of their fault.

use super::{super::text, *};
use proptest::prelude::*;

fn parse(text: &str) -> Result<String, String> {
    Record::parse(text.as_bytes()).map(|record| record.to_string()).map_err(|error| error.to_string())
}

#[test]
fn records_are_printed_in_their_usual_form() {
    for (text, printed) in [
        ("v=spf1", "v=spf1"),
        ("V=SpF1   +MX  -ALL ", "v=spf1 mx -all"),
        (
            "v=spf1 a/24//64 mx:example.org//48 ~ptr ?ptr:example.org",
            "v=spf1 a/24//64 mx:example.org//48 ~ptr ?ptr:example.org",
        ),
        ("v=spf1 a/32 mx//128 ip4:192.0.2.1/32 ip6:2001:DB8::1/128", "v=spf1 a mx ip4:192.0.2.1 ip6:2001:db8::1"),
        ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32"),
        ("v=spf1 a:foo:bar/baz.example.com/24", "v=spf1 a:foo:bar/baz.example.com/24"),
        (
            "v=spf1 redirect=_spf.%{D2} exp=x.%{o} a.b-c_d=%{i}/%%",
            "v=spf1 redirect=_spf.%{D2} exp=x.%{o} a.b-c_d=%{i}/%%",
        ),
        ("v=spf1 exists:%{ir}.x.example. include:%{d}", "v=spf1 exists:%{ir}.x.example. include:%{d}"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(printed), "{text}");
    }
}

#[test]
fn faults_are_told_with_their_place() {
    for (text, fault) in [
        ("v=spf10", "at 1: expected v=spf1"),
        ("v=spf1 moo", "at 8: no mechanism: expected all, include, a, mx, ptr, ip4, ip6, exists or NAME="),
        ("v=spf1 a -all:x", "at 14: expected nothing behind it"),
        ("v=spf1 include", "at 15: expected a colon and a domain"),
        ("v=spf1 include:", "at 16: expected a domain"),
        ("v=spf1 ptr/0", "at 11: expected a colon and a domain"),
        ("v=spf1 a/33", "at 9: /33: expected 0 to 32"),
        ("v=spf1 a/024", "at 9: /024: expected 0 to 32"),
        ("v=spf1 a//129", "at 9: /129: expected 0 to 128"),
        ("v=spf1 a/24/64", "at 12: /64: expected 0 to 32"),
        ("v=spf1 mx:a.example/24//129", "at 23: /129: expected 0 to 128"),
        ("v=spf1 ip4:192.0.2.0/33", "at 21: /33: expected 0 to 32"),
        ("v=spf1 a/", "at 9: a slash without a number behind it"),
        ("v=spf1 a:b.example/", "at 19: a slash without a number behind it"),
        ("v=spf1 ip4:1.2.3", "at 12: 1.2.3 is no address"),
        ("v=spf1 ip4:::1", "at 12: an IPv6 address behind ip4: expected ip6"),
        ("v=spf1 ip4", "at 11: expected ip4:ADDRESS or ip4:ADDRESS/BITS"),
        ("v=spf1 ip6:1.2.3.4", "at 12: an IPv4 address behind ip6: expected ip4"),
        ("v=spf1 redirect:a.example", "at 16: redirect is a modifier: expected ="),
        ("v=spf1 exp=a.example exp=b.example", "at 22: a second redirect= or exp=: expected one at most"),
        ("v=spf1 a:b.example%", "at 19: a % that begins no macro: expected %{, %%, %_ or %-"),
        ("v=spf1 a\tmx", "at 9: expected printable ASCII"),
    ] {
        assert_eq!(parse(text), Err(fault.to_owned()), "{text}");
    }
    let numeric = parse("v=spf1 a:192.0.2.1").expect_err("no domain");
    assert!(numeric.starts_with("at 10: ") && numeric.ends_with("(an address: ip4 or ip6 is meant)"), "{numeric}");
    for top in ["museum", "museum.", "a.-com", "a.com-", "a.123", "a.example:25", "%{d}com"] {
        assert!(parse(&format!("v=spf1 a:{top}")).is_err(), "{top}");
    }
    for top in ["a.xn--zckzah", "a.1-2", "%{d}.com", "%{d}", "a.%%", "a.b."] {
        assert!(parse(&format!("v=spf1 a:{top}")).is_ok(), "{top}");
    }
}

#[test]
fn only_texts_that_begin_so_are_meant() {
    for (text, is_meant) in
        [("v=spf1", true), ("V=SPF1 a", true), ("v=spf1a", false), ("v=spf", false), (" v=spf1", false)]
    {
        assert_eq!(Record::is_meant(text.as_bytes()), is_meant, "{text}");
    }
}

/// Any record, by the grammar.
fn record() -> impl Strategy<Value = Record> {
    let spec = || {
        (text::tests::text(), "[a-z]{1,5}(-[a-z]{1,5})?").prop_map(|(front, top)| {
            MacroText::parse(&format!("{front}.{top}"), text::Place::Record).expect("a macro-string")
        })
    };
    let cidr = || (0..=32_u8, 0..=128_u8).prop_map(|(v4, v6)| Cidr { v4, v6 });
    let mechanism = prop_oneof![
        Just(Mechanism::All),
        spec().prop_map(Mechanism::Include),
        spec().prop_map(Mechanism::Exists),
        prop::option::of(spec()).prop_map(Mechanism::Ptr),
        (prop::option::of(spec()), cidr()).prop_map(|(target, cidr)| Mechanism::A(target, cidr)),
        (prop::option::of(spec()), cidr()).prop_map(|(target, cidr)| Mechanism::Mx(target, cidr)),
        (any::<[u8; 4]>(), 0..=32_u8).prop_map(|(ip, bits)| Mechanism::Ip4(ip.into(), bits)),
        (any::<[u8; 16]>(), 0..=128_u8).prop_map(|(ip, bits)| Mechanism::Ip6(ip.into(), bits)),
    ];
    let qualifier =
        prop::sample::select(vec![Qualifier::Pass, Qualifier::Fail, Qualifier::SoftFail, Qualifier::Neutral]);
    let directive =
        (qualifier, mechanism).prop_map(|(qualifier, mechanism)| Term::Directive(Directive { qualifier, mechanism }));
    let unknown = ("[a-z][a-z0-9_.-]{0,6}", text::tests::text())
        .prop_filter("a name of its own", |(name, _)| name != "exp" && name != "redirect")
        .prop_map(|(name, value)| Term::Modifier(Modifier::Unknown { name, value }));
    let terms = prop::collection::vec(prop_oneof![5 => directive, 1 => unknown], 0..8);
    (terms, prop::option::of(spec()), prop::option::of(spec())).prop_map(|(mut terms, redirect, exp)| {
        terms.extend(redirect.map(|to| Term::Modifier(Modifier::Redirect(to))));
        terms.extend(exp.map(|at| Term::Modifier(Modifier::Exp(at))));
        Record { terms }
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(record in record()) {
        prop_assert_eq!(Record::parse(record.to_string().as_bytes()), Ok(record));
    }

    #[test]
    fn any_text_is_read_or_refused_within_itself(text in "v=spf1( [+~?-]?(a|mx|all|ip4|ip6|ptr|include|exists|exp|redirect|[a-z]{1,3})[:=/]?[ -~]{0,20}){0,6}") {
        match Record::parse(text.as_bytes()) {
            Ok(record) => prop_assert_eq!(Record::parse(record.to_string().as_bytes()), Ok(record)),
            Err(error) => prop_assert!(error.at <= text.len()),
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = [&b"v=spf1 "[..], &octets].concat();
        if let Err(error) = Record::parse(&text) {
            prop_assert!(error.at <= text.len());
        }
    }
}
