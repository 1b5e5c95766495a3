//! What did the DNS lists say about this connection, and which of them mattered? For the lists' report cards; nothing here
//! changes an answer.
//!
//! A check is pure, so "what if this list did not exist" is asked by deciding again without its answers.

use super::{
    Action, ListsHeard, Policy,
    policy::Step,
    precedence::{self, Found, Ruling, Speaker},
    stage::{Call, Judge, TakingPart},
};
use crate::{
    ask::{Answer, Answers, DnsAnswer, ListId, Question, StateAnswer, StateQuestion},
    check::{Effect, Outcome},
    dns_lists::{Heard, ListEvent, ListsSeen, Remembered, card::Contradiction},
    mode::Mode,
    session::{Facts, ListsNote, Stage},
    state::Subject,
};
use std::sync::Arc;

/// What was heard at a stage, and what came of it.
pub(super) struct Hearing<'a> {
    pub(super) speaking: &'a [&'a Step],
    pub(super) call: &'a Call,
    pub(super) answers: &'a Answers,
    pub(super) found: &'a [Found],
    pub(super) ruling: Ruling,
    /// Of all grains but check and finding.
    pub(super) mode: Mode,
}

impl Judge<'_> {
    /// The first stage that knows all that lists are asked about is RCPT; later recipients add nothing.
    pub(super) fn lists_seen(&self, hearing: &Hearing<'_>) -> Option<ListsSeen> {
        let facts = &hearing.call.facts;
        if !self.counts || hearing.call.stage != Stage::Rcpt || facts.history.lists.seen {
            return None;
        }
        let heard = heard(hearing.speaking, facts, hearing.answers);
        if heard.is_empty() {
            return None;
        }
        let mut speakers: Vec<ListId> = hearing.found.iter().filter_map(|found| found.finding.list).collect();
        speakers.sort_unstable();
        speakers.dedup();
        let of = |wanted: &dyn Fn(ListId) -> bool| speakers.iter().copied().filter(|&list| wanted(list)).collect();
        Some(ListsSeen {
            session: facts.session_id,
            client_ip: facts.connection.client_ip,
            would_refuse: of(&|list| self.would_refuse(list, hearing)),
            needed: of(&|list| self.is_needed(list, hearing)),
            known_good: hearing.found.iter().any(|found| self.speaks_for_client(found)),
            remembered: remembered(hearing),
            heard,
        })
    }

    /// Is it an allowance, and of the client?
    fn speaks_for_client(&self, found: &Found) -> bool {
        let vouches = |step: &Step| step.check.vouches(found.finding.rule);
        let allows = found.mode < Mode::Monitor && found.finding.outcome == Outcome::Allow;
        allows && self.policy.steps.get(found.step).is_some_and(vouches)
    }

    /// Would it refuse by itself, if all it says were enforced?
    fn would_refuse(&self, list: ListId, hearing: &Hearing<'_>) -> bool {
        let own = hearing.found.iter().filter(|found| found.finding.list == Some(list));
        if own.clone().any(|found| matches!(found.finding.outcome, Outcome::Reject | Outcome::Defer)) {
            return true;
        }
        let alone = without(hearing.answers, |other| other != list && other != ListId::NONE);
        let found = self.again(hearing, &alone, &|found| found.finding.list == Some(list));
        let terms = self.terms(hearing.call, Mode::Enforce);
        let terms = precedence::Terms { refused_before: None, score_mode: Mode::Enforce, rehearsing: true, ..terms };
        precedence::rule(&found, &terms).action != Action::Continue
    }

    /// Was something refused that would not have been without it?
    fn is_needed(&self, list: ListId, hearing: &Hearing<'_>) -> bool {
        if hearing.ruling.action == Action::Continue || hearing.ruling.speaker == Speaker::Rcpthosts {
            return false;
        }
        let others = without(hearing.answers, |other| other == list);
        let found = self.again(hearing, &others, &|_| true);
        precedence::rule(&found, &self.terms(hearing.call, hearing.mode)).action < hearing.ruling.action
    }

    /// The findings with other answers: checks that heard lists decide again, the rest stays. Of theirs, those that are
    /// wanted and those that rest on no single list are kept.
    fn again(&self, hearing: &Hearing<'_>, answers: &Answers, wanted: &dyn Fn(&Found) -> bool) -> Vec<Found> {
        let of_lists =
            |place: usize| hearing.found.iter().any(|found| found.step == place && found.finding.list.is_some());
        let steps: Vec<&Step> = hearing.speaking.iter().copied().filter(|step| of_lists(step.place)).collect();
        let judge = Judge { counts: false, ..*self };
        let mut found = judge.findings(&steps, hearing.call, answers, hearing.mode);
        found.retain(|found| found.finding.list.is_none() || wanted(found));
        let others = hearing.found.iter().filter(|found| !of_lists(found.step) && wanted(found));
        found.extend(others.cloned());
        precedence::sort(&mut found);
        found
    }
}

