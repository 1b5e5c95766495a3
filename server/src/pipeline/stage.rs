//! How is one stage judged? Who takes part, what they ask, what they find, who is heard: the order of events.

use super::{
    Action, Course, Decision, Part, Policy, StepSeen,
    exempt::Exemptions,
    gather::{Asking, Gathered},
    lists_seen::Hearing,
    policy::Step,
    precedence::{self, Found, Ruling, Speaker, Terms},
    rehearsal::Rehearsal,
};
use crate::{
    ask::{Answers, Ask, Asker},
    check::{Exemption, Finding, Mark},
    clock::{Clock, Now},
    dns_lists::ListsSeen,
    mode::Mode,
    session::{Facts, Rcpthosts, Stage},
};
use std::time::Duration;

/// Findings of one decision, over all checks: as many as there may be questions.
const FINDINGS_MAX: usize = Answers::MAX;

/// By what is judged.
pub(super) struct Judge<'a> {
    pub(super) policy: &'a Policy,
    pub(super) ask: &'a dyn Ask,
    pub(super) clock: &'a Clock,
    /// Whether what is only rehearsed is worth waiting for.
    pub(super) rehearsal: &'a Rehearsal,
    /// Counted; an administrator's rehearsal is not.
    pub(super) counts: bool,
}

/// What is judged.
pub(super) struct Call {
    pub(super) stage: Stage,
    pub(super) facts: Facts,
    pub(super) exemptions: Exemptions,
    /// When it began.
    pub(super) at: Now,
    /// How long answers may be waited for.
    pub(super) budget: Duration,
    /// The kill switch is thrown.
    pub(super) switched_off: bool,
}

/// What it came to, before it is put into words.
pub(super) struct Judgement {
    pub(super) gathered: Gathered,
    /// In order of precedence.
    pub(super) found: Vec<Found>,
    pub(super) ruling: Ruling,
    /// The ruling if monitored findings were meant, where it differs.
    pub(super) would: Option<Ruling>,
    /// Nothing was evaluated.
    pub(super) off: bool,
    /// What a message that goes on is marked with.
    pub(super) marks: Vec<Mark>,
    /// By what it was weighed.
    pub(super) course: Course,
}

impl Judgement {
    /// Of a call about which nothing is asked.
    pub(super) fn off(call: &Call) -> Self {
        let speaker = if is_refused_by_server(call) { Speaker::Rcpthosts } else { Speaker::Nobody };
        let ruling = Ruling { action: Action::Continue, speaker };
        Self {
            gathered: Gathered::default(),
            found: Vec::new(),
            ruling,
            would: None,
            off: true,
            marks: Vec::new(),
            course: Course::default(),
        }
    }
}

/// Who has a part in a stage.
#[derive(Default)]
pub(super) struct TakingPart<'a> {
    /// They speak.
    pub(super) speaking: Vec<&'a Step>,
    /// They only ask ahead for RCPT.
    pub(super) silent: Vec<&'a Step>,
    /// All that speak at such a stage, those too that are passed over, and their number before rcpthosts.
    steps: Vec<StepSeen>,
    rcpthosts: usize,
}

