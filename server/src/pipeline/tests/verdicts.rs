//! Who is heard, in which mode, at which stage, with which words?

use super::*;
use crate::{decision_log::Event, pipeline::Action};

#[test]
fn nothing_found_means_go_on() {
    let decision = Scene::new("").rcpt();
    assert_eq!((decision.verdict.action, decision.verdict.code, decision.decided_by), (Action::Continue, 0, ""));
    assert!(decision.verdict.text.is_empty() && decision.findings.is_empty() && decision.would_have.is_none());
}

#[test]
fn the_first_rejection_is_heard_and_a_deferral_only_without_one() {
    let scene = Scene::new(
        "[check.alpha]\nsays = \"defer\"\n[check.beta]\nsays = \"reject\"\n[check.gamma]\nsays = \"reject\"",
    );
    let decision = scene.rcpt();
    assert_eq!((decision.verdict.action, decision.verdict.code, decision.decided_by), (Action::Reject, 553, "beta"));
    assert_eq!(decision.findings.len(), 3, "all are heard out");
    let id = decision.verdict.decision_id;
    assert_eq!(decision.verdict.text, format!("first of it (#5.7.1) [{id}]"));
    let decision = Scene::new("[check.alpha]\nsays = \"defer\"").rcpt();
    assert_eq!((decision.verdict.action, decision.verdict.code), (Action::Defer, 451));
    assert!(decision.verdict.text.contains("(#4.7.1)"));
}

#[test]
fn reply_ids_can_be_left_out() {
    let decision = Scene::new("[policy]\nreply_ids = false\n[check.alpha]\nsays = \"reject\"").rcpt();
    assert_eq!(decision.verdict.text, "first of it (#5.7.1)");
}

#[test]
fn replies_can_be_replaced() {
    let config = "[policy]\nreply_ids = false\n[check.alpha]\nsays = \"reject\"\n\
                  reply = { first = \"554 5.1.8 no, %{client_ip}\" }";
    let decision = Scene::new(config).rcpt();
    assert_eq!((decision.verdict.code, decision.verdict.text.as_str()), (554, "no, 192.0.2.9 (#5.1.8)"));
}

#[test]
fn soft_defers_and_monitor_only_would_have() {
    let decision = Scene::new("[check.alpha]\nsays = \"reject\"\nmode = \"soft\"").rcpt();
    assert_eq!((decision.verdict.action, decision.verdict.code), (Action::Defer, 451));
    for config in [
        "[check.alpha]\nsays = \"reject\"\nmode = \"monitor\"",
        "[check.alpha]\nsays = \"reject\"\nlist_mode = \"monitor\"",
        "[policy]\nmode = \"monitor\"\n[check.alpha]\nsays = \"reject\"\nmode = \"enforce\"",
        "[policy]\nhost_modes = { mx1 = \"monitor\" }\n[check.alpha]\nsays = \"reject\"",
        "[policy]\ndomain_modes = { \"here.example\" = \"monitor\" }\n[check.alpha]\nsays = \"reject\"",
        "[policy]\nrecipient_modes = { \"ann@here.example\" = \"monitor\" }\n[check.alpha]\nsays = \"reject\"",
    ] {
        let decision = Scene::new(config).rcpt();
        assert_eq!(decision.verdict.action, Action::Continue, "{config}");
        assert_eq!(decision.would_have, Some((Action::Reject, "alpha")), "{config}");
        assert_eq!(decision.findings[0].mode, Mode::Monitor, "{config}");
    }
}

#[test]
fn off_is_not_evaluated() {
    for config in [
        "[check.alpha]\nsays = \"reject\"\nmode = \"off\"\nasks = [\"x\"]",
        "[policy]\nmode = \"off\"\n[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]",
        "[policy]\nrecipient_modes = { \"ann@here.example\" = \"off\" }\n[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]",
    ] {
        let scene = Scene::new(config);
        let decision = scene.rcpt();
        assert_eq!((decision.verdict.action, decision.findings.len()), (Action::Continue, 0), "{config}");
        assert_eq!(scene.table.asked(), [""; 0]);
    }
}

#[test]
fn scores_add_up_and_their_sum_has_a_mode() {
    let scores = "[check.alpha]\nsays = \"score\"\n[check.gamma]\nsays = \"score\"";
    let decision = Scene::new(&format!("[policy]\nscore_mode = \"enforce\"\n{scores}")).rcpt();
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Reject, "score"));
    let decision = Scene::new(&format!("{scores}\npoints = -10")).rcpt();
    assert_eq!(decision.would_have, Some((Action::Defer, "score")), "60 - 10 is 50");
    assert_eq!(decision.verdict.action, Action::Continue, "monitored unless enforced");
}

