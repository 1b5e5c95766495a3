//! What did the DNS say? The resolver library's results become three outcomes, by response code: found, not found
//! (NXDOMAIN, NODATA), failed (all else). Everything from outside is bounded here.

use super::{
    super::{DnsAnswer, DnsQuestion, Failure, Record, RecordType, spf},
    config::Lifetimes,
    redact::redacted,
};
use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        op::ResponseCode,
        rr::{self, Name, RData},
    },
};
use std::{fmt::Write, time::Duration};

/// Records kept of one answer; the rest is dropped, in an order that does not depend on the answer's own.
pub(super) const RECORDS_MAX: usize = 100;
/// Octets kept of one TXT record.
pub(super) const TEXT_OCTETS_MAX: usize = 4_096;
/// Octets kept of one that is meant as a record of SPF: cut short, it would mean something else.
pub(super) const SPF_OCTETS_MAX: usize = ANSWER_OCTETS_MAX;
/// Octets of names and texts kept of one answer.
pub(super) const ANSWER_OCTETS_MAX: usize = 16_384;
/// Links of a chain of CNAMEs that are followed within one answer.
const CHAIN_MAX: usize = 16;

/// The type as the library writes it.
pub(super) fn wire_type(kind: RecordType) -> rr::RecordType {
    match kind {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Txt => rr::RecordType::TXT,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ptr => rr::RecordType::PTR,
    }
}

/// The name as it goes over the wire. `None`: the DNS cannot hold it (RFC 1035 §2.3.4), so it does not exist.
/// Backslashes and other bytes stand for themselves: names may come from clients.
pub(super) fn wire_name(name: &str) -> Option<Name> {
    if name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return None;
    }
    Name::from_labels(name.split('.').map(str::as_bytes)).ok()
}

/// Answer and the time it may be kept.
pub(super) fn outcome(
    question: &DnsQuestion,
    result: Result<Lookup, NetError>,
    lifetimes: &Lifetimes,
) -> (DnsAnswer, Duration) {
    let clamp = |seconds: u32, (floor, ceiling): (Duration, Duration)| {
        Duration::from_secs(u64::from(seconds)).max(floor).min(ceiling)
    };
    match read(question, result) {
        Said::Found(records, ttl) => (DnsAnswer::Found(records.into()), clamp(ttl, lifetimes.found)),
        Said::NotFound(ttl) => (DnsAnswer::NotFound, clamp(ttl, lifetimes.not_found)),
        Said::Failed(failure) => (DnsAnswer::Failed(failure), lifetimes.failed),
    }
}

/// Outcome with the TTL in seconds as the zone gives it; 0 = it gives none.
enum Said {
    Found(Vec<Record>, u32),
    NotFound(u32),
    Failed(Failure),
}

fn read(question: &DnsQuestion, result: Result<Lookup, NetError>) -> Said {
    match result {
        Ok(lookup) => match lookup.message().response_code {
            ResponseCode::NoError => found(question, &lookup),
            code => by_code(code, 0),
        },
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => not_found(question, &nothing),
        Err(NetError::Dns(DnsError::ResponseCode(code))) => by_code(code, 0),
        Err(NetError::Timeout) => Said::Failed(Failure::Timeout),
        Err(NetError::Io(_) | NetError::NoConnections) => Said::Failed(Failure::Unreachable),
        Err(NetError::Busy) => Said::Failed(Failure::Overload),
        Err(_) => Said::Failed(Failure::Malformed),
    }
}

/// An answer without the records asked for.
fn by_code(code: ResponseCode, ttl: u32) -> Said {
    match code {
        ResponseCode::NoError | ResponseCode::NXDomain => Said::NotFound(ttl),
        ResponseCode::ServFail => Said::Failed(Failure::Servfail),
        ResponseCode::Refused => Said::Failed(Failure::Refused),
        _ => Said::Failed(Failure::Malformed),
    }
}

fn not_found(question: &DnsQuestion, nothing: &NoRecords) -> Said {
    if nothing.response_code == ResponseCode::NoError && nothing.soa.is_none() {
        // "Ask those" (RFC 2308 §2.2): the server did not look the name up for us.
        let referral = nothing.ns.is_some();
        // A chain of CNAMEs that the library gave up on ends in the middle of nowhere.
        let lost = wire_name(question.name.expose()).is_none_or(|asked| asked != *nothing.query.name());
        if referral || lost {
            return Said::Failed(Failure::Malformed);
        }
    }
    by_code(nothing.response_code, nothing.negative_ttl.unwrap_or(0))
}

/// The records of the type that belong to the name asked for, through its CNAMEs.
fn found(question: &DnsQuestion, lookup: &Lookup) -> Said {
    let mut owner = lookup.query().name().clone();
    let mut ttl = u32::MAX;
    for _ in 0..CHAIN_MAX {
        let link = lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == owner => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((target, link_ttl)) = link else { break };
        owner = target;
        ttl = ttl.min(link_ttl);
    }
    let mut records = Vec::new();
    for record in lookup.answers().iter().filter(|record| record.name == owner) {
        if let Some(data) = data(question, &record.data) {
            records.push(data);
            ttl = ttl.min(record.ttl);
        }
    }
    if records.is_empty() {
        return Said::NotFound(0);
    }
    Said::Found(bounded(records), ttl)
}

