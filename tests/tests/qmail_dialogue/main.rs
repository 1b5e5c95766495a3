//! Does a qmail-smtpd with the hook say, byte for byte, what the daemon wants, and what stock says otherwise?
//!
//! qmail is in no package registry, so the program comes from outside: `TOLLGATE_QMAIL_SMTPD=/path/bin/qmail-smtpd`,
//! built with the hook and libtollgate for a scratch root of its own (see `host.rs`). Without it every test here says
//! that it was skipped. The daemon here is a scripted one, whose verdicts depend on words in what the client says;
//! `real.rs` has the real one.
#![allow(clippy::expect_used, reason = "a failed set-up step ends the test")]

mod forged;
mod host;
mod real;
mod secured;
mod spf;
mod talk;

use host::{Host, host};
use talk::Client;
use tollgate_tests::fake::Daemon;

const OK: &str = "250 ok\r\n";
const STOCK_BADMAILFROM: &str = "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)\r\n";
const STOCK_RCPTHOSTS: &str = "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\r\n";
const MAIL_FIRST: &str = "503 MAIL first (#5.5.1)\r\n";
const REFUSED_ONLY_QUIT: &str = "503 connection refused, QUIT is all that is left (#5.5.1)\r\n";

/// A client past its greeting.
fn greeted(host: &Host) -> Client {
    let mut client = host.connect();
    assert_eq!(client.reply(), "220 mail.test ESMTP\r\n");
    assert_eq!(client.say("HELO client.test"), "250 mail.test\r\n");
    client
}

/// Says one whole message and gives the qp of the answer.
fn deliver(client: &mut Client, sender: &str, recipient: &str, body: &str) -> u32 {
    assert_eq!(client.say(&format!("MAIL FROM:<{sender}>")), OK);
    assert_eq!(client.say(&format!("RCPT TO:<{recipient}>")), OK);
    assert_eq!(client.say("DATA"), "354 go ahead\r\n");
    let answer = client.say(&format!("{body}\r\n."));
    let qp = answer.trim_end().rsplit(' ').next().and_then(|qp| qp.parse().ok());
    assert!(answer.starts_with("250 ok "), "{answer}");
    qp.expect("the answer ends with qp")
}

#[test]
fn clean_mail_goes_in_with_headers_on_top_and_is_reported() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    let qp = deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: hi\r\n\r\n..dot");
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
    client.closed();

    let message = host.message(qp);
    let received = message.find("Received: from ").expect("a Received line");
    assert_eq!(&message[..received], "X-Fake: one\nX-Fake: two,\n folded\n");
    assert!(message.ends_with("\nSubject: hi\n\n.dot\n"), "{message}");
    assert_eq!(host.envelope(qp), "Fa@clean.test\0Tx@mail.test\0\0");

    let report = daemon.report_of(qp);
    assert_eq!((report.ending, report.recipients_accepted, report.message_bytes), (1, 1, 18));
    let end = daemon.report_of_close();
    assert!(end.quit && end.messages_accepted == 1, "{end:?}");
    assert_eq!(daemon.stages(), ["connect", "helo", "mail", "rcpt", "data"]);
}

#[test]
fn a_listed_sender_is_refused_at_rcpt_byte_for_byte() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    assert_eq!(client.say("MAIL FROM:<someone@listed.test>"), OK);
    let refusal = "553 sorry, your envelope sender is in my badmailfrom list (#5.7.1) [fake]\r\n";
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), refusal);
    assert_eq!(client.say("RCPT TO:<y@mail.test>"), refusal);
    assert_eq!(client.say("DATA"), "503 RCPT first (#5.5.1)\r\n");
    assert_eq!(client.say("RSET"), "250 flushed\r\n");
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), MAIL_FIRST);
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: after RSET\r\n\r\nb");
}

#[test]
fn every_stage_can_refuse() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    assert_eq!(client.say("HELO reject.test"), "550-fake says\r\n550 no (#5.7.1) [fake]\r\n");
    assert_eq!(client.say("EHLO defer.test"), "451 fake says later (#4.7.1) [fake]\r\n");
    assert_eq!(client.say("HELO client.test"), "250 mail.test\r\n");

    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("MAIL FROM:<reject@now.test>"), "550-fake says\r\n550 no (#5.7.1) [fake]\r\n");
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), MAIL_FIRST, "a refused MAIL ends the older one");

    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<reject@mail.test>"), "550-fake says\r\n550 no (#5.7.1) [fake]\r\n");
    assert_eq!(client.say("RCPT TO:<defer@mail.test>"), "451 fake says later (#4.7.1) [fake]\r\n");
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), STOCK_RCPTHOSTS, "continue is no leave to relay");
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), OK);

    assert_eq!(client.say("MAIL FROM:<nodata@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), OK);
    let refused = "550-fake says\r\n550 no (#5.7.1) [fake]\r\n";
    assert_eq!((client.say("DATA").as_str(), client.say("DATA").as_str()), (refused, refused));
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: second transaction\r\n\r\nb");
    deliver(&mut client, "", "x@mail.test", "Subject: third, a bounce\r\n\r\nb");
}

#[test]
fn a_421_closes_at_any_stage() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let talks: [&[&str]; 3] = [
        &["EHLO close.test"],
        &["MAIL FROM:<close@clean.test>"],
        &["MAIL FROM:<a@clean.test>", "RCPT TO:<close@mail.test>"],
    ];
    for lines in talks {
        let mut client = greeted(&host);
        let (last, before) = lines.split_last().expect("a line");
        for line in before {
            assert_eq!(client.say(line), OK);
        }
        assert_eq!(client.say(last), "421 fake closes (#4.3.2) [fake]\r\n");
        client.closed();
    }
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    client.send("RSET\r\nMAIL FROM:<a@clean.test>\r\nRCPT TO:<reject@mail.test>\r\nRCPT TO:<x@mail.test>\r\n");
    client.send("RCPT TO:<x@foreign.test>\r\nDATA\r\n");
    let refused = "550-fake says\r\n550 no (#5.7.1) [fake]\r\n";
    for expected in ["250 flushed\r\n", OK, refused, OK, STOCK_RCPTHOSTS, "354 go ahead\r\n"] {
        assert_eq!(client.reply(), expected);
    }
    client.send("Subject: p\r\n\r\nb\r\n.\r\nQUIT\r\n");
    assert!(client.reply().starts_with("250 ok "));
    assert_eq!(client.reply(), "221 mail.test\r\n");
    client.closed();
    let end = daemon.report_of_close();
    assert_eq!((end.recipients_accepted, end.recipients_refused), (1, 2));
}

