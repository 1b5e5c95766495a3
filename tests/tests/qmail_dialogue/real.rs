//! What does a client of the hooked qmail-smtpd see with the real `tollgated` behind it?
//!
//! The daemon reads the control files of the same root, as it would on a mail host.

use crate::host::{Host, host};
use crate::{OK, STOCK_BADMAILFROM, STOCK_RCPTHOSTS, deliver, greeted};
use std::process::Command;
use tollgate_tests::{daemon::Daemon, scratch::Scratch};

const BAD_SENDER: &str = "MAIL FROM:<bad@stock.test>";

struct Gate {
    daemon: Daemon,
    host: Host,
    _scratch: Scratch,
}

/// A daemon with this policy and a mail host that asks it; `None` without a program to test.
fn gate(policy: &str) -> Option<Gate> {
    let scratch = Scratch::new("qmail");
    let socket = scratch.path("tollgate.sock");
    let host = host(&[("TOLLGATE_SOCKET", &socket.to_string_lossy())])?;
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
