//! How is a judgement told? The verdict for the client, names for log and metrics.

use super::{
    Action, Decision, DecisionId, Judged, Verdict, degraded,
    gather::Gathered,
    marks::{self, Marked},
    precedence::{Found, Ruling, Speaker},
    reply::Reply,
    stage::{Call, Judge, Judgement},
};
use crate::{
    ask::{Answer, Answered, DnsAnswer, Failure, Health, Question, StateAnswer},
    metrics::{STEP_RCPTHOSTS, STEP_SCORE, StepCounters},
    session::Stage,
};

/// What decided where no check spoke: the recipient, the client's right to relay, the client's address.
const STEP_EXEMPT: &str = "exempt";
const STEP_RELAY: &str = "relay";
const STEP_TRUSTED: &str = "trusted_client";

/// A refusal at connect: RFC 5321 §3.1 knows only 554 there, which keeps the connection open ...
const CODE_REJECT_AT_CONNECT: u16 = 554;
/// ... and 421, which closes it (§3.8), then and later.
const CODE_CLOSES: u16 = 421;

impl Judge<'_> {
    pub(super) fn decision(&self, call: Call, judgement: Judgement) -> Decision {
        let verdict = self.verdict(&call, &judgement);
        let decided_by = self.name(judgement.ruling.speaker, &judgement.found, &call);
        let would_have = judgement.would.map(|would| (would.action, self.name(would.speaker, &judgement.found, &call)));
        if self.counts {
            self.count(&judgement);
        }
        let findings = judgement.found.into_iter().map(|found| self.judged(found)).collect();
        Decision {
            stage: call.stage,
            at: call.at,
            took: self.clock.now().steady.saturating_duration_since(call.at.steady),
            verdict,
            findings,
            evidence: judgement.gathered.answers,
            decided_by,
            would_have,
            lists: None,
            off: judgement.off,
            generation: self.policy.generation(),
            course: judgement.course,
            facts: call.facts,
        }
    }

    fn verdict(&self, call: &Call, judgement: &Judgement) -> Verdict {
        let Ruling { action, speaker } = judgement.ruling;
        let decision_id = DecisionId::random();
        let degraded = degraded_by(&judgement.gathered);
        if action == Action::Continue {
            let Marked { headers, authserv_id, spf_result } =
                marks::written(&judgement.marks, &call.facts, self.policy.settings());
            return Verdict { decision_id, degraded, headers, authserv_id, spf_result, ..Verdict::default() };
        }
        let finding = match speaker {
            Speaker::Finding(index) => judgement.found.get(index),
            Speaker::Score | Speaker::Rcpthosts | Speaker::Nobody => None,
        };
        let template = match finding {
            Some(found) => &self.policy.steps[found.step].templates[found.finding.rule],
            None => &self.policy.score,
        };
        let reply = Reply {
            template,
            text: finding.and_then(|found| found.finding.text.as_deref()),
            vars: finding.map_or(&[], |found| &found.finding.vars),
            facts: &call.facts,
            action,
            id: self.policy.settings().reply_ids.then_some(decision_id),
        };
        let (status, text) = reply.written();
        let code = match (call.stage, action) {
            (Stage::Connect, Action::Reject) => CODE_REJECT_AT_CONNECT,
            (Stage::Connect, _) => CODE_CLOSES,
            _ => template.code(action),
        };
        let close = code == CODE_CLOSES;
        Verdict { action, code, status, text, decision_id, degraded, close, ..Verdict::default() }
    }

    /// The step of the precedence that spoke.
    fn name(&self, speaker: Speaker, found: &[Found], call: &Call) -> &'static str {
        match speaker {
            Speaker::Finding(index) => found.get(index).map_or("", |found| self.policy.steps[found.step].def.name),
            Speaker::Rcpthosts => STEP_RCPTHOSTS,
            Speaker::Score => STEP_SCORE,
            Speaker::Nobody if call.stage < Stage::Rcpt || call.switched_off => "",
            Speaker::Nobody if call.exemptions.recipient => STEP_EXEMPT,
            Speaker::Nobody if call.exemptions.relay => STEP_RELAY,
            Speaker::Nobody if call.exemptions.trusted_client => STEP_TRUSTED,
            Speaker::Nobody => "",
        }
    }

    fn count(&self, judgement: &Judgement) {
        let Ruling { action, speaker } = judgement.ruling;
        if speaker == Speaker::Rcpthosts {
            self.policy.counters.rcpthosts.refusals.count(Action::Reject);
        } else if let Some(counters) = self.counters(speaker, &judgement.found) {
            counters.refusals.count(action);
        }
        if let Some(would) = judgement.would
            && let Some(counters) = self.counters(would.speaker, &judgement.found)
        {
            counters.would_have.count(would.action);
        }
    }

    fn counters(&self, speaker: Speaker, found: &[Found]) -> Option<&StepCounters> {
        match speaker {
            Speaker::Finding(index) => found.get(index).map(|found| &self.policy.steps[found.step].counters.step),
            Speaker::Score => Some(&self.policy.counters.score),
            Speaker::Rcpthosts | Speaker::Nobody => None,
        }
    }

    fn judged(&self, found: Found) -> Judged {
        let def = self.policy.steps[found.step].def;
        let mut detail = found.finding.detail;
        detail.truncate(detail.floor_char_boundary(Judged::DETAIL_OCTETS_MAX));
        Judged {
            check: def.name,
            rule: def.rules[found.finding.rule].name,
            outcome: found.finding.outcome,
            mode: found.mode,
            detail,
            excused: found.excused,
            despite_allowed: found.despite_allowed,
        }
    }
}

