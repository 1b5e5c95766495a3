//! Whom can checks not stop, and whom does nothing help?

use super::*;
use crate::pipeline::Action;

const ALL_REJECT: &str = "[check.alpha]\nsays = \"reject\"\n[check.beta]\nsays = \"reject\"\n[check.gamma]\nsays = \"reject\"\n[check.delta]\nsays = \"reject\"\n";

#[test]
fn postmaster_can_be_reached_but_for_checks_that_say_so() {
    let reject = "[check.alpha]\nsays = \"reject\"\n[check.beta]\nsays = \"reject\"";
    for recipient in ["postmaster", "PostMaster@here.example", "abuse@HERE.example"] {
        let decision = Scene::new(reject).decide(Stage::Rcpt, to(recipient, Rcpthosts::Allowed), &[]);
        assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "exempt"), "{recipient}");
    }
    let decision = Scene::new(ALL_REJECT).decide(Stage::Rcpt, to("postmaster", Rcpthosts::Allowed), &[]);
    assert_eq!(decision.decided_by, "gamma");
}

#[test]
fn a_transaction_of_exempt_recipients_passes_data_and_no_other() {
    let scene = Scene::new("[check.delta]\nsays = \"reject\"");
    let first = scene.decide(Stage::Rcpt, to("postmaster", Rcpthosts::Allowed), &[]);
    let data = |seq, state: &[u8]| scene.decide(Stage::Data, Facts { seq, recipient: None, ..facts() }, state);
    let decision = data(5, &first.verdict.session_state);
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "exempt"));
    let mut second = to("ann@here.example", Rcpthosts::Allowed);
    second.seq = 5;
    let second = scene.decide(Stage::Rcpt, second, &first.verdict.session_state);
    assert_eq!(data(6, &second.verdict.session_state).decided_by, "delta");
}

#[test]
fn nobody_gains_relaying() {
    let refused = || to("ann@foreign.example", Rcpthosts::Refused);
    let mut by_loopback = refused();
    by_loopback.connection.client_ip = Some([127, 0, 0, 1].into());
    for (config, facts) in [
        ("", refused()),
        ("[check.alpha]\nsays = \"allow\"\n[check.gamma]\nsays = \"reject\"", refused()),
        ("[check.alpha]\nsays = \"defer\"", refused()),
        ("[check.beta]\nsays = \"reject\"\nmode = \"soft\"", refused()),
        ("[policy]\nmode = \"off\"", refused()),
        ("", by_loopback),
        ("[policy]\ndomains = [\"foreign.example\"]", to("postmaster@foreign.example", Rcpthosts::Refused)),
    ] {
        let decision = Scene::new(config).decide(Stage::Rcpt, facts, &[]);
        // There is no word for "accept": the mail server's own refusal follows.
        assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "rcpthosts"), "{config}");
        assert_eq!(decision.facts.history.transaction.rcpthosts_refused, 1);
    }
}

#[test]
fn what_comes_before_rcpthosts_is_heard_before_it() {
    let decision =
        Scene::new("[check.beta]\nsays = \"reject\"").decide(Stage::Rcpt, to("x@y", Rcpthosts::Refused), &[]);
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Reject, "beta"));
    assert_eq!(decision.facts.history.transaction.rcpthosts_refused, 0);
}

#[test]
fn clients_that_may_relay_meet_only_the_checks_that_say_so() {
    let (mut suffix, mut user) = (facts(), facts());
    suffix.connection.relayclient = Some(Bytes::new());
    user.connection.authenticated_user = Some(Bytes::from_static(b"ann"));
    for facts in [suffix, user] {
        assert_eq!(Scene::new(ALL_REJECT).decide(Stage::Rcpt, facts.clone(), &[]).decided_by, "beta");
        let scene = Scene::new("[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]");
        assert_eq!(scene.decide(Stage::Rcpt, facts.clone(), &[]).decided_by, "relay");
        scene.decide(Stage::Connect, facts, &[]);
        assert_eq!(scene.table.asked(), [""; 0], "nothing is looked up for them");
    }
}

#[test]
fn trusted_clients_are_not_looked_at() {
    let trusted = "[policy]\ntrusted_relays = [\"192.0.2.0/28\"]\n";
    let scene = Scene::new(&format!("{trusted}[check.alpha]\nsays = \"reject\"\nasks = [\"x\"]"));
    let decision = scene.rcpt();
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "trusted_client"));
    assert_eq!(scene.table.asked(), [""; 0]);
    assert_eq!(Scene::new(&format!("{trusted}{ALL_REJECT}")).rcpt().decided_by, "beta");
    let mut proxied = facts();
    proxied.connection.client_ip = Some([127, 0, 0, 1].into());
    proxied.connection.via_proxy = true;
    assert_eq!(Scene::new(ALL_REJECT).decide(Stage::Rcpt, proxied, &[]).decided_by, "alpha");
}
