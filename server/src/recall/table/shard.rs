//! One part of a table: slots in a row, and an index of their places by hash.

use super::Dirty;
use crate::state::{Held, Key, Record};
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Entries spared in a row before one goes in any case: the hand's way ends while a lock is held.
const SPARED_MAX: usize = 64;

/// How long it is remembered that there is nothing, in seconds.
const NOTHING_SECONDS: u64 = 600;

const USED: u8 = 1;
const DIRTY: u8 = 2;
const BASED: u8 = 4;

pub(super) struct Slot<R: Record> {
    pub(super) key: R::Key,
    /// What this server says.
    pub(super) own: R,
    /// What all others say, told together; as of `synced`.
    pub(super) others: Option<Box<R>>,
    /// When the store was asked last, Unix seconds.
    synced: u32,
    flags: u8,
}

impl<R: Record> Slot<R> {
    /// A slot and its place in the index; what grows by doubling is not touched before it is used, the index is.
    const OCTETS: usize = size_of::<Self>() + 2 * (size_of::<u32>() + 1);

    /// What it takes to hold this key.
    pub(super) fn octets(key: &R::Key) -> usize {
        Self::OCTETS + key.heap_octets()
    }

    pub(super) fn new(key: R::Key, based: bool, now: u64) -> Self {
        let flags = if based { BASED } else { 0 };
        Self { key, own: R::default(), others: None, synced: seconds(now), flags }
    }

    pub(super) fn is_based(&self) -> bool {
        self.flags & BASED != 0
    }

    pub(super) fn use_it(&mut self) {
        self.flags |= USED;
    }

    /// Everything that is known; `None` = nothing.
    pub(super) fn all(&self) -> Option<R> {
        let own = (self.own != R::default()).then(|| self.own.clone());
        Held { own, others: self.others.as_deref().cloned() }.all()
    }

    /// Seconds since the store was asked.
    pub(super) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.synced.into())
    }

    /// `true` = it was not.
    pub(super) fn make_dirty(&mut self) -> bool {
        let was = self.flags & DIRTY != 0;
        self.flags |= DIRTY;
        !was
    }

    /// `true` = the store does not have what this server says.
    pub(super) fn fill(&mut self, held: Held<R>, now: u64) -> bool {
        let stored = held.own.unwrap_or_default();
        let own = std::mem::take(&mut self.own);
        // Based: the store has an older version of ours. Not based: ours is what came on top of it.
        self.own = if self.is_based() { own.newer(stored.clone()) } else { stored.clone().together(own) };
        let is_behind = self.own != stored;
        if let Some(others) = &held.others {
            let age = self.is_based().then(|| self.age(now));
            self.own.absorb(self.others.as_deref(), others, age);
        }
        self.others = held.others.map(Box::new);
        self.synced = seconds(now);
        self.flags |= BASED;
        is_behind
    }

    /// Nothing is lost without it: it says nothing any more, or has said nothing for a while.
    fn is_idle(&self, now: u64) -> bool {
        let is_clean = self.flags & (DIRTY | BASED) == BASED;
        is_clean && self.all().map_or(self.age(now) > NOTHING_SECONDS, |record| record.expires_at() <= now)
    }
}

fn seconds(now: u64) -> u32 {
    u32::try_from(now).unwrap_or(u32::MAX)
}

/// What had to go.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) entries: u64,
    /// Of those, what the store does not have.
    pub(super) dirty: u64,
}

pub(super) struct Shard<R: Record> {
    octets_max: usize,
    octets: usize,
    index: HashTable<u32>,
    pub(super) slots: Vec<Slot<R>>,
    /// Hashes of dirty slots; of some that are gone or clean by now.
    pub(super) dirty: Vec<u64>,
    hand: usize,
}