impl Judge<'_> {
    /// The decision, and what the DNS lists said if they were heard here first.
    pub(super) async fn run(&self, call: Call) -> (Decision, Option<ListsSeen>) {
        let mode = if call.switched_off { Mode::Off } else { self.mode(&call) };
        if mode == Mode::Off {
            let judgement = Judgement::off(&call);
            return (self.decision(call, judgement), None);
        }
        let part = self.taking_part(&call);
        if !part.silent.is_empty() {
            self.asking(&part.silent, &call).prefetch();
        }
        let speaking = &part.speaking;
        let gathered =
            if speaking.is_empty() { Gathered::default() } else { self.gathered(speaking, &call, mode).await };
        let (judgement, lists) = self.judgement(part, &call, gathered, mode);
        (self.decision(call, judgement), lists)
    }

    /// What comes of the answers. `mode` is that of all grains but check and finding.
    pub(super) fn judgement(
        &self,
        part: TakingPart<'_>,
        call: &Call,
        gathered: Gathered,
        mode: Mode,
    ) -> (Judgement, Option<ListsSeen>) {
        let TakingPart { speaking, steps, rcpthosts, .. } = part;
        let answers = &gathered.answers;
        let mut found = self.findings(&speaking, call, answers, mode);
        precedence::sort(&mut found);
        precedence::excuse(&mut found);
        let (ruling, would) = self.ruling(&found, call, mode);
        let hearing = Hearing { speaking: &speaking, call, answers, found: &found, ruling, mode };
        let lists = self.lists_seen(&hearing);
        let marks = self.marks(&speaking, call, answers, ruling, mode);
        let Terms { score_mode, defer_at, reject_at, .. } = self.terms(call, mode);
        let course = Course { steps, rcpthosts, score_mode, defer_at, reject_at, budget: call.budget };
        (Judgement { gathered, found, ruling, would, off: false, marks, course }, lists)
    }

    /// A call that nobody makes: to ask what the caches know.
    pub(super) fn imagined(&self, stage: Stage, facts: Facts) -> Call {
        let exemptions = Exemptions::of(stage, &facts, self.policy.settings());
        Call { stage, facts, exemptions, at: self.clock.now(), budget: Duration::ZERO, switched_off: false }
    }

    /// The mode of all grains but check and finding.
    pub(super) fn mode(&self, call: &Call) -> Mode {
        self.mode_of(call.stage, &call.facts)
    }

    pub(super) fn mode_of(&self, stage: Stage, facts: &Facts) -> Mode {
        let settings = self.policy.settings();
        let of_recipient = match (&facts.recipient, stage) {
            (Some(recipient), Stage::Rcpt) => settings.recipient_mode(&recipient.address),
            (_, Stage::Data | Stage::Outcome) => facts.history.mildest,
            _ => Mode::default(),
        };
        settings.host_mode(&facts.connection.host).or_milder(of_recipient)
    }

    /// Who speaks at this stage, and who only asks ahead for RCPT.
    pub(super) fn taking_part(&self, call: &Call) -> TakingPart<'_> {
        let early = call.stage < Stage::Rcpt;
        let mut all = TakingPart { steps: Vec::with_capacity(self.policy.steps.len()), ..TakingPart::default() };
        for step in &self.policy.steps {
            let (part, speaks) = (part(step, call), step.speaks_at(call.stage));
            match part {
                Part::Asked if speaks => all.speaking.push(step),
                Part::Asked | Part::Hushed if early && step.def.stages.contains(&call.stage) => all.silent.push(step),
                Part::Asked | Part::Hushed | Part::Off | Part::Excused(_) => {}
            }
            if speaks {
                let despite_allowed = step.is_despite(Exemption::Allowed);
                all.steps.push(StepSeen { name: step.def.name, part, despite_allowed });
                all.rcpthosts += usize::from(step.place < self.policy.rcpthosts);
            }
        }
        all
    }

    /// What all of them want to know. Who is only rehearsed is asked for at the same time, and waited for less long:
    /// what changes no answer must not delay one.
    async fn gathered(&self, speaking: &[&Step], call: &Call, mode: Mode) -> Gathered {
        let (rehearsed, meant): (Vec<&Step>, Vec<&Step>) =
            speaking.iter().partition(|step| step.mode(&call.facts).or_milder(mode) == Mode::Monitor);
        let (mut rehearsing, asking) = (self.asking(&rehearsed, call), self.asking(&meant, call));
        rehearsing.is_rehearsal = true;
        let mut gathered = Gathered { answers: asking.given(), ..Gathered::default() };
        gathered.out_of_time = !asking.gather(&mut gathered, call.budget, Some(&rehearsing)).await.in_time;
        gathered.decisive = gathered.answers.len();
        if !rehearsed.is_empty() {
            let now = self.clock.steady();
            let left = call.budget.saturating_sub(now.saturating_duration_since(call.at.steady));
            let wanted = left.min(rehearsing.rehearsal);
            // An administrator who asks wants the answers, and is no mail that is delayed.
            let wait = if self.counts { self.rehearsal.wait(wanted, now) } else { wanted };
            let waited = rehearsing.gather(&mut gathered, wait, None).await;
            if self.counts && !wait.is_zero() {
                self.rehearsal.waited(waited, self.clock.steady());
            }
        }
        gathered
    }

    pub(super) fn asking<'s>(&'s self, steps: &'s [&'s Step], call: &'s Call) -> Asking<'s> {
        let facts = &call.facts;
        // An administrator's rehearsal is not rationed.
        let session = self.counts.then_some(facts.session_id);
        let client_ip = facts.connection.client_ip.filter(|_| self.counts);
        Asking {
            steps,
            stage: call.stage,
            facts,
            ask: self.ask,
            asker: Asker { session, client_ip },
            lists: self.policy.dns_lists(),
            rehearsal: self.policy.settings().rehearsal_wait,
            recall: self.policy.settings().recall_wait,
            is_rehearsal: false,
        }
    }

    /// What all of them find. All are heard out: lists can be compared only if each is asked about everything.
    pub(super) fn findings(&self, steps: &[&Step], call: &Call, answers: &Answers, mode: Mode) -> Vec<Found> {
        let (mut all, mut own) = (Vec::new(), Vec::new());
        for step in steps {
            let began = self.counts.then(|| self.clock.now());
            step.check.decide(call.stage, &call.facts, answers, call.at, &mut own);
            if let Some(began) = began {
                let took = self.clock.now().steady.saturating_duration_since(began.steady);
                step.counters.runs.increment(1);
                step.counters.nanoseconds.increment(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            }
            for finding in own.drain(..) {
                self.take(step, finding, call, mode, &mut all);
            }
        }
        all
    }

    /// Gives a finding its mode, counts and keeps it.
    fn take(&self, step: &Step, finding: Finding, call: &Call, mode: Mode, all: &mut Vec<Found>) {
        let mode = mode.or_milder(step.mode(&call.facts)).or_milder(finding.mode);
        // What is not voiced now will be found again at RCPT.
        let later = call.stage < Stage::Rcpt && !step.is_heard_early(&finding);
        let known = finding.rule < step.def.rules.len();
        debug_assert!(known, "{} has no rule {}", step.def.name, finding.rule);
        if later || mode == Mode::Off || !known || all.len() >= FINDINGS_MAX {
            return;
        }
        if self.counts {
            step.counters.findings[finding.rule][mode as usize].increment(1);
        }
        let despite_allowed = step.is_despite_allowed(finding.rule);
        all.push(Found { step: step.place, mode, excused: None, despite_allowed, finding });
    }

    /// What those that are meant mark the message with. What is only rehearsed changes no message.
    fn marks(&self, steps: &[&Step], call: &Call, answers: &Answers, ruling: Ruling, mode: Mode) -> Vec<Mark> {
        let mut marks = Vec::new();
        if call.stage == Stage::Data && ruling.action == Action::Continue {
            let is_meant = |step: &&&Step| mode.or_milder(step.mode(&call.facts)) < Mode::Monitor;
            steps.iter().filter(is_meant).for_each(|step| step.check.mark(&call.facts, answers, &mut marks));
        }
        marks
    }

    /// Who is heard, and who would be if monitored findings were meant, where that leads to something else.
    fn ruling(&self, found: &[Found], call: &Call, mode: Mode) -> (Ruling, Option<Ruling>) {
        let mut terms = self.terms(call, mode);
        let ruling = precedence::rule(found, &terms);
        if found.is_empty() {
            return (ruling, None);
        }
        terms.rehearsing = true;
        let would = precedence::rule(found, &terms);
        let differs = would.action != ruling.action && ruling.speaker != Speaker::Rcpthosts;
        (ruling, differs.then_some(would))
    }
}

