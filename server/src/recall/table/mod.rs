//! What is at hand of one kind of record? A bounded table that every core may read and change: sharded, each shard behind
//! a short lock.
//!
//! A slot is *based* once it includes what the store held under its key; until then it is not shown and not written. It
//! is *dirty* while the store does not have its newest state. Who has to go is decided by CLOCK (second chance, Corbató
//! 1968); dirty slots are spared as long as there are others.

mod shard;

use crate::state::{Held, Record};
use shard::{Shard, Slot};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

/// Enough that cores seldom meet at one lock, and that none is held long while a shard is looked through.
const SHARDS: usize = 256;

/// One kind of record.
pub struct Table<R: Record> {
    shards: Box<[Mutex<Shard<R>>]>,
    hasher: RandomState,
    octets: AtomicUsize,
    entries: AtomicUsize,
    /// Nothing that the store has is missing here.
    complete: AtomicBool,
    evicted: AtomicU64,
    dropped: AtomicU64,
}

/// What the table knows under a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen<R> {
    /// This, as of so many seconds ago; `None` = there is nothing.
    Known(Option<R>, u64),
    /// The store has to be asked.
    Missing,
}

/// What is to be written, and what has to be read before it can be.
pub struct Dirty<R: Record> {
    /// Under which key this server says what.
    pub changed: Vec<(R::Key, R)>,
    /// Changed here, but what the store holds is not known yet.
    pub unbased: Vec<R::Key>,
}

