//! Forged fields go, nothing else does: against a reference that sees the whole message, in pieces of any size.

use super::{
    cases,
    fake::Fake,
    forged_reference as reference,
    server::{Server, go_on, refusal},
};
use crate::{Session, forged::Filter};
use proptest::{prelude::*, sample::select};
use tollgate_proto::v1::Verdict;

const OURS: &str = "mx.test";

/// What is left of a message that comes in pieces of these sizes, over and over.
fn filtered(ours: &str, message: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut filter = Box::new(Filter::new());
    let mut left = Vec::new();
    let mut rest = message;
    filter.begin(ours.as_bytes());
    for size in sizes.iter().cycle() {
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        filter.put(piece, &mut |bytes| left.extend_from_slice(bytes));
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    filter.end(&mut |bytes| left.extend_from_slice(bytes));
    left
}

fn text(ours: &str, message: &str) -> String {
    let by_byte = filtered(ours, message.as_bytes(), &[1]);
    assert_eq!(filtered(ours, message.as_bytes(), &[message.len()]), by_byte);
    String::from_utf8(by_byte).unwrap()
}

fn is_forged(field: &[u8]) -> bool {
    let mut filter = Box::new(Filter::new());
    filter.begin(OURS.as_bytes());
    filter.is_forged(field)
}

#[test]
fn forged_fields_go_with_their_folded_lines() {
    let before = "Received: a\n\tb\n";
    let after = "Subject: hi\n\nAuthentication-Results: mx.test; spf=pass\n";
    let forged = [
        "Authentication-Results: mx.test; spf=pass\n",
        "authentication-RESULTS:MX.Test\n",
        "Authentication-Results \t: mx.test 1; none\n",
        "Authentication-Results\n : mx.test; none\n",
        "Authentication-Results:\n\tmx.test;\n\tspf=pass\n \n  more\n",
        "Authentication-Results: (a (b\\) \"c) d) \"m\\x.test\" ; none\n",
        "Authentication-Results: mx.test. ; none\n",
        "Authentication-Results: mx.test(x)\n",
        "Authentication-Results: \"mx\".test; none\n",
        "Authentication-Results: mx.(x)\n test; none\n",
        "Authentication-Results: mx.test/a; none\n",
        "Authentication-Results: \"mx.test; none\n",
        "Authentication-Results: \"mx.test;\"; none\n",
        "Authentication-Results: (mx.test; none\n",
        "Authentication-Results: \u{fc}.test; none\n",
        "Authentication-Results: m\0x.test; none\n",
        "Auth\0entication-Results\0: mx.test; none\n",
        "Authentication-Results:\r\n mx.test; none\r\n",
        "Auth\rentication-Results: mx.test; none\n",
        "\rAuthentication-Results: mx.test; none\n",
        "Authentication-Results: \rother.test; none\n",
        "Authentication-Results:\n",
        "Authentication-Results: ; none\n",
    ];
    for field in forged {
        assert_eq!(text(OURS, &format!("{before}{field}{after}")), format!("{before}{after}"), "{field:?}");
        assert_eq!(text(OURS, &format!("{field}{field}\nb")), "\nb", "{field:?}");
        assert_eq!(text(OURS, field), "", "{field:?}");
        assert!(is_forged(field.as_bytes()) && is_forged(field.trim_end().as_bytes()), "{field:?}");
        assert_eq!(text("", &format!("{field}\n")), format!("{field}\n"), "nothing is ours: {field:?}");
    }
}

#[test]
fn everything_else_stays() {
    let kept = [
        "Authentication-Results: other.test; spf=pass\n",
        "Authentication-Results: mx.test.evil.test; none\n",
        "Authentication-Results: xmx.test; none\n",
        "Authentication-Results: mx.tes; none\n",
        "Authentication-Results: m\n",
        "Authentication-Results: mx  from=a.test; none\n",
        "Authentication-Results: (mx.test) other.test; (a (b)) none\n",
        "Authentication-Results: \"other test\"; none\n",
        "Authentication-Results: spf=pass smtp.mailfrom=mx.test\n",
        "X-Authentication-Results: mx.test; none\n",
        "ARC-Authentication-Results: i=1; mx.test; none\n",
        "Authentication-Result: mx.test; none\n",
        "Authentication-Results-X: mx.test; none\n",
        "Authentication-Results mx.test; none\n",
        "Authentication-Results\n",
        "X: a\n Authentication-Results: mx.test; none\n",
        " Authentication-Results: mx.test; none\n",
        "Authentic\rA\r\n",
        "\0\0\0\r\n",
    ];
    for field in kept {
        assert_eq!(text(OURS, field), field);
        assert_eq!(text(OURS, &format!("{field}\nbody")), format!("{field}\nbody"));
        assert!(!is_forged(field.as_bytes()), "{field:?}");
    }
    for message in ["", "\n", "\nAuthentication-Results: mx.test; none\n", "no header, no end", "a\n\n\n\r\n\0"] {
        assert_eq!(text(OURS, message), message);
    }
    assert_eq!(text("mx.test.", "Authentication-Results: mx.test; none\n\n"), "\n", "our dot does not count either");
}

#[test]
fn a_line_that_looks_empty_to_some_does_not_end_the_header() {
    for line in ["\r\n", " \n", "\0\n", "no field\n"] {
        let message = format!("A: b\n{line}Authentication-Results: mx.test; none\nC: d\n\n");
        assert_eq!(text(OURS, &message), format!("A: b\n{line}C: d\n\n"), "{line:?}");
    }
}

#[test]
fn what_begins_behind_a_lone_cr_goes_and_its_line_still_ends() {
    let field = "Authentication-Results: mx.test;\n none";
    for (before, after) in [("A: b\r", "\nC: d\n\n"), ("A: b\r\r", "\n\nbody\n"), ("Authentic\r", "\n"), ("A: b\r", "")]
    {
        let message = format!("{before}{field}{after}");
        assert_eq!(text(OURS, &message), format!("{before}{after}"));
        assert!(is_forged(message.split("\n\n").next().unwrap().as_bytes()));
    }
    assert_eq!(text(OURS, "A: b\r Authentication-Results: mx.test\n"), "A: b\r Authentication-Results: mx.test\n");
}

#[test]
fn what_cannot_be_read_within_the_bound_is_forged() {
    for (padding, is_forged) in [(900, false), (1100, true), (100_000, true)] {
        let message = format!("Authentication-Results: ({}) other.test; none\nA: b\n\n", "x".repeat(padding));
        let expected = if is_forged { "A: b\n\n" } else { &message };
        assert_eq!(text(OURS, &message), expected, "{padding}");
    }
    let name = format!("A{}: b\nC: d\n\n", "\0".repeat(2000));
    assert_eq!(text(OURS, &name), "C: d\n\n", "a name that never ends");
    let nothing = format!("{}A: b\n\n", "\0".repeat(2000));
    assert_eq!(text(OURS, &nothing), nothing);
    let long = format!("Authentication-Results: {}; none\n", "a".repeat(3000));
    assert_eq!(text(OURS, &long), "");
}

#[test]
fn the_filter_works_for_one_answer_to_data() {
    let verdict = |_: &_| Verdict { authserv_id: OURS.into(), spf_result: "softfail".into(), ..go_on() };
    let mut sys = Fake::new(Server::deciding(verdict));
    let mut session = Box::new(Session::new());
    type End<'a> = &'a dyn Fn(&mut Session, &mut Fake<Server>);
    let ends: [End<'_>; 5] = [
        &|session, _| session.rset(),
        &|session, sys| assert!(session.helo(sys, b"x", true).is_none()),
        &|session, sys| assert!(session.mail(sys, b"x", b"").is_none()),
        &|session, sys| session.queued(sys, 1, Some(b"")),
        &|session, sys| session.close(sys, true),
    ];
    for end in ends {
        session.mail(&mut sys, b"x", b"");
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"", false));
        session.data(&mut sys);
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"softfail", true));
        let mut left = Vec::new();
        assert!(session.filter(b"Authentication-Results: mx.test\nA: b", &mut |bytes| left.extend_from_slice(bytes)));
        assert!(!session.filter(b"\n\n", &mut |bytes| left.extend_from_slice(bytes)));
        session.end_filter(&mut |_| panic!("nothing is held"));
        assert_eq!(left, b"A: b\n\n");
        end(&mut session, &mut sys);
        assert_eq!((session.spf_result(), session.is_forged(b"Authentication-Results: mx.test")), (c"", false));
        assert!(!session.filter(b"Authentication-Results: mx.test\n", &mut |bytes| assert_eq!(bytes.len(), 32)));
    }
    sys.env.insert("TOLLGATE_OFF", "1".into());
    session.connect(&mut sys);
    session.data(&mut sys);
    assert_eq!(session.spf_result(), c"");
    assert!(!session.filter(b"", &mut |_| {}));
}

