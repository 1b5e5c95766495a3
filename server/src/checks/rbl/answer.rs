//! What did a list say about an address or name? The answer read as listed, not listed or failed.

use super::{
    list::{Action, List, Meaning, Query},
    target::Target,
};
use crate::{
    ask::{Answers, DnsAnswer, DnsQuestion, Record, RecordType},
    dns_lists::Refusal,
    mode::Mode,
};
use std::net::Ipv4Addr;

/// What is kept of a list's own text in a reply, as in rblsmtpd.
const TEXT_OCTETS_MAX: usize = 200;

/// One list about one target.
pub(super) enum Standing<'a> {
    NotListed,
    /// Nothing is known: no answer, or one that is none.
    Failed,
    /// At least one meaning, in the order of the configuration.
    Listed(Vec<Hit<'a>>),
}

/// A meaning with the codes that matched it, ascending.
pub(super) struct Hit<'a> {
    pub(super) meaning: &'a Meaning,
    pub(super) codes: Vec<Ipv4Addr>,
}

impl List {
    /// What to ask next. The text is asked for only when there is a refusal to explain: lists count queries.
    pub(super) fn next_question(&self, target: &Target, answers: &Answers) -> DnsQuestion {
        let refuses = |hit: &Hit<'_>| matches!(hit.meaning.action, Action::Reject | Action::Defer);
        let explains = |hit: &Hit<'_>| hit.meaning.mode != Mode::Off && refuses(hit);
        let wants_text = match self.query {
            Query::A => false,
            Query::Txt => true,
            Query::Both => match self.standing(target, answers) {
                Standing::Listed(hits) => hits.iter().any(explains),
                Standing::NotListed | Standing::Failed => false,
            },
        };
        self.question(target, if wants_text { RecordType::Txt } else { RecordType::A })
    }

    /// The answer, as far as it came.
    pub(super) fn standing(&self, target: &Target, answers: &Answers) -> Standing<'_> {
        if self.query == Query::Txt {
            return match answers.dns(&self.question(target, RecordType::Txt)) {
                DnsAnswer::Found(_) => Standing::Listed(vec![Hit { meaning: &self.rest, codes: Vec::new() }]),
                DnsAnswer::NotFound => Standing::NotListed,
                DnsAnswer::Failed(_) => Standing::Failed,
            };
        }
        match answers.dns(&self.question(target, RecordType::A)) {
            DnsAnswer::Found(records) => self.by_codes(records),
            DnsAnswer::NotFound => Standing::NotListed,
            DnsAnswer::Failed(_) => Standing::Failed,
        }
    }

    fn by_codes(&self, records: &[Record]) -> Standing<'_> {
        let address = |record: &Record| if let Record::A(code) = record { Some(*code) } else { None };
        let mut codes: Vec<Ipv4Addr> = records.iter().filter_map(address).collect();
        codes.sort_unstable();
        codes.dedup();
        // One refusal spoils the answer: who refuses has not looked.
        if codes.iter().any(|&code| Refusal::of(code, &self.declared.named_codes).is_some()) {
            return Standing::Failed;
        }
        let held_by = |meaning: &Meaning, code: Ipv4Addr| meaning.codes.iter().any(|codes| codes.hold(code));
        let mut hits = Vec::new();
        for meaning in &self.meanings {
            let codes: Vec<_> = codes.iter().copied().filter(|&code| held_by(meaning, code)).collect();
            if !codes.is_empty() {
                hits.push(Hit { meaning, codes });
            }
        }
        codes.retain(|&code| held_by(&self.rest, code) && !self.meanings.iter().any(|meaning| held_by(meaning, code)));
        if !codes.is_empty() {
            hits.push(Hit { meaning: &self.rest, codes });
        }
        if hits.is_empty() { Standing::NotListed } else { Standing::Listed(hits) }
    }

    /// The list's own words about this target, fit for a reply; empty = none.
    pub(super) fn own_text(&self, target: &Target, answers: &Answers) -> String {
        match answers.dns(&self.question(target, RecordType::Txt)) {
            DnsAnswer::Found(records) => printable(records),
            DnsAnswer::NotFound | DnsAnswer::Failed(_) => String::new(),
        }
    }
}

/// All texts without separator, cut to 200 octets, other bytes than 32-126 as `?`: rblsmtpd's rule. Records come in any
/// order: they are sorted.
fn printable(records: &[Record]) -> String {
    let text = |record: &Record| if let Record::Txt(text) = record { Some(text.clone()) } else { None };
    let mut texts: Vec<_> = records.iter().filter_map(text).collect();
    texts.sort_unstable();
    let octets = texts.iter().flat_map(|text| text.iter().copied()).take(TEXT_OCTETS_MAX);
    octets.map(|octet| if (32..=126).contains(&octet) { char::from(octet) } else { '?' }).collect()
}
