//! Why did a decision fall so, and what would have to change? Read from what is recorded of it, never from the policy in
//! force: so an old decision is explained as it was made.

use super::{
    Action, Decision, Judged, Part, StepSeen, degraded,
    precedence::{self, Found, Ruling, Speaker, Terms},
};
use crate::{
    ask::{Answer, Answered, DnsAnswer, Failure},
    check::{Exemption, Finding, Outcome},
    metrics::{STEP_RCPTHOSTS, STEP_SCORE},
    mode::Mode,
    session::{Rcpthosts, Stage},
};

/// Changes that are told: who is refused for more reasons has read enough.
const CHANGES_MAX: usize = 16;

/// What there is to say of a decision beside its findings and evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// Every step in order of precedence.
    pub path: Vec<PathStep>,
    /// The sum of scores; `None` = it is not weighed at this stage.
    pub score: Option<Score>,
    /// The stage's time was over before all answers had come.
    pub out_of_time: bool,
    /// What would have had to be otherwise, one after the other, until the mail goes on (or is treated otherwise).
    pub changes: Vec<Change>,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// A check, `rcpthosts` or `score`.
    pub step: &'static str,
    /// `passed`, `found`, `excused`, `off`, `hushed`; of rcpthosts also `refused` and `unknown`.
    pub did: &'static str,
    /// What it found, or why it was passed over.
    pub detail: String,
    /// It decided.
    pub won: bool,
}

/// How scores add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// Of all that counts.
    pub sum: i64,
    /// The same if everything that is rehearsed were enforced.
    pub rehearsed: i64,
    /// Sum from which it defers.
    pub defer_at: i64,
    /// Sum from which it rejects.
    pub reject_at: i64,
    /// How strongly the sum is meant.
    pub mode: Mode,
}

/// One thing that, with all before it, would have had to be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What should not have been: a finding, or points of the sum.
    pub without: String,
    /// What would have followed.
    pub action: Action,
    /// By which step; empty = none.
    pub by: &'static str,
}

/// The recorded findings, as the precedence sees them.
struct Case<'a> {
    decision: &'a Decision,
    /// One for one.
    found: Vec<Found>,
    judged: Vec<&'a Judged>,
    terms: Terms,
}

/// Explains a decision.
pub fn explain(decision: &Decision) -> Explained {
    if decision.off {
        return Explained::default();
    }
    let mut case = Case::of(decision);
    let ruling = precedence::rule(&case.found, &case.terms);
    let score = (decision.stage >= Stage::Rcpt).then(|| case.score());
    Explained {
        path: case.path(ruling, score),
        score,
        out_of_time: decision.verdict.degraded.contains(&degraded::DEADLINE),
        changes: case.changes(ruling),
    }
}

/// Would the mail have been treated otherwise without anything that this check found? Told of checks that allow or that
/// spoke; what the mail server refuses itself, it refuses with and without us.
pub(super) fn made_a_difference(decision: &Decision, check: &str) -> bool {
    let allows = |judged: &Judged| judged.check == check && judged.outcome == Outcome::Allow;
    if decision.off || (decision.decided_by != check && !decision.findings.iter().any(allows)) {
        return false;
    }
    let mut case = Case::of(decision);
    // Nobody but the mail server refuses at rcpthosts, and for good.
    let treated = |ruling: Ruling| match ruling.speaker {
        Speaker::Rcpthosts => Action::Reject,
        Speaker::Finding(_) | Speaker::Score | Speaker::Nobody => ruling.action,
    };
    let with = treated(precedence::rule(&case.found, &case.terms));
    case.leave_out(check);
    treated(precedence::rule(&case.found, &case.terms)) != with
}

/// Is this an answer that had not come when the stage's time was over?
pub(crate) fn is_missing(decision: &Decision, answered: &Answered) -> bool {
    let silent = answered.answer == Answer::Dns(DnsAnswer::Failed(Failure::Timeout)) && !answered.cached;
    silent && answered.took == decision.course.budget && decision.verdict.degraded.contains(&degraded::DEADLINE)
}

