//! Does SIGHUP change the policy under load without an answer lost?

use rustix::process::Signal;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use tollgate_tests::{
    gate::{CLEAN, Gate, Plan},
    wait,
};

/// Reloads while clients are at it, and sessions each client has at least.
const RELOADS: usize = 20;
const SESSIONS: usize = 25;

#[test]
fn sighup_under_load_loses_no_answer() {
    let gate = Plan::new("reload").control("badrcptto", "sales@ours.example\n").start();
    let done = AtomicBool::new(false);
    let sessions = thread::scope(|scope| {
        let clients: Vec<_> = (0..2).map(|_| scope.spawn(|| load(&gate, &done))).collect();
        {
            let _even_if_it_fails = Finally(&done);
            reload_often(&gate);
        }
        clients.into_iter().map(|client| client.join().expect("a client")).sum::<usize>()
    });
    let metrics = gate.daemon.metrics();
    let closed = gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], sessions as f64);
    assert!(closed < sessions as f64 + 0.5, "{closed} reports of {sessions} sessions");
    assert!(metrics.sum("tollgate_unanswered_total", &[]) < 0.5, "a stage had no answer");
}

/// Tells the clients to stop when it is dropped.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Sessions with one good and one bad recipient, until told to stop. Both answers must always be right.
fn load(gate: &Gate, done: &AtomicBool) -> usize {
    for session in 0.. {
        if session >= SESSIONS && done.load(Ordering::SeqCst) {
            return session;
        }
        let sent = gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example", "sales@ours.example"], "load");
        let codes: Vec<u16> = sent.recipients.iter().map(|reply| reply.code).collect();
        assert_eq!(codes, [250, 553], "session {session}: {sent:?}");
        assert!(sent.is_stored(), "session {session}: {sent:?}");
    }
    0
}

/// Each reload is seen in force before the next one.
fn reload_often(gate: &Gate) {
    let generation = || gate.daemon.metrics().sum("tollgate_policy_generation", &[]);
    for _ in 0..RELOADS {
        let before = generation();
        gate.daemon.signal(Signal::HUP);
        wait::until("the next policy", wait::SOON, || generation() > before);
    }
}

#[test]
fn a_bad_configuration_leaves_the_old_policy() {
    let gate = Plan::new("reload-bad").control("badrcptto", "sales@ours.example\n").start();
    gate.configure("mode = \"sometimes\"\nno_such_key = 1\n");
    gate.daemon.signal(Signal::HUP);
    wait::until("the failed reload to show", wait::SOON, || {
        gate.daemon.metrics().sum("tollgate_reload_failed", &[]) > 0.5
    });
    let refused = gate.deliver(CLEAN, "ann@sender.example", &["sales@ours.example"], "still refused");
    assert_eq!(refused.recipients[0].code, 553, "{refused:?}");
    gate.configure("mode = \"monitor\"\n");
    gate.daemon.signal(Signal::HUP);
    wait::until("the repaired configuration", wait::SOON, || {
        gate.daemon.metrics().sum("tollgate_reload_failed", &[]) < 0.5
    });
    assert!(gate.deliver(CLEAN, "ann@sender.example", &["sales@ours.example"], "monitored").is_stored());
}
