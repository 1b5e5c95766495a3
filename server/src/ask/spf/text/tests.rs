//! The examples of RFC 7208 §7.4, and what holds for any text.

use super::{super::query::Query, *};
use proptest::prelude::*;
use std::net::IpAddr;

fn expanded(text: &str, ip: &str) -> String {
    let ip: IpAddr = ip.parse().expect("an address");
    let query = Query::mail_from(ip, b"strong-bad@email.example.com", b"mx.example.org");
    let macros = Macros {
        query: &query,
        domain: "email.example.com",
        name: Some("mx.example.org"),
        receiver: "gate.example",
        unix_seconds: 1_700_000_000,
    };
    let text = MacroText::parse(text, Place::Explanation).expect("a macro-string");
    String::from_utf8(text.expand(&macros)).expect("ASCII")
}

#[test]
fn the_examples_of_the_rfc() {
    for (text, value) in [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("a%%b%_c%-d", "a%b c%20d"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{c} %{r} %{t} %{p} %{h}", "192.0.2.3 gate.example 1700000000 mx.example.org mx.example.org"),
    ] {
        assert_eq!(expanded(text, "192.0.2.3"), value, "{text}");
    }
    assert_eq!(
        expanded("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"
    );
    assert_eq!(expanded("%{c}", "2001:db8::cb01"), "2001:db8::cb01");
}

#[test]
fn errors_say_where() {
    for (text, at) in [
        ("ab%", 2),
        ("ab%{", 2),
        ("%{a}", 0),
        ("%{d", 0),
        ("%{d0}", 0),
        ("%{dx}", 0),
        ("%(d)", 0),
        ("a\tb", 1),
        ("a b", 1),
        ("a%{d}\u{e9}", 5),
        ("x%{c}", 1),
        ("x%{R}", 1),
        ("x%{t}", 1),
    ] {
        assert_eq!(MacroText::parse(text, Place::Record).map_err(|error| error.at), Err(at), "{text}");
    }
    assert!(MacroText::parse("%{d999999999999}", Place::Record).is_ok());
}

/// Any macro-string, by its grammar.
pub(in super::super) fn text() -> impl Strategy<Value = MacroText> {
    let letter = (0..8_usize, any::<bool>(), prop_oneof![Just(0_u8), 1..=255_u8], any::<bool>(), "[-.+,/_=]{0,3}");
    let wanted = letter.prop_map(|(letter, is_escaped, keep, is_reversed, delimiters)| {
        let mut once = String::new();
        delimiters.chars().for_each(|delimiter| {
            if !once.contains(delimiter) {
                once.push(delimiter)
            }
        });
        Part::Macro(Macro { letter: Letter::ALL[letter].1, is_escaped, keep, is_reversed, delimiters: once })
    });
    let part = prop_oneof![
        3 => "[!-$&-~]{1,8}".prop_map(Part::Literal),
        3 => wanted,
        1 => prop_oneof![Just(Part::Percent), Just(Part::Space), Just(Part::UrlSpace)],
    ];
    prop::collection::vec(part, 0..6).prop_map(|mut parts| {
        // Two literals in a row are one.
        parts.dedup_by(|a, b| matches!((a, b), (Part::Literal(_), Part::Literal(_))));
        MacroText(parts)
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(text in text()) {
        prop_assert_eq!(MacroText::parse(&text.to_string(), Place::Record), Ok(text));
    }

    #[test]
    fn any_text_is_read_or_refused_and_expands_within_its_bound(
        text in "(%[{%_-]|[a-zA-Z0-9{}.,+=/_-]|\\PC){0,40}",
        sender in prop::collection::vec(any::<u8>(), 0..600),
        helo in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        if let Ok(text) = MacroText::parse(&text, Place::Explanation) {
            let query = Query::mail_from(IpAddr::from([192, 0, 2, 3]), &sender, &helo);
            let macros = Macros { query: &query, domain: "d.example", name: None, receiver: "", unix_seconds: 0 };
            prop_assert!(text.expand(&macros).len() <= super::super::limits::EXPANDED_OCTETS_MAX);
            prop_assert_eq!(MacroText::parse(&text.to_string(), Place::Explanation), Ok(text));
        }
    }
}
