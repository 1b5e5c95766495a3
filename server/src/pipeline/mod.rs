//! How is one stage judged? Order, deadline, modes, precedence, measuring and recording: control flow lives here, rules
//! live in `checks/`.
//!
//! `stage` is the order of events: `exempt` says whom checks are not about, `gather` asks, `precedence` rules, `voice`
//! and `reply` put it into words, `tally` keeps what later stages need, `lists_seen` what DNS lists are worth, `learning`
//! what is remembered (`reported`: and nothing twice), `delays` bounds how long answers are held back, `marks` makes
//! header fields. `course` is recorded of the way there, `explained` tells it, `again` decides once more. `policy` is
//! what is in force, `settings` its section `[policy]`, `table` its picture.

mod again;
mod course;
mod decision_id;
mod delays;
mod exempt;
mod explained;
mod gather;
mod learning;
mod lists_seen;
mod marks;
mod policy;
mod precedence;
mod rehearsal;
mod reply;
mod reported;
mod settings;
mod stage;
mod switch;
mod table;
mod tally;
mod template;
mod verdict;
mod voice;

pub use course::{Course, Part, StepSeen};
pub use decision_id::DecisionId;
pub(crate) use explained::is_missing;
pub use explained::{Change, Explained, PathStep, Score, explain};
pub use policy::{Policy, common_fields};
pub use settings::{FIELDS, Settings};
pub use switch::{KillSwitch, SwitchState};
#[cfg(test)]
pub(crate) use template::{check_text, is_status};
pub use verdict::{Action, Decision, Judged, ListsHeard, Verdict, degraded};

use crate::{
    ask::Ask,
    check::Effect,
    clock::{Clock, Now},
    decision_log::{Event, LogRing, Reported, hex},
    dns_lists::{DnsLists, ListEvent, ListsSeen, card::Contradiction},
    recall::{self, Recall, WithMemory},
    session::{Ending, Facts, SessionState, Stage, StateKey},
};
use arc_swap::ArcSwap;
use delays::Sleepers;
use exempt::Exemptions;
use rehearsal::Rehearsal;
use reported::Reports;
use stage::{Call, Judge};
use std::{sync::Arc, time::Duration};

/// Rounds of questions a check may ask at one stage, each knowing the answers of those before.
pub const ROUNDS_MAX: usize = 4;
/// How long before its deadline the caller has its answer: the way back, and a busy machine.
pub const CALLER_MARGIN: Duration = Duration::from_millis(300);