impl<R: Record> Shard<R> {
    pub(super) fn new(octets_max: usize) -> Self {
        Self { octets_max, octets: 0, index: HashTable::new(), slots: Vec::new(), dirty: Vec::new(), hand: 0 }
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.slots.len(), self.octets)
    }

    pub(super) fn place(&self, hash: u64, key: &R::Key) -> Option<usize> {
        let is_it = |&place: &u32| self.slots.get(place as usize).is_some_and(|slot| slot.key == *key);
        self.index.find(hash, is_it).map(|&place| place as usize)
    }

    pub(super) fn slot(&mut self, hash: u64, key: &R::Key) -> Option<&mut Slot<R>> {
        let place = self.place(hash, key)?;
        self.slots.get_mut(place)
    }

    pub(super) fn is_full(&self, octets: usize) -> bool {
        self.octets + octets > self.octets_max
    }

    /// Drives out what has to go so that so many octets fit. One entry fits in any case.
    pub(super) fn make_room(&mut self, octets: usize, hasher: &impl BuildHasher) -> Gone {
        let mut gone = Gone::default();
        while self.is_full(octets) && !self.slots.is_empty() {
            gone.dirty += u64::from(self.evict(hasher));
            gone.entries += 1;
        }
        gone
    }

    pub(super) fn push(&mut self, hash: u64, slot: Slot<R>, hasher: &impl BuildHasher) -> usize {
        let place = self.slots.len();
        self.octets += Slot::<R>::octets(&slot.key);
        self.slots.push(slot);
        let slots = &self.slots;
        // A shard of more than 4 G entries would need more memory than there is.
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        self.index.insert_unique(hash, number, |&place| hasher.hash_one(&slots[place as usize].key));
        place
    }

    pub(super) fn make_all_dirty(&mut self, hasher: &impl BuildHasher) {
        for slot in &mut self.slots {
            if slot.own != R::default() && slot.make_dirty() {
                self.dirty.push(hasher.hash_one(&slot.key));
            }
        }
    }

    /// Takes up to `most` dirty slots.
    pub(super) fn take_dirty(&mut self, most: usize, dirty: &mut Dirty<R>, hasher: &impl BuildHasher) {
        let from = self.dirty.len().saturating_sub(most);
        for hash in self.dirty.split_off(from) {
            let slots = &self.slots;
            // Of two keys of one hash one is found, and then the other: each is on the list.
            let is_it = |&place: &u32| {
                let slot = slots.get(place as usize).filter(|slot| slot.flags & DIRTY != 0);
                slot.is_some_and(|slot| hasher.hash_one(&slot.key) == hash)
            };
            let Some(&place) = self.index.find(hash, is_it) else { continue };
            let Some(slot) = self.slots.get_mut(place as usize) else { continue };
            slot.flags &= !DIRTY;
            if slot.is_based() {
                dirty.changed.push((slot.key.clone(), slot.own.clone()));
            } else {
                dirty.unbased.push(slot.key.clone());
            }
        }
        if self.dirty.is_empty() {
            self.dirty.shrink_to(64);
        }
    }

    pub(super) fn forget(&mut self, now: u64, hasher: &impl BuildHasher) {
        let mut place = 0;
        while let Some(slot) = self.slots.get(place) {
            if slot.is_idle(now) {
                // Another one takes its place.
                self.remove(place, hasher);
            } else {
                place += 1;
            }
        }
    }

    pub(super) fn visit(&self, visit: &mut impl FnMut(&R::Key, R)) {
        for slot in self.slots.iter().filter(|slot| slot.is_based()) {
            if let Some(record) = slot.all() {
                visit(&slot.key, record);
            }
        }
    }

    /// Removes the first entry under the hand that is neither used nor dirty, and says whether it was dirty all the same.
    fn evict(&mut self, hasher: &impl BuildHasher) -> bool {
        for spared in 0..=SPARED_MAX {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let Some(slot) = self.slots.get_mut(self.hand) else { return false };
            if slot.flags & (USED | DIRTY) == 0 || spared == SPARED_MAX {
                return self.remove(self.hand, hasher);
            }
            slot.flags &= !USED;
            self.hand += 1;
        }
        false
    }

    fn remove(&mut self, place: usize, hasher: &impl BuildHasher) -> bool {
        self.unlink(place, hasher);
        let gone = self.slots.swap_remove(place);
        self.octets -= Slot::<R>::octets(&gone.key);
        if let Some(moved) = self.slots.get(place) {
            let hash = hasher.hash_one(&moved.key);
            let last = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            if let Some(entry) = self.index.find_mut(hash, |&number| number == last) {
                *entry = u32::try_from(place).unwrap_or(u32::MAX);
            }
        }
        gone.flags & DIRTY != 0
    }

    fn unlink(&mut self, place: usize, hasher: &impl BuildHasher) {
        let hash = hasher.hash_one(&self.slots[place].key);
        if let Ok(entry) = self.index.find_entry(hash, |&number| number as usize == place) {
            entry.remove();
        }
    }
}
