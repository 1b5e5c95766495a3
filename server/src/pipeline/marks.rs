//! How does a mark become a header field? The one place: fields that are safe whatever a client sends, folded lines, and
//! one Authentication-Results for all methods.

use super::Settings;
use crate::{
    check::{Authenticated, Mark},
    session::Facts,
};
use std::fmt::Write;

/// Where a line is folded (RFC 5322 §2.1.1 wishes for 78).
const LINE_OCTETS: usize = 78;
/// Octets of one word: with it a line stays below the 998 that RFC 5322 §2.1.1 allows.
const WORD_OCTETS_MAX: usize = 600;
/// Fields of one message.
const FIELDS_MAX: usize = 16;
/// Results in one Authentication-Results.
const RESULTS_MAX: usize = 16;
/// Octets of an authserv-id: a host name's.
const ID_OCTETS_MAX: usize = 255;

/// What goes with a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    /// Header fields for the top of the message, folded with LF.
    pub(super) headers: Vec<String>,
    /// Whose Authentication-Results are removed from it; empty = nobody's.
    pub(super) authserv_id: String,
    /// SPFRESULT; empty = unset.
    pub(super) spf_result: &'static str,
}

/// Fields in the order of their marks, Authentication-Results on top. Without a mail server that removes forged ones
/// there is none (RFC 8601 §5).
pub(super) fn written(marks: &[Mark], facts: &Facts, settings: &Settings) -> Marked {
    let mut marked = Marked::default();
    let results: Vec<&Authenticated> = marks
        .iter()
        .filter_map(|mark| if let Mark::Authentication(result) = mark { Some(result) } else { None })
        .take(RESULTS_MAX)
        .collect();
    if facts.connection.removes_forged
        && !results.is_empty()
        && let Some(id) = authserv_id(facts, settings)
    {
        marked.headers.push(authentication_results(&id, &results));
        marked.authserv_id = id;
    }
    for mark in marks {
        match mark {
            Mark::Field { name, words } if marked.headers.len() < FIELDS_MAX => marked.headers.push(field(name, words)),
            Mark::SpfResult(word) => marked.spf_result = word,
            Mark::Field { .. } | Mark::Authentication(_) => {}
        }
    }
    marked
}

/// What a mail host is called that said nothing of itself.
const NOBODY: &str = "unknown";

/// The configured name, else that of the mail host. `None` = it has none.
fn authserv_id(facts: &Facts, settings: &Settings) -> Option<String> {
    let connection = &facts.connection;
    let candidates = [settings.authserv_id.as_bytes(), &connection.server_name, connection.host.as_bytes()];
    let is_id = |id: &[u8]| {
        (1..=ID_OCTETS_MAX).contains(&id.len())
            && id.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'))
    };
    let id = candidates.into_iter().find(|id| !id.is_empty()).filter(|id| is_id(id))?;
    let id = String::from_utf8_lossy(id).to_ascii_lowercase();
    (id != NOBODY).then_some(id)
}

fn authentication_results(id: &str, results: &[&Authenticated]) -> String {
    let mut words = vec![format!("{id};")];
    for (number, result) in results.iter().enumerate() {
        let (ptype, value) = &result.property;
        words.push(format!("{}={}", result.method, result.result));
        if !result.reason.is_empty() {
            words.push(format!("reason={}", quoted(&result.reason)));
        }
        let end = if number + 1 < results.len() { ";" } else { "" };
        words.push(format!("{ptype}={}{end}", if is_token(value) { value.clone() } else { quoted(value) }));
    }
    field("Authentication-Results", &words)
}

/// RFC 2045 §5.1.
fn is_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet))
}

fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for octet in value.bytes() {
        if matches!(octet, b'"' | b'\\') {
            out.push('\\');
        }
        out.push(printable(octet));
    }
    out.push('"');
    out
}

