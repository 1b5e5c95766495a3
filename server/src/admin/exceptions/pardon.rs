//! A refusal was wrong: what is made of its decision? An exception for those who sent the mail, a good word for their
//! reputation, and a mark in the report cards of the DNS lists that had listed the client.

use super::{check_scope, keep, shown, told, until, words};
use crate::{
    app::Running,
    check::Outcome,
    config::Network,
    exceptions::scope,
    metrics::STEP_RCPTHOSTS,
    mode::Mode,
    pipeline::{Action, Decision, DecisionId, Judged},
    session::{Facts, Rcpthosts},
    state::Exception,
};
use std::net::IpAddr;
use tollgate_proto::v1::{self, PardonScope};
use tonic::Status;

/// How long a pardon holds where nothing else is said, in seconds: 7 days.
const SECONDS: u32 = 604_800;

/// The check whose refusal is an exception of its own.
const EXCEPTIONS: &str = "exceptions";

/// Takes the refusal of a decision back.
pub(in crate::admin) async fn pardon(
    running: &Running,
    request: v1::ExceptionPardonRequest,
) -> Result<v1::ExceptionPardonReply, Status> {
    let id: DecisionId = request.decision_id.parse().map_err(Status::invalid_argument)?;
    let found = running.log.explain(id).await.map_err(Status::internal)?;
    let Some(decision) = found.map(|recorded| recorded.decision) else {
        return Err(Status::not_found(format!("{id}: no such decision is known (any more)")));
    };
    check_pardonable(&decision).map_err(Status::failed_precondition)?;
    let now = running.clock.now();
    let seconds = if request.seconds == 0 { SECONDS } else { request.seconds };
    let pardon = format!("pardon of {id}");
    let reason = match request.reason.trim() {
        "" => pardon,
        given => words("reason", &format!("{pardon}: {given}"))?,
    };
    let new = Exception {
        allows: true,
        made_at: now.unix_seconds(),
        until: until(now.unix_seconds(), seconds)?,
        by: words("by", &request.by)?,
        reason,
        ..scoped(&decision.facts, request.scope(), request.exact).map_err(Status::failed_precondition)?
    };
    check_scope(&new, running.engine.policy().settings()).map_err(Status::failed_precondition)?;
    let made = running.engine.recall().exceptions.make(new, now).map_err(Status::failed_precondition)?;
    if made.renewed {
        super::tell(running, "exception", &made);
    } else {
        // Once for all that the same sender was refused: who pardons ten of his mails has not met ten of him.
        running.engine.pardon(&decision, told(&made));
    }
    keep(running).await?;
    let lists = u32::try_from(decision.facts.history.lists.listed.len()).unwrap_or(u32::MAX);
    Ok(v1::ExceptionPardonReply { exception: Some(shown(made.id, &made.said)), renewed: made.renewed, lists })
}

/// Is there a refusal, and one that an allowance can reach? `Err` is one line.
fn check_pardonable(decision: &Decision) -> Result<(), String> {
    let by = decision.decided_by;
    let refused_by_server =
        decision.facts.recipient.as_ref().is_some_and(|tried| tried.rcpthosts == Rcpthosts::Refused);
    if by == STEP_RCPTHOSTS || (refused_by_server && decision.verdict.action == Action::Continue) {
        return Err("the mail server itself refused the recipient (rcpthosts): no exception changes that".to_owned());
    }
    if decision.verdict.action == Action::Continue {
        return Err("it refused nothing: there is nothing to pardon".to_owned());
    }
    if by == EXCEPTIONS {
        return Err(
            "an exception refused it: see `tollgate explain`, and end it with `tollgate exceptions remove`".to_owned()
        );
    }
    if speaks_despite_allowed(decision) {
        return Err(format!("{by} refused it, and does so whoever is allowed: no exception changes that"));
    }
    Ok(())
}

/// Would the step that spoke have said the same of somebody who is allowed?
fn speaks_despite_allowed(decision: &Decision) -> bool {
    let by = decision.decided_by;
    let refuses = |judged: &&Judged| {
        judged.check == by
            && judged.mode < Mode::Monitor
            && judged.excused.is_none()
            && matches!(judged.outcome, Outcome::Reject | Outcome::Defer)
    };
    let of_rule = decision.findings.iter().find(refuses).is_some_and(|judged| judged.despite_allowed);
    of_rule || decision.course.steps.iter().any(|step| step.name == by && step.despite_allowed)
}

/// Whom it is about: of a mail that was refused before its sender was known, the client alone. `Err` is one line.
fn scoped(facts: &Facts, wanted: PardonScope, exact: bool) -> Result<Exception, String> {
    let net = |ip: IpAddr| Network::around(ip, if exact { 128 } else { net_prefix(ip) });
    let clients = facts.connection.client_ip.filter(|_| wanted != PardonScope::Sender).map(net);
    let sender = facts.sender.as_ref().filter(|_| wanted != PardonScope::Client).map(|sender| sender.address.lower());
    let sender = match sender {
        None => String::new(),
        Some(b"") => scope::NULL.to_owned(),
        Some(octets) => std::str::from_utf8(octets)
            .map_err(|_| "not UTF-8".to_owned())
            .and_then(scope::sender)
            .map_err(|_| "its sender is none that an exception can name: expected --client-only".to_owned())?,
    };
    if clients.is_none() && sender.is_empty() {
        return Err("it does not say who sent the mail: there is nobody to let through".to_owned());
    }
    if clients.is_none() && wanted != PardonScope::Sender {
        return Err("it does not say which client it was: expected --sender-only".to_owned());
    }
    Ok(Exception { clients, sender, ..Exception::default() })
}