impl<'a> Case<'a> {
    fn of(decision: &'a Decision) -> Self {
        let course = &decision.course;
        let (mut found, mut judged) = (Vec::new(), Vec::new());
        for one in &decision.findings {
            let Some(step) = course.steps.iter().position(|step| step.name == one.check) else { continue };
            let despite_allowed = course.steps[step].despite_allowed || one.despite_allowed;
            let finding = Finding::new(0, one.outcome, "");
            found.push(Found { step, mode: one.mode, excused: one.excused, despite_allowed, finding });
            judged.push(one);
        }
        let refused = decision.stage == Stage::Rcpt && rcpthosts(decision) == Rcpthosts::Refused;
        let terms = Terms {
            refused_before: refused.then_some(course.rcpthosts),
            score_mode: course.score_mode,
            defer_at: course.defer_at,
            reject_at: course.reject_at,
            rehearsing: false,
        };
        Self { decision, found, judged, terms }
    }

    fn score(&self) -> Score {
        let rehearsing = Terms { rehearsing: true, ..self.terms };
        Score {
            sum: precedence::sum(&self.found, &self.terms),
            rehearsed: precedence::sum(&self.found, &rehearsing),
            defer_at: self.terms.defer_at,
            reject_at: self.terms.reject_at,
            mode: self.terms.score_mode,
        }
    }

