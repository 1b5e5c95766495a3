//! What does an explanation show beside a decision? The way through all steps, the time, and what would have to change.

use super::{
    decision::{action_name, table},
    text::one_line,
    units::took,
};
use std::io::{self, Write};
use tollgate_proto::v1::{Action, Change, Decision, ExplainReply, PathStep};

/// Path, deadline and changes.
pub(super) fn print(out: &mut dyn Write, decision: &Decision) -> io::Result<()> {
    if decision.evidence_left_out > 0 {
        writeln!(out, "    evidence left out: {} answers", decision.evidence_left_out)?;
    }
    table(out, "path", decision.path.iter().map(step))?;
    if let Some(line) = deadline(decision) {
        writeln!(out, "    deadline: {line}")?;
    }
    table(out, "what would have to change", decision.changes.iter().enumerate().map(change))
}

/// The policy that decided, and whether it still does.
pub(super) fn policy(reply: &ExplainReply, generation: u64) -> String {
    let today = "the same mail may be treated otherwise today";
    match reply.generation_in_force {
        _ if reply.policy_in_force => format!("policy generation {generation}, the one in force"),
        now if now == generation => {
            format!("policy generation {generation} of an earlier start of the daemon: {today}")
        }
        now => format!("policy generation {generation}, no longer in force (now: {now}): {today}"),
    }
}

fn step(step: &PathStep) -> Vec<String> {
    let won = if step.won { "<- decided" } else { "" };
    let mut did = one_line(&step.did);
    if !step.detail.is_empty() {
        did = format!("{did}: {}", one_line(&step.detail));
    }
    vec![one_line(&step.step), format!("{did}  {won}").trim_end().to_owned()]
}

/// `None` = nothing was asked at all.
fn deadline(decision: &Decision) -> Option<String> {
    let deadline = decision.deadline.as_ref().filter(|deadline| deadline.budget_us > 0)?;
    let (spent, budget) = (took(decision.took_us), took(deadline.budget_us));
    if !deadline.missed {
        return Some(format!("met, {spent} of {budget}"));
    }
    let missing = decision.evidence.iter().filter(|evidence| evidence.missing || evidence.stale);
    let missing: Vec<String> = missing.map(|evidence| one_line(&evidence.question)).collect();
    Some(format!("MISSED, {spent} of {budget}; without an answer: {}", missing.join(", ")))
}

/// Each holds together with those above it.
fn change((place, change): (usize, &Change)) -> Vec<String> {
    let and = if place == 0 { "without" } else { "and without" };
    let then = match change.action() {
        Action::Continue if change.by.is_empty() => "continue".to_owned(),
        action => format!("{} by {}", action_name(action), one_line(&change.by)),
    };
    vec![format!("{and} {}:", one_line(&change.without)), then]
}
