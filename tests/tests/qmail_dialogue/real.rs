//! What does a client of the hooked qmail-smtpd see with the real `tollgated` behind it?
//!
//! The daemon reads the control files of the same root, as it would on a mail host.

use crate::host::{Host, host};
use crate::{OK, STOCK_BADMAILFROM, STOCK_RCPTHOSTS, deliver, greeted};
use std::process::Command;
use tollgate_tests::{daemon::Daemon, mailboxes::home, scratch::Scratch, wait};

const BAD_SENDER: &str = "MAIL FROM:<bad@stock.test>";

struct Gate {
    daemon: Daemon,
    host: Host,
    _scratch: Scratch,
}

/// A daemon with this policy and a mail host that asks it; `None` without a program to test.
fn gate(policy: &str) -> Option<Gate> {
    gate_with(policy, &[])
}

/// The same with variables of tcprules.
fn gate_with(policy: &str, variables: &[(&str, &str)]) -> Option<Gate> {
    let scratch = Scratch::new("qmail");
    let socket = scratch.path("tollgate.sock").to_string_lossy().into_owned();
    let host = host(&[&[("TOLLGATE_SOCKET", socket.as_str())], variables].concat())?;
    let control = format!("[policy]\ncontrol = \"{}\"\n", host.control().display());
    let group = Command::new("id").arg("-gn").output().expect("id runs").stdout;
    let group = String::from_utf8(group).expect("the name of a group");
    let daemon = Daemon::start(&scratch, group.trim(), &format!("{control}{policy}"));
    Some(Gate { daemon, host, _scratch: scratch })
}

#[test]
fn a_listed_sender_keeps_stocks_very_bytes() {
    let Some(gate) = gate("reply_ids = false\n") else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say(BAD_SENDER), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), STOCK_BADMAILFROM);
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), STOCK_BADMAILFROM, "the sender's fault goes first");
    assert_eq!(client.say("RCPT TO:<postmaster@mail.test>"), OK, "postmaster hears everybody");
    assert_eq!(client.say("RSET"), "250 flushed\r\n");
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: clean\r\n\r\nb");
    assert_eq!(client.say("QUIT"), "221 mail.test\r\n");
}

#[test]
fn a_refusal_ends_with_its_id() {
    let Some(gate) = gate("") else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say(BAD_SENDER), OK);
    let answer = client.say("RCPT TO:<x@mail.test>");
    let prefix = STOCK_BADMAILFROM.trim_end();
    let id = answer.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(" [")?.strip_suffix("]\r\n"));
    let id = id.expect("stock's text, then the id in brackets");
    assert!(id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{answer}");
}

#[test]
fn a_list_in_monitor_mode_refuses_nobody_though_stock_has_it_too() {
    let Some(gate) = gate("\n[check.badmailfrom]\nmode = \"monitor\"\n") else { return };
    let mut client = greeted(&gate.host);
    deliver(&mut client, "bad@stock.test", "x@mail.test", "Subject: only counted\r\n\r\nb");
    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), STOCK_RCPTHOSTS, "nobody gains relaying");
}

#[test]
fn stock_decides_again_when_the_daemon_is_killed_in_mid_session() {
    let Some(mut gate) = gate("\n[check.badmailfrom]\nmode = \"monitor\"\n") else { return };
    let mut client = greeted(&gate.host);
    deliver(&mut client, "bad@stock.test", "x@mail.test", "Subject: weighed\r\n\r\nb");
    gate.daemon.kill();
    assert_eq!(client.say(BAD_SENDER), OK);
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), STOCK_BADMAILFROM);
    deliver(&mut client, "a@clean.test", "x@mail.test", "Subject: let in\r\n\r\nb");
    gate.daemon.run();
    let mut client = greeted(&gate.host);
    deliver(&mut client, "bad@stock.test", "x@mail.test", "Subject: weighed again\r\n\r\nb");
}

const NO_MAILBOX: &str = "550 sorry, no mailbox here by that name. (#5.1.1)\r\n";

/// A policy that refuses whom a home of ours has no file for.
fn refusing(scratch: &Scratch) -> String {
    let users = home(scratch, &[".qmail-ann", ".qmail-list-default"]);
    format!("reply_ids = false\n\n[check.recipient]\nmode = \"enforce\"\nusers = \"{}\"\n", users.display())
}

#[test]
fn nobodys_mailbox_is_refused_in_realrcpttos_very_bytes() {
    let homes = Scratch::new("qmail-homes");
    let Some(gate) = gate(&refusing(&homes)) else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<bob@mail.test>"), NO_MAILBOX);
    assert_eq!(client.say("RCPT TO:<x@foreign.test>"), STOCK_RCPTHOSTS, "the relay test goes first");
    assert_eq!(client.say("DATA"), "503 RCPT first (#5.5.1)\r\n");
    assert_eq!(client.say("RCPT TO:<Ann@mail.test>"), OK);
    assert_eq!(client.say("RCPT TO:<list-anything@mail.test>"), OK);
    homes.write("home/.qmail-bob", "");
    deliver(&mut client, "a@clean.test", "ann@mail.test", "Subject: clean\r\n\r\nb");
}

#[test]
fn a_client_with_qmailrrtdenyall_hears_of_it_at_data() {
    let homes = Scratch::new("qmail-homes-late");
    let Some(gate) = gate_with(&refusing(&homes), &[("QMAILRRTDENYALL", "1")]) else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say("MAIL FROM:<a@clean.test>"), OK);
    assert_eq!(client.say("RCPT TO:<ann@mail.test>"), OK);
    assert_eq!(client.say("RCPT TO:<bob@mail.test>"), OK);
    assert_eq!(client.say("DATA"), NO_MAILBOX);
    deliver(&mut client, "a@clean.test", "ann@mail.test", "Subject: the next one\r\n\r\nb");
}

#[test]
fn a_pardon_lets_through_though_stock_has_the_sender_on_its_list() {
    let Some(gate) = gate("") else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say(BAD_SENDER), OK);
    let answer = client.say("RCPT TO:<x@mail.test>");
    let id = answer.rsplit('[').next().and_then(|rest| rest.strip_suffix("]\r\n")).expect("an id");
    // What was decided is known a moment after it was said.
    wait::until("the pardon", wait::SOON, || {
        gate.daemon.tool(&["pardon", id, "--reason", "a test", "--by", "ann"]).good
    });
    deliver(&mut client, "bad@stock.test", "x@mail.test", "Subject: pardoned\r\n\r\nb");
    let listed = gate.daemon.tool(&["exceptions", "list"]);
    assert!(listed.output.contains("bad@stock.test") && listed.output.contains("a test"), "{listed:?}");
}