/// Which answers are missing, in the closed set's words. What changes no answer degrades none: what is only rehearsed, and
/// lists that are not believed at the moment.
fn degraded_by(gathered: &Gathered) -> Vec<&'static str> {
    let believed = |question: &Question| match question {
        Question::Dns(dns) => gathered.answers.list_health(dns.list) == Health::Healthy,
        Question::ListHealth | Question::Spf(_) | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => {
            true
        }
    };
    let decisive = || gathered.answers.iter().take(gathered.decisive).filter(|(question, _)| believed(question));
    let failures = || {
        decisive().filter_map(|(_, answered)| match &answered.answer {
            Answer::Dns(DnsAnswer::Failed(failure)) => Some(*failure),
            Answer::Dns(DnsAnswer::Found(_) | DnsAnswer::NotFound)
            | Answer::ListHealth(_)
            | Answer::Spf(_)
            | Answer::State(_)
            | Answer::Mailbox(_)
            | Answer::Exceptions(_) => None,
        })
    };
    let mut reasons = Vec::new();
    // What our own deadline cut off looks like a time-out: the resolver's time-outs are told only without one.
    let cut_off = |failure| gathered.out_of_time && failure == Failure::Timeout;
    let undecided = |answered: &Answered| matches!(&answered.answer, Answer::Spf(evaluation) if evaluation.is_ours);
    let is_undecided = decisive().any(|(_, answered)| undecided(answered));
    if is_undecided || failures().any(|failure| !(failure.is_ours() || cut_off(failure))) {
        reasons.push(degraded::DNS);
    }
    if gathered.out_of_time {
        reasons.push(degraded::DEADLINE);
    }
    if gathered.too_many || failures().any(Failure::is_ours) {
        reasons.push(degraded::OVERLOAD);
    }
    if decisive().any(|(_, answered)| answered.answer == Answer::State(StateAnswer::Unknown)) {
        reasons.push(degraded::STATE);
    }
    if decisive().any(|(_, answered)| matches!(&answered.answer, Answer::Mailbox(looked) if looked.is_ours)) {
        reasons.push(degraded::MAILBOX);
    }
    if decisive().any(|(_, answered)| answered.stale) {
        reasons.push(degraded::STALE);
    }
    reasons
}
