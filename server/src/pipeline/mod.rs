//! How is one stage judged? Order, deadline, modes, precedence, measuring and recording: control flow lives here, rules
//! live in `checks/`.
//!
//! `stage` is the order of events: `exempt` says whom checks are not about, `gather` asks, `precedence` rules, `voice`
//! and `reply` put it into words, `tally` keeps what later stages need. `policy` is what is in force, `settings` its
//! section `[policy]`, `table` its picture.

mod decision_id;
mod exempt;
mod gather;
mod policy;
mod precedence;
mod reply;
mod settings;
mod stage;
mod switch;
mod table;
mod tally;
mod template;
mod verdict;
mod voice;

pub use decision_id::DecisionId;
pub use policy::{Policy, common_fields};
pub use settings::{FIELDS, Settings};
pub use switch::{KillSwitch, SwitchState};
#[cfg(test)]
pub(crate) use template::{check_text, is_status};
pub use verdict::{Action, Decision, Judged, Verdict, degraded};

use crate::{
    ask::Ask,
    clock::Clock,
    decision_log::{Event, LogRing, Reported},
    session::{Facts, SessionState, Stage, StateKey},
};
use arc_swap::ArcSwap;
use exempt::Exemptions;
use stage::{Call, Judge};
use std::{sync::Arc, time::Duration};

/// Rounds of questions a check may ask at one stage, each knowing the answers of those before.
pub const ROUNDS_MAX: usize = 4;
/// How long before its deadline the caller has its answer: the way back, and a busy machine.
pub const CALLER_MARGIN: Duration = Duration::from_millis(300);

/// Judges stages by the policy in force. One a process, shared by all cores.
pub struct Engine {
    policy: ArcSwap<Policy>,
    ask: Arc<dyn Ask>,
    clock: Clock,
    switch: Arc<KillSwitch>,
    key: StateKey,
    log: LogRing,
}

impl Engine {
    /// An engine over its first policy.
    pub fn new(
        policy: Policy,
        ask: Arc<dyn Ask>,
        clock: Clock,
        switch: Arc<KillSwitch>,
        key: StateKey,
        log: LogRing,
    ) -> Self {
        Self { policy: ArcSwap::from_pointee(policy), ask, clock, switch, key, log }
    }

    /// Puts another policy in force; decisions under way end with the one they began with. The old one is handed back,
    /// so that the caller, not a core, frees its lists.
    pub fn swap(&self, policy: Policy) -> Arc<Policy> {
        self.policy.swap(Arc::new(policy))
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Who answers its questions.
    pub fn asks(&self) -> &Arc<dyn Ask> {
        &self.ask
    }

    /// Judges one stage. `state` is the call's `session_state`; `caller_deadline` is what is left of the caller's time,
    /// `None` = it named none. Always has an answer; may be dropped at any await without harm.
    pub async fn decide(
        &self,
        stage: Stage,
        mut facts: Facts,
        state: &[u8],
        caller_deadline: Option<Duration>,
    ) -> Arc<Decision> {
        let policy = self.policy();
        let opened = SessionState::open(state, &self.key, &facts);
        let spoiled = opened.is_none();
        let state = opened.unwrap_or_default();
        // A repeated call: its effects are in the state already.
        let repeated = facts.seq != 0 && facts.seq <= state.seq;
        let seq = state.seq.max(facts.seq);
        facts.history = state.history;
        if !repeated {
            tally::begin(&mut facts.history, stage);
        }
        let call = self.call(stage, facts, &policy, caller_deadline);
        let exemptions = call.exemptions;
        let judge = Judge { policy: &policy, ask: &*self.ask, clock: &self.clock, counts: true };
        let mut decision = judge.run(call).await;
        if !repeated {
            tally::note(&mut decision, exemptions, policy.settings());
        }
        if spoiled {
            policy.counters.state_invalid.increment(1);
            decision.verdict.degraded.push(degraded::SESSION_STATE);
        }
        let state = SessionState { seq, history: decision.facts.history.clone() };
        decision.verdict.session_state = state.seal(&self.key, &decision.facts);
        self.record(&policy, decision)
    }

    /// Judges an imagined stage: not logged, not counted, without a state but `facts.history`, whatever the kill switch
    /// says. The decision's `facts.history` belongs into the facts of the next stage.
    pub async fn rehearse(&self, stage: Stage, mut facts: Facts) -> Decision {
        let policy = self.policy();
        tally::begin(&mut facts.history, stage);
        let call = Call { switched_off: false, ..self.call(stage, facts, &policy, None) };
        let exemptions = call.exemptions;
        let judge = Judge { policy: &policy, ask: &*self.ask, clock: &self.clock, counts: false };
        let mut decision = judge.run(call).await;
        tally::note(&mut decision, exemptions, policy.settings());
        decision
    }

    /// Takes note of how a message or a connection ended. Never waits, changes no answer.
    pub fn report(&self, mut facts: Facts, state: &[u8]) {
        let counters = &self.policy.load().counters;
        match SessionState::open(state, &self.key, &facts) {
            Some(state) => facts.history = state.history,
            None => counters.state_invalid.increment(1),
        }
        if let Some(report) = &facts.report {
            counters.reported(report.ending);
            counters.unanswered.increment(u64::from(report.unanswered));
        }
        self.log.push(Event::Report(Arc::new(Reported { at: self.clock.now(), facts })));
    }

    fn call(&self, stage: Stage, facts: Facts, policy: &Policy, caller_deadline: Option<Duration>) -> Call {
        let settings = policy.settings();
        let at = self.clock.now();
        let caller = caller_deadline.map_or(Duration::MAX, |left| left.saturating_sub(CALLER_MARGIN));
        Call {
            stage,
            exemptions: Exemptions::of(stage, &facts, settings),
            facts,
            at,
            budget: settings.stage_deadline.min(caller),
            switched_off: self.switch.is_off(at),
        }
    }

    fn record(&self, policy: &Policy, decision: Decision) -> Arc<Decision> {
        policy.counters.decided(decision.stage, decision.verdict.action, decision.took.as_secs_f64());
        policy.counters.degraded(&decision.verdict.degraded);
        let decision = Arc::new(decision);
        self.log.push(Event::Decision(decision.clone()));
        decision
    }
}

#[cfg(test)]
mod tests;
