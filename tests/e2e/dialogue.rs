//! Does the gate stand what clients really send? Eight-bit and over-long names, pipelining, many transactions.

use tollgate_tests::{
    gate::{CLEAN, Plan},
    smtp::Client,
};

#[test]
fn any_helo_is_passed_on_and_nothing_breaks() {
    let gate = Plan::new("helo").start();
    let long = [b"EHLO ".as_slice(), &[b'x'; 3000]].concat();
    let odd: [&[u8]; 4] = [b"HELO \xe4\xf6\xfc.example", b"EHLO \x01\x7f\xff", &long, b"EHLO [2001:db8::10]"];
    for (number, helo) in odd.into_iter().enumerate() {
        let (mut client, _) = Client::connect(gate.mail.address, CLEAN);
        assert_eq!(client.say(helo).code, 250, "{}", String::from_utf8_lossy(&helo[..20.min(helo.len())]));
        let subject = format!("odd {number}");
        let sent = client.transaction("ann@sender.example", &["bob@ours.example"], &subject);
        assert!(sent.is_stored(), "{sent:?}");
        client.quit();
        assert!(gate.mail.stored_as(&subject).is_some());
    }
    let metrics = gate.daemon.metrics();
    let helos = metrics.sum("tollgate_decisions_total", &[("stage", "helo")]);
    assert!(helos > 3.5, "the daemon decided about {helos} greetings of 4");
    assert_log_is_clean(&gate.daemon.log());
}

/// What a client sends cannot forge a line or colour a terminal.
fn assert_log_is_clean(log: &str) {
    assert!(!log.is_empty(), "there is no log");
    let odd = |byte: &u8| !(byte.is_ascii_graphic() || *byte == b' ' || *byte == b'\n');
    let bad = log.lines().find(|line| line.bytes().any(|byte| odd(&byte)));
    assert!(bad.is_none(), "a log line has unprintable bytes: {bad:?}");
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let gate = Plan::new("pipelining").control("badrcptto", "trap@ours.example\n").start();
    let mut client = gate.client(CLEAN);
    client.send(
        "MAIL FROM:<ann@sender.example>\r\nRCPT TO:<bob@ours.example>\r\nRCPT TO:<trap@ours.example>\r\n\
         RCPT TO:<carol@ours.example>\r\nRCPT TO:<x@foreign.example>\r\nDATA\r\n",
    );
    let codes: Vec<u16> = (0..6).map(|_| client.reply().code).collect();
    assert_eq!(codes, [250, 250, 553, 250, 550, 354]);
    client.send("Subject: pipelined\r\n\r\nA body.\r\n.\r\nMAIL FROM:<ann@sender.example>\r\nRSET\r\nQUIT\r\n");
    let codes: Vec<u16> = (0..4).map(|_| client.reply().code).collect();
    assert_eq!(codes, [250, 250, 250, 221]);
    let stored = gate.mail.stored_as("pipelined").expect("in the queue");
    assert!(stored.header.contains("\nbob@ours.example\n") && stored.header.contains("\ncarol@ours.example\n"));
    assert!(!stored.header.contains("\ntrap@ours.example\n"));
}

#[test]
fn a_connection_may_bring_many_messages() {
    let gate = Plan::new("many").start();
    let mut client = gate.client(CLEAN);
    for number in 0..20 {
        let sent = client.transaction("ann@sender.example", &["bob@ours.example"], &format!("number {number}"));
        assert!(sent.is_stored(), "{sent:?}");
    }
    client.quit();
    assert_eq!(gate.mail.stored().len(), 20);
    gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "accepted")], 20.0);
    gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], 1.0);
}
