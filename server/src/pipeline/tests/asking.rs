//! When is asked, how long is waited, and what is decided without an answer?

use super::*;
use crate::{
    ask::{Answer, DnsAnswer, Failure, Record},
    pipeline::{Action, ROUNDS_MAX, degraded},
};
use std::{future::Future, pin::pin, task::Poll};

fn found() -> Answered {
    let records: Arc<[Record]> = [Record::A([127, 0, 0, 2].into())].into();
    Answered { answer: Answer::Dns(DnsAnswer::Found(records)), ..Answered::failed(Failure::Timeout, Duration::ZERO) }
}

/// Is it ready without waiting for anything?
fn at_once<T>(deciding: impl Future<Output = T>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut deciding = pin!(deciding);
        std::future::poll_fn(|context| Poll::Ready(deciding.as_mut().poll(context).is_ready())).await
    })
}

/// Is `stage` of a session decided so?
fn decided_at_once(scene: &Scene, stage: Stage) -> bool {
    at_once(scene.engine.decide(stage, facts(), &[], None))
}

const ASKS: &str = "[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]\n";

#[test]
fn questions_are_asked_ahead_without_waiting() {
    let scene = Scene::new(ASKS);
    assert!(decided_at_once(&scene, Stage::Connect), "nothing is waited for");
    assert_eq!(scene.table.asked(), ["A x"]);
}

#[test]
fn what_is_cached_or_comes_in_time_decides() {
    let mut cached = Table::default();
    cached.cached.insert(question("x"), found());
    let scene = Scene::asking(ASKS, cached);
    let decision = scene.rcpt();
    assert_eq!((decision.decided_by, decision.evidence.len()), ("alpha", 1));
    assert_eq!(scene.table.asked(), [""; 0]);
    let mut slow = Table::default();
    slow.slow.insert(question("x"), found());
    assert_eq!(Scene::asking(ASKS, slow).rcpt().decided_by, "alpha");
}

#[test]
fn a_question_never_answered_costs_the_deadline_and_fails() {
    let scene = Scene::new(&format!("[policy]\nstage_deadline_ms = 40\n{ASKS}[check.gamma]\nsays = \"defer\"\n"));
    let (began, decision) = (Clock::system().now(), scene.rcpt());
    let took = Clock::system().now().steady - began.steady;
    assert!(took >= Duration::from_millis(40) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Defer, "gamma"), "the others decide");
    assert_eq!(decision.verdict.degraded, [degraded::DEADLINE]);
    let failed = Answer::Dns(DnsAnswer::Failed(Failure::Timeout));
    assert!(decision.evidence.iter().all(|(_, answered)| answered.answer == failed));
}

#[test]
fn the_callers_deadline_holds_less_a_margin() {
    let scene = Scene::new(&format!("[policy]\nstage_deadline_ms = 30000\n{ASKS}"));
    let began = Clock::system().now();
    for left in [Duration::from_millis(320), Duration::from_millis(10), Duration::ZERO] {
        let decision = scene.decide_within(Stage::Rcpt, facts(), &[], Some(left));
        assert_eq!(decision.verdict.degraded, [degraded::DEADLINE]);
    }
    assert!(Clock::system().now().steady - began.steady < Duration::from_secs(10));
}

#[test]
fn rounds_know_earlier_answers_and_are_bounded() {
    let names: Vec<String> = (0..ROUNDS_MAX + 2).map(|round| format!("q{round}")).collect();
    let slow = names.iter().map(|name| (question(name), found())).collect();
    let table = Table { slow, ..Table::default() };
    let scene = Scene::asking(&format!("[check.alpha]\nsays = \"reject\"\nasks = {names:?}\n"), table);
    let decision = scene.rcpt();
    assert_eq!(scene.table.asked().len(), ROUNDS_MAX);
    assert_eq!(decision.verdict.action, Action::Continue, "what was not asked counts as failed");
}

#[test]
fn all_checks_are_asked_at_once_and_equal_questions_once() {
    let scene = Scene::new(
        "[policy]\nstage_deadline_ms = 10\n[check.alpha]\nasks = [\"x\"]\n[check.beta]\nasks = [\"y\"]\n[check.gamma]\nasks = [\"x\"]",
    );
    scene.rcpt();
    assert_eq!(scene.table.asked(), ["A x", "A y"]);
}

