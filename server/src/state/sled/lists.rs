//! Where do the records of DNS lists lie in the embedded store? Below `list/health/` and `list/card/`, each with a
//! fixed number of places.

use super::{
    super::{KeptList, ListCards, ListHealth, StateError, list_cards, list_health},
    Sled,
};
use crate::dns_lists::card::{Bucket, Span};

const HEALTH: &[u8] = b"list/health/";
const CARD: &[u8] = b"list/card/";

/// Records that are read under one prefix: those of lists that a defect left behind are seen once more, and removed.
const RECORDS_MAX: usize = 4_096;

/// A key with what lies there.
type Entry = (Vec<u8>, Vec<u8>);

impl Sled {
    /// Entries under a prefix.
    fn records(&self, prefix: &[u8]) -> Result<Vec<Entry>, StateError> {
        let record =
            |entry: sled::Result<(sled::IVec, sled::IVec)>| entry.map(|(key, value)| (key.to_vec(), value.to_vec()));
        self.with(|db| db.scan_prefix(prefix).take(RECORDS_MAX).map(record).collect())
    }
}

fn health_key(kept: &KeptList) -> Vec<u8> {
    [HEALTH, &kept.list.number().to_be_bytes()].concat()
}

fn card_key(bucket: &Bucket) -> Vec<u8> {
    let (span, place) = list_cards::place(bucket);
    let span = match span {
        Span::FiveMinutes => b'm',
        Span::Hour => b'h',
        Span::Day => b'd',
    };
    [CARD, &[span], &place.to_be_bytes()].concat()
}

impl ListHealth for Sled {
    fn lists(&self, now: u64) -> Result<Vec<KeptList>, StateError> {
        let mut unreadable = Vec::new();
        let mut lists = Vec::new();
        for (key, record) in self.records(HEALTH)? {
            match list_health::decode(&record).filter(|kept| health_key(kept) == key) {
                Some(kept) => lists.push(kept),
                None => unreadable.push(key),
            }
        }
        let (alive, gone) = list_health::within(lists, now);
        self.write(gone.iter().map(health_key).chain(unreadable).map(|key| (key, None)))?;
        Ok(alive)
    }

    fn keep_lists(&self, lists: &[KeptList]) -> Result<(), StateError> {
        self.write(lists.iter().map(|kept| (health_key(kept), Some(list_health::encode(kept)))))
    }
}

impl ListCards for Sled {
    fn buckets(&self, now: u64) -> Result<Vec<Bucket>, StateError> {
        let records = self.records(CARD)?;
        let buckets = records.iter().filter_map(|(_, record)| list_cards::decode(record));
        Ok(buckets.filter(|bucket| list_cards::is_within(bucket, now)).collect())
    }

    fn keep_buckets(&self, buckets: &[Bucket]) -> Result<(), StateError> {
        self.write(buckets.iter().map(|bucket| (card_key(bucket), Some(list_cards::encode(bucket)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ask::ListId, state::conformance::lists::kept_list};

    #[test]
    fn damaged_and_foreign_records_are_absent() {
        let scratch = tempfile::tempdir().expect("a folder");
        let store = Sled::open(scratch.path()).expect("opens").store;
        let (good, bad) = (kept_list(1, 1_000), kept_list(2, 1_000));
        store.keep_lists(&[good, bad]).expect("stores");
        let moved = [HEALTH, &ListId::from_number(3).number().to_be_bytes()].concat();
        let day = Bucket::new(Span::Day, 20_000);
        store.keep_buckets(std::slice::from_ref(&day)).expect("stores");
        let hour = Bucket::new(Span::Hour, 480_000);
        store
            .write([
                (health_key(&bad), Some(vec![99, 1, 2])),
                (moved, Some(list_health::encode(&good))),
                (card_key(&hour), Some(list_cards::encode(&hour)[..2].to_vec())),
            ])
            .expect("stores");
        assert_eq!(store.lists(1_001).expect("reads"), [good]);
        assert_eq!(store.records(HEALTH).expect("reads").len(), 1, "the others were removed");
        assert_eq!(store.buckets(20_000 * 86_400).expect("reads"), [day]);
    }
}
