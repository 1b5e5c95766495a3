//! A store that forgets with the process: for tests.

use super::{KeptList, ListCards, ListHealth, StateError, Switches, list_cards, list_health};
use crate::{
    ask::ListId,
    dns_lists::card::{Bucket, Span},
    pipeline::SwitchState,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    thrown: Option<SwitchState>,
    lists: HashMap<ListId, KeptList>,
    buckets: HashMap<(Span, u64), Bucket>,
}

impl Memory {
    // std mutex: held for a copy, never over an await.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
