//! How is what was decided written down: the verdict, who spoke, what it was weighed by, and what was found?

use super::{
    field::{ACTIONS, MODES, STAGES, flags, many, member, ms, us, write_flags, write_member, write_ms, write_us},
    words,
};
use crate::{
    check::{Exemption, Outcome},
    dns_lists::Remembered,
    pipeline::{Action, Course, Decision, DecisionId, Judged, ListsHeard, Part, StepSeen, Verdict, degraded},
    session::Stage,
    state::octets::{Reader, Writer},
};
use std::{sync::Arc, time::Duration};

/// Findings and steps of one record: no decision has more.
const FINDINGS_MAX: usize = 256;
/// Header fields of one verdict.
const HEADERS_MAX: usize = 64;
/// Names of DNS lists in one record.
const LISTS_MAX: usize = 256;
/// Longest text in octets; a reply has fewer lines, a header field of ours is shorter.
const TEXT_OCTETS_MAX: usize = 16_384;

const EXEMPTIONS: [Exemption; 4] =
    [Exemption::Relay, Exemption::Allowed, Exemption::ExemptRecipient, Exemption::TrustedClient];
const PARTS: [Part; 7] = [
    Part::Asked,
    Part::Off,
    Part::Hushed,
    Part::Excused(Exemption::Relay),
    Part::Excused(Exemption::Allowed),
    Part::Excused(Exemption::ExemptRecipient),
    Part::Excused(Exemption::TrustedClient),
];
/// A score is written as the place behind these, and its points.
const OUTCOMES: [Outcome; 3] = [Outcome::Allow, Outcome::Defer, Outcome::Reject];
/// Those that carry a number, after the others.
const SCORE: usize = 3;
const DELAY: usize = 4;