#[test]
fn a_refusal_brings_no_word_and_no_name() {
    let verdict = |_: &_| Verdict { authserv_id: OURS.into(), spf_result: "fail".into(), ..refusal(550, "no") };
    let mut sys = Fake::new(Server::deciding(verdict));
    let mut session = Box::new(Session::new());
    session.data(&mut sys);
    assert_eq!(session.spf_result(), c"");
    assert!(!session.filter(b"A", &mut |_| {}));
}

/// Text of any kind between the parts of a field that bears our name.
fn cfws() -> impl Strategy<Value = String> {
    let comment = "\\((\\([a-z;\" ]{0,4}\\)|[a-z;:\"= \u{e4}]|\\\\[()a\"\\\\]|\n [a-z]){0,6}\\)";
    proptest::collection::vec(
        prop_oneof![Just(" ".to_owned()), Just("\t".to_owned()), Just("\n ".to_owned()), comment],
        0..5,
    )
    .prop_map(|parts| parts.concat())
}

/// Our name as it may be written: any case, whole or in parts, quoted or not.
fn our_name() -> impl Strategy<Value = String> {
    let letters = proptest::collection::vec((any::<bool>(), any::<bool>()), OURS.len());
    (letters, any::<bool>(), "\\.{0,2}").prop_map(|(letters, is_quoted, dots)| {
        let letter = |(byte, (is_upper, is_escaped)): (char, (bool, bool))| {
            let byte = if is_upper { byte.to_ascii_uppercase() } else { byte };
            if is_quoted && is_escaped { format!("\\{byte}") } else { byte.to_string() }
        };
        let name: String = OURS.chars().zip(letters).map(letter).chain([dots]).collect();
        if is_quoted { format!("\"{name}\"") } else { name }
    })
}