impl<R: Record> Table<R> {
    /// Holds about so many octets, keys and table included.
    pub fn new(octets_max: usize) -> Self {
        let octets_max = octets_max / SHARDS;
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(octets_max))).collect(),
            hasher: RandomState::new(),
            octets: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            complete: AtomicBool::new(false),
            evicted: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// What is known under a key, at a moment (Unix seconds).
    pub fn get(&self, key: &R::Key, now: u64) -> Seen<R> {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        match shard.slot(hash, key) {
            Some(slot) if slot.is_based() => {
                slot.use_it();
                Seen::Known(slot.all(), slot.age(now))
            }
            Some(_) => Seen::Missing,
            // Loaded under this lock: an eviction clears it before it lets go of the lock.
            None if self.complete.load(Ordering::Acquire) => Seen::Known(None, 0),
            None => Seen::Missing,
        }
    }

    /// Changes what this server says under a key.
    pub fn change(&self, key: R::Key, now: u64, change: impl FnOnce(&mut R, Option<&R>)) {
        let hash = self.hasher.hash_one(&key);
        self.with(hash, |shard| {
            let based = self.complete.load(Ordering::Acquire);
            let slot = self.slot_or_new(shard, hash, key, based, now);
            let others = slot.others.take();
            change(&mut slot.own, others.as_deref());
            slot.others = others;
            if slot.make_dirty() {
                shard.dirty.push(hash);
            }
        });
    }

    /// Takes in what the store holds under a key.
    pub fn fill(&self, key: R::Key, held: Held<R>, now: u64) {
        let hash = self.hasher.hash_one(&key);
        self.with(hash, |shard| {
            let slot = self.slot_or_new(shard, hash, key, false, now);
            // The store has lost what it was told, or has not been told yet.
            let is_behind = slot.fill(held, now);
            if is_behind && slot.make_dirty() {
                shard.dirty.push(hash);
            }
        });
    }

    /// The same, unless there is no room without driving out something else: `false` = there was none.
    pub fn fill_if_room(&self, key: R::Key, held: Held<R>, now: u64) -> bool {
        let hash = self.hasher.hash_one(&key);
        let full = self.shard(hash).is_full(Slot::<R>::octets(&key));
        if !full {
            self.fill(key, held, now);
        }
        !full
    }

    /// From now on what is not here is nowhere, until something is driven out.
    pub fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// The same, unless something was driven out since so much had been. Whatever is driven out meanwhile is either counted
    /// by now, or will take the mark back itself.
    pub fn set_complete_unless_evicted_since(&self, evicted: u64) {
        self.complete.store(true, Ordering::SeqCst);
        if self.evicted.load(Ordering::SeqCst) != evicted {
            self.complete.store(false, Ordering::SeqCst);
        }
    }

    /// Is nothing missing?
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Takes about `most` changes that the store does not have; they count as written. Goes round the shards from
    /// `turn`, which it moves on.
    pub fn take_dirty(&self, turn: &mut usize, most: usize) -> Dirty<R> {
        let mut dirty = Dirty { changed: Vec::new(), unbased: Vec::new() };
        for _ in 0..SHARDS {
            let left = most.saturating_sub(dirty.changed.len() + dirty.unbased.len());
            if left == 0 {
                break;
            }
            let mut shard = self.at(*turn % SHARDS);
            shard.take_dirty(left, &mut dirty, &self.hasher);
            if shard.dirty.is_empty() {
                *turn = turn.wrapping_add(1);
            }
        }
        dirty
    }

    /// A write failed: these are as dirty as before.
    pub fn not_written(&self, keys: impl IntoIterator<Item = R::Key>) {
        for key in keys {
            let hash = self.hasher.hash_one(&key);
            let mut shard = self.shard(hash);
            if shard.slot(hash, &key).is_some_and(Slot::make_dirty) {
                shard.dirty.push(hash);
            }
        }
    }

    /// The store has lost everything: it is told all again.
    pub fn all_unwritten(&self) {
        (0..SHARDS).for_each(|at| self.at(at).make_all_dirty(&self.hasher));
    }

    /// Changes that the store does not have yet.
    pub fn unwritten(&self) -> usize {
        (0..SHARDS).map(|at| self.at(at).dirty.len()).sum()
    }

    /// Shows every record that is known, one shard under its lock at a time.
    pub fn visit(&self, mut visit: impl FnMut(&R::Key, R)) {
        for at in 0..SHARDS {
            self.at(at).visit(&mut visit);
        }
    }

    /// Drops what has expired from one shard (any number; they go round), and what is known to be nothing for long.
    pub fn forget(&self, shard: usize, now: u64) {
        let (before, after) = {
            let mut shard = self.at(shard % SHARDS);
            let before = shard.size();
            shard.forget(now, &self.hasher);
            (before, shard.size())
        };
        self.entries.fetch_add(after.0.wrapping_sub(before.0), Ordering::Relaxed);
        self.octets.fetch_add(after.1.wrapping_sub(before.1), Ordering::Relaxed);
    }

    /// Entries and octets held.
    pub fn size(&self) -> (usize, usize) {
        (self.entries.load(Ordering::Relaxed), self.octets.load(Ordering::Relaxed))
    }

    /// A page of all that is known: the records of one shard. Page after page, from 0 to [`Table::PAGES`], one sees
    /// everything that was there all the time, with no lock held in between.
    pub fn page(&self, page: usize) -> Vec<(R::Key, R)> {
        let mut records = Vec::new();
        if page < Self::PAGES {
            self.at(page).visit(&mut |key: &R::Key, record| records.push((key.clone(), record)));
        }
        records
    }

    /// Pages there are.
    pub const PAGES: usize = SHARDS;

    /// Entries driven out so far, and those of them whose newest state the store did not have.
    pub fn evicted(&self) -> (u64, u64) {
        (self.evicted.load(Ordering::Relaxed), self.dropped.load(Ordering::Relaxed))
    }

    fn slot_or_new<'s>(
        &self,
        shard: &'s mut Shard<R>,
        hash: u64,
        key: R::Key,
        based: bool,
        now: u64,
    ) -> &'s mut Slot<R> {
        let place = shard.place(hash, &key).unwrap_or_else(|| {
            let gone = shard.make_room(Slot::<R>::octets(&key), &self.hasher);
            if gone.entries > 0 {
                // In this order: see `set_complete_unless_evicted_since`.
                self.evicted.fetch_add(gone.entries, Ordering::SeqCst);
                self.complete.store(false, Ordering::SeqCst);
                self.dropped.fetch_add(gone.dirty, Ordering::Relaxed);
            }
            shard.push(hash, Slot::new(key, based, now), &self.hasher)
        });
        &mut shard.slots[place]
    }

    fn with(&self, hash: u64, work: impl FnOnce(&mut Shard<R>)) {
        let (before, after) = {
            let mut shard = self.shard(hash);
            let before = shard.size();
            work(&mut shard);
            (before, shard.size())
        };
        // Wrapping differences add up: the totals are those of all shards.
        self.entries.fetch_add(after.0.wrapping_sub(before.0), Ordering::Relaxed);
        self.octets.fetch_add(after.1.wrapping_sub(before.1), Ordering::Relaxed);
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<R>> {
        // Bits of the middle: the table within a shard goes by the lowest and the highest.
        self.at(usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or_default())
    }

    fn at(&self, place: usize) -> MutexGuard<'_, Shard<R>> {
        // std's mutex: never held over an await, and nothing in it can panic half-way.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
