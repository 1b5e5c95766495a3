//! What the mail client gets, whatever the daemon says.

use super::{
    cases,
    fake::Fake,
    server::{Server, go_on, refusal},
};
use crate::{
    Session,
    buffer::Buffer,
    reply::{Answer, push_field, write},
    verdict::{Action, Verdict as Decoded},
};
use proptest::prelude::*;
use prost::Message;
use tollgate_proto::v1::Verdict;

fn written(code: u16, text: &[u8]) -> Vec<u8> {
    let mut answer: Answer = Buffer::new();
    write(&mut answer, code, text);
    let bytes = answer.as_slice();
    assert_eq!(bytes.last(), Some(&0));
    bytes[..bytes.len() - 1].to_vec()
}

/// What RFC 5321 §4.2 asks of a reply.
fn check_reply(reply: &[u8], code: &str) {
    let reply = core::str::from_utf8(reply).unwrap();
    let lines: Vec<&str> = reply.split_inclusive("\r\n").collect();
    assert!(!lines.is_empty() && lines.len() <= 8);
    for (number, line) in lines.iter().enumerate() {
        let separator = if number + 1 == lines.len() { " " } else { "-" };
        assert!(line.len() <= 512, "{line}");
        assert!(line.starts_with(&format!("{code}{separator}")), "{line}");
        let text = line.strip_suffix("\r\n").expect("every line ends in CRLF");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    }
}

#[test]
fn lines_and_codes() {
    assert_eq!(written(550, b"no"), b"550 no\r\n");
    assert_eq!(written(451, b"one\ntwo\n\nfour"), b"451-one\r\n451-two\r\n451-\r\n451 four\r\n");
    assert_eq!(written(550, b"a\rb\0c\xff\x7fd\te"), b"550 a?b?c??d?e\r\n");
    assert_eq!(written(451, b""), b"451 please try again later\r\n");
    assert_eq!(written(554, b""), b"554 refused by policy\r\n");
    let long = written(550, &[b'x'; 5000]);
    assert_eq!(long.len(), 512);
    let many = written(550, "a\n".repeat(100).as_bytes());
    check_reply(&many, "550");
    let last = written(550, [&b"a\n".repeat(100)[..], b"the id"].concat().as_slice());
    assert!(last.ends_with(b"550 the id\r\n"), "the last line holds the id");
}

#[test]
fn codes_and_actions_must_agree() {
    let decoded = |action: i32, code: u32| {
        let bytes = Verdict { action, code, ..Verdict::default() }.encode_to_vec();
        Decoded::decode(&bytes).map(|verdict| (verdict.action, verdict.code)).ok()
    };
    assert_eq!(decoded(0, 0), Some((Action::Continue, 0)));
    assert_eq!(decoded(0, 550), Some((Action::Continue, 0)));
    assert_eq!(decoded(1, 451), Some((Action::Defer, 451)));
    assert_eq!(decoded(2, 550), Some((Action::Reject, 550)));
    for (action, code) in
        [(1, 550), (2, 451), (1, 0), (2, 0), (2, 250), (2, 600), (1, 400 + 65_536), (3, 550), (-1, 550)]
    {
        assert_eq!(decoded(action, code), None, "{action} {code}");
    }
}

#[test]
fn a_state_too_long_is_no_answer() {
    let bytes = |length| Verdict { session_state: vec![1; length].into(), ..go_on() }.encode_to_vec();
    assert!(Decoded::decode(&bytes(1024)).is_ok());
    assert!(Decoded::decode(&bytes(1025)).is_err());
}

#[test]
fn a_name_or_word_that_is_none_is_no_answer() {
    let is_verdict = |name: &str, word: &str| {
        let verdict = Verdict { authserv_id: name.to_owned(), spf_result: word.to_owned(), ..go_on() };
        Decoded::decode(&verdict.encode_to_vec()).is_ok()
    };
    for name in ["", "mx.example.org", "MX_1.", &"a".repeat(255)] {
        assert!(is_verdict(name, ""), "{name}");
    }
    for name in ["a b", "a;", "a\n", "\"a\"", "(a)", "a/b", "\u{fc}", "\0", "..", &"a".repeat(256)] {
        assert!(!is_verdict(name, ""), "{name}");
    }
    for word in ["pass", "softfail", &"a".repeat(16)] {
        assert!(is_verdict("", word), "{word}");
    }
    for word in ["Pass", "soft fail", "a=b", "a\n", "pass\0", &"a".repeat(17)] {
        assert!(!is_verdict("", word), "{word}");
    }
    // Of another type: a number, and bytes that are no number.
    assert!(Decoded::decode(&[11 << 3, 1]).is_err() && Decoded::decode(&[12 << 3, 1]).is_err());
}

