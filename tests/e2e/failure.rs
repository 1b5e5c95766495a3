//! What does the mail see when the daemon is gone, hung, forbidden, or its DNS is hostile? Mail passes, or is deferred
//! where the postmaster said so; no call outlasts its deadline; what was let in alone is known afterwards.

use rustix::process::Signal;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    time::{Duration, Instant},
};
use tollgate_tests::{
    dns::List,
    gate::{CLEAN, Gate, LISTED, Plan, Preset, ZONE},
    smtp::Transaction,
    wait,
};

/// One call of libtollgate ends within two seconds; the rest is for a busy machine.
const ONE_CALL: Duration = Duration::from_millis(2_000);
const SLACK: Duration = Duration::from_secs(8);

/// A transaction for a recipient that the policy would refuse.
fn knock(gate: &Gate) -> (Transaction, Duration) {
    let start: Instant = wait::now();
    let went = gate.deliver(CLEAN, "ann@sender.example", &["sales@ours.example"], "knocking");
    (went, wait::now() - start)
}

fn plan(name: &str, on_failure: &str) -> Plan {
    Plan::new(name).control("badrcptto", "sales@ours.example\n").shim("TOLLGATE_ON_FAILURE", on_failure)
}

/// Nobody could refuse the recipient: the message passed or was deferred, as set.
fn assert_as_set(on_failure: &str, went: &Transaction) {
    match on_failure {
        "defer" => {
            let deferred = went.mail.code == 451 || went.recipients.iter().all(|reply| reply.code == 451);
            assert!(deferred && !went.is_stored(), "{went:?}");
        }
        _ => assert!(went.is_stored(), "{went:?}"),
    }
}

/// The daemon collects what mail servers decided alone.
fn assert_counted(gate: &Gate) {
    wait::until("the failures to be counted", wait::SOON, || {
        let metrics = gate.daemon.metrics();
        metrics.sum("tollgate_failure_records_total", &[]) + metrics.sum("tollgate_unanswered_total", &[]) > 0.5
    });
}

#[test]
fn without_a_daemon_mail_passes_or_is_deferred() {
    for on_failure in ["accept", "defer"] {
        let mut gate = plan("absent", on_failure).start();
        gate.daemon.kill();
        let (went, took) = knock(&gate);
        assert_as_set(on_failure, &went);
        assert!(took < ONE_CALL + SLACK, "nobody listens, and it took {took:?}");
        gate.daemon.run();
        assert_counted(&gate);
        // The next session is asked about again.
        assert_eq!(knock(&gate).0.recipients[0].code, 553);
    }
}

#[test]
fn a_daemon_killed_in_mid_session_costs_one_session() {
    for on_failure in ["accept", "defer"] {
        let mut gate = plan("killed", on_failure).start();
        let mut client = gate.client(CLEAN);
        assert_eq!(client.say("MAIL FROM:<ann@sender.example>").code, 250);
        gate.daemon.kill();
        let answer = client.say("RCPT TO:<sales@ours.example>");
        assert_eq!(answer.code, if on_failure == "defer" { 451 } else { 250 }, "{answer:?}");
        // It comes back while the client is still there: the next MAIL asks again.
        gate.daemon.run();
        client.say("RSET");
        let refused = client.transaction("ann@sender.example", &["sales@ours.example"], "after the restart");
        assert_eq!(refused.recipients[0].code, 553, "{refused:?}");
        client.quit();
        assert_counted(&gate);
    }
}

#[test]
fn a_stopped_daemon_costs_two_deadlines_at_most() {
    for on_failure in ["accept", "defer"] {
        let gate = plan("stopped", on_failure).start();
        gate.daemon.signal(Signal::STOP);
        let (went, took) = knock(&gate);
        gate.daemon.signal(Signal::CONT);
        assert_as_set(on_failure, &went);
        // Two failures, then no more calls in this session.
        assert!(took < 2 * ONE_CALL + SLACK, "the daemon hangs, and the session took {took:?}");
        assert_counted(&gate);
        assert_eq!(knock(&gate).0.recipients[0].code, 553);
    }
}

#[test]
fn a_forbidden_socket_is_like_no_daemon() {
    for on_failure in ["accept", "defer"] {
        let gate = plan("forbidden", on_failure).start();
        let socket = gate.daemon.socket();
        chown(&socket, Some(0), Some(0)).expect("root's socket");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).expect("nobody else's socket");
        let (went, took) = knock(&gate);
        assert_as_set(on_failure, &went);
        assert!(took < ONE_CALL + SLACK, "it took {took:?}");
        assert_counted(&gate);
    }
}

#[test]
fn a_list_that_never_answers_leaves_no_session_unanswered() {
    for preset in [Preset::Default, Preset::Seed] {
        let zone = |zone: &str| format!("\n[[check.rbl.list]]\nzone = \"{zone}\"\n");
        let plan = Plan::of("silent", preset).list(List::silent("silent.example"));
        let plan = plan.list(List::new(ZONE, "127.0.0.2:Listed").with("192.0.2.66"));
        let plan = plan.control("badrcptto", "sales@ours.example\n");
        let gate = plan.policy(&format!("{}{}", zone(ZONE), zone("silent.example"))).start();
        for session in 0..4 {
            // What can be known is heard: the other list, and the recipient.
            let listed = gate.deliver(LISTED, "ann@sender.example", &["bob@ours.example"], "listed");
            assert_eq!(listed.recipients[0].code / 100, 5, "{preset:?} {session}: {listed:?}");
            let (went, took) = knock(&gate);
            assert_eq!(went.recipients[0].code, 553, "{preset:?} {session}: {went:?}");
            assert!(took < 3 * ONE_CALL + SLACK, "{preset:?}: a silent list, and the session took {took:?}");
            let clean = gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example"], "clean");
            assert!(clean.is_stored(), "a failed list is neither listed nor a reason: {clean:?}");
        }
        gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], 12.0);
        let metrics = gate.daemon.metrics();
        let alone = metrics.sum("tollgate_unanswered_total", &[]) + metrics.sum("tollgate_failure_records_total", &[]);
        assert!(alone < 0.5, "{preset:?}: {alone} stages went on without an answer");
        assert!(metrics.sum("tollgate_degraded_total", &[]) > 0.5, "{preset:?}: nobody says what was not known");
    }
}
