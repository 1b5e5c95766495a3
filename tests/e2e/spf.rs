//! What does SPF do to mail? Refusals, header fields and what is forged of them, and every kind of DNS trouble: a domain's
//! own is deferred, ours leaves the mail alone.

use rustix::process::Signal;
use std::time::Duration;
use tollgate_tests::{
    dns_fault::Fault,
    gate::{CLEAN, Gate, Plan, Preset},
    smtp::{Client, Reply},
    wait,
};

const SERVFAIL: u8 = 2;

/// SPF is meant, and the domains of the tests have their records. CLEAN is 192.0.2.10.
fn plan(name: &str, policy: &str) -> Plan {
    Plan::new(name)
        .text("pass.example", "v=spf1 ip4:192.0.2.0/24 -all")
        .text("fail.example", "v=spf1 -all exp=why.fail.example")
        .text("why.fail.example", "%{s} is not at %{i}")
        .text("softfail.example", "v=spf1 include:fail.example ~all")
        .policy(&format!("reply_ids = false\n{policy}\n[check.spf]\nmode = \"enforce\"\n"))
}

fn rcpt(gate: &Gate, sender: &str) -> Reply {
    let mut client = gate.client(CLEAN);
    assert_eq!(client.say(format!("MAIL FROM:<{sender}>")).code, 250);
    let reply = client.say("RCPT TO:<bob@ours.example>");
    client.quit();
    reply
}

/// Sends a message with these lines in front of its body, all the way.
fn send(client: &mut Client, sender: &str, header: &str) {
    assert_eq!(client.say(format!("MAIL FROM:<{sender}>")).code, 250);
    assert_eq!(client.say("RCPT TO:<bob@ours.example>").code, 250);
    assert_eq!(client.say("DATA").code, 354);
    let stored =
        client.say(format!("{header}\r\n\r\nA body.\r\nAuthentication-Results: mx.ours.example; of=body\r\n."));
    assert_eq!(stored.code, 250, "{stored:?}");
}

#[test]
fn a_fail_is_refused_and_explained_and_postmaster_is_reached() {
    let gate = plan("spf-fail", "").start();
    let refused = rcpt(&gate, "ann@fail.example");
    let why = "sorry, fail.example does not let 192.0.2.10 send its mail: fail.example explains: ann@fail.example is not at 192.0.2.10";
    assert_eq!((refused.code, refused.words().as_str()), (550, why));
    assert_eq!(rcpt(&gate, "ann@pass.example").code, 250);
    assert_eq!(rcpt(&gate, "ann@softfail.example").code, 250);
    let mut client = gate.client(CLEAN);
    client.say("MAIL FROM:<ann@fail.example>");
    assert_eq!(client.say("RCPT TO:<postmaster@ours.example>").code, 250);
    client.quit();
    let metrics = gate.daemon.metrics();
    let count = |result: &str| metrics.sum("tollgate_spf_evaluations_total", &[("result", result)]);
    assert!(count("fail") > 0.5 && count("pass") > 0.5 && count("softfail") > 0.5);
}

#[test]
fn results_stand_on_top_and_forged_ones_are_gone() {
    let gate = plan("spf-header", "").start();
    let mut client = gate.client(CLEAN);
    let forged = "Authentication-Results: mx.ours.example; spf=pass smtp.mailfrom=bank.example\r\n\
                  Authentication-Results: (it is) MX.Ours.Example\r\n ; dkim=pass\r\n\
                  Authentication-Results: other.example; spf=pass\r\nSubject: forged";
    send(&mut client, "ann@pass.example", forged);
    client.quit();
    let message = gate.mail.stored_as("forged").expect("the message");
    let header = message.header.replace('\r', "");
    let ours = "Authentication-Results: mx.ours.example; spf=pass smtp.mailfrom=pass.example;";
    assert!(header.contains(ours), "{header}");
    assert!(header.contains("Received-SPF: pass (mx.ours.example: domain of ann@pass.example"), "{header}");
    assert!(header.contains("Authentication-Results: other.example; spf=pass"), "others' results are theirs: {header}");
    // Exim's spool marks what is deleted with a star behind the field's length.
    let deleted = |line: &str| header.lines().any(|found| found.contains(line) && found.get(3..4) == Some("*"));
    assert!(deleted("bank.example") && deleted("(it is)"), "{header}");
    assert!(message.body.contains("Authentication-Results: mx.ours.example; of=body"), "{}", message.body);
}

