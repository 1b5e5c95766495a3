//! Does whatever a datagram holds become an outcome within the bounds? The body of the fuzz target `dns_outcome`
//! (`server/fuzz/`), and of the tests that share it: damage is done to real messages, and every find is tried again.

use super::{
    super::{DnsAnswer, DnsName, DnsQuestion, Record, RecordType, spf},
    Lifetimes, outcome,
};
use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError},
    proto::op::DnsResponse,
};
use std::time::Duration;

/// Every kind of question.
const KINDS: [RecordType; 5] = [RecordType::A, RecordType::Aaaa, RecordType::Txt, RecordType::Mx, RecordType::Ptr];
/// The name that is asked for, with a key as lists give them.
pub(super) const ASKED: &str = "k3y-of-ours.a.example";
/// Which octets of it are the key.
const KEY: std::ops::Range<usize> = 0..11;

/// As `[dns]` has them by default.
const LIFETIMES: Lifetimes = Lifetimes {
    found: (Duration::from_secs(30), Duration::from_secs(3_600)),
    not_found: (Duration::from_secs(30), Duration::from_secs(900)),
    failed: Duration::from_secs(5),
};

/// What the library makes of a datagram, as far as it hands it on.
pub(super) fn heard(octets: Vec<u8>) -> Option<Result<Lookup, NetError>> {
    let response = DnsError::from_response(DnsResponse::from_buffer(octets).ok()?).map_err(NetError::from);
    Some(response.and_then(|response| {
        let query = response.queries.first().cloned().ok_or(NetError::Message("no question"))?;
        Ok(Lookup::new_with_max_ttl(query, response.answers.iter().cloned()))
    }))
}

/// Reads a datagram as an answer to every kind of question.
///
/// # Panics
/// When an outcome breaks its bounds, or shows the key.
pub fn dns_outcome(datagram: &[u8]) {
    let Some(heard) = heard(datagram.to_vec()) else { return };
    for kind in KINDS {
        let question = DnsQuestion::new(DnsName::with_secret(ASKED, KEY), kind);
        let (answer, ttl) = outcome::outcome(&question, heard.clone(), &LIFETIMES);
        assert!(is_bounded(&answer), "{answer:?}");
        assert!(ttl >= LIFETIMES.failed && ttl <= LIFETIMES.found.1, "{ttl:?}");
    }
}

fn is_spf(record: &Record) -> bool {
    matches!(record, Record::Txt(text) if spf::Record::is_meant(text))
}

fn octets_max(record: &Record) -> usize {
    if is_spf(record) { outcome::SPF_OCTETS_MAX } else { outcome::TEXT_OCTETS_MAX }
}

fn is_bounded(answer: &DnsAnswer) -> bool {
    let DnsAnswer::Found(records) = answer else { return true };
    let octets: usize = records.iter().map(|record| text(record).len()).sum();
    (1..=outcome::RECORDS_MAX).contains(&records.len())
        && octets <= outcome::ANSWER_OCTETS_MAX
        && records.is_sorted_by_key(|record| (!is_spf(record), record))
        && records.iter().all(|record| text(record).len() <= octets_max(record) && !shows_key(text(record)))
        && records.iter().all(|record| matches!(record, Record::Txt(_)) || is_plain(text(record)))
}

fn text(record: &Record) -> &[u8] {
    match record {
        Record::A(_) | Record::Aaaa(_) => &[],
        Record::Txt(text) => text,
        Record::Mx(_, name) | Record::Ptr(name) => name.as_bytes(),
    }
}

fn is_plain(name: &[u8]) -> bool {
    name.is_ascii() && !name.iter().any(u8::is_ascii_uppercase)
}

