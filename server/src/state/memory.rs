//! A store that forgets with the process: for tests, and for who wants nothing kept.
//!
//! Several servers can share one, as they share a Redis: each has fields of its own.

use super::{
    Cursor, Held, KeptList, Key, ListCards, ListHealth, Page, Record, Shelf, StateError, Switches, list_cards,
    list_health,
};
use crate::{
    ask::ListId,
    dns_lists::card::{Bucket, Span},
    pipeline::SwitchState,
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound::{Excluded, Unbounded},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Records kept on each shelf: when one more comes, its neighbour has to go.
const RECORDS_MAX: usize = 1_000_000;

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
    /// Which of the servers that share it.
    server: u32,
}

/// What each server said, by its number; as octets, because shelves hold records of many kinds.
type Fields = BTreeMap<u32, Vec<u8>>;

#[derive(Debug, Default)]
struct Kept {
    thrown: Option<SwitchState>,
    lists: HashMap<ListId, KeptList>,
    buckets: HashMap<(Span, u64), Bucket>,
    shelves: BTreeMap<&'static str, BTreeMap<Vec<u8>, Fields>>,
    /// Servers that share it, besides the first.
    servers: u32,
}

impl Memory {
    /// Another server over the same store.
    #[must_use]
    pub fn another(&self) -> Self {
        let mut kept = self.kept();
        kept.servers = kept.servers.saturating_add(1);
        Self { kept: Arc::clone(&self.kept), server: kept.servers }
    }

    // std mutex: held for a copy, never over an await.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has not expired at `now`.
    fn held<R: Record>(&self, fields: &Fields, now: u64) -> Held<R> {
        let record = |octets: &Vec<u8>| R::decode(octets).filter(|record| record.expires_at() > now);
        let others = fields.iter().filter(|(server, _)| **server != self.server);
        let others = others.filter_map(|(_, octets)| record(octets)).reduce(R::together);
        Held { own: fields.get(&self.server).and_then(record), others }
    }
}

impl<R: Record> Shelf<R> for Memory {
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError> {
        let mut kept = self.kept();
        let shelf = kept.shelves.entry(R::NAME).or_default();
        let held = |key: &R::Key| shelf.get(&key.octets()).map(|fields| self.held::<R>(fields, now));
        Ok(keys.iter().map(|key| held(key).unwrap_or_default()).collect())
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        let mut kept = self.kept();
        let shelf = kept.shelves.entry(R::NAME).or_default();
        for (key, record) in records {
            let octets = key.octets();
            shelf.entry(octets.clone()).or_default().insert(self.server, record.encode());
            if shelf.len() > RECORDS_MAX {
                let next = shelf.range::<Vec<u8>, _>((Excluded(&octets), Unbounded)).next();
                let neighbour = next.or_else(|| shelf.first_key_value()).map(|(key, _)| key.clone());
                neighbour.and_then(|key| shelf.remove(&key));
            }
        }
        Ok(())
    }

    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        let mut kept = self.kept();
        let shelf = kept.shelves.entry(R::NAME).or_default();
        for key in keys.iter().map(Key::octets) {
            if let Some(fields) = shelf.get_mut(&key) {
                fields.remove(&self.server);
                if fields.is_empty() {
                    shelf.remove(&key);
                }
            }
        }
        Ok(())
    }

    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError> {
        let mut kept = self.kept();
        let shelf = kept.shelves.entry(R::NAME).or_default();
        let begin = from.map_or(Unbounded, |cursor| Excluded(cursor.0.clone()));
        let entries: Vec<_> = shelf.range((begin, Unbounded)).take(most.max(1)).collect();
        let next =
            if entries.len() < most.max(1) { None } else { entries.last().map(|(key, _)| Cursor((*key).clone())) };
        let record = |(key, fields): (&Vec<u8>, &Fields)| Some((R::Key::from_octets(key)?, self.held(fields, 0)));
        Ok(Page { records: entries.into_iter().filter_map(record).collect(), next })
    }
}

impl Switches for Memory {
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError> {
        Ok(self.kept().thrown.clone().filter(|state| state.until > now))
    }

    fn set_thrown(&self, state: Option<&SwitchState>) -> Result<(), StateError> {
        self.kept().thrown = state.cloned();
        Ok(())
    }
}

impl ListHealth for Memory {
    fn lists(&self, now: u64) -> Result<Vec<KeptList>, StateError> {
        let mut kept = self.kept();
        let (alive, gone) = list_health::within(kept.lists.values().copied().collect(), now);
        for gone in gone {
            kept.lists.remove(&gone.list);
        }
        Ok(alive)
    }

    fn keep_lists(&self, lists: &[KeptList]) -> Result<(), StateError> {
        self.kept().lists.extend(lists.iter().map(|list| (list.list, *list)));
        Ok(())
    }
}

impl ListCards for Memory {
    fn buckets(&self, now: u64) -> Result<Vec<Bucket>, StateError> {
        let kept = self.kept();
        Ok(kept.buckets.values().filter(|bucket| list_cards::is_within(bucket, now)).cloned().collect())
    }

    fn keep_buckets(&self, buckets: &[Bucket]) -> Result<(), StateError> {
        self.kept().buckets.extend(buckets.iter().map(|bucket| (list_cards::place(bucket), bucket.clone())));
        Ok(())
    }
}
