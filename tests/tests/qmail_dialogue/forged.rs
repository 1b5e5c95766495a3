//! Do forged Authentication-Results leave the message, and does qmail-queue hear what SPF said?

use crate::host::host;
use crate::{OK, deliver, greeted};
use tollgate_tests::fake::{Daemon, OUR_RESULTS};

/// Each bears the name of ours in another way; the last one only for readers that take a lone CR for a line's end.
const FORGED: [&str; 6] = [
    "Authentication-Results: mail.test; spf=pass",
    "AUTHENTICATION-results \t:\r\n\t(a (nested\\) one)) \"MAIL.test\" 1\r\n ; spf=pass\r\n\tsmtp.mailfrom=a@clean.test",
    "Authentication-Results: mail.test.; none",
    "Authentication-Results:\r\r\n mail.test; none",
    "Authentication-Results: (never closed mail.test; none",
    "Authentication-\rResults: mail.test; none",
];
const KEPT: [&str; 5] = [
    "From: a@clean.test",
    "Authentication-Results: relay.test; spf=pass\r\n\tsmtp.mailfrom=a@clean.test",
    "X-Authentication-Results: mail.test; none",
    "Authentication-Results: mail.test.evil.test; none",
    "Subject: hi\r\n Authentication-Results: mail.test; none",
];
const BODY: &str = "Authentication-Results: mail.test; spf=pass\r\n\r\n..\r\nAuthentication-Results: mail.test; none";

/// The message a client sends, and what of it comes out of the queue.
fn message(fields: &[&str], body: &str) -> (String, String) {
    let whole = |fields: &[&str]| format!("{}\r\n\r\n{body}", fields.join("\r\n"));
    let left: Vec<&str> = fields.iter().copied().filter(|field| !FORGED.contains(field)).collect();
    (whole(fields), whole(&left).replace("\r\n", "\n").replace("\n..", "\n.") + "\n")
}

fn mixed() -> Vec<&'static str> {
    let kept = KEPT.iter().chain(&KEPT[..1]);
    kept.zip(FORGED).flat_map(|(kept, forged)| [*kept, forged]).collect()
}

#[test]
fn forged_results_go_and_nothing_else_does() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    for _ in 0..2 {
        let (sent, left) = message(&mixed(), BODY);
        let qp = deliver(&mut client, "a@judged.test", "x@mail.test", &sent);
        let message = host.message(qp);
        let (top, rest) = message.split_at(message.find("Received: from ").expect("a Received line"));
        assert_eq!(top, format!("{OUR_RESULTS}\nX-Fake: one\nX-Fake: two,\n folded\n"), "ours stays, above this hop");
        assert!(rest.ends_with(&format!("\n{left}")), "{rest}");
        let received = rest.strip_suffix(&left).expect("what the client sent comes last");
        assert!(received.lines().skip(1).all(|line| line.starts_with(' ')), "nothing between: {received}");
        let sent = sent.replace("\r\n", "\n").replace("\n..", "\n.").len() + 1;
        assert_eq!(daemon.report_of(qp).message_bytes, sent as u64, "bytes count as received");
    }
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
}

#[test]
fn messages_of_any_shape_come_through() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    let long = format!("Subject: {}\r\n\r\n{}", "s".repeat(500), "line\r\n".repeat(200));
    let shapes = [
        ("", "\n"),
        ("no header at all", "no header at all\n"),
        ("\r\nAuthentication-Results: mail.test; none", "\nAuthentication-Results: mail.test; none\n"),
        ("Authentication-Results: mail.test; none", ""),
        ("Authentication-Results: mail.tes", "Authentication-Results: mail.tes\n"),
        ("Authentication-Results", "Authentication-Results\n"),
        ("Subject: a\rAuthentication-Results: mail.test\r\nTo: b", "Subject: a\r\nTo: b\n"),
        (&long, &(long.replace("\r\n", "\n") + "\n")),
    ];
    for (sent, left) in shapes {
        let qp = deliver(&mut client, "a@judged.test", "x@mail.test", sent);
        let message = host.message(qp);
        let received = message.strip_suffix(left).unwrap_or_else(|| panic!("{sent:?} became {message:?}"));
        assert!(received.ends_with(" -0000\n"), "{sent:?} became {message:?}");
    }
}

#[test]
fn without_results_of_ours_nothing_is_forged() {
    let daemon = Daemon::start();
    for socket in [daemon.socket(), "/nonexistent/tollgate.sock".to_owned()] {
        let Some(host) = host(&[("TOLLGATE_SOCKET", &socket)]) else { return };
        let sent = "Authentication-Results: mail.test; none\r\n\r\nb";
        let qp = deliver(&mut greeted(&host), "a@clean.test", "x@mail.test", sent);
        assert!(host.message(qp).ends_with("\nAuthentication-Results: mail.test; none\n\nb\n"));
    }
}

#[test]
fn spfresult_is_that_of_the_message_and_nobody_elses() {
    let daemon = Daemon::start();
    let variables = [("TOLLGATE_SOCKET", &*daemon.socket()), ("SPFRESULT", "pass")];
    let Some(host) = host(&variables) else { return };
    let mut client = greeted(&host);
    let mut said = |sender: &str| {
        let qp = deliver(&mut client, sender, "x@mail.test", "Subject: s\r\n\r\nb");
        host.spf_result(qp)
    };
    assert_eq!(said("a@clean.test"), "unset", "not what tcprules say");
    assert_eq!(said("a@softfail.test"), "softfail");
    assert_eq!(said("a@clean.test"), "unset", "not what the last message was");
    assert_eq!(said("a@softfail.test"), "softfail");

    assert_eq!(client.say("MAIL FROM:<nodata@softfail.test>"), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), OK);
    assert!(client.say("DATA").starts_with("550"));
    daemon.stop();
    let qp = deliver(&mut client, "a@softfail.test", "x@mail.test", "Subject: alone\r\n\r\nb");
    assert_eq!(host.spf_result(qp), "unset");
}