fn shows_key(text: &[u8]) -> bool {
    let key = ASKED.as_bytes().get(KEY).unwrap_or_default();
    text.windows(KEY.len()).any(|window| window.eq_ignore_ascii_case(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::{
        op::{Message, OpCode, Query, ResponseCode},
        rr::{self, Name, RData, rdata},
    };
    use proptest::prelude::*;
    use std::{collections::BTreeMap, env, fs, path::Path};

    /// Where the fuzz target starts from, and where its finds are kept.
    const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/dns_outcome");

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    fn empty() -> Message {
        let mut message = Message::response(1, OpCode::Query);
        message.add_query(Query::query(name(ASKED), rr::RecordType::TXT));
        message
    }

    /// A message with a bit of everything, for damage to start from.
    fn rich() -> Message {
        let mut message = empty();
        for data in [
            RData::CNAME(rdata::CNAME(name("b.example."))),
            RData::A(rdata::A::new(127, 0, 0, 2)),
            RData::AAAA(rdata::AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
            RData::TXT(rdata::TXT::from_bytes(vec![b"one", b"\xff\x00two", b" K3y-of-", b"ours."])),
            RData::MX(rdata::MX::new(10, name("Mx.Example."))),
            RData::MX(rdata::MX::new(10, name(ASKED))),
            RData::MX(rdata::MX::new(0, Name::root())),
            RData::PTR(rdata::PTR(Name::from_labels([&b"Odd.label "[..], b"example"]).expect("a name"))),
        ] {
            message.add_answer(rr::Record::from_rdata(name("b.example."), 300, data.clone()));
            message.add_answer(rr::Record::from_rdata(name(ASKED), 30, data));
        }
        message
    }

    fn many_texts() -> Message {
        let mut message = empty();
        for number in 0..100_u8 {
            let data = RData::TXT(rdata::TXT::from_bytes(vec![&[number; 200][..], b"k3y-of-ours"]));
            message.add_answer(rr::Record::from_rdata(name(ASKED), 60, data));
        }
        message
    }

    fn without(code: ResponseCode) -> Message {
        let mut message = empty();
        message.metadata.response_code = code;
        let soa = rdata::SOA::new(name("ns.example."), name("root.example."), 1, 1, 1, 1, 60);
        message.add_authority(rr::Record::from_rdata(name("example."), 300, RData::SOA(soa)));
        message
    }

    fn seeds() -> BTreeMap<&'static str, Vec<u8>> {
        let octets = |message: Message| message.to_vec().expect("a message");
        let mut truncated = rich();
        truncated.metadata.truncation = true;
        let mut referral = empty();
        let ns = RData::NS(rdata::NS(name("ns.example.")));
        referral.add_authority(rr::Record::from_rdata(name("example."), 300, ns));
        let cut = |octets: Vec<u8>| octets[..octets.len() * 2 / 3].to_vec();
        BTreeMap::from([
            ("rich", octets(rich())),
            ("rich-truncated", octets(truncated)),
            ("rich-cut", cut(octets(rich()))),
            ("many-texts", octets(many_texts())),
            ("many-texts-cut", cut(octets(many_texts()))),
            ("nxdomain", octets(without(ResponseCode::NXDomain))),
            ("nodata", octets(without(ResponseCode::NoError))),
            ("servfail", octets(without(ResponseCode::ServFail))),
            ("refused", octets(without(ResponseCode::Refused))),
            ("referral", octets(referral)),
        ])
    }

    /// Every file of the corpus is tried again, and the seeds are among them.
    #[test]
    fn the_corpus_holds_the_seeds_and_is_read_within_the_bounds() {
        for (name, octets) in seeds() {
            let file = Path::new(CORPUS).join(name);
            if env::var_os("TOLLGATE_BLESS").is_some() {
                fs::write(&file, &octets).expect("the seed can be written");
            }
            assert_eq!(fs::read(&file).ok(), Some(octets), "{name}: run the test with TOLLGATE_BLESS=1");
        }
        for file in fs::read_dir(CORPUS).expect("the corpus") {
            dns_outcome(&fs::read(file.expect("a file").path()).expect("its octets"));
        }
    }

    /// That the target can fail: what it calls broken is.
    #[test]
    fn what_breaks_the_bounds_is_seen() {
        let found = |records: &[Record]| DnsAnswer::Found(records.into());
        let text = |octets: &[u8]| Record::Txt(octets.into());
        assert!(is_bounded(&found(&[text(b"of ours")])));
        for broken in [
            found(&[]),
            found(&vec![text(b"x"); outcome::RECORDS_MAX + 1]),
            found(&[text(&[0; outcome::TEXT_OCTETS_MAX + 1])]),
            found(&vec![text(&[0; outcome::TEXT_OCTETS_MAX]); 5]),
            found(&[text(b"b"), text(b"a")]),
            found(&[text(b"is on K3Y-of-ours.a.example")]),
            found(&[Record::Ptr("Mixed.example".into())]),
        ] {
            assert!(!is_bounded(&broken), "{broken:?}");
        }
    }

    #[test]
    fn a_key_in_texts_and_names_is_not_passed_on() {
        let mut message = rich();
        message.answers.retain(|record| record.name == name(ASKED) && !matches!(record.data, RData::CNAME(_)));
        let read = |kind| {
            let question = DnsQuestion::new(DnsName::with_secret(ASKED, KEY), kind);
            let heard = heard(message.to_vec().expect("a message")).expect("a response");
            outcome::outcome(&question, heard, &LIFETIMES).0
        };
        let one = |record| DnsAnswer::Found([record].into());
        assert_eq!(read(RecordType::Txt), one(Record::Txt(b"one\xff\x00two [key]."[..].into())));
        let mx = [(0, ""), (10, "[key].a.example"), (10, "mx.example")];
        let mx = mx.map(|(preference, name)| Record::Mx(preference, name.into()));
        assert_eq!(read(RecordType::Mx), DnsAnswer::Found(mx.into()));
    }

    /// A key across the place where long texts are cut.
    #[test]
    fn half_a_key_is_not_passed_on_either() {
        let mut message = empty();
        let long = [&[b'x'; 250][..]; 16];
        let texts = long.into_iter().chain([&[b'x'; 90][..], b"k3y-of-ours"]).collect();
        message.add_answer(rr::Record::from_rdata(name(ASKED), 60, RData::TXT(rdata::TXT::from_bytes(texts))));
        let question = DnsQuestion::new(DnsName::with_secret(ASKED, KEY), RecordType::Txt);
        let heard = heard(message.to_vec().expect("a message")).expect("a response");
        let (answer, _) = outcome::outcome(&question, heard, &LIFETIMES);
        let DnsAnswer::Found(records) = answer else { panic!("{answer:?}") };
        assert!(text(&records[0]).ends_with(b"xxx[key]"), "{records:?}");
    }

    proptest! {
        /// Whatever a datagram holds, reading it into our types ends, without panic, within the bounds.
        #[test]
        fn any_datagram_becomes_a_bounded_outcome(
            noise in proptest::collection::vec(any::<u8>(), 0..200),
            hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut damaged = rich().to_vec().expect("a message");
            for (at, octet) in hits {
                let at = at.index(damaged.len());
                damaged[at] = octet;
            }
            let shortened = damaged[..cut.index(damaged.len())].to_vec();
            for octets in [noise, damaged, shortened] {
                dns_outcome(&octets);
            }
        }
    }
}