#[test]
fn a_failing_resolver_and_an_overloaded_one_are_told_apart() {
    for (failure, reasons) in [
        (Failure::Servfail, [degraded::DNS]),
        (Failure::Timeout, [degraded::DNS]),
        (Failure::Overload, [degraded::OVERLOAD]),
    ] {
        let mut table = Table::default();
        table.slow.insert(question("x"), Answered::failed(failure, Duration::ZERO));
        assert_eq!(Scene::asking(ASKS, table).rcpt().verdict.degraded, reasons);
    }
}

#[test]
fn a_caller_that_goes_away_leaves_nothing_behind() {
    let scene = Scene::new(ASKS);
    assert!(!decided_at_once(&scene, Stage::Rcpt), "it waits for x");
    assert!(scene.log.pop().is_none(), "no decision, no record");
    assert_eq!(scene.table.asked(), ["A x"], "the look-up goes on");
}

#[test]
fn what_is_only_rehearsed_is_not_waited_for_long() {
    let rehearsed = ASKS.replace("[check.alpha]\n", "[check.alpha]\nmode = \"monitor\"\n");
    let settings = "[policy]\nstage_deadline_ms = 20000\nrehearsal_wait_ms = 30\n";
    let scene = Scene::new(&format!("{settings}{rehearsed}[check.gamma]\nsays = \"defer\"\n"));
    let (began, decision) = (Clock::system().now(), scene.rcpt());
    let took = Clock::system().now().steady - began.steady;
    assert!(took >= Duration::from_millis(30) && took < Duration::from_secs(10), "{took:?}");
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Defer, "gamma"));
    assert!(scene.table.asked().iter().all(|name| name == "A x"), "it joins the look-up under way");
    assert_eq!(decision.verdict.degraded, [""; 0], "what changes no answer degrades none");
    // An answer that is there counts.
    let mut cached = Table::default();
    cached.cached.insert(question("x"), found());
    let decision = Scene::asking(&rehearsed, cached).rcpt();
    assert_eq!(decision.would_have, Some((Action::Reject, "alpha")));
}

#[test]
fn a_silent_resolver_delays_no_session_for_a_rehearsal_after_the_first_ones() {
    let rehearsed = ASKS.replace("[check.alpha]\n", "[check.alpha]\nmode = \"monitor\"\n");
    let scene = Scene::new(&format!("[policy]\nstage_deadline_ms = 20000\nrehearsal_wait_ms = 5\n{rehearsed}"));
    for _ in 0..5 {
        scene.rcpt();
    }
    assert!(decided_at_once(&scene, Stage::Rcpt), "nothing is waited for");
    assert!(!at_once(scene.engine.rehearse(Stage::Rcpt, facts())), "who asks by hand wants the answers");
}

#[test]
fn who_asks_by_hand_does_not_change_what_mail_waits_for() {
    let rehearsed = ASKS.replace("[check.alpha]\n", "[check.alpha]\nmode = \"monitor\"\n");
    let scene = Scene::new(&format!("[policy]\nstage_deadline_ms = 20000\nrehearsal_wait_ms = 5\n{rehearsed}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for _ in 0..7 {
        runtime.block_on(scene.engine.rehearse(Stage::Rcpt, facts()));
    }
    assert!(!decided_at_once(&scene, Stage::Rcpt), "mail has not waited in vain yet");
}

#[test]
fn one_slow_name_keeps_nobody_from_hearing_the_others() {
    let rehearsed = "[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]\n[check.beta]\nasks = [\"silent\"]\n";
    let slow = [(question("x"), found())].into_iter().collect();
    let text = format!("[policy]\nstage_deadline_ms = 20000\nrehearsal_wait_ms = 50\nmode = \"monitor\"\n{rehearsed}");
    let scene = Scene::asking(&text, Table { slow, ..Table::default() });
    for _ in 0..7 {
        assert_eq!(scene.rcpt().would_have, Some((Action::Reject, "alpha")));
    }
    assert!(!decided_at_once(&scene, Stage::Rcpt), "it still waits");
}
