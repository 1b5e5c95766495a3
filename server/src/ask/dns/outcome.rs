//! What did the DNS say? The resolver library's results become three outcomes, by response code: found, not found
//! (NXDOMAIN, NODATA), failed (all else). Everything from outside is bounded here.

use super::{
    super::{DnsAnswer, DnsQuestion, Failure, Record, RecordType},
    config::Lifetimes,
};
use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        op::ResponseCode,
        rr::{self, Name, RData},
    },
};
use std::time::Duration;

/// Records kept of one answer; the rest is dropped, in an order that does not depend on the answer's own.
pub(super) const RECORDS_MAX: usize = 100;
/// Octets kept of one TXT record.
pub(super) const TEXT_OCTETS_MAX: usize = 4_096;
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
            ResponseCode::NoError => found(question.kind, &lookup),
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
        let lost = wire_name(&question.name).is_none_or(|asked| asked != *nothing.query.name());
        if referral || lost {
            return Said::Failed(Failure::Malformed);
        }
    }
    by_code(nothing.response_code, nothing.negative_ttl.unwrap_or(0))
}

/// The records of the type that belong to the name asked for, through its CNAMEs.
fn found(kind: RecordType, lookup: &Lookup) -> Said {
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
        if let Some(data) = data(kind, &record.data) {
            records.push(data);
            ttl = ttl.min(record.ttl);
        }
    }
    if records.is_empty() {
        return Said::NotFound(0);
    }
    Said::Found(bounded(records), ttl)
}

fn data(kind: RecordType, data: &RData) -> Option<Record> {
    match (kind, data) {
        (RecordType::A, RData::A(address)) => Some(Record::A(address.0)),
        (RecordType::Aaaa, RData::AAAA(address)) => Some(Record::Aaaa(address.0)),
        (RecordType::Txt, RData::TXT(text)) => {
            let mut joined = text.txt_data.concat();
            joined.truncate(TEXT_OCTETS_MAX);
            Some(Record::Txt(joined.into()))
        }
        (RecordType::Mx, RData::MX(mx)) => Some(Record::Mx(mx.preference, plain(&mx.exchange).into())),
        (RecordType::Ptr, RData::PTR(name)) => Some(Record::Ptr(plain(&name.0).into())),
        _ => None,
    }
}

/// Lower case, without the final dot; odd bytes are escaped, so it is ASCII.
fn plain(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if text.ends_with('.') {
        text.pop();
    }
    text
}

/// Sorted, without duplicates (RFC 2181 §5), cut to the limits.
fn bounded(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_unstable();
    records.dedup();
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
