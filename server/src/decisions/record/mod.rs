//! How is a decision written down, so that it can be read weeks and releases later, and decided again?
//!
//! A version in front, then facts, verdict, what it was weighed by, findings and evidence. Numbers are varints; closed sets
//! are written by their place in the lists of this folder, which only grow, names of checks and rules as text. What is
//! cut short, damaged or of another version reads as nothing; an answer of a kind not known here is left out and counted.
//! Not kept: `session_state` (sealed, and its content stands in the facts) and the trace of an SPF evaluation. A DNS list's
//! key is never written: `[key]` stands in its place, and [`with_keys`] puts the key of the policy in force back.
//!
//! `facts` has the facts, `answers` every kind of question and answer, `spf`, `state` and `mailbox` what those of a kind are made of, `verdict` the rest,
//! `field` what all of them are made of, `words` names.

mod answers;
mod facts;
mod field;
mod mailbox;
mod spf;
mod state;
mod verdict;
mod words;

#[cfg(test)]
pub(super) mod tests;

use crate::{
    ask::{Answers, Question},
    clock::Now,
    dns_lists::Declared,
    pipeline::Decision,
    state::octets::{Reader, Writer},
};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// Version of the format.
const VERSION: u8 = 1;

/// Longest record in octets. Answers that have no room are left out and counted; the rest is bounded by far less.
pub const OCTETS_MAX: usize = 128 * 1024;

/// A decision as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The decision.
    pub decision: Decision,
    /// Answers that are not kept: they were too large, or are of a kind this release does not know.
    pub left_out: usize,
}

/// A decision in octets, [`OCTETS_MAX`] at most.
pub fn encode(decision: &Decision) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.number(decision.at.unix_millis());
    facts::write(&mut out, &decision.facts);
    verdict::write(&mut out, decision);
    answers::write(&mut out, &decision.evidence);
    out.finish()
}

/// The opposite of [`encode`]. `steady` stands for the steady clock, whose times mean nothing in another process. Texts
/// are slices of `record`: keep it no longer than its record is to be kept, or copy.
pub fn decode(record: &Bytes, steady: Instant) -> Option<Recorded> {
    if record.len() > OCTETS_MAX {
        return None;
    }
    let mut from = Reader::new(record, VERSION)?;
    let at = Now { steady, wall: Duration::from_millis(from.number()?) };
    let facts = facts::read(&mut from, record)?;
    let said = verdict::read(&mut from)?;
    let (evidence, left_out) = answers::read(&mut from)?;
    from.end()?;
    let decision = Decision {
        stage: said.stage,
        facts,
        at,
        took: said.took,
        verdict: said.verdict,
        findings: said.findings,
        evidence,
        decided_by: said.decided_by,
        would_have: said.would_have,
        lists: said.lists,
        off: said.off,
        generation: said.generation,
        course: said.course,
    };
    Some(Recorded { decision, left_out })
}

/// The evidence with the keys of these lists: then it answers the questions of a policy that has them.
#[must_use]
pub fn with_keys(evidence: Answers, lists: &[Declared]) -> Answers {
    let keyed = |mut question: Question| {
        if let Question::Dns(dns) = &mut question
            && dns.name.secret().is_some()
            && let Some(key) = lists.iter().find(|list| list.id == dns.list).and_then(|list| list.zone.secret())
        {
            dns.name = dns.name.with_key(key);
        }
        question
    };
    evidence.into_iter().map(|(question, answered)| (keyed(question), answered)).collect()
}
