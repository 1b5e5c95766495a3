//! Does SPF work from the DNS to qmail-queue? The hooked qmail-smtpd, the real `tollgated` and unbound.

use crate::host::{Host, host};
use crate::{OK, deliver, greeted};
use std::process::Command;
use tollgate_tests::{daemon::Daemon, dns::Dns, scratch::Scratch};

/// The client is 192.0.2.9.
const RECORDS: &str = "pass.test. 300 IN TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n\
                       fail.test. 300 IN TXT \"v=spf1 -all\"\nsoftfail.test. 300 IN TXT \"v=spf1 ~all\"\n";

struct Gate {
    host: Host,
    _daemon: Daemon,
    _dns: Dns,
    _scratch: Scratch,
}

fn gate(policy: &str) -> Option<Gate> {
    let scratch = Scratch::new("qmail-spf");
    let socket = scratch.path("tollgate.sock");
    let host = host(&[("TOLLGATE_SOCKET", &socket.to_string_lossy())])?;
    let dns = Dns::start_with(&scratch, &[], RECORDS);
    let control = host.control().display().to_string();
    let base =
        format!("[policy]\ncontrol = \"{control}\"\nreply_ids = false\n[dns]\nservers = [\"{}\"]\n", dns.address);
    let group = Command::new("id").arg("-gn").output().expect("id runs").stdout;
    let group = String::from_utf8(group).expect("the name of a group");
    let daemon = Daemon::start(&scratch, group.trim(), &format!("{base}[check.spf]\n{policy}"));
    Some(Gate { host, _daemon: daemon, _dns: dns, _scratch: scratch })
}

#[test]
fn results_stand_on_top_forged_ones_go_and_the_queue_hears() {
    let Some(gate) = gate("mode = \"enforce\"\nhelo = false\n") else { return };
    let mut client = greeted(&gate.host);
    let sent = "Authentication-Results: mail.test; spf=pass smtp.mailfrom=bank.test\r\n\
                Authentication-Results: relay.test; spf=pass\r\nSubject: s\r\n\r\nb";
    let qp = deliver(&mut client, "a@softfail.test", "x@mail.test", sent);
    let message = gate.host.message(qp);
    let top = "Authentication-Results: mail.test; spf=softfail smtp.mailfrom=softfail.test\n\
               Received-SPF: softfail (mail.test: domain of a@softfail.test does not\n \
               designate 192.0.2.9 as permitted sender, but is not sure) receiver=mail.test;\n \
               identity=mailfrom; client-ip=192.0.2.9; envelope-from=\"a@softfail.test\";\n";
    assert!(message.starts_with(top), "{message}");
    assert!(message.ends_with("\nAuthentication-Results: relay.test; spf=pass\nSubject: s\n\nb\n"), "{message}");
    assert!(!message.contains("bank.test"), "{message}");
    assert_eq!(gate.host.spf_result(qp), "softfail");
    let qp = deliver(&mut client, "a@pass.test", "x@mail.test", "Subject: s\r\n\r\nb");
    assert_eq!(gate.host.spf_result(qp), "pass");
    assert_eq!(client.say("MAIL FROM:<a@fail.test>"), OK);
    let refused = "550 sorry, fail.test does not let 192.0.2.9 send its mail: its SPF record says so (#5.7.23)\r\n";
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), refused);
    assert_eq!(client.say("RCPT TO:<postmaster@mail.test>"), OK);
}

#[test]
fn the_patch_is_imitated_to_the_byte() {
    let Some(gate) = gate("level = \"3\"\nreceived_spf = \"qmail\"\nauthentication_results = false\n") else { return };
    let mut client = greeted(&gate.host);
    assert_eq!(client.say("MAIL FROM:<user@fail.test>"), OK);
    let refused =
        "550 See http://spf.pobox.com/why.html?sender=user%40fail.test&ip=192.0.2.9&receiver=mail.test (#5.7.1)\r\n";
    assert_eq!(client.say("RCPT TO:<x@mail.test>"), refused);
    let qp = deliver(&mut client, "a@pass.test", "x@mail.test", "Subject: s\r\n\r\nb");
    let top = "Received-SPF: pass (mail.test: SPF record at pass.test designates 192.0.2.9 as permitted sender)\n";
    assert!(gate.host.message(qp).starts_with(top), "{}", gate.host.message(qp));
    assert_eq!(gate.host.spf_result(qp), "pass");
}
