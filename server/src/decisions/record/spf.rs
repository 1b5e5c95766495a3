//! How is an SPF question with its evaluation written down? In full, but for the trace: `decide` reads all the rest. Of the
//! terms only their fingerprint is kept, by which equal questions are told.

use super::field::{
    flags, ip, many, member, ms, optional_text, write_flags, write_ip, write_member, write_ms, write_optional,
};
use crate::{
    ask::{
        SpfQuestion, SpfRole, SpfTerms,
        spf::{Evaluation, Explanation, Flaw, Input, Matched, Query, SpfResult},
    },
    state::octets::{Reader, Writer},
};
use std::sync::{Arc, LazyLock};

/// Longest text in octets; identities are cut to less, an explanation has 4,096 at most.
const TEXT_OCTETS_MAX: usize = 16_384;

const ROLES: [SpfRole; 3] = [SpfRole::Sender, SpfRole::Helo, SpfRole::Voucher];
const RESULTS: [SpfResult; 7] = [
    SpfResult::None,
    SpfResult::Neutral,
    SpfResult::Pass,
    SpfResult::Fail,
    SpfResult::SoftFail,
    SpfResult::TempError,
    SpfResult::PermError,
];
const INPUTS: [Input; 3] = [Input::Ip, Input::LocalPart, Input::Helo];

/// Flaws by their place; an unknown mechanism has its name behind it.
const FLAW_UNKNOWN_MECHANISM: usize = 2;

pub(super) fn write_question(out: &mut Writer, asked: &SpfQuestion) {
    let SpfQuestion { role, query, terms } = asked;
    write_member(out, &ROLES, role);
    write_ip(out, Some(query.ip));
    out.octets(query.local_part()).text(query.domain().unwrap_or_default()).octets(query.helo());
    out.raw(&terms.fingerprint().to_be_bytes());
}

pub(super) fn question(from: &mut Reader<'_>) -> Option<SpfQuestion> {
    let (role, ip) = (member(from, &ROLES)?, ip(from)??);
    let (local_part, domain) = (from.octets(TEXT_OCTETS_MAX)?, from.octets(TEXT_OCTETS_MAX)?);
    let query = Query::restored(ip, local_part, domain, from.octets(TEXT_OCTETS_MAX)?);
    let terms = terms(u64::from_be_bytes(from.raw(8)?.try_into().ok()?));
    Some(SpfQuestion { role, query, terms })
}

/// Terms without rules are those of most questions: one for all of them.
fn terms(fingerprint: u64) -> Arc<SpfTerms> {
    static USUAL: LazyLock<Arc<SpfTerms>> =
        LazyLock::new(|| Arc::new(SpfTerms::new(Default::default(), Default::default())));
    if USUAL.fingerprint() == fingerprint { USUAL.clone() } else { Arc::new(SpfTerms::recorded(fingerprint)) }
}

pub(super) fn write_evaluation(out: &mut Writer, evaluation: &Evaluation) {
    let Evaluation { result, matched, is_identity, problem, flaw, is_ours, explanation, depends, .. } = evaluation;
    write_member(out, &RESULTS, result);
    write_flags(out, &[*is_identity, *is_ours, matched.is_some(), flaw.is_some(), explanation.is_some()]);
    out.number(evaluation.lookups as u64).number(evaluation.voids as u64);
    write_ms(out, evaluation.ttl);
    write_optional(out, problem.as_deref().map(str::as_bytes));
    if let Some(Matched { mechanism, domain, is_local }) = matched {
        out.text(mechanism).text(domain).octet((*is_local).into());
    }
    if let Some(flaw) = flaw {
        write_flaw(out, flaw);
    }
    if let Some(explanation) = explanation {
        out.text(&explanation.text()).text(explanation.domain());
        write_optional(out, explanation.name().map(str::as_bytes));
    }
    out.number(depends.len() as u64);
    depends.iter().for_each(|input| write_member(out, &INPUTS, input));
}

pub(super) fn evaluation(from: &mut Reader<'_>) -> Option<Evaluation> {
    let result = member(from, &RESULTS)?;
    let [is_identity, is_ours, has_matched, has_flaw, has_explanation] = flags(from)?;
    let (lookups, voids) = (usize::try_from(from.number()?).ok()?, usize::try_from(from.number()?).ok()?);
    let ttl = ms(from)?;
    let problem = optional_text(from, TEXT_OCTETS_MAX)?.map(str::to_owned);
    let matched = if has_matched { Some(matched(from)?) } else { None };
    let flaw = if has_flaw { Some(flaw(from)?) } else { None };
    // A text that cannot be read as an explanation any more is none.
    let explanation = if has_explanation { explanation(from)? } else { None };
    let count = from.count(INPUTS.len())?;
    let depends = many(count, || member(from, &INPUTS))?;
    let bare = Evaluation::bare(result);
    Some(Evaluation { matched, is_identity, lookups, voids, ttl, problem, flaw, is_ours, explanation, depends, ..bare })
}

fn matched(from: &mut Reader<'_>) -> Option<Matched> {
    let (mechanism, domain) = (from.text(TEXT_OCTETS_MAX)?.into(), from.text(TEXT_OCTETS_MAX)?.into());
    Some(Matched { mechanism, domain, is_local: from.octet()? == 1 })
}

fn write_flaw(out: &mut Writer, flaw: &Flaw) {
    let place = match flaw {
        Flaw::Syntax => 0,
        Flaw::SeveralRecords => 1,
        Flaw::UnknownMechanism(_) => FLAW_UNKNOWN_MECHANISM,
        Flaw::Limit => 3,
        Flaw::NoRecord => 4,
    };
    out.number(place as u64);
    if let Flaw::UnknownMechanism(name) = flaw {
        out.text(name);
    }
}

fn flaw(from: &mut Reader<'_>) -> Option<Flaw> {
    Some(match from.count(4)? {
        0 => Flaw::Syntax,
        1 => Flaw::SeveralRecords,
        FLAW_UNKNOWN_MECHANISM => Flaw::UnknownMechanism(from.text(TEXT_OCTETS_MAX)?.to_owned()),
        3 => Flaw::Limit,
        _ => Flaw::NoRecord,
    })
}

fn explanation(from: &mut Reader<'_>) -> Option<Option<Explanation>> {
    let (text, domain) = (from.text(TEXT_OCTETS_MAX)?, from.text(TEXT_OCTETS_MAX)?);
    let name = optional_text(from, TEXT_OCTETS_MAX)?;
    Some(Explanation::read(text.as_bytes(), domain).map(|read| read.named(name.map(Into::into))))
}