#[test]
fn refused_at_connect_leaves_only_quit() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket()), ("RBLSMTPD", "-no service")]) else { return };
    let mut client = host.connect();
    assert_eq!(client.reply(), "550-fake says\r\n550 no (#5.7.1) [fake]\r\n");
    for line in ["EHLO client.test", "MAIL FROM:<a@clean.test>", "NOOP"] {
        assert_eq!(client.say(line), REFUSED_ONLY_QUIT);
    }
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
    client.closed();
    assert!(daemon.report_of_close().quit);
    assert_eq!(daemon.stages(), ["connect"]);
}

#[test]
fn closed_at_connect() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket()), ("RBLSMTPD", "close")]) else { return };
    let mut client = host.connect();
    assert_eq!(client.reply(), "421 fake closes (#4.3.2) [fake]\r\n");
    client.closed();
}

#[test]
fn a_relay_client_is_known_as_one_and_its_suffix_is_not_in_the_question() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket()), ("RELAYCLIENT", "@gate.test")]) else { return };
    let mut client = greeted(&host);
    let qp = deliver(&mut client, "a@clean.test", "x@foreign.test", "Subject: relayed\r\n\r\nb");
    assert_eq!(host.envelope(qp), "Fa@clean.test\0Tx@foreign.test@gate.test\0\0");
    let asked = daemon.rcpt();
    assert_eq!((asked.recipient.as_ref(), asked.rcpthosts), (&b"x@foreign.test"[..], 1));
    assert_eq!(asked.connection.and_then(|it| it.relayclient).as_deref(), Some(&b"@gate.test"[..]));
}

#[test]
fn stock_badmailfrom_is_passed_over_where_the_daemon_answered() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    deliver(&mut client, "bad@stock.test", "x@mail.test", "Subject: weighed\r\n\r\nb");
}

#[test]
fn without_a_daemon_qmail_decides_as_before() {
    let Some(host) = host(&[("TOLLGATE_SOCKET", "/nonexistent/tollgate.sock")]) else { return };
    let mut client = greeted(&host);
    assert_eq!(client.say("MAIL FROM:<bad@stock.test>"), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), STOCK_BADMAILFROM);
    let qp = deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: let in\r\n\r\nb");
    assert!(host.message(qp).starts_with("Received: from "));
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
}

#[test]
fn without_a_daemon_defer_says_451_but_not_to_relay_clients() {
    let absent = ("TOLLGATE_SOCKET", "/nonexistent/tollgate.sock");
    let Some(strict) = host(&[absent, ("TOLLGATE_ON_FAILURE", "defer")]) else { return };
    let mut client = greeted(&strict);
    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    let answer = client.say("RCPT TO:<x@mail.test>");
    assert!(answer.starts_with("451 ") && answer.ends_with("\r\n"), "{answer}");

    let Some(relay) = host(&[absent, ("TOLLGATE_ON_FAILURE", "defer"), ("RELAYCLIENT", "")]) else { return };
    deliver(&mut greeted(&relay), "a@clean.test", "x@foreign.test", "Subject: ours\r\n\r\nb");
}

#[test]
fn a_daemon_that_dies_in_mid_session_costs_no_mail() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: before\r\n\r\nb");
    daemon.stop();
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: after\r\n\r\nb");
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
}

#[test]
fn what_stock_refuses_itself_is_not_asked_about() {
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), MAIL_FIRST);
    assert_eq!(client.say("DATA"), MAIL_FIRST);
    let long = format!("MAIL FROM:<{}@clean.test>", "a".repeat(900));
    assert_eq!(client.say(&long), "555 syntax error (#5.5.4)\r\n");
    assert_eq!(client.say("FROB"), "502 unimplemented (#5.5.1)\r\n");
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
    assert!(daemon.report_of_close().quit);
    assert_eq!(daemon.stages(), ["connect", "helo"]);
}