impl Judge<'_> {
    /// What decides beside findings.
    pub(super) fn terms(&self, call: &Call, mode: Mode) -> Terms {
        let settings = self.policy.settings();
        let summed = call.stage >= Stage::Rcpt;
        Terms {
            refused_before: is_refused_by_server(call).then_some(self.policy.rcpthosts),
            score_mode: if summed { mode.or_milder(settings.score_mode) } else { Mode::Off },
            defer_at: settings.defer_at,
            reject_at: settings.reject_at,
            rehearsing: false,
        }
    }
}

fn part(step: &Step, call: &Call) -> Part {
    let holds = |exemption: &Exemption| call.exemptions.holds(*exemption) && !step.is_despite(*exemption);
    let excused = [Exemption::Relay, Exemption::TrustedClient, Exemption::ExemptRecipient];
    // A message to exempt recipients only passes DATA.
    if call.stage == Stage::Data && call.exemptions.recipient {
        return Part::Excused(Exemption::ExemptRecipient);
    }
    match excused.iter().find(|exemption| holds(exemption)) {
        Some(&exemption) => Part::Excused(exemption),
        None if step.mode(&call.facts) == Mode::Off => Part::Off,
        // Whoever may still authenticate must not be turned away before they can (RFC 4954 §4).
        None if call.stage == Stage::Connect && call.facts.connection.auth_offered => Part::Hushed,
        None => Part::Asked,
    }
}

fn is_refused_by_server(call: &Call) -> bool {
    call.stage == Stage::Rcpt
        && call.facts.recipient.as_ref().is_some_and(|tried| tried.rcpthosts == Rcpthosts::Refused)
}
