//! Is the daemon told who passed AUTH and that TLS is on, where the program has those patches?
//!
//! A program without them says that these tests were skipped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::host::{Host, host};
use crate::{OK, STOCK_RCPTHOSTS, greeted};
use tollgate_proto::v1::RcptRequest;
use tollgate_tests::{fake::Daemon, skip};

/// `joe` with a wrong and with the right password; the test host's checkpassword knows him.
const WRONG: &str = "AUTH PLAIN AGpvZQBiYWQ=";
const RIGHT: &str = "AUTH PLAIN AGpvZQBwdw==";
/// Anybody may claim this.
const CLAIMED: &str = "MAIL FROM:<a@clean.test> AUTH=<mallory@clean.test>";

/// Does the program offer it? Says so if not. The daemon of the test hears nothing of this.
fn offers(extension: &str) -> bool {
    let Some(host) = host(&[("TOLLGATE_OFF", "1"), ("SMTPAUTH", "1")]) else { return false };
    host.make_certificate();
    let mut client = host.connect();
    client.reply();
    // One known branch ends its EHLO list twice: everything up to the answer to NOOP counts.
    client.send("EHLO client.test\r\nNOOP\r\n");
    let mut list = client.reply();
    while !list.ends_with(OK) {
        list += &client.reply();
    }
    let is_offered = list.lines().any(|line| line.get(4..).is_some_and(|name| name.starts_with(extension)));
    if !is_offered {
        skip::say(&format!("qmail_dialogue {extension}"), "this qmail-smtpd does not offer it");
    }
    is_offered
}

fn user(asked: &RcptRequest) -> Option<&[u8]> {
    asked.connection.as_ref().and_then(|it| it.authenticated_user.as_deref())
}

#[test]
fn auth_counts_once_the_password_was_right() {
    if !offers("AUTH") {
        return;
    }
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket()), ("SMTPAUTH", "1")]) else { return };
    let mut client = greeted(&host);
    assert!(client.say(WRONG).starts_with("535 "));
    assert_eq!(client.say(CLAIMED), OK);
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), STOCK_RCPTHOSTS);
    let asked = daemon.rcpt();
    assert_eq!((user(&asked), asked.rcpthosts), (None, 2), "a claim and a wrong password are worth nothing");
    assert!(asked.connection.expect("facts").relayclient.is_none());

    assert_eq!(client.say("RSET"), "250 flushed\r\n");
    assert!(client.say(RIGHT).starts_with("235 "));
    assert_eq!(client.say(CLAIMED), OK);
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), OK);
    let asked = daemon.rcpt();
    assert_eq!((user(&asked), asked.rcpthosts), (Some(&b"joe"[..]), 1));
    let facts = asked.connection.expect("facts");
    assert_eq!((facts.relayclient.as_deref(), facts.auth_offered), (Some(&b""[..]), true));
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
    assert!(daemon.report_of_close().quit, "the child that checked the password closed nothing");
}

/// The far end of a TLS session, by way of openssl.
struct Tls {
    openssl: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Tls {
    fn start(host: &Host) -> Tls {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-crlf", "-starttls", "smtp", "-connect", &host.address()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut openssl = command.spawn().expect("openssl runs");
        let input = openssl.stdin.take().expect("its input");
        let output = BufReader::new(openssl.stdout.take().expect("its output"));
        Tls { openssl, input, output }
    }

    fn say(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("sent");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.openssl.kill().and_then(|()| self.openssl.wait()).expect("openssl ended");
    }
}

#[test]
fn what_is_asked_within_tls_says_so() {
    if !offers("STARTTLS") {
        return;
    }
    let daemon = Daemon::start();
    let Some(host) = host(&[("TOLLGATE_SOCKET", &daemon.socket())]) else { return };
    let mut client = greeted(&host);
    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), OK);
    assert!(!daemon.rcpt().connection.expect("facts").tls, "not yet");

    let mut client = Tls::start(&host);
    assert_eq!(client.say("HELO inside.test"), "250 mail.test\r\n");
    assert_eq!(client.say("MAIL FROM:<b@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<y@mail.test>"), OK);
    let asked = daemon.rcpt();
    assert_eq!(asked.helo.expect("HELO").helo.as_ref(), b"inside.test");
    assert!(asked.connection.expect("facts").tls);
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
}