/// A decision without facts, time and evidence.
pub(super) struct Said {
    pub(super) stage: Stage,
    pub(super) took: Duration,
    pub(super) verdict: Verdict,
    pub(super) findings: Vec<Judged>,
    pub(super) decided_by: &'static str,
    pub(super) would_have: Option<(Action, &'static str)>,
    pub(super) lists: Option<ListsHeard>,
    pub(super) off: bool,
    pub(super) generation: u64,
    pub(super) course: Course,
}

pub(super) fn write(out: &mut Writer, decision: &Decision) {
    write_member(out, &STAGES, &decision.stage);
    write_us(out, decision.took);
    out.number(decision.generation);
    write_flags(out, &[decision.off, decision.would_have.is_some(), decision.lists.is_some(), decision.verdict.close]);
    write_verdict(out, &decision.verdict);
    words::write(out, decision.decided_by);
    if let Some((action, step)) = decision.would_have {
        write_member(out, &ACTIONS, &action);
        words::write(out, step);
    }
    if let Some(heard) = &decision.lists {
        out.number(heard.heard as u64);
        [&heard.listed, &heard.failed].into_iter().for_each(|names| write_names(out, names));
        write_flags(out, &[heard.remembered.good_history, heard.remembered.proven_good]);
    }
    write_course(out, &decision.course);
    write_findings(out, &decision.findings);
}

pub(super) fn read(from: &mut Reader<'_>) -> Option<Said> {
    let (stage, took, generation) = (member(from, &STAGES)?, us(from)?, from.number()?);
    let [off, has_would_have, has_lists, close] = flags(from)?;
    let verdict = Verdict { close, ..verdict(from)? };
    let decided_by = words::read(from)?;
    let would_have = if has_would_have { Some((member(from, &ACTIONS)?, words::read(from)?)) } else { None };
    let lists = if has_lists { Some(lists(from)?) } else { None };
    let (course, findings) = (course(from)?, findings(from)?);
    Some(Said { stage, took, verdict, findings, decided_by, would_have, lists, off, generation, course })
}

fn write_verdict(out: &mut Writer, verdict: &Verdict) {
    write_member(out, &ACTIONS, &verdict.action);
    out.raw(verdict.decision_id.as_str().as_bytes()).number(verdict.code.into()).text(&verdict.status);
    out.text(&verdict.text).number(verdict.delay_ms.into());
    let headers = verdict.headers.iter().take(HEADERS_MAX);
    out.number(headers.len() as u64);
    headers.for_each(|header| _ = out.text(header));
    out.number(verdict.degraded.len() as u64);
    verdict.degraded.iter().for_each(|word| words::write(out, word));
    out.text(&verdict.authserv_id);
    words::write(out, verdict.spf_result);
}

fn verdict(from: &mut Reader<'_>) -> Option<Verdict> {
    let action = member(from, &ACTIONS)?;
    let decision_id = DecisionId::from_letters(from.raw(DecisionId::LENGTH)?)?;
    let (code, status) = (u16::try_from(from.number()?).ok()?, from.text(TEXT_OCTETS_MAX)?.to_owned());
    let (text, delay_ms) = (from.text(TEXT_OCTETS_MAX)?.to_owned(), from.small()?);
    let count = from.count(HEADERS_MAX)?;
    let headers = many(count, || from.text(TEXT_OCTETS_MAX).map(str::to_owned))?;
    let count = from.count(degraded::ALL.len() * 2)?;
    let degraded = many(count, || words::read(from))?;
    let (authserv_id, spf_result) = (from.text(TEXT_OCTETS_MAX)?.to_owned(), words::read(from)?);
    let rest = Verdict { authserv_id, spf_result, ..Verdict::default() };
    Some(Verdict { action, decision_id, code, status, text, delay_ms, headers, degraded, ..rest })
}

fn write_names(out: &mut Writer, names: &[Arc<str>]) {
    let names = names.iter().take(LISTS_MAX);
    out.number(names.len() as u64);
    names.for_each(|name| _ = out.text(name));
}

fn names(from: &mut Reader<'_>) -> Option<Vec<Arc<str>>> {
    let count = from.count(LISTS_MAX)?;
    many(count, || from.text(TEXT_OCTETS_MAX).map(Arc::from))
}

fn lists(from: &mut Reader<'_>) -> Option<ListsHeard> {
    let heard = usize::try_from(from.number()?).ok()?;
    let (listed, failed) = (names(from)?, names(from)?);
    let [good_history, proven_good] = flags(from)?;
    Some(ListsHeard { heard, listed, failed, remembered: Remembered { good_history, proven_good } })
}

fn write_course(out: &mut Writer, course: &Course) {
    let steps = course.steps.iter().take(FINDINGS_MAX);
    out.number(steps.len() as u64);
    for step in steps {
        words::write(out, step.name);
        write_member(out, &PARTS, &step.part);
        out.octet(step.despite_allowed.into());
    }
    out.number(course.rcpthosts as u64);
    write_member(out, &MODES, &course.score_mode);
    out.signed(course.defer_at).signed(course.reject_at);
    write_ms(out, course.budget);
}

fn course(from: &mut Reader<'_>) -> Option<Course> {
    let count = from.count(FINDINGS_MAX)?;
    let step = || {
        let (name, part) = (words::read(from)?, member(from, &PARTS)?);
        Some(StepSeen { name, part, despite_allowed: from.octet()? == 1 })
    };
    let steps = many(count, step)?;
    Some(Course {
        steps,
        rcpthosts: from.count(FINDINGS_MAX)?,
        score_mode: member(from, &MODES)?,
        defer_at: from.signed()?,
        reject_at: from.signed()?,
        budget: ms(from)?,
    })
}

fn write_findings(out: &mut Writer, findings: &[Judged]) {
    let findings = findings.iter().take(FINDINGS_MAX);
    out.number(findings.len() as u64);
    for Judged { check, rule, outcome, mode, detail, excused, despite_allowed } in findings {
        words::write(out, check);
        words::write(out, rule);
        match outcome {
            Outcome::Score(points) => out.number(SCORE as u64).signed((*points).into()),
            Outcome::Delay(ms) => out.number(DELAY as u64).signed((*ms).into()),
            Outcome::Allow => out.number(0),
            Outcome::Defer => out.number(1),
            Outcome::Reject => out.number(2),
        };
        write_member(out, &MODES, mode);
        write_flags(out.text(detail), &[excused.is_some(), *despite_allowed]);
        excused.iter().for_each(|exemption| write_member(out, &EXEMPTIONS, exemption));
    }
}

fn findings(from: &mut Reader<'_>) -> Option<Vec<Judged>> {
    let count = from.count(FINDINGS_MAX)?;
    many(count, || finding(from))
}

fn finding(from: &mut Reader<'_>) -> Option<Judged> {
    let (check, rule) = (words::read(from)?, words::read(from)?);
    let outcome = match from.count(DELAY)? {
        SCORE => Outcome::Score(i32::try_from(from.signed()?).ok()?),
        DELAY => Outcome::Delay(u32::try_from(from.signed()?).ok()?),
        place => *OUTCOMES.get(place)?,
    };
    let (mode, detail) = (member(from, &MODES)?, from.text(TEXT_OCTETS_MAX)?.to_owned());
    // Older records have the first flag alone: theirs hangs on the step.
    let [is_excused, despite_allowed] = flags(from)?;
    let excused = if is_excused { Some(member(from, &EXEMPTIONS)?) } else { None };
    Some(Judged { check, rule, outcome, mode, detail, excused, despite_allowed })
}
