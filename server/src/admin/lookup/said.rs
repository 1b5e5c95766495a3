//! What did one DNS list say? Its answer read as listed, not listed, failed or not asked, and written for the wire.

use super::super::subject::Subject;
use crate::{
    ask::{
        Answer, Answered, Answers, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Health, Question, Record, RecordType,
    },
    check::Finding,
    dns_lists::{self, Declared, Refusal},
    pipeline::Judged,
    rpc::convert,
};
use std::{net::Ipv4Addr, time::Duration};
use tollgate_proto::v1;

/// Words of [`Said::standing`].
pub(super) const LISTED: &str = "listed";
const NOT_LISTED: &str = "not_listed";
const FAILED: &str = "failed";
const NOT_ASKED: &str = "not_asked";

/// Octets of a list's texts that are shown: rblsmtpd's 200 would cut what an administrator came for.
const TEXT_OCTETS_MAX: usize = 2_000;
/// Longest name of the DNS in text (RFC 1035 §2.3.4).
const NAME_OCTETS_MAX: usize = 253;

/// What one list said, with the answers it rests on.
pub(super) struct Said {
    pub(super) list: Declared,
    pub(super) standing: &'static str,
    pub(super) reason: String,
    /// Ascending.
    pub(super) codes: Vec<Ipv4Addr>,
    pub(super) text: String,
    pub(super) health: Health,
    pub(super) answers: Answers,
    /// The answer that decided.
    first: Answered,
}

impl Said {
    /// Asks, unless the list cannot hold such a subject.
    pub(super) async fn of(list: &Declared, subject: &Subject, ask: &dyn Ask) -> Self {
        let mut said = Self {
            list: list.clone(),
            standing: NOT_ASKED,
            reason: String::new(),
            codes: Vec::new(),
            text: String::new(),
            health: Health::Healthy,
            answers: Answers::default(),
            first: Answered::failed(Failure::Timeout, Duration::ZERO),
        };
        match not_asked(list, subject) {
            Some(reason) => said.reason = reason.to_owned(),
            None => said.ask(&super::front(subject), ask).await,
        }
        said
    }

    async fn ask(&mut self, front: &str, ask: &dyn Ask) {
        let kind = if self.list.txt_only { RecordType::Txt } else { RecordType::A };
        self.first = self.answer(self.list.about(front, kind), ask).await;
        self.read();
        // The text costs the list a second look-up: only what is listed has one.
        if self.standing == LISTED && !self.list.txt_only {
            let text = self.answer(self.list.about(front, RecordType::Txt), ask).await;
            if let Answer::Dns(DnsAnswer::Found(records)) = &text.answer {
                self.text = texts(records);
            }
        }
    }

    /// From the cache, or from whoever knows; an answer always comes.
    async fn answer(&mut self, question: DnsQuestion, ask: &dyn Ask) -> Answered {
        let question = Question::Dns(question);
        let answered = match ask.cached(&question) {
            Some(answered) => answered,
            // The daemon is ending when nobody answers.
            None => ask
                .ask(question.clone(), Asker::default())
                .await
                .unwrap_or(Answered::failed(Failure::Unreachable, Duration::ZERO)),
        };
        self.answers.insert(question, answered.clone());
        answered
    }

    fn read(&mut self) {
        match self.first.answer.clone() {
            Answer::Dns(DnsAnswer::NotFound) => self.standing = NOT_LISTED,
            Answer::Dns(DnsAnswer::Found(records)) => self.found(&records),
            Answer::Dns(DnsAnswer::Failed(failure)) => self.fail(failure.name()),
            Answer::ListHealth(_) | Answer::Spf(_) | Answer::State(_) | Answer::Mailbox(_) | Answer::Exceptions(_) => {
                self.fail(Failure::Malformed.name())
            }
        }
    }

    fn fail(&mut self, reason: impl Into<String>) {
        (self.standing, self.reason) = (FAILED, reason.into());
    }

    fn found(&mut self, records: &[Record]) {
        self.standing = LISTED;
        if self.list.txt_only {
            self.text = texts(records);
            return;
        }
        let address = |record: &Record| if let Record::A(code) = record { Some(*code) } else { None };
        self.codes = records.iter().filter_map(address).collect();
        self.codes.sort_unstable();
        self.codes.dedup();
        // One refusal spoils the answer: who refuses has not looked.
        let refused =
            self.codes.iter().find_map(|&code| Some((code, Refusal::of(code, &self.list.named_codes)?.words())));
        if let Some((code, reason)) = refused {
            self.codes.clear();
            self.fail(format!("{reason} ({code})"));
        }
    }

    /// `found` is what the listing would do by itself.
    pub(super) fn into_wire(self, found: &[(Judged, Finding)]) -> v1::ListAnswer {
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let asked = self.standing != NOT_ASKED;
        v1::ListAnswer {
            name: self.list.name.to_string(),
            zone: self.list.zone.to_string(),
            standing: self.standing.to_owned(),
            reason: self.reason,
            codes: self
                .codes
                .iter()
                .map(|code| v1::ListCode { label: label(*code, found), code: code.to_string() })
                .collect(),
            text: self.text,
            cached: asked && self.first.cached,
            age_seconds: seconds(self.first.age),
            ttl_seconds: seconds(self.first.ttl),
            took_us: convert::micros(self.first.took),
            health: self.health.name().to_owned(),
            findings: found.iter().map(|(judged, _)| convert::finding(judged)).collect(),
        }
    }
}

/// Why this list holds no such subject.
fn not_asked(list: &Declared, subject: &Subject) -> Option<&'static str> {
    let one_off = list.id == crate::ask::ListId::NONE;
    match (subject, list.subject) {
        (Subject::Address(_), dns_lists::Subject::Domain) => Some("it holds domains"),
        // What a zone holds that is in no configuration, only who gave it knows.
        (Subject::Domain(_), dns_lists::Subject::Address) if !one_off => Some("it holds addresses"),
        (Subject::Address(ip), _) if ip.is_ipv4() && !list.ipv4 => Some("it is not asked about IPv4"),
        (Subject::Address(ip), _) if ip.is_ipv6() && !list.ipv6 => Some("it is not asked about IPv6"),
        _ if list.zone.below(&super::front(subject)).len() > NAME_OCTETS_MAX => Some("no name of the DNS is so long"),
        _ => None,
    }
}

/// What a code means: the labels of the findings that name it.
fn label(code: Ipv4Addr, found: &[(Judged, Finding)]) -> String {
    let code = code.to_string();
    let var = |finding: &Finding, name: &str| {
        let var = finding.vars.iter().find(|(known, _)| *known == name);
        var.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let names = |finding: &Finding| var(finding, "code").split(',').any(|named| named.trim() == code);
    let mut labels: Vec<String> =
        found.iter().filter(|(_, finding)| names(finding)).map(|(_, finding)| var(finding, "label")).collect();
    labels.retain(|label| !label.is_empty());
    labels.dedup();
    labels.join(", ")
}

/// All texts, sorted, as one.
fn texts(records: &[Record]) -> String {
    let text = |record: &Record| if let Record::Txt(text) = record { Some(text.clone()) } else { None };
    let mut texts: Vec<_> = records.iter().filter_map(text).collect();
    texts.sort_unstable();
    let joined = texts.join(&b" / "[..]);
    convert::printable(joined.get(..TEXT_OCTETS_MAX).unwrap_or(&joined))
}
