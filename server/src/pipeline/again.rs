//! What would a policy decide on the evidence of a recorded decision? The same checks over the same facts and answers; nobody
//! is asked anything, nothing is counted or logged.

use super::{
    Decision, Policy,
    exempt::Exemptions,
    gather::Gathered,
    rehearsal::Rehearsal,
    stage::{Call, Judge, Judgement},
};
use crate::{
    ask::{Answered, Ask, Asker, Question},
    clock::Clock,
    decisions::record::with_keys,
    mode::Mode,
};
use tokio::sync::oneshot;

/// Knows nothing beside what is recorded.
struct Nobody;

impl Ask for Nobody {
    fn cached(&self, _question: &Question) -> Option<Answered> {
        None
    }

    fn ask(&self, _question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        oneshot::channel().1
    }
}

impl Policy {
    /// Decides once more what was recorded. What this policy would have asked beyond that counts as not answered in time.
    /// `took` and `degraded` stay what they were.
    pub fn decide_again(&self, recorded: &Decision) -> Decision {
        let (clock, settings) = (Clock::system(), self.settings());
        let rehearsal = Rehearsal::new(recorded.at.steady);
        let judge = Judge { policy: self, ask: &Nobody, clock: &clock, rehearsal: &rehearsal, counts: false };
        let facts = recorded.facts.clone();
        let call = Call {
            stage: recorded.stage,
            exemptions: Exemptions::of(recorded.stage, &facts, settings),
            facts,
            at: recorded.at,
            budget: recorded.course.budget,
            switched_off: recorded.off,
        };
        let mode = if call.switched_off { Mode::Off } else { judge.mode(&call) };
        let judgement = if mode == Mode::Off {
            Judgement::off(&call)
        } else {
            let answers = with_keys(recorded.evidence.clone(), self.dns_lists());
            let gathered = Gathered { answers, ..Gathered::default() };
            judge.judgement(judge.taking_part(&call), &call, gathered, mode).0
        };
        let mut decision = judge.decision(call, judgement);
        decision.took = recorded.took;
        decision.verdict.degraded.clone_from(&recorded.verdict.degraded);
        decision
    }
}