/// The net of a client: the next mail of the same sender often comes from the neighbour of a farm. As the sender is bound
/// to it, it need not be narrower.
const fn net_prefix(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 24 } else { 64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::{Course, Part, StepSeen, Verdict},
        session::{Address, Sender, Tried},
    };
    use bytes::Bytes;

    fn decision(action: Action, by: &'static str, rcpthosts: Rcpthosts) -> Decision {
        let step = |name, despite_allowed| StepSeen { name, part: Part::Asked, despite_allowed };
        let steps = vec![step("exceptions", false), step("rbl", false), step("badrcptto", true)];
        let mut decision = crate::decision_log::quiet();
        decision.verdict = Verdict { action, ..Verdict::default() };
        decision.decided_by = by;
        decision.course = Course { steps, ..Course::default() };
        decision.facts.recipient = Some(Tried { rcpthosts, ..Tried::default() });
        decision
    }

    #[test]
    fn only_a_refusal_that_an_allowance_reaches_is_pardoned() {
        let of = |action, by, rcpthosts| check_pardonable(&decision(action, by, rcpthosts));
        assert_eq!(of(Action::Reject, "rbl", Rcpthosts::Allowed), Ok(()));
        assert_eq!(of(Action::Defer, "score", Rcpthosts::Unknown), Ok(()));
        for (action, by, rcpthosts, expected) in [
            (Action::Continue, "", Rcpthosts::Allowed, "refused nothing"),
            (Action::Continue, "rcpthosts", Rcpthosts::Refused, "(rcpthosts)"),
            (Action::Continue, "", Rcpthosts::Refused, "(rcpthosts)"),
            (Action::Reject, "exceptions", Rcpthosts::Allowed, "exceptions remove"),
            (Action::Reject, "badrcptto", Rcpthosts::Allowed, "badrcptto refused it"),
        ] {
            let said = of(action, by, rcpthosts).expect_err(expected);
            assert!(said.contains(expected) && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn what_spoke_decides_not_what_else_was_found() {
        let judged = |rule, mode, despite_allowed| Judged {
            check: "access",
            rule,
            outcome: Outcome::Reject,
            mode,
            detail: String::new(),
            excused: None,
            despite_allowed,
        };
        let (client, recipient) =
            (judged("client_denied", Mode::Enforce, false), |mode| judged("recipient_denied", mode, true));
        for (findings, expected) in [
            (vec![client.clone()], true),
            (vec![recipient(Mode::Enforce)], false),
            // First spoke the client's; the same sender may write to others.
            (vec![client.clone(), recipient(Mode::Enforce)], true),
            (vec![recipient(Mode::Monitor), client], true),
        ] {
            let mut decision = decision(Action::Reject, "access", Rcpthosts::Allowed);
            decision.findings = findings;
            assert_eq!(check_pardonable(&decision).is_ok(), expected, "{:?}", decision.findings);
        }
    }

    fn facts(ip: &str, sender: Option<&[u8]>) -> Facts {
        let mut facts = Facts::default();
        facts.connection.client_ip = ip.parse().ok();
        let address = |octets: &[u8]| Address::new(Bytes::copy_from_slice(octets));
        facts.sender = sender.map(|octets| Sender { address: address(octets), declared_size: 0 });
        facts
    }

    #[test]
    fn it_is_for_the_net_and_the_sender_unless_told_otherwise() {
        let (v4, v6) = (facts("192.0.2.9", Some(b"Ann@There.example")), facts("2001:db8::9:1", Some(b"")));
        for (facts, wanted, exact, expected) in [
            (&v4, PardonScope::ClientAndSender, false, "clients 192.0.2.0/24, sender ann@there.example"),
            (&v4, PardonScope::ClientAndSender, true, "clients 192.0.2.9/32, sender ann@there.example"),
            (&v4, PardonScope::Client, false, "clients 192.0.2.0/24"),
            (&v4, PardonScope::Sender, true, "sender ann@there.example"),
            (&v6, PardonScope::ClientAndSender, false, "clients 2001:db8::/64, sender <>"),
            (&v6, PardonScope::ClientAndSender, true, "clients 2001:db8::9:1/128, sender <>"),
            (&facts("192.0.2.9", None), PardonScope::ClientAndSender, false, "clients 192.0.2.0/24"),
        ] {
            let made = scoped(facts, wanted, exact).expect(expected);
            assert_eq!(scope::told(&made), expected);
        }
    }

    #[test]
    fn somebody_has_to_be_known() {
        for (facts, wanted, expected) in [
            (facts("", Some(b"ann@there.example")), PardonScope::ClientAndSender, "--sender-only"),
            (facts("", None), PardonScope::Client, "nobody to let through"),
            (facts("192.0.2.9", None), PardonScope::Sender, "nobody to let through"),
            (facts("192.0.2.9", Some(b"\xff@there.example")), PardonScope::ClientAndSender, "--client-only"),
            (facts("192.0.2.9", Some(b"ann")), PardonScope::Sender, "--client-only"),
        ] {
            let said = scoped(&facts, wanted, false).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }
}
