//! Does the daemon hear how every session ended?

use std::thread;
use tollgate_tests::{
    gate::{CLEAN, Gate, Plan},
    smtp::Client,
};

/// Sessions in all, by this many clients at a time.
const SESSIONS: usize = 1_000;
const CLIENTS: usize = 4;

#[test]
fn a_thousand_sessions_leave_a_thousand_reports() {
    let gate = Plan::new("reports").start();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move_sessions(&gate, client))).collect();
        for client in clients {
            client.join().expect("a client");
        }
    });
    let closed = gate.daemon.wait_for_count("tollgate_reports_total", &[("ending", "closed")], SESSIONS as f64);
    assert!(closed < SESSIONS as f64 + 0.5, "{closed} reports of {SESSIONS} connections");
    let metrics = gate.daemon.metrics();
    let accepted = metrics.sum("tollgate_reports_total", &[("ending", "accepted")]);
    assert!((accepted - SESSIONS as f64 / 4.0).abs() < 0.5, "{accepted} reports of {} messages", SESSIONS / 4);
    assert!(metrics.sum("tollgate_unanswered_total", &[]) < 0.5, "a stage had no answer");
}

fn move_sessions(gate: &Gate, client: usize) -> impl FnOnce() + Send + '_ {
    move || (client..SESSIONS).step_by(CLIENTS).for_each(|number| session(gate, number))
}

/// Four kinds in turn: a message and QUIT, a refusal and QUIT, hanging up after MAIL, hanging up after the greeting.
fn session(gate: &Gate, number: usize) {
    match (number + number / CLIENTS) % 4 {
        0 => assert!(gate.deliver(CLEAN, "ann@sender.example", &["bob@ours.example"], "one of many").is_stored()),
        1 => {
            let refused = gate.deliver(CLEAN, "ann@sender.example", &["x@foreign.example"], "refused");
            assert_eq!(refused.recipients[0].code, 550, "{refused:?}");
        }
        2 => assert_eq!(gate.client(CLEAN).say("MAIL FROM:<ann@sender.example>").code, 250),
        _ => assert_eq!(Client::connect(gate.mail.address, CLEAN).1.code, 220),
    }
}