/// `Name: word word`, folded between words, never before the first: one word stays on one line.
fn field(name: &str, words: &[String]) -> String {
    let mut out = format!("{name}:");
    let mut line = out.len();
    // A line of blanks only would be the end of the header for some.
    let shown = words.iter().filter(|word| !word.trim().is_empty());
    for (number, word) in shown.enumerate() {
        let word: String = word.trim().bytes().take(WORD_OCTETS_MAX).map(printable).collect();
        if number > 0 && line + 1 + word.len() > LINE_OCTETS {
            out.push('\n');
            line = 0;
        }
        _ = write!(out, " {word}");
        line += 1 + word.len();
    }
    out
}

fn printable(octet: u8) -> char {
    if matches!(octet, b' '..=b'~') { char::from(octet) } else { '?' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn settings(text: &str) -> Settings {
        let document = Document::parse("t.toml", text).expect("TOML");
        Settings::read(&document, &mut crate::files::Files::default(), &std::cell::RefCell::default())
    }

    fn facts(name: &str, removes_forged: bool) -> Facts {
        let mut facts = Facts::default();
        facts.connection.server_name = Bytes::copy_from_slice(name.as_bytes());
        facts.connection.removes_forged = removes_forged;
        facts
    }

    fn passed(domain: &str, reason: &str) -> Mark {
        let property = ("smtp.mailfrom", domain.to_owned());
        Mark::Authentication(Authenticated { method: "spf", result: "pass", reason: reason.to_owned(), property })
    }

    #[test]
    fn results_of_all_methods_are_one_field() {
        let marks = [
            Mark::Field { name: "Received-SPF", words: vec!["pass".into(), "(x)".into()] },
            passed("a.example", ""),
            passed("b c", "say \"hi\""),
            Mark::SpfResult("pass"),
        ];
        let marked = written(&marks, &facts("Mx.Example", true), &settings(""));
        let expected = [
            "Authentication-Results: mx.example; spf=pass smtp.mailfrom=a.example; spf=pass\n reason=\"say \\\"hi\\\"\" \
             smtp.mailfrom=\"b c\"",
            "Received-SPF: pass (x)",
        ];
        assert_eq!(marked.headers, expected);
        assert_eq!((&*marked.authserv_id, marked.spf_result), ("mx.example", "pass"));
    }

    #[test]
    fn nothing_is_claimed_where_forgeries_stay_or_nobody_has_a_name() {
        for (name, removes_forged, config, id) in [
            ("mx.example", false, "", ""),
            ("mx example", true, "", ""),
            ("unknown", true, "", ""),
            ("mx example", true, "[policy]\nauthserv_id = \"Gate.Example\"\n", "gate.example"),
            ("mx.example", true, "", "mx.example"),
        ] {
            let marked = written(&[passed("a.example", "")], &facts(name, removes_forged), &settings(config));
            assert_eq!((&*marked.authserv_id, marked.headers.len()), (id, usize::from(!id.is_empty())), "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_its_field(
            words in prop::collection::vec("(?s).{0,900}", 0..12),
            value in "(?s).{0,300}",
            reason in "(?s).{0,300}",
        ) {
            let marks = [Mark::Field { name: "Received-SPF", words }, passed(&value, &reason)];
            let marked = written(&marks, &facts("mx.example", true), &settings(""));
            prop_assert_eq!(marked.headers.len(), 2);
            for (header, name) in marked.headers.iter().zip(["Authentication-Results: ", "Received-SPF:"]) {
                prop_assert!(header.starts_with(name));
                for (number, line) in header.split('\n').enumerate() {
                    prop_assert!(line.len() <= 998 && line.bytes().all(|octet| matches!(octet, b' '..=b'~')));
                    // A line that does not begin with a blank would be another field; one of blanks only, the end.
                    prop_assert!(number == 0 || (line.starts_with(' ') && !line.trim().is_empty()), "{:?}", header);
                }
            }
        }
    }
}