    fn name(&self, speaker: Speaker) -> &'static str {
        match speaker {
            Speaker::Finding(index) => self.judged.get(index).map_or("", |judged| judged.check),
            Speaker::Rcpthosts => STEP_RCPTHOSTS,
            Speaker::Score => STEP_SCORE,
            Speaker::Nobody => "",
        }
    }

    fn path(&self, ruling: Ruling, score: Option<Score>) -> Vec<PathStep> {
        let course = &self.decision.course;
        let mut path = Vec::with_capacity(course.steps.len() + 2);
        for (place, step) in course.steps.iter().enumerate() {
            if place == course.rcpthosts {
                path.extend(self.of_rcpthosts(ruling));
            }
            path.push(self.of_step(place, step, ruling));
        }
        if course.rcpthosts >= course.steps.len() {
            path.extend(self.of_rcpthosts(ruling));
        }
        path.extend(score.map(|score| of_score(score, ruling)));
        path
    }

    fn of_step(&self, place: usize, step: &StepSeen, ruling: Ruling) -> PathStep {
        let own = || (0..self.found.len()).filter(|&index| self.found[index].step == place);
        let winner = if let Speaker::Finding(index) = ruling.speaker { Some(index) } else { None };
        let (did, detail) = match step.part {
            Part::Off => ("off", String::new()),
            Part::Hushed => ("hushed", "the client may still authenticate".to_owned()),
            Part::Excused(exemption) => ("excused", excused_by(exemption).to_owned()),
            Part::Asked if own().next().is_none() => ("passed", String::new()),
            Part::Asked => ("found", own().map(|index| self.told(index, ruling)).collect::<Vec<_>>().join("; ")),
        };
        PathStep { step: step.name, did, detail, won: winner.is_some_and(|index| self.found[index].step == place) }
    }

    /// A finding, and what became of it.
    fn told(&self, index: usize, ruling: Ruling) -> String {
        let (found, judged) = (&self.found[index], self.judged[index]);
        let wants = match judged.outcome {
            Outcome::Allow => "allow".to_owned(),
            Outcome::Score(points) => format!("score {points:+}"),
            Outcome::Delay(ms) => format!("delay {ms} ms"),
            Outcome::Defer => "defer".to_owned(),
            Outcome::Reject => "reject".to_owned(),
        };
        // An allowance is worth a word only where somebody refused all the same.
        let speaks = matches!(judged.outcome, Outcome::Defer | Outcome::Reject)
            || (judged.outcome == Outcome::Allow && ruling.action != Action::Continue);
        let beyond = self.terms.refused_before.is_some_and(|place| found.step >= place);
        let fate = match (judged.mode, judged.excused) {
            (_, Some(exemption)) => format!(", passed over: {}", excused_by(exemption)),
            (Mode::Monitor | Mode::Off, None) => ", only rehearsed".to_owned(),
            _ if beyond => ", not heard: the mail server refuses".to_owned(),
            _ if ruling.speaker == Speaker::Finding(index) && judged.mode == Mode::Soft => {
                ", deferred: soft".to_owned()
            }
            _ if ruling.speaker == Speaker::Finding(index) => String::new(),
            _ if speaks && self.is_outdone(index, ruling) => {
                format!(", but {} refuses whoever is allowed", self.name(ruling.speaker))
            }
            _ if speaks => format!(", not heard: {} spoke", self.name(ruling.speaker)),
            _ => String::new(),
        };
        format!("{}: {wants}{fate}", judged.rule)
    }

    /// An allowance that does not hold against what spoke.
    fn is_outdone(&self, index: usize, ruling: Ruling) -> bool {
        let despite = |speaker: usize| speaker > index && self.found[speaker].despite_allowed;
        self.judged[index].outcome == Outcome::Allow
            && matches!(ruling.speaker, Speaker::Finding(speaker) if despite(speaker))
    }

    fn of_rcpthosts(&self, ruling: Ruling) -> Option<PathStep> {
        let (did, detail) = match rcpthosts(self.decision) {
            Rcpthosts::Allowed => ("passed", "the mail server takes the recipient"),
            Rcpthosts::Refused => ("refused", "the mail server refuses the recipient itself"),
            Rcpthosts::Unknown => ("unknown", "the mail server did not say"),
        };
        let won = ruling.speaker == Speaker::Rcpthosts;
        let step = PathStep { step: STEP_RCPTHOSTS, did, detail: detail.to_owned(), won };
        (self.decision.stage == Stage::Rcpt).then_some(step)
    }

    /// Takes away what decides, again and again, until the mail goes on.
    fn changes(&mut self, mut ruling: Ruling) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..CHANGES_MAX {
            let without = match ruling.speaker {
                Speaker::Finding(index) => self.take_away(index),
                Speaker::Score => self.lighten(ruling.action),
                Speaker::Rcpthosts | Speaker::Nobody => break,
            };
            ruling = precedence::rule(&self.found, &self.terms);
            changes.push(Change { without, action: ruling.action, by: self.name(ruling.speaker) });
            if ruling.action == Action::Continue {
                break;
            }
        }
        changes
    }

    /// As if the check had found nothing.
    fn leave_out(&mut self, check: &str) {
        let mut judged = self.judged.iter().map(|judged| judged.check != check);
        self.found.retain(|_| judged.next().unwrap_or(true));
        self.judged.retain(|judged| judged.check != check);
    }

    fn take_away(&mut self, index: usize) -> String {
        self.found.remove(index);
        let Judged { check, rule, detail, .. } = self.judged.remove(index);
        if detail.is_empty() { format!("{check}.{rule}") } else { format!("{check}.{rule} ({detail})") }
    }

    /// As many points less as it takes to fall below the threshold.
    fn lighten(&mut self, action: Action) -> String {
        let threshold = if action == Action::Reject { self.terms.reject_at } else { self.terms.defer_at };
        let excess = precedence::sum(&self.found, &self.terms) - threshold + 1;
        // A sum that decides is not excused; thresholds are bounded, and so is what 256 findings can add to.
        self.terms.defer_at += excess;
        self.terms.reject_at += excess;
        format!("{excess} points of the score")
    }
}

fn of_score(score: Score, ruling: Ruling) -> PathStep {
    let Score { sum, rehearsed, defer_at, reject_at, mode } = score;
    let rehearsed = if rehearsed == sum { String::new() } else { format!(", {rehearsed} with what is rehearsed") };
    let meant = if mode == Mode::Enforce { String::new() } else { format!(" ({mode})") };
    let won = ruling.speaker == Speaker::Score;
    let did = if won { "found" } else { "passed" };
    let detail = format!("{sum}{rehearsed}; defers at {defer_at}, rejects at {reject_at}{meant}");
    PathStep { step: STEP_SCORE, did, detail, won }
}

fn rcpthosts(decision: &Decision) -> Rcpthosts {
    decision.facts.recipient.as_ref().map_or(Rcpthosts::Unknown, |tried| tried.rcpthosts)
}

fn excused_by(exemption: Exemption) -> &'static str {
    match exemption {
        Exemption::Relay => "the client may relay",
        Exemption::Allowed => "an earlier step allowed",
        Exemption::ExemptRecipient => "everybody may write to this recipient",
        Exemption::TrustedClient => "the client is one of ours",
    }
}