/// Judges stages by the policy in force. One a process, shared by all cores.
pub struct Engine {
    policy: ArcSwap<Policy>,
    ask: Arc<WithMemory>,
    clock: Clock,
    switch: Arc<KillSwitch>,
    key: StateKey,
    log: LogRing,
    lists: Arc<DnsLists>,
    recall: Arc<Recall>,
    sleepers: Sleepers,
    reports: Reports,
    rehearsal: Rehearsal,
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
        let lists = Arc::new(DnsLists::default());
        lists.declare(policy.dns_lists());
        let rehearsal = Rehearsal::new(clock.steady());
        let recall = Arc::new(Recall::alone(recall::Bounds::default(), clock.clone()));
        let ask = Arc::new(WithMemory { others: ask, recall: recall.clone() });
        let (policy, sleepers, reports) = (ArcSwap::from_pointee(policy), Sleepers::default(), Reports::default());
        Self { policy, ask, clock, switch, key, log, lists, recall, sleepers, reports, rehearsal }
    }

    /// Remembers in `recall` instead of a memory of its own.
    #[must_use]
    pub fn remembering(self, recall: Arc<Recall>) -> Self {
        let ask = Arc::new(WithMemory { others: self.ask.others.clone(), recall: recall.clone() });
        Self { ask, recall, ..self }
    }

    /// What is remembered.
    pub fn recall(&self) -> &Arc<Recall> {
        &self.recall
    }

    /// Tells what DNS lists say to `lists` instead of nobody, and declares the policy's there.
    #[must_use]
    pub fn watching(self, lists: Arc<DnsLists>) -> Self {
        lists.declare(self.policy.load().dns_lists());
        Self { lists, ..self }
    }

    /// What is shared about the DNS lists of the policy in force.
    pub fn lists(&self) -> &Arc<DnsLists> {
        &self.lists
    }

    /// Who answers questions.
    pub fn asks(&self) -> Arc<dyn Ask> {
        self.ask.clone()
    }

    /// Puts another policy in force; decisions under way end with the one they began with. The old one is handed back,
    /// so that the caller, not a core, frees its lists.
    pub fn swap(&self, policy: Policy) -> Arc<Policy> {
        self.lists.declare(policy.dns_lists());
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
        let judge = self.judge(&policy, true);
        let (mut decision, seen) = judge.run(call).await;
        decision.facts.history.identified |= decision.evidence.is_identified();
        if !repeated {
            tally::note(&mut decision, exemptions, policy.settings());
            self.note_lists(&policy, &mut decision, seen);
            decision.facts.history.welcomed |= learning::is_vouched_for(&policy, &decision);
            self.sleepers.hold_back(&mut decision, policy.settings());
            self.remember(judge.learnt(&decision, exemptions), &decision.facts, decision.at);
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
        let judge = self.judge(&policy, false);
        let (mut decision, _) = judge.run(call).await;
        tally::note(&mut decision, exemptions, policy.settings());
        decision
    }

    /// Takes note of how a message or a connection ended. Never waits, changes no answer.
    pub fn report(&self, mut facts: Facts, state: &[u8]) {
        let policy = self.policy.load();
        let counters = &policy.counters;
        match SessionState::open(state, &self.key, &facts) {
            Some(state) => facts.history = state.history,
            None => counters.state_invalid.increment(1),
        }
        let lists = self.closing_lists(&policy, &facts);
        let now = self.clock.now();
        let is_new = self.reports.is_new(facts.session_id, facts.seq);
        if is_new && facts.report.is_some() && !self.switch.is_off(now) {
            self.remember(self.judge(&policy, false).learnt_at_the_end(&facts, now), &facts, now);
        }
        if let Some(report) = &facts.report {
            counters.reported(report.ending);
            counters.unanswered.increment(u64::from(report.unanswered));
        }
        self.log.push(Event::Report(Arc::new(Reported { at: now, facts, lists })));
    }

    /// An administrator takes the refusal of a decision back: what follows for those who had a part in it. `words` say
    /// who, why and until when.
    pub fn pardon(&self, decision: &Decision, words: Vec<(&'static str, String)>) {
        let id = decision.verdict.decision_id.to_string();
        let mut told = vec![("decision_id", id), ("session_id", hex(&decision.facts.session_id.0))];
        told.extend(words);
        self.log.notice(self.clock.now(), "pardon", told);
        self.remember(self.policy.load().pardoned(decision), &decision.facts, self.clock.now());
        let listed = decision.facts.history.lists.listed.clone();
        if !listed.is_empty() {
            self.lists.tell(ListEvent::Contradicted { kind: Contradiction::Pardoned, listed });
        }
    }

    fn remember(&self, effects: Vec<Effect>, facts: &Facts, now: Now) {
        for effect in effects {
            self.recall.apply(effect, &facts.connection.host, now);
        }
    }

    /// What the DNS lists said is told and noted, once a connection.
    fn note_lists(&self, policy: &Policy, decision: &mut Decision, seen: Option<ListsSeen>) {
        let Some(seen) = seen else { return };
        let (heard, note) = lists_seen::noted(policy, &seen);
        decision.lists = Some(heard);
        decision.facts.history.lists = note;
        decision.facts.history.welcomed = lists_seen::is_welcome(policy, &seen);
        self.lists.tell(ListEvent::Seen(seen));
    }

    /// At the end of a connection: lists that were heard and may have been wrong, or that nobody heard yet.
    fn closing_lists(&self, policy: &Policy, facts: &Facts) -> Option<ListsHeard> {
        let over = facts.report.as_ref().is_some_and(|report| report.ending == Ending::Closed);
        if !over || policy.dns_lists().is_empty() {
            return None;
        }
        if facts.history.lists.seen {
            lists_seen::ended_well(facts).into_iter().for_each(|event| self.lists.tell(event));
            return None;
        }
        let seen = lists_seen::at_the_end(&self.judge(policy, false), facts)?;
        let (heard, _) = lists_seen::noted(policy, &seen);
        self.lists.tell(ListEvent::Seen(seen));
        Some(heard)
    }

    fn judge<'a>(&'a self, policy: &'a Policy, counts: bool) -> Judge<'a> {
        Judge { policy, ask: &*self.ask, clock: &self.clock, rehearsal: &self.rehearsal, counts }
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
