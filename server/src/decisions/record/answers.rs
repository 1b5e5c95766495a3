//! How is the evidence written down? One item a question, its length in front: a kind of question or answer that a release
//! does not know is passed over. **A new kind gets a tag, an arm in `write_question` or `write_answer`, and one in
//! `question` or `answer`; tags are never used again.**

use super::{
    field::{flags, many, member, ms, us, write_flags, write_member, write_ms, write_us},
    mailbox, spf, state, words,
};
use crate::{
    ask::{
        Ailing, Answer, Answered, Answers, DnsAnswer, DnsName, DnsQuestion, Failure, Health, HealthBoard, KEY_SHOWN,
        ListId, Question, Record, RecordType, Upstream,
    },
    dns_lists::LISTS_MAX,
    state::octets::{Reader, Writer},
};
use std::sync::Arc;

/// Longest name in octets: 253 is the longest of the DNS, and a list's name.
const NAME_OCTETS_MAX: usize = 1_024;
/// Longest TXT record that is read, in octets: the DNS carries no longer one.
const TXT_OCTETS_MAX: usize = 65_535;
/// Records of one answer: more do not fit into a message of the DNS.
const RECORDS_MAX: usize = 8_192;
/// Octets of an item's length.
const LENGTH: usize = 2;

const QUESTION_DNS: u8 = 1;
const QUESTION_LIST_HEALTH: u8 = 2;
const QUESTION_SPF: u8 = 3;
const QUESTION_STATE: u8 = 4;
const QUESTION_EXCEPTIONS: u8 = 5;
const QUESTION_MAILBOX: u8 = 6;

const ANSWER_FOUND: u8 = 1;
const ANSWER_NOT_FOUND: u8 = 2;
const ANSWER_FAILED: u8 = 3;
const ANSWER_LIST_HEALTH: u8 = 4;
const ANSWER_SPF: u8 = 5;
const ANSWER_STATE: u8 = 6;
const ANSWER_EXCEPTIONS: u8 = 7;
const ANSWER_MAILBOX: u8 = 8;

const RECORD_TYPES: [RecordType; 5] =
    [RecordType::A, RecordType::Aaaa, RecordType::Txt, RecordType::Mx, RecordType::Ptr];
const FAILURES: [Failure; 8] = [
    Failure::Timeout,
    Failure::Servfail,
    Failure::Refused,
    Failure::Malformed,
    Failure::Unreachable,
    Failure::Overload,
    Failure::Capped,
    Failure::Budget,
];
const HEALTHS: [Health; 4] = [Health::Healthy, Health::Suspect, Health::HalfOpen, Health::Off];

/// Writes as many as there is room for; the rest is counted.
pub(super) fn write(out: &mut Writer, answers: &Answers) {
    let mut left_out = 0_u64;
    for (question, answered) in answers.iter() {
        let start = out.len();
        out.octet(1).raw(&[0; LENGTH]);
        write_question(out, question);
        write_flags(out, &[answered.cached, answered.stale]);
        write_ms(out, answered.age);
        write_ms(out, answered.ttl);
        write_us(out, answered.took);
        write_answer(out, &answered.answer);
        match u16::try_from(out.len() - start - 1 - LENGTH) {
            // Room for the end and the number of those left out.
            Ok(length) if out.len() + 8 <= super::OCTETS_MAX => out.put_at(start + 1, &length.to_be_bytes()),
            _ => {
                out.cut(start);
                left_out += 1;
            }
        }
    }
    out.octet(0).number(left_out);
}

/// The answers, and how many there are beside them.
pub(super) fn read(from: &mut Reader<'_>) -> Option<(Answers, usize)> {
    let (mut answers, mut unknown) = (Vec::with_capacity(16), 0);
    // Bounded by the record's length.
    while from.octet()? == 1 {
        let length = u16::from_be_bytes(from.raw(LENGTH)?.try_into().ok()?);
        match item(Reader::of(from.raw(length.into())?)) {
            Some(item) => answers.push(item),
            None => unknown += 1,
        }
    }
    let left_out = from.count(Answers::MAX)?;
    Some((answers.into_iter().collect(), unknown + left_out))
}

fn item(mut from: Reader<'_>) -> Option<(Question, Answered)> {
    let question = question(&mut from)?;
    let [cached, stale] = flags(&mut from)?;
    let (age, ttl, took) = (ms(&mut from)?, ms(&mut from)?, us(&mut from)?);
    let answer = answer(&mut from)?;
    from.end()?;
    Some((question, Answered { answer, cached, stale, age, ttl, took }))
}

fn write_question(out: &mut Writer, question: &Question) {
    match question {
        Question::Dns(dns) => write_dns(out.octet(QUESTION_DNS), dns),
        Question::ListHealth => _ = out.octet(QUESTION_LIST_HEALTH),
        Question::Spf(asked) => spf::write_question(out.octet(QUESTION_SPF), asked),
        Question::State(asked) => state::write_question(out.octet(QUESTION_STATE), asked),
        Question::Exceptions => _ = out.octet(QUESTION_EXCEPTIONS),
        Question::Mailbox(asked) => mailbox::write_question(out.octet(QUESTION_MAILBOX), asked),
    }
}

fn question(from: &mut Reader<'_>) -> Option<Question> {
    match from.octet()? {
        QUESTION_DNS => dns(from).map(Question::Dns),
        QUESTION_LIST_HEALTH => Some(Question::ListHealth),
        QUESTION_SPF => spf::question(from).map(|asked| Question::Spf(Arc::new(asked))),
        QUESTION_STATE => state::question(from).map(Question::State),
        QUESTION_EXCEPTIONS => Some(Question::Exceptions),
        QUESTION_MAILBOX => mailbox::question(from).map(|asked| Question::Mailbox(Arc::new(asked))),
        _ => None,
    }
}