fn data(question: &DnsQuestion, data: &RData) -> Option<Record> {
    let secret = question.name.secret();
    let plain = |name: &Name| -> std::sync::Arc<str> {
        String::from_utf8_lossy(&redacted(plain(name).into_bytes(), secret)).into()
    };
    match (question.kind, data) {
        (RecordType::A, RData::A(address)) => Some(Record::A(address.0)),
        (RecordType::Aaaa, RData::AAAA(address)) => Some(Record::Aaaa(address.0)),
        (RecordType::Txt, RData::TXT(text)) => {
            let mut joined = redacted(text.txt_data.concat(), secret);
            joined.truncate(if is_spf(&joined) { SPF_OCTETS_MAX } else { TEXT_OCTETS_MAX });
            Some(Record::Txt(joined.into()))
        }
        (RecordType::Mx, RData::MX(mx)) => Some(Record::Mx(mx.preference, plain(&mx.exchange))),
        (RecordType::Ptr, RData::PTR(name)) => Some(Record::Ptr(plain(&name.0))),
        _ => None,
    }
}

/// Lower case, without the final dot, in ASCII: other bytes, and dots within a label, as `\DDD` (RFC 1035 §5.1).
fn plain(name: &Name) -> String {
    let mut text = String::with_capacity(name.len());
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for &octet in label {
            match octet {
                b'.' | b'\\' | 0..=32 | 127.. => {
                    let _ = write!(text, "\\{octet:03}");
                }
                _ => text.push(char::from(octet.to_ascii_lowercase())),
            }
        }
    }
    text
}

fn is_spf(text: &[u8]) -> bool {
    spf::Record::is_meant(text)
}

/// Sorted, without duplicates (RFC 2181 §5), cut to the limits. Records of SPF come first: among many other texts of a
/// domain they are not the ones to be cut off.
fn bounded(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_unstable();
    records.dedup();
    records.sort_by_key(|record| !matches!(record, Record::Txt(text) if is_spf(text)));
    records.truncate(RECORDS_MAX);
    let mut room = ANSWER_OCTETS_MAX;
    let fits = |record: &Record| {
        let octets = match record {
            Record::A(_) | Record::Aaaa(_) => 0,
            Record::Txt(text) => text.len(),
            Record::Mx(_, name) | Record::Ptr(name) => name.len(),
        };
        let fits = octets <= room;
        room -= if fits { octets } else { room };
        fits
    };
    let kept = records
        .iter()
        .take_while({
            let mut fits = fits;
            move |record| fits(record)
        })
        .count();
    records.truncate(kept);
    records
}

#[cfg(test)]
mod tests {
    use super::{super::Config, *};
    use crate::ask::dns::fuzzing::heard;
    use hickory_resolver::proto::{
        op::{Message, OpCode, Query},
        rr::rdata,
    };
    use proptest::prelude::*;

    #[test]
    fn every_kind_is_read_from_one_message() {
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let mut message = Message::response(1, OpCode::Query);
        message.add_query(Query::query(name("a.example."), rr::RecordType::TXT));
        for data in [
            RData::A(rdata::A::new(127, 0, 0, 2)),
            RData::AAAA(rdata::AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
            RData::TXT(rdata::TXT::from_bytes(vec![b"one", b"\xff\x00two"])),
            RData::MX(rdata::MX::new(10, name("Mx.Example."))),
            RData::MX(rdata::MX::new(0, Name::root())),
            RData::PTR(rdata::PTR(Name::from_labels([&b"Odd.label "[..], b"example"]).expect("a name"))),
        ] {
            message.add_answer(rr::Record::from_rdata(name("a.example."), 30, data));
        }
        let octets = message.to_vec().expect("a message");
        let lifetimes = Config::default().lifetimes;
        let read = |kind| {
            let question = DnsQuestion::new("a.example", kind);
            outcome(&question, heard(octets.clone()).expect("a response"), &lifetimes).0
        };
        let one = |record| DnsAnswer::Found([record].into());
        assert_eq!(read(RecordType::A), one(Record::A([127, 0, 0, 2].into())));
        assert_eq!(read(RecordType::Aaaa), one(Record::Aaaa("2001:db8::1".parse().expect("an address"))));
        assert_eq!(read(RecordType::Txt), one(Record::Txt(b"one\xff\x00two"[..].into())));
        let mx = [Record::Mx(0, "".into()), Record::Mx(10, "mx.example".into())];
        assert_eq!(read(RecordType::Mx), DnsAnswer::Found(mx.into()));
        assert_eq!(read(RecordType::Ptr), one(Record::Ptr("odd\\046label\\032.example".into())));
    }

    #[test]
    fn a_record_of_spf_is_not_cut_off_behind_other_texts() {
        let spf = Record::Txt([&b"v=spf1 -all "[..], &[b' '; 5_000]].concat().into());
        let others = (0..200_u32).map(|number| Record::Txt(format!("a{number:0>400}").into_bytes().into()));
        let kept = bounded(others.chain([spf.clone()]).collect());
        assert_eq!(kept.first(), Some(&spf));
        assert!(kept.len() > 20 && kept.len() < RECORDS_MAX);
    }

    #[test]
    fn names_from_clients_stand_for_themselves() {
        let wire = |name: &str| wire_name(name).map(|name| name.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
        assert_eq!(wire("a\\046b.example"), Some(vec![b"a\\046b".to_vec(), b"example".to_vec()]));
        assert!(wire_name("a.example").is_some_and(|name| name.is_fqdn()));
        for wrong in ["", ".", "a.", ".a", "a..b", &"x".repeat(64), &vec!["x".repeat(60); 5].join(".")] {
            assert_eq!(wire_name(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// Any text is a name or none.
        #[test]
        fn any_text_is_a_name_or_none(text in "\\PC{0,80}(\\.\\PC{0,80}){0,6}") {
            if let Some(name) = wire_name(&text) {
                prop_assert!(name.is_fqdn() && name.len() <= 255);
            }
        }
    }
}