#[test]
fn an_allowance_ends_it_except_for_checks_that_say_so() {
    let decision = Scene::new("[check.alpha]\nsays = \"allow\"\n[check.beta]\nsays = \"reject\"").rcpt();
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "alpha"));
    assert_eq!(decision.findings[1].excused, Some(Exemption::Allowed));
    let decision = Scene::new("[check.alpha]\nsays = \"allow\"\n[check.gamma]\nsays = \"reject\"").rcpt();
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Reject, "gamma"));
}

#[test]
fn what_is_found_early_is_voiced_at_rcpt() {
    let scene = Scene::new("[check.alpha]\nsays = \"reject\"\n[check.beta]\nsays = \"reject\"");
    for stage in [Stage::Connect, Stage::Helo, Stage::Mail] {
        let decision = scene.decide(stage, Facts { recipient: None, ..facts() }, &[]);
        assert_eq!((decision.verdict.action, decision.findings.len()), (Action::Continue, 0), "{stage}");
    }
    assert_eq!(scene.rcpt().decided_by, "alpha");
}

#[test]
fn a_rule_can_be_voiced_at_once_but_not_where_auth_may_follow() {
    let scene = Scene::new("[check.alpha]\nsays = \"reject\"\nvoice = \"now\"");
    let mut connect = Facts { helo: None, sender: None, recipient: None, ..facts() };
    let decision = scene.decide(Stage::Connect, connect.clone(), &[]);
    assert_eq!((decision.verdict.code, decision.verdict.close), (554, false));
    connect.connection.auth_offered = true;
    assert_eq!(scene.decide(Stage::Connect, connect, &[]).verdict.action, Action::Continue);
    assert_eq!(scene.rcpt().verdict.code, 553, "it is heard at RCPT then");
}

#[test]
fn a_deferral_at_connect_closes() {
    let scene = Scene::new("[check.alpha]\nsays = \"defer\"\nvoice = \"now\"");
    let decision = scene.decide(Stage::Connect, Facts { recipient: None, ..facts() }, &[]);
    assert_eq!((decision.verdict.action, decision.verdict.code, decision.verdict.close), (Action::Defer, 421, true));
}

#[test]
fn only_the_named_rules_are_voiced_at_once() {
    let scene = Scene::new("[check.beta]\nsays = \"reject\"\nvoice = \"now\"\nvoice_rules = [\"second\"]");
    let decision = scene.decide(Stage::Mail, Facts { recipient: None, ..facts() }, &[]);
    assert_eq!((decision.verdict.action, decision.findings.len()), (Action::Continue, 0));
    assert_eq!(scene.rcpt().decided_by, "beta");
}

#[test]
fn the_kill_switch_lets_everything_pass_until_its_time_is_over() {
    let scene = Scene::new("[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]");
    scene.switch.throw(scene.clock.now(), Duration::from_secs(3600), "test", "me");
    let decision = scene.rcpt();
    assert!(decision.off && decision.verdict.action == Action::Continue);
    assert_eq!(scene.table.asked(), [""; 0]);
    assert!(!scene.decide(Stage::Connect, facts(), &[]).verdict.decision_id.as_str().is_empty());
    scene.clock.advance(Duration::from_secs(3600));
    assert!(!scene.rcpt().off);
}

#[test]
fn every_decision_is_logged_and_no_rehearsal() {
    let scene = Scene::new("[check.alpha]\nsays = \"reject\"");
    let decision = scene.rcpt();
    let Some(Event::Decision(logged)) = scene.log.pop() else { panic!("nothing was logged") };
    assert_eq!(logged.verdict.decision_id, decision.verdict.decision_id);
    scene.switch.throw(scene.clock.now(), Duration::from_secs(3600), "test", "me");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let rehearsed = runtime.block_on(scene.engine.rehearse(Stage::Rcpt, facts()));
    assert_eq!((rehearsed.verdict.action, rehearsed.decided_by), (Action::Reject, "alpha"));
    assert_eq!(rehearsed.facts.history.transaction.refused_by("alpha"), 1);
    assert!(scene.log.pop().is_none() && rehearsed.verdict.session_state.is_empty());
}

#[test]
fn mistakes_in_the_common_keys_are_faults() {
    let faults = policy(
        "[check.alpha]\nvoice_rules = [\"first\"]\nreply = { frist = \"x\", first = \"421 x\" }\n\
         [check.gamma]\nvoice = \"now\"\n[check.beta]\nvoice = \"now\"\nvoice_rules = [\"third\"]\nmoed = 1\n",
    );
    let told = faults.map(|_| ()).expect_err("faults").join("\n");
    for part in ["t.toml:2: ", "frist is no rule", "421 closes", "[check.gamma] voice", "third is no rule", "moed"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