fn forged_field() -> impl Strategy<Value = String> {
    let name = proptest::collection::vec(any::<bool>(), 22).prop_map(|upper| {
        let letter = |(byte, is_upper): (char, bool)| if is_upper { byte.to_ascii_uppercase() } else { byte };
        "authentication-results".chars().zip(upper).map(letter).collect::<String>()
    });
    let end = select(vec!["", " 1", ";none", "; spf=pass (x) a=b", "\t1 ; dkim=pass\n\tx=y"]);
    (name, "[ \t]{0,3}", cfws(), our_name(), cfws(), end)
        .prop_map(|(name, blank, before, ours, after, end)| format!("{name}{blank}:{before}{ours}{after}{end}\n"))
}

/// Bytes that could lead a reader astray, in an order that sometimes makes sense.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"Authentication-Results",
        b"Authentication-Results: ",
        b"\nAuthentication-Results:",
        b"Authentic",
        b"A",
        b"\rAuthentication-Results: mx.test;",
        b"mx.test",
        b"MX.",
        b"test",
        b"x",
        b"mx",
        b".",
        b";",
        b":",
        b"\"",
        b"\\",
        b"(",
        b")",
        b" ",
        b"\t",
        b"\n",
        b"\n ",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\0",
        b"\xff",
        b"=",
        b"1",
        b"A: b\n",
    ];
    proptest::collection::vec(select(words), 0..24).prop_map(|words| words.concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), proptest::collection::vec(1usize..40, 1..5)]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: cases().cases * 64, ..cases() })]

    #[test]
    fn hostile_messages_lose_what_the_reference_removes(message in hostile(), sizes in sizes()) {
        let left = filtered(OURS, &message, &sizes);
        prop_assert_eq!(
            String::from_utf8_lossy(&left).into_owned(),
            String::from_utf8_lossy(&reference::filtered(OURS, &message)).into_owned(),
            "{:?}", String::from_utf8_lossy(&message)
        );
        // Nothing is left to remove.
        prop_assert_eq!(filtered(OURS, &left, &[1]), left);
    }

    #[test]
    fn however_our_name_is_written_the_field_goes(field in forged_field(), before in "([A-Z][a-z]{0,9}: [a-z ]{0,20}\n){0,3}",
        after in "([A-Z][a-z]{0,9}: [a-z ]{0,20}\n( [a-z]{1,9}\n)?){0,3}", body in "\n([ -~]{0,20}\n){0,3}", sizes in sizes())
    {
        let left = filtered(OURS, format!("{before}{field}{after}{body}{field}").as_bytes(), &sizes);
        prop_assert_eq!(String::from_utf8(left).unwrap(), format!("{before}{after}{body}{field}"), "{:?}", field);
        prop_assert!(is_forged(field.as_bytes()));
    }

    #[test]
    fn messages_without_such_fields_do_not_change(message in proptest::collection::vec(any::<u8>(), 0..600), sizes in sizes()) {
        prop_assert_eq!(filtered(OURS, &message, &sizes), message);
    }

}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn lines_of_any_length_do_not_change(lines in proptest::collection::vec("[A-Za][a-z\r\t -]{0,300}:? [ -~\r]{0,2000}\n", 0..9),
        sizes in sizes())
    {
        let message = lines.concat();
        prop_assert_eq!(filtered(OURS, message.as_bytes(), &sizes), message.as_bytes());
    }
}