#[test]
fn a_domain_that_cannot_be_looked_up_is_deferred_and_others_are_not() {
    let gate = plan("spf-servfail", "").with_faults().start();
    gate.faults().set("dead.example", Fault::Code(SERVFAIL));
    // The resolver is well: others have just been looked up.
    assert_eq!(rcpt(&gate, "ann@pass.example").code, 250);
    let deferred = rcpt(&gate, "ann@dead.example");
    let why = "sorry, the SPF record of dead.example cannot be read at the moment";
    assert_eq!((deferred.code, deferred.words().as_str()), (451, why));
    assert_eq!(rcpt(&gate, "ann@pass.example").code, 250);
    assert_eq!(rcpt(&gate, "ann@fail.example").code, 550);
}

#[test]
fn a_resolver_that_stands_still_stops_no_mail() {
    let policy = "stage_deadline_ms = 400\n[dns]\ntimeout_ms = 1000\nattempts = 1\nfailure_ttl_seconds = 1";
    let gate = plan("spf-silent", policy).start();
    assert_eq!(rcpt(&gate, "ann@fail.example").code, 550);
    gate.dns.process().signal(Signal::STOP);
    for number in 0..6 {
        // A record that nobody can read now: neither refused nor deferred.
        assert_eq!(rcpt(&gate, &format!("ann@d{number}.example")).code, 250);
    }
    assert_eq!(rcpt(&gate, "ann@fail.example").code, 550, "what is known is still known");
    gate.daemon.wait_for_count("tollgate_spf_evaluations_total", &[("result", "undecided")], 1.0);
    gate.dns.process().signal(Signal::CONT);
    wait::until("the resolver to be heard again", wait::SOON, || rcpt(&gate, "ann@softfail.example").code == 250);
    let log = gate.daemon.log();
    assert!(log.lines().any(|line| line.contains("degraded=") && line.contains("stage=rcpt")), "{log}");
    assert!(!log.lines().any(|line| line.contains("spf.temperror")), "ours is no temperror: {log}");
}

#[test]
fn an_evaluation_that_takes_too_long_serves_the_next_one() {
    let policy = "stage_deadline_ms = 300\n[dns]\ntimeout_ms = 9000";
    let gate = plan("spf-slow", policy).with_faults().start();
    gate.faults().set("fail.example", Fault::Slow(Duration::from_millis(1_200)));
    assert_eq!(rcpt(&gate, "ann@fail.example").code, 250);
    gate.daemon.wait_for_count("tollgate_spf_evaluations_total", &[("result", "fail")], 1.0);
    assert_eq!(rcpt(&gate, "ann@fail.example").code, 550);
}

#[test]
fn the_patch_says_451_at_mail_and_ends_the_transaction() {
    let plan = Plan::of("spf-patch", Preset::Seed).control("spfbehavior", "3\n").text("fail.example", "v=spf1 -all");
    let gate = plan.with_faults().start();
    gate.faults().set("dead.example", Fault::Code(SERVFAIL));
    let mut client = gate.client(CLEAN);
    assert_eq!(client.say("MAIL FROM:<ann@sender.example>").code, 250);
    let deferred = client.say("MAIL FROM:<ann@dead.example>");
    // Exim lets no second MAIL in without RSET, whatever we say: a transaction of its own is needed.
    if deferred.code == 503 {
        client.say("RSET");
        let deferred = client.say("MAIL FROM:<ann@dead.example>");
        assert_eq!((deferred.code, deferred.words().as_str()), (451, "SPF lookup failure"));
    }
    assert_eq!(client.say("RCPT TO:<bob@ours.example>").code, 503, "no transaction is open");
    assert_eq!(client.say("MAIL FROM:<user@fail.example>").code, 250);
    let refused = client.say("RCPT TO:<bob@ours.example>");
    let why = "See http://spf.pobox.com/why.html?sender=user%40fail.example&ip=192.0.2.10&receiver=mx.ours.example";
    assert_eq!((refused.code, refused.words().as_str()), (550, why));
    client.quit();
}
