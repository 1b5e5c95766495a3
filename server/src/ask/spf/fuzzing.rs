//! Is whatever a domain publishes read within its bounds? The bodies of the fuzz targets `spf_record` and `spf_macro`
//! (`server/fuzz/`), and of the tests that try their finds again.

use super::{
    domain::{NAME_OCTETS_MAX, target_name},
    explanation::Explanation,
    limits::EXPANDED_OCTETS_MAX,
    query::Query,
    record::{ParseError, Record},
    text::{MacroText, Macros, Place},
};
use std::net::{IpAddr, Ipv6Addr};

/// Who asks, of either family.
const CLIENTS: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 3)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xcb01)),
];
/// Whose record is read.
const DOMAIN: &str = "email.example.com";

/// Reads octets as a record, and as terms of local policy.
///
/// # Panics
/// When what was read is printed as something else, or an error lies outside the text or fills more than a line.
pub fn spf_record(octets: &[u8]) {
    match Record::parse(octets) {
        Ok(record) => {
            assert!(Record::is_meant(octets), "read, but not meant: {record}");
            assert_eq!(Record::parse(record.to_string().as_bytes()).as_ref(), Ok(&record), "printed as {record}");
        }
        Err(error) => check_error(&error, octets.len()),
    }
    match Record::parse_terms(octets) {
        Ok(terms) => {
            let printed = terms.to_string();
            assert_eq!(Record::parse(printed.as_bytes()), Ok(terms), "printed as {printed}");
        }
        Err(error) => check_error(&error, octets.len()),
    }
}

/// Reads the first line as a macro-string and fills it in for a client; the second line is the sender, the third the HELO
/// argument.
///
/// # Panics
/// As [`spf_record`]; also when it grows beyond its bound, when a name that comes out cannot be looked up, and when an
/// explanation is not printable.
pub fn spf_macro(octets: &[u8]) {
    let mut lines = octets.splitn(3, |&octet| octet == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (text, sender, helo) = (line(), line(), line());
    for client in CLIENTS {
        let query = Query::mail_from(client, sender, helo);
        if let Some(explanation) = Explanation::read(text, DOMAIN) {
            let written = explanation.written(&query, "mx.example.net", 1_700_000_000);
            assert!(written.len() <= EXPANDED_OCTETS_MAX && written.bytes().all(is_printable), "{written}");
        }
        let Ok(text) = str::from_utf8(text) else { continue };
        for place in [Place::Record, Place::Explanation] {
            match MacroText::parse(text, place) {
                Ok(text) => fill_in(&text, place, &query),
                Err(error) => check_error(&error, text.len()),
            }
        }
    }
}

fn fill_in(text: &MacroText, place: Place, query: &Query) {
    assert_eq!(MacroText::parse(&text.to_string(), place).as_ref(), Ok(text), "printed as {text}");
    for name in [None, Some("mx.example.org")] {
        let macros = Macros { query, domain: DOMAIN, name, receiver: "", unix_seconds: 1_700_000_000 };
        let expanded = text.expand(&macros);
        assert!(expanded.len() <= EXPANDED_OCTETS_MAX, "{} octets", expanded.len());
        let Some(target) = target_name(&expanded) else { continue };
        let are_labels = target.split('.').all(|label| (1..=63).contains(&label.len()));
        assert!(are_labels && target.is_ascii() && target.len() <= NAME_OCTETS_MAX, "{target}");
    }
}

/// Its place lies within the text, and it is one line.
fn check_error(error: &ParseError, octets: usize) {
    assert!(error.at <= octets, "{error} in {octets} octets");
    assert!(error.what.bytes().all(is_printable), "{:?}", error.what);
}

const fn is_printable(octet: u8) -> bool {
    matches!(octet, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, path::PathBuf};

    /// Records of RFC 7208: its appendix A, §4 to §10, and one fault of each kind.
    const RECORDS: [(&str, &str); 14] = [
        ("all", "v=spf1 +all"),
        ("own", "v=spf1 a mx -all"),
        ("other-names", "v=spf1 a:example.org mx:example.com mx:mail.example.org/30 mx/28 -all"),
        ("networks", "v=spf1 ip4:192.0.2.128/28 ip6:2001:db8::cb01/96 a/24//64 ~all"),
        ("ptr", "v=spf1 ptr ?ptr:example.com -all"),
        ("include", "v=spf1 include:example.com include:%{d}.example.net -all"),
        ("redirect", "v=spf1 redirect=_spf.%{d2} exp=explain._spf.%{d}"),
        ("exists", "v=spf1 exists:%{ir}.%{v}.arpa.%{lr-+,/_=}._spf.%{d3r} ?all"),
        ("mobile-users", "v=spf1 mx -all moo.cow-far_out=man:dog/cat ip4:1.2.3.4"),
        ("capitals", "V=SpF1   IP4:1.2.3.4/32  -ALL  "),
        ("fault-mechanism", "v=spf1 moo -all"),
        ("fault-bits", "v=spf1 a:mail.example.net/33//129 -all"),
        ("fault-macro", "v=spf1 exists:%{d999r.%x -all"),
        ("fault-octets", "v=spf1 a:b\u{fc}cher.example\t-all"),
    ];
    /// The same of §7, with the sender and the HELO argument of §7.4.
    const MACROS: [(&str, &str); 7] = [
        ("plain", "%{s} %{o} %{d} %{d4} %{d3} %{d2} %{d1}"),
        ("reversed", "%{dr} %{d2r} %{l} %{l-} %{lr} %{lr-} %{l1r-}"),
        ("target", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}"),
        ("explanation", "%{C} is not one of %{O}'s%_designated mail%-servers at %{t} of %{r}. 100%%"),
        ("name", "http://%{d}/why.html?s=%{S}&i=%{I}&p=%{P}&h=%{H}"),
        ("many-parts", "%{s255r.-+,/_=}%{L0}"),
        ("fault", "%{x} %(d) %{d %"),
    ];

    fn folder(target: &str) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).join(target)
    }

    /// The seeds are there, and every file is tried again.
    fn replay(target: &str, seeds: &[(&str, String)], body: fn(&[u8])) {
        for (name, text) in seeds {
            let file = folder(target).join(name);
            if env::var_os("TOLLGATE_BLESS").is_some() {
                fs::write(&file, text).expect("the seed can be written");
            }
            let kept = fs::read(&file).ok();
            assert_eq!(kept.as_deref(), Some(text.as_bytes()), "{target}/{name}: run the test with TOLLGATE_BLESS=1");
        }
        for file in fs::read_dir(folder(target)).expect("the corpus") {
            body(&fs::read(file.expect("a file").path()).expect("its octets"));
        }
    }

    #[test]
    fn the_corpora_hold_the_seeds_and_break_nothing() {
        replay("spf_record", &RECORDS.map(|(name, text)| (name, text.to_owned())), spf_record);
        let spoken = |text: &str| format!("{text}\nstrong-bad@email.example.com\nmx.example.org");
        replay("spf_macro", &MACROS.map(|(name, text)| (name, spoken(text))), spf_macro);
    }

    /// That the targets can fail: what they call broken is.
    #[test]
    #[should_panic(expected = "at 9: x in 7 octets")]
    fn an_error_beyond_the_text_is_seen() {
        check_error(&ParseError::new(8, "x"), 7);
    }

    #[test]
    #[should_panic(expected = "two")]
    fn an_error_of_two_lines_is_seen() {
        check_error(&ParseError::new(0, "one\ntwo"), 7);
    }
}