/// What the recorded answers say for the client: nothing is asked for it.
fn remembered(hearing: &Hearing<'_>) -> Remembered {
    let Some(ip) = hearing.call.facts.connection.client_ip else { return Remembered::default() };
    let now = hearing.call.at.unix_seconds();
    match hearing.answers.state(&StateQuestion::Standing(Subject::Ip(ip))) {
        StateAnswer::Standing(standing) => Remembered {
            good_history: standing.is_well_known(now),
            proven_good: standing.is_good(now) && hearing.answers.is_identified(),
        },
        _ => Remembered::default(),
    }
}

fn heard(steps: &[&Step], facts: &Facts, answers: &Answers) -> Vec<(ListId, Heard)> {
    let mut effects = Vec::new();
    for step in steps {
        step.check.observe(facts, answers, &mut effects);
    }
    let heard = |effect| if let Effect::ListHeard(list, heard) = effect { Some((list, heard)) } else { None };
    effects.into_iter().filter_map(heard).collect()
}

/// The answers, but that some lists know nobody.
fn without(answers: &Answers, silenced: impl Fn(ListId) -> bool) -> Answers {
    let mut others = Answers::default();
    for (question, answered) in answers.iter() {
        let mut answered = answered.clone();
        if let Question::Dns(dns) = question
            && silenced(dns.list)
        {
            answered.answer = Answer::Dns(DnsAnswer::NotFound);
        }
        others.insert(question.clone(), answered);
    }
    others
}

/// A connection that ended before anybody judged a recipient: what the caches know of it.
pub(super) fn at_the_end(judge: &Judge<'_>, facts: &Facts) -> Option<ListsSeen> {
    let call = judge.imagined(Stage::Mail, facts.clone());
    let TakingPart { speaking, silent, .. } = judge.taking_part(&call);
    let mut heard = Vec::new();
    for step in speaking.into_iter().chain(silent) {
        // Each check by itself: lists are told although another check's answers are not there.
        heard.extend(
            judge.asking(&[step], &call).known().into_iter().flat_map(|answers| self::heard(&[step], facts, &answers)),
        );
    }
    let seen = ListsSeen {
        session: facts.session_id,
        client_ip: facts.connection.client_ip,
        heard,
        would_refuse: Vec::new(),
        needed: Vec::new(),
        known_good: false,
        remembered: Remembered::default(),
    };
    (!seen.heard.is_empty()).then_some(seen)
}

/// Names for the log, and the note for the rest of the session.
pub(super) fn noted(policy: &Policy, seen: &ListsSeen) -> (ListsHeard, ListsNote) {
    let lists = policy.dns_lists();
    let declared = |wanted: Heard| {
        let of = move |&&(_, heard): &&(ListId, Heard)| heard == wanted;
        let heard = seen.heard.iter().filter(of);
        heard.filter_map(|(list, _)| lists.iter().find(|declared| declared.id == *list))
    };
    let against = declared(Heard::Listed).filter(|list| !list.welcomes).map(|list| list.id);
    let note = ListsNote { seen: true, listed: against.take(ListsNote::LISTED_MAX).collect() };
    let heard = ListsHeard {
        heard: seen.heard.len(),
        listed: declared(Heard::Listed).map(|list| Arc::clone(&list.name)).collect(),
        failed: declared(Heard::Failed).map(|list| Arc::clone(&list.name)).collect(),
        remembered: seen.remembered,
    };
    (heard, note)
}

/// Does somebody vouch for the client: an allow list, or a DNS list of good clients?
pub(super) fn is_welcome(policy: &Policy, seen: &ListsSeen) -> bool {
    let welcomes = |list: &ListId| policy.dns_lists().iter().any(|known| known.id == *list && known.welcomes);
    seen.known_good || seen.heard.iter().any(|(list, heard)| *heard == Heard::Listed && welcomes(list))
}

/// Messages were accepted and no recipient was refused: whoever listed the client may have been wrong.
pub(super) fn ended_well(facts: &Facts) -> Option<ListEvent> {
    let history = &facts.history;
    let accepted = facts.report.as_ref().is_some_and(|report| report.messages_accepted > 0);
    let refused = !history.connection.refused_by.is_empty() || history.connection.rcpthosts_refused > 0;
    let well = accepted && !refused && !history.lists.listed.is_empty();
    let kind = Contradiction::Accepted;
    well.then(|| ListEvent::Contradicted { kind, listed: history.lists.listed.clone() })
}