#[test]
fn header_fields_are_fields_or_left_out() {
    let kept = |fields: &[&[u8]]| {
        let mut answer: Answer = Buffer::new();
        fields.iter().for_each(|field| push_field(&mut answer, field));
        String::from_utf8(answer.as_slice().to_vec()).unwrap()
    };
    let good: [&[u8]; 4] = [b"Received-SPF: pass", b"X:", b"X-Long: a\n b\n\tc", b"X-Tab:\tx"];
    assert_eq!(kept(&good), "Received-SPF: pass\nX:\nX-Long: a\n b\n\tc\nX-Tab:\tx\n");
    let bad: [&[u8]; 14] = [
        b"",
        b"no colon",
        b": no name",
        b"a b: c",
        b"X: a\nY: b",
        b"X: a\n",
        b"X: a\n\n b",
        b"X: a\r\n b",
        b"X: a\n ",
        b"\n X: a",
        b"X: \x00",
        b"X: \xff",
        b" X: a",
        b"X\t: a",
    ];
    for field in bad {
        assert_eq!(kept(&[field]), "", "{}", String::from_utf8_lossy(field));
    }
    let long = [b"X: ".as_slice(), &[b'a'; 996]].concat();
    assert_eq!(kept(&[&long]), "");
    // Whole fields only, as many as there is room for.
    let field = [b"X: ".as_slice(), &[b'a'; 900]].concat();
    let all = kept(&[field.as_slice(); 10]);
    assert_eq!(all.len(), 4 * (field.len() + 1));
}

#[test]
fn headers_come_after_data_only() {
    let fields = |_: &super::server::Request| Verdict {
        headers: vec!["X-A: 1".into(), "bad\r\n".into(), "X-B: 2\n 3".into()],
        ..go_on()
    };
    let mut sys = Fake::new(Server::deciding(fields));
    let mut session = Box::new(Session::new());
    assert_eq!(session.headers(), c"");
    session.mail(&mut sys, b"", b"");
    assert_eq!(session.headers(), c"");
    assert!(session.data(&mut sys).is_none());
    assert_eq!(session.headers(), c"X-A: 1\nX-B: 2\n 3\n");
    session.rset();
    session.mail(&mut sys, b"", b"");
    assert_eq!(session.headers(), c"");

    let mut sys = Fake::new(Server::deciding(|_| Verdict { headers: vec!["X-A: 1".into()], ..refusal(550, "no") }));
    let mut session = Box::new(Session::new());
    assert_eq!(session.data(&mut sys), Some(c"550 no\r\n"));
    assert_eq!(session.headers(), c"", "no fields with a refusal");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_reply_is_one(code in 400u16..600, text in proptest::collection::vec(any::<u8>(), 0..3000)) {
        check_reply(&written(code, &text), &format!("{code}"));
    }

    #[test]
    fn lines_of_any_length(code in 400u16..600, lines in proptest::collection::vec("[ -~]{0,600}", 1..20)) {
        check_reply(&written(code, lines.join("\n").as_bytes()), &format!("{code}"));
    }

    #[test]
    fn any_bytes_are_a_verdict_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(verdict) = Decoded::decode(&bytes) {
            verdict.headers(|_| {});
        }
    }

    #[test]
    fn what_prost_writes_is_read(
        code in 500u32..600, text in "\\PC{0,100}", delay_ms in any::<u32>(), state in proptest::collection::vec(any::<u8>(), 0..1024),
        headers in proptest::collection::vec("[ -~]{0,50}", 0..5), name in "[a-z][a-z.]{0,20}", word in "[a-z]{0,16}",
    ) {
        let verdict = Verdict {
            code, text: text.clone(), delay_ms, session_state: state.clone().into(), headers: headers.clone(),
            degraded: vec!["dns".into()], close: true, authserv_id: name.clone(), spf_result: word.clone(),
            ..refusal(code, &text)
        };
        let bytes = verdict.encode_to_vec();
        let decoded = Decoded::decode(&bytes).unwrap();
        prop_assert_eq!(decoded.action, Action::Reject);
        prop_assert_eq!(u32::from(decoded.code), code);
        prop_assert_eq!(decoded.text, text.as_bytes());
        prop_assert_eq!(decoded.delay_ms, delay_ms.min(30_000));
        prop_assert_eq!(decoded.state, state.as_slice());
        prop_assert_eq!((decoded.authserv_id, decoded.spf_result), (name.as_bytes(), word.as_bytes()));
        let mut read = vec![];
        decoded.headers(|field| read.push(String::from_utf8(field.to_vec()).unwrap()));
        prop_assert_eq!(read, headers);
    }
}
