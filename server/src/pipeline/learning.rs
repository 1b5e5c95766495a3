//! What is remembered of a stage? The checks say, the engine says how it is meant: what is only rehearsed is remembered in
//! a namespace of its own.

use super::{Action, Decision, Judged, Policy, exempt::Exemptions, explained, policy::Step, stage::Judge};
use crate::{
    ask::Answers,
    check::{Came, Effect, Outcome},
    clock::Now,
    metrics::STEP_RCPTHOSTS,
    mode::Mode,
    session::{Facts, Stage},
};

impl Policy {
    /// What the checks want to be remembered when a refusal is taken back.
    pub(super) fn pardoned(&self, decision: &Decision) -> Vec<Effect> {
        let mut effects = Vec::new();
        for step in self.steps.iter().filter(|step| step.mode(&decision.facts) != Mode::Off) {
            step.check.pardon(&decision.facts, &decision.evidence, &mut effects);
        }
        effects
    }
}

impl Judge<'_> {
    /// What the checks want to be remembered of a decision.
    pub(super) fn learnt(&self, decision: &Decision, exemptions: Exemptions) -> Vec<Effect> {
        if decision.off || decision.stage < Stage::Rcpt {
            return Vec::new();
        }
        let goes_on = decision.verdict.action == Action::Continue && decision.decided_by != STEP_RCPTHOSTS;
        let would_by = decision.would_have.map_or("", |(_, by)| by);
        let rejected_by = if decision.verdict.action == Action::Reject { decision.decided_by } else { "" };
        self.each(decision.stage, &decision.facts, exemptions, |step, rehearsed, effects| {
            let by_me = step.def.name == if rehearsed { would_by } else { decision.decided_by };
            let goes_on = goes_on && !(rehearsed && by_me);
            let changed = !rehearsed && explained::made_a_difference(decision, step.def.name);
            let came = Came { goes_on, by_me, rejected_by, changed, rehearsed };
            step.check.learn(decision.stage, &decision.facts, &decision.evidence, came, decision.at, effects);
        })
    }

    /// What they want to be remembered of how something ended.
    pub(super) fn learnt_at_the_end(&self, facts: &Facts, now: Now) -> Vec<Effect> {
        let (stage, answers) = (Stage::Outcome, Answers::default());
        let exemptions = Exemptions::of(stage, facts, self.policy.settings());
        self.each(stage, facts, exemptions, |step, rehearsed, effects| {
            let came = Came { goes_on: true, by_me: false, rejected_by: "", changed: false, rehearsed };
            step.check.learn(stage, facts, &answers, came, now, effects);
        })
    }

    fn each(
        &self,
        stage: Stage,
        facts: &Facts,
        exemptions: Exemptions,
        learn: impl Fn(&Step, bool, &mut Vec<Effect>),
    ) -> Vec<Effect> {
        let of_all = self.mode_of(stage, facts);
        // A client that may relay writes for users of ours, wherever it stands: webmail comes from loopback.
        let exemptions = Exemptions { trusted_client: exemptions.trusted_client && !exemptions.relay, ..exemptions };
        let (mut all, mut own) = (Vec::new(), Vec::new());
        for step in &self.policy.steps {
            let mode = step.mode(facts).or_milder(of_all);
            if mode == Mode::Off || exemptions.excuse(step) {
                continue;
            }
            let rehearsed = mode == Mode::Monitor;
            learn(step, rehearsed, &mut own);
            let namespaced =
                |effect: Effect| if rehearsed { effect.clone().rehearsed().unwrap_or(effect) } else { effect };
            all.extend(own.drain(..).map(namespaced));
        }
        all
    }
}

/// Has an allow list spoken for the client? DNS lists of good clients are heard elsewhere (`lists_seen`).
pub(super) fn is_vouched_for(policy: &Policy, decision: &Decision) -> bool {
    let vouches =
        |judged: &Judged| policy.steps.iter().any(|step| step.def.name == judged.check && step.vouches(judged.rule));
    let allows = |judged: &Judged| judged.outcome == Outcome::Allow && judged.mode < Mode::Monitor && vouches(judged);
    decision.findings.iter().any(allows)
}
