//! How is one stage judged? Order, deadline, modes, precedence, measuring and recording: control flow lives here, rules
//! live in `checks/`.

mod decision_id;
mod policy;
mod settings;
mod switch;
mod verdict;

pub use decision_id::DecisionId;
pub use policy::{Policy, SECTIONS, common_fields};
pub use settings::{FIELDS, Settings};
pub use switch::{KillSwitch, SwitchState};
pub use verdict::{Action, Decision, Judged, Verdict, degraded};

use crate::{
    ask::{Answers, Ask},
    clock::Clock,
    decision_log::{Event, LogRing, Reported},
    session::{Facts, SessionState, Stage, StateKey},
};
use arc_swap::ArcSwap;
use std::{sync::Arc, time::Duration};

/// Rounds of questions a check may ask at one stage, each knowing the answers of those before.
pub const ROUNDS_MAX: usize = 4;

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

    /// Judges one stage. `state` is the call's `session_state`; `caller_deadline` is what is left of the caller's time,
    /// `None` = it named none. Always has an answer; may be dropped at any await without harm.
    pub async fn decide(
        &self,
        stage: Stage,
        facts: Facts,
        state: &[u8],
        caller_deadline: Option<Duration>,
    ) -> Arc<Decision> {
        let _ = (state, caller_deadline);
        let decision = Arc::new(self.rehearse(stage, facts).await);
        self.log.push(Event::Decision(decision.clone()));
        decision
    }

    /// Judges an imagined stage: not logged, not counted, without a state but `facts.history`, whatever the kill switch
    /// says. The decision's `facts.history` belongs into the facts of the next stage.
    pub async fn rehearse(&self, stage: Stage, facts: Facts) -> Decision {
        let at = self.clock.now();
        let _ = &self.ask;
        Decision {
            stage,
            facts,
            at,
            took: Duration::ZERO,
            verdict: Verdict::default(),
            findings: Vec::new(),
            evidence: Answers::default(),
            decided_by: "",
            would_have: None,
            off: self.switch.is_off(at),
            generation: self.policy().generation(),
        }
    }

    /// Takes note of how a message or a connection ended. Never waits, changes no answer.
    pub fn report(&self, mut facts: Facts, state: &[u8]) {
        let state = SessionState::open(state, &self.key, &facts).unwrap_or_default();
        facts.history = state.history;
        self.log.push(Event::Report(Arc::new(Reported { at: self.clock.now(), facts })));
    }
}