fn write_answer(out: &mut Writer, answer: &Answer) {
    match answer {
        Answer::Dns(DnsAnswer::Found(records)) => write_records(out.octet(ANSWER_FOUND), records),
        Answer::Dns(DnsAnswer::NotFound) => _ = out.octet(ANSWER_NOT_FOUND),
        Answer::Dns(DnsAnswer::Failed(failure)) => write_member(out.octet(ANSWER_FAILED), &FAILURES, failure),
        Answer::ListHealth(board) => write_board(out.octet(ANSWER_LIST_HEALTH), board),
        Answer::Spf(evaluation) => spf::write_evaluation(out.octet(ANSWER_SPF), evaluation),
        Answer::State(answer) => state::write_answer(out.octet(ANSWER_STATE), answer),
        Answer::Exceptions(excepted) => state::write_exceptions(out.octet(ANSWER_EXCEPTIONS), excepted),
        Answer::Mailbox(looked) => mailbox::write_answer(out.octet(ANSWER_MAILBOX), looked),
    }
}

fn answer(from: &mut Reader<'_>) -> Option<Answer> {
    Some(match from.octet()? {
        ANSWER_FOUND => Answer::Dns(DnsAnswer::Found(records(from)?)),
        ANSWER_NOT_FOUND => Answer::Dns(DnsAnswer::NotFound),
        ANSWER_FAILED => Answer::Dns(DnsAnswer::Failed(member(from, &FAILURES)?)),
        ANSWER_LIST_HEALTH => Answer::ListHealth(Arc::new(board(from)?)),
        ANSWER_SPF => Answer::Spf(Arc::new(spf::evaluation(from)?)),
        ANSWER_STATE => Answer::State(state::answer(from)?),
        ANSWER_EXCEPTIONS => Answer::Exceptions(state::exceptions(from)?.into()),
        ANSWER_MAILBOX => Answer::Mailbox(Arc::new(mailbox::answer(from)?)),
        _ => return None,
    })
}

/// A list's key is not written: what stands in its place is, and where.
fn write_dns(out: &mut Writer, question: &DnsQuestion) {
    let DnsQuestion { name, kind, upstream, list } = question;
    write_member(out, &RECORD_TYPES, kind);
    out.number(upstream.number()).number(list.number());
    match name.secret_start() {
        None => out.text(name.expose()).number(0),
        Some(start) => out.text(name.with_key(KEY_SHOWN).expose()).number(start as u64 + 1),
    };
}

fn dns(from: &mut Reader<'_>) -> Option<DnsQuestion> {
    let kind = member(from, &RECORD_TYPES)?;
    let (upstream, list) = (Upstream::from_number(from.number()?), ListId::from_number(from.number()?));
    let text = from.text(NAME_OCTETS_MAX)?;
    let name = match from.count(NAME_OCTETS_MAX)?.checked_sub(1) {
        None => DnsName::from(text),
        Some(start) => DnsName::with_secret(text, start..start + KEY_SHOWN.len()),
    };
    Some(DnsQuestion { name, kind, upstream, list })
}

fn write_records(out: &mut Writer, records: &[Record]) {
    out.number(records.len() as u64);
    for record in records {
        write_member(out, &RECORD_TYPES, &kind_of(record));
        match record {
            Record::A(ip) => out.raw(&ip.octets()),
            Record::Aaaa(ip) => out.raw(&ip.octets()),
            Record::Txt(text) => out.octets(text),
            Record::Mx(preference, exchange) => out.number((*preference).into()).text(exchange),
            Record::Ptr(name) => out.text(name),
        };
    }
}

const fn kind_of(record: &Record) -> RecordType {
    match record {
        Record::A(_) => RecordType::A,
        Record::Aaaa(_) => RecordType::Aaaa,
        Record::Txt(_) => RecordType::Txt,
        Record::Mx(..) => RecordType::Mx,
        Record::Ptr(_) => RecordType::Ptr,
    }
}

fn records(from: &mut Reader<'_>) -> Option<Arc<[Record]>> {
    match from.count(RECORDS_MAX)? {
        // The most frequent number: no vector on the way.
        1 => Some(Arc::new([record(from)?])),
        count => many(count, || record(from)).map(Arc::from),
    }
}

fn record(from: &mut Reader<'_>) -> Option<Record> {
    Some(match member(from, &RECORD_TYPES)? {
        RecordType::A => Record::A(<[u8; 4]>::try_from(from.raw(4)?).ok()?.into()),
        RecordType::Aaaa => Record::Aaaa(<[u8; 16]>::try_from(from.raw(16)?).ok()?.into()),
        RecordType::Txt => Record::Txt(from.octets(TXT_OCTETS_MAX)?.into()),
        RecordType::Mx => Record::Mx(u16::try_from(from.number()?).ok()?, from.text(NAME_OCTETS_MAX)?.into()),
        RecordType::Ptr => Record::Ptr(from.text(NAME_OCTETS_MAX)?.into()),
    })
}

fn write_board(out: &mut Writer, board: &HealthBoard) {
    let ailing = board.ailing().iter().take(LISTS_MAX);
    out.number(ailing.len() as u64);
    for Ailing { list, name, health, cause } in ailing {
        out.number(list.number()).text(name);
        write_member(out, &HEALTHS, health);
        words::write(out, cause);
    }
}

fn board(from: &mut Reader<'_>) -> Option<HealthBoard> {
    let count = from.count(LISTS_MAX)?;
    let one = || {
        let (list, name) = (ListId::from_number(from.number()?), from.text(NAME_OCTETS_MAX)?.into());
        Some(Ailing { list, name, health: member(from, &HEALTHS)?, cause: words::read(from)? })
    };
    many(count, one).map(HealthBoard::new)
}
