//! What was counted of the DNS lists before the daemon started? The buckets of the report card, for 30 days.

use super::{
    StateError,
    octets::{Reader, Writer},
};
use crate::{
    ask::ListId,
    dns_lists::card::{Bucket, Contradiction, Counts, Latency, ROWS_MAX, Row, Span},
};

const VERSION: u8 = 1;

/// Octets of a list's name.
const NAME_OCTETS_MAX: usize = 64;

/// What has each DNS list been worth? Bound: the buckets that a card keeps, 66 of them. Lifetime: of each bucket until
/// it falls out of its window, at most 30 days.
pub trait ListCards: Send + Sync {
    /// All buckets within their windows at `now` (Unix seconds), in no order.
    fn buckets(&self, now: u64) -> Result<Vec<Bucket>, StateError>;

    /// Stores them, each over what was stored of it before, or of the one whose place it takes; on disk soon.
    fn keep_buckets(&self, buckets: &[Bucket]) -> Result<(), StateError>;
}

pub(super) fn is_within(bucket: &Bucket, now: u64) -> bool {
    bucket.number >= bucket.span.first(now)
}

/// Where a bucket lies: those that are out of their window make place for new ones.
pub(super) fn place(bucket: &Bucket) -> (Span, u64) {
    (bucket.span, bucket.number % bucket.span.kept())
}

pub(super) fn encode(bucket: &Bucket) -> Vec<u8> {
    let mut record = Writer::new(VERSION);
    record.number(bucket.span as u64).number(bucket.number).number(bucket.connections).number(bucket.rows.len() as u64);
    for row in &bucket.rows {
        let counts = &row.counts;
        record.number(row.list.number()).text(&row.name);
        for count in [counts.heard, counts.hits, counts.unique, counts.failed, counts.would_refuse, counts.needed] {
            record.number(count);
        }
        record.number(counts.contradicted.len() as u64);
        for count in counts.contradicted {
            record.number(count);
        }
        record.number(counts.lookups).number(counts.lookups_failed);
        record.number(counts.latency.0.len() as u64);
        for count in counts.latency.0.iter().chain(&row.both) {
            record.number(u64::from(*count));
        }
    }
    record.finish()
}

pub(super) fn decode(record: &[u8]) -> Option<Bucket> {
    let mut record = Reader::new(record, VERSION)?;
    let span = *Span::ALL.get(record.count(Span::ALL.len())?)?;
    let mut bucket = Bucket { connections: 0, ..Bucket::new(span, record.number()?) };
    bucket.connections = record.number()?;
    for place in 0..record.count(ROWS_MAX)? {
        bucket.rows.push(row(&mut record, place)?);
    }
    record.end()?;
    Some(bucket)
}

fn row(record: &mut Reader<'_>, place: usize) -> Option<Row> {
    let list = ListId::from_number(record.number()?);
    let name = record.text(NAME_OCTETS_MAX)?.into();
    let mut counts = Counts {
        heard: record.number()?,
        hits: record.number()?,
        unique: record.number()?,
        failed: record.number()?,
        would_refuse: record.number()?,
        needed: record.number()?,
        ..Counts::default()
    };
    // A newer release may know more kinds of contradiction: what it wrote is not ours to read.
    for place in 0..record.count(Contradiction::ALL.len())? {
        counts.contradicted[place] = record.number()?;
    }
    (counts.lookups, counts.lookups_failed) = (record.number()?, record.number()?);
    let mut latency = Latency::default();
    for place in 0..record.count(latency.0.len())? {
        latency.0[place] = record.small()?;
    }
    counts.latency = latency;
    let both = (0..place).map(|_| record.small()).collect::<Option<_>>()?;
    Some(Row { list, name, counts, both })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_counts() -> impl Strategy<Value = Counts> {
        (any::<[u64; 8]>(), any::<[u64; Contradiction::ALL.len()]>(), proptest::collection::vec(any::<u32>(), 37))
            .prop_map(
                |(
                    [heard, hits, unique, failed, would_refuse, needed, lookups, lookups_failed],
                    contradicted,
                    latency,
                )| {
                    let mut counts = Counts {
                        heard,
                        hits,
                        unique,
                        failed,
                        would_refuse,
                        needed,
                        contradicted,
                        lookups,
                        lookups_failed,
                        latency: Latency::default(),
                    };
                    counts.latency.0.copy_from_slice(&latency);
                    counts
                },
            )
    }

    pub(in super::super) fn any_bucket() -> impl Strategy<Value = Bucket> {
        let row = (any::<u64>(), "[a-z.]{0,64}", any_counts(), any::<u32>());
        let rows = proptest::collection::vec(row, 0..5);
        (proptest::sample::select(&Span::ALL[..]), any::<(u64, u64)>(), rows).prop_map(
            |(span, (number, connections), rows)| {
                let rows = rows.into_iter().enumerate().map(|(place, (list, name, counts, both))| Row {
                    list: ListId::from_number(list),
                    name: name.into(),
                    counts,
                    both: vec![both; place],
                });
                Bucket { span, number, connections, rows: rows.collect() }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(bucket in any_bucket()) {
            prop_assert_eq!(decode(&encode(&bucket)), Some(bucket));
        }

        #[test]
        fn a_record_cut_short_is_absent(bucket in any_bucket(), cut in any::<prop::sample::Index>()) {
            let record = encode(&bucket);
            prop_assert_eq!(decode(&record[..cut.index(record.len())]), None);
        }

        #[test]
        fn other_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&octets);
            let _ = decode(&[&[VERSION][..], &octets].concat());
        }
    }
}
