//! How are questions to memory and their answers written down, and exceptions? Keys and records as stores keep them.

use super::field::many;
use crate::{
    ask::{StateAnswer, StateQuestion},
    exceptions::{Excepted, MATCHES_MAX},
    state::{
        Digest, Exception, Key, Record, Standing, Subject, Tokens, Triplet,
        octets::{Reader, Writer},
    },
};
use std::sync::Arc;

/// Longest record, in octets: none of these is half as long.
const RECORD_OCTETS_MAX: usize = 1_024;

/// Longest exception, in octets: its texts are shorter.
const EXCEPTION_OCTETS_MAX: usize = 8 * Exception::TEXT_OCTETS_MAX;

const STANDING: u8 = 1;
const TRIPLET: u8 = 2;
const TOKENS: u8 = 3;

const UNKNOWN: u8 = 0;
const NOTHING: u8 = 4;

pub(super) fn write_question(out: &mut Writer, question: &StateQuestion) {
    match question {
        StateQuestion::Standing(subject) => out.octet(STANDING).octets(&subject.octets()),
        StateQuestion::Triplet(key) => out.octet(TRIPLET).octets(&key.octets()),
        StateQuestion::Tokens(key) => out.octet(TOKENS).octets(&key.octets()),
    };
}

pub(super) fn question(from: &mut Reader<'_>) -> Option<StateQuestion> {
    let kind = from.octet()?;
    let key = from.octets(Subject::OCTETS_MAX)?;
    match kind {
        STANDING => Subject::from_octets(key).map(StateQuestion::Standing),
        TRIPLET => Digest::from_octets(key).map(StateQuestion::Triplet),
        TOKENS => Digest::from_octets(key).map(StateQuestion::Tokens),
        _ => None,
    }
}

pub(super) fn write_answer(out: &mut Writer, answer: &StateAnswer) {
    match answer {
        StateAnswer::Unknown => out.octet(UNKNOWN),
        StateAnswer::Nothing => out.octet(NOTHING),
        StateAnswer::Standing(standing) => out.octet(STANDING).octets(&standing.encode()),
        StateAnswer::Triplet(triplet) => out.octet(TRIPLET).octets(&triplet.encode()),
        StateAnswer::Tokens(tokens) => out.octet(TOKENS).octets(&tokens.encode()),
    };
}

pub(super) fn answer(from: &mut Reader<'_>) -> Option<StateAnswer> {
    Some(match from.octet()? {
        UNKNOWN => StateAnswer::Unknown,
        NOTHING => StateAnswer::Nothing,
        STANDING => StateAnswer::Standing(Box::new(Standing::decode(from.octets(RECORD_OCTETS_MAX)?)?)),
        TRIPLET => StateAnswer::Triplet(Triplet::decode(from.octets(RECORD_OCTETS_MAX)?)?),
        TOKENS => StateAnswer::Tokens(Tokens::decode(from.octets(RECORD_OCTETS_MAX)?)?),
        _ => return None,
    })
}

pub(super) fn write_exceptions(out: &mut Writer, excepted: &[Excepted]) {
    let all = excepted.iter().take(MATCHES_MAX);
    out.number(all.len() as u64);
    for Excepted { id, said } in all {
        out.raw(&id.octets()).octets(&said.encode());
    }
}

pub(super) fn exceptions(from: &mut Reader<'_>) -> Option<Vec<Excepted>> {
    let count = from.count(MATCHES_MAX)?;
    let one = || {
        let id = Digest::from_octets(from.raw(Digest::OCTETS_MAX)?)?;
        let said = Arc::new(Exception::decode(from.octets(EXCEPTION_OCTETS_MAX)?)?);
        Some(Excepted { id, said })
    };
    many(count, one)
}
