//! What does a session remember from call to call?

use super::*;
use crate::{
    decision_log::Event,
    pipeline::{Action, degraded},
    session::{Ending, History, Report},
};

fn history(decision: &Decision) -> &History {
    &decision.facts.history
}

#[test]
fn refusals_are_counted_by_transaction_and_connection() {
    let scene = Scene::new("[check.gamma]\nsays = \"reject\"");
    let first = scene.rcpt();
    let second = scene.decide(Stage::Rcpt, Facts { seq: 5, ..facts() }, &first.verdict.session_state);
    assert_eq!(history(&second).transaction.refused_by("gamma"), 2);
    let mail = Facts { seq: 6, recipient: None, ..facts() };
    let mail = scene.decide(Stage::Mail, mail, &second.verdict.session_state);
    let third = scene.decide(Stage::Rcpt, Facts { seq: 7, ..facts() }, &mail.verdict.session_state);
    assert_eq!(history(&third).transaction.refused_by("gamma"), 1);
    assert_eq!((history(&third).connection.refused_by("gamma"), history(&third).connection.recipients), (3, 3));
}

#[test]
fn a_repeated_call_counts_once() {
    let scene = Scene::new("[check.gamma]\nsays = \"reject\"");
    let first = scene.rcpt();
    // The mail server has not seen the first answer: the same state comes again.
    let repeated = scene.rcpt();
    assert_eq!(history(&repeated), history(&first));
    assert_eq!(repeated.verdict.session_state, first.verdict.session_state);
    // It has seen it, and repeats the call all the same.
    let repeated = scene.decide(Stage::Rcpt, facts(), &first.verdict.session_state);
    assert_eq!(history(&repeated), history(&first));
    // A MAIL that is repeated later does not end the transaction a second time.
    let late = scene.decide(Stage::Mail, Facts { seq: 3, ..facts() }, &first.verdict.session_state);
    assert_eq!(history(&late).transaction.recipients, 1);
}

#[test]
fn a_state_of_another_session_is_empty_and_told() {
    let scene = Scene::new("[check.gamma]\nsays = \"reject\"");
    let first = scene.rcpt();
    let other = Facts { session_id: SessionId([8; 16]), seq: 5, ..facts() };
    let decision = scene.decide(Stage::Rcpt, other, &first.verdict.session_state);
    assert_eq!(decision.verdict.degraded, [degraded::SESSION_STATE]);
    assert_eq!(history(&decision).connection.recipients, 1);
    assert_eq!(decision.verdict.action, Action::Reject, "it is judged all the same");
}

#[test]
fn a_session_without_recipients_has_nothing_to_carry() {
    let decision = Scene::new("").decide(Stage::Connect, Facts { seq: 1, recipient: None, ..facts() }, &[]);
    assert!(decision.verdict.session_state.is_empty());
}

#[test]
fn data_obeys_the_mildest_recipient() {
    let scene = Scene::new(
        "[policy]\nrecipient_modes = { \"ann@here.example\" = \"monitor\" }\n[check.delta]\nsays = \"reject\"",
    );
    let data = |state: &[u8]| scene.decide(Stage::Data, Facts { seq: 9, recipient: None, ..facts() }, state);
    let rcpt = scene.rcpt();
    assert_eq!(data(&rcpt.verdict.session_state).would_have, Some((Action::Reject, "delta")));
    let other = scene.decide(Stage::Rcpt, to("bob@here.example", Rcpthosts::Allowed), &[]);
    assert_eq!(data(&other.verdict.session_state).verdict.action, Action::Reject);
}

#[test]
fn a_swapped_policy_decides_the_next_call() {
    let scene = Scene::new("");
    assert_eq!(scene.rcpt().verdict.action, Action::Continue);
    let old = scene.engine.swap(policy("[check.alpha]\nsays = \"reject\"").expect("a policy"));
    assert_eq!((scene.rcpt().verdict.action, Arc::strong_count(&old)), (Action::Reject, 1));
}

#[test]
fn a_report_is_noted_with_what_the_session_lived_through() {
    let scene = Scene::new("[check.gamma]\nsays = \"reject\"");
    let first = scene.rcpt();
    scene.log.pop();
    let report = Some(Report { ending: Ending::Accepted, qp: 7, ..Report::default() });
    scene.engine.report(Facts { report, recipient: None, ..facts() }, &first.verdict.session_state);
    let Some(Event::Report(reported)) = scene.log.pop() else { panic!("nothing was noted") };
    assert_eq!(reported.facts.history.connection.refused_by("gamma"), 1);
    assert_eq!(reported.facts.report.as_ref().map(|report| report.qp), Some(7));
}
