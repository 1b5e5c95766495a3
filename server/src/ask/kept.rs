//! Which entries stay? A bounded table that any thread may read: sharded, each shard behind a short lock. Answers of the
//! DNS are kept in one, results of SPF in another.
//!
//! Bounds hold for entries and for bytes. Who has to go is decided by CLOCK (second chance, Corbató 1968): a hand goes
//! round; what was used since its last visit is spared once. New entries start unused, so a flood of addresses seen
//! once drives out itself before it drives out what is asked again and again.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Enough that cores seldom meet at one lock, and that none is held long when a shard's table grows.
const SHARDS: usize = 64;
/// Entries spared in a row before one goes in any case: the hand's way ends while a lock is held.
const SPARED_MAX: usize = 64;

/// What is kept.
pub(super) trait Keep {
    /// It is still worth a place by itself; what is not goes first.
    fn is_fresh(&self, now: Instant) -> bool;
}

/// The table.
pub(super) struct Kept<K, V> {
    shards: [Mutex<Shard<K, V>>; SHARDS],
    hasher: RandomState,
    entries: AtomicUsize,
    octets: AtomicUsize,
}

impl<K: Eq + Hash, V: Keep> Kept<K, V> {
    /// Holds at most `entries_max` values in about `octets_max` bytes.
    pub(super) fn new(entries_max: usize, octets_max: usize) -> Self {
        let (entries_max, octets_max) = ((entries_max / SHARDS).max(1), octets_max / SHARDS);
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Shard::new(entries_max, octets_max))),
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
            octets: AtomicUsize::new(0),
        }
    }

    /// What `read` makes of the value of a key; something makes it count as used.
    pub(super) fn read<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> Option<R>) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        let slot = shard.slot(hash, key)?;
        let result = read(&slot.value)?;
        slot.used = true;
        Some(result)
    }

    /// What `look` makes of the value, which it may change without making it larger. It does not count as used.
    pub(super) fn look<R>(&self, key: &K, look: impl FnOnce(&mut V) -> Option<R>) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        look(&mut self.shard(hash).slot(hash, key)?.value)
    }

    /// Keeps a value in place of an older one. `octets` = what key and value own outside of themselves.
    pub(super) fn insert(&self, key: K, value: V, octets: usize, now: Instant) {
        let (before, after) = {
            let hash = self.hasher.hash_one(&key);
            let mut shard = self.shard(hash);
            let before = shard.size();
            shard.insert(Slot { hash, key, value, octets: octets + Shard::<K, V>::SLOT_OCTETS, used: false }, now);
            (before, shard.size())
        };
        // Wrapping differences add up: the totals are those of all shards.
        self.entries.fetch_add(after.0.wrapping_sub(before.0), Ordering::Relaxed);
        self.octets.fetch_add(after.1.wrapping_sub(before.1), Ordering::Relaxed);
    }

    /// Entries and bytes held, expired ones that nobody asked for again included.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.load(Ordering::Relaxed), self.octets.load(Ordering::Relaxed))
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard<K, V>> {
        // Bits of the middle: the table within a shard goes by the lowest and the highest.
        let at = usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or_default();
        // std's mutex: the lock is never held over an await, and nothing in it can panic half-way.
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Shard<K, V> {
    entries_max: usize,
    octets_max: usize,
    octets: usize,
    /// By the key's hash, which is keyed at random (SipHash): two keys that share one share a place, and the younger has
    /// it. A slot knows its key, so that nobody gets the other's value.
    index: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    slots: Vec<Slot<K, V>>,
    hand: usize,
}

struct Slot<K, V> {
    hash: u64,
    key: K,
    value: V,
    octets: usize,
    /// Read since the hand came by.
    used: bool,
}

impl<K: Eq, V: Keep> Shard<K, V> {
    /// A slot and its place in the index, each with the room that growing by doubling leaves unused.
    const SLOT_OCTETS: usize = (size_of::<Slot<K, V>>() + size_of::<(u64, usize)>() + 1) * 3 / 2;

    fn new(entries_max: usize, octets_max: usize) -> Self {
        Self { entries_max, octets_max, octets: 0, index: HashMap::default(), slots: Vec::new(), hand: 0 }
    }

    fn size(&self) -> (usize, usize) {
        (self.slots.len(), self.octets)
    }

    fn slot<Q>(&mut self, hash: u64, key: &Q) -> Option<&mut Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let slot = self.slots.get_mut(*self.index.get(&hash)?)?;
        (slot.key.borrow() == key).then_some(slot)
    }

    fn insert(&mut self, slot: Slot<K, V>, now: Instant) {
        if let Some(&at) = self.index.get(&slot.hash) {
            self.remove(at);
        }
        if slot.octets > self.octets_max {
            return;
        }
        while self.slots.len() >= self.entries_max || self.octets + slot.octets > self.octets_max {
            self.evict(now);
        }
        self.octets += slot.octets;
        self.index.insert(slot.hash, self.slots.len());
        self.slots.push(slot);
    }

    /// Removes one entry: the first under the hand that is unused or expired.
    fn evict(&mut self, now: Instant) {
        for spared in 0..=SPARED_MAX {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used && slot.value.is_fresh(now) && spared < SPARED_MAX => slot.used = false,
                Some(_) => return self.remove(self.hand),
                None => return,
            }
            self.hand += 1;
        }
    }

    fn remove(&mut self, at: usize) {
        let gone = self.slots.swap_remove(at);
        self.index.remove(&gone.hash);
        self.octets -= gone.octets;
        if let Some(moved) = self.slots.get(at) {
            self.index.insert(moved.hash, at);
        }
    }
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, octets: &[u8]) {
        // Only for completeness: the index has no other keys than u64.
        for &octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(octet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::time::Duration;

    /// Good until then.
    impl Keep for Instant {
        fn is_fresh(&self, now: Instant) -> bool {
            now < *self
        }
    }

    fn has(kept: &Kept<usize, Instant>, key: usize) -> bool {
        kept.read(&key, |value| Some(*value)).is_some()
    }

    #[test]
    fn bounds_hold_under_churn() {
        let clock = Clock::manual(1_000);
        let (entries_max, octets_max) = (1_600, 400_000);
        let kept = Kept::new(entries_max, octets_max);
        let mut fullest = (0, 0);
        for number in 0..40_000_usize {
            let octets = if number % 3 == 0 { number % 2_000 } else { 0 };
            let until = clock.steady() + Duration::from_secs(number as u64 % 50);
            kept.insert(number % 7_000, until, octets, clock.steady());
            clock.advance(Duration::from_millis(100));
            let (entries, octets) = kept.size();
            assert!(entries <= entries_max && octets <= octets_max, "{entries} entries, {octets} octets");
            fullest = (fullest.0.max(entries), fullest.1.max(octets));
        }
        assert!(fullest.0 > entries_max / 4 && fullest.1 > octets_max / 2, "{fullest:?}: bounds that never bite");
        let by_shard: (usize, usize) = kept.shards.iter().fold((0, 0), |sum, shard| {
            let shard = shard.lock().expect("a lock");
            let weights: usize = shard.slots.iter().map(|slot| slot.octets).sum();
            assert_eq!((shard.index.len(), shard.octets), (shard.slots.len(), weights));
            assert!(shard.index.iter().all(|(&hash, &at)| shard.slots[at].hash == hash));
            (sum.0 + shard.slots.len(), sum.1 + shard.octets)
        });
        assert_eq!(kept.size(), by_shard);
    }

    #[test]
    fn what_is_used_outlives_a_flood_of_what_is_not() {
        let clock = Clock::manual(1_000);
        let kept = Kept::new(6_400, 1 << 26);
        let until = clock.steady() + Duration::from_secs(3_600);
        for number in 0..800 {
            kept.insert(number, until, 0, clock.steady());
        }
        for number in 1_000..40_000 {
            assert!(has(&kept, number % 800), "{} was driven out at {number}", number % 800);
            kept.insert(number, until, 0, clock.steady());
        }
    }

    #[test]
    fn keys_of_one_hash_never_get_each_others_values() {
        let until = Clock::manual(1_000).steady();
        let mut shard = Shard::new(10, 100_000);
        let slot = |key| Slot { hash: 7, key, value: until, octets: 100, used: false };
        shard.insert(slot(1), until);
        assert!(shard.slot(7, &2).is_none());
        shard.insert(slot(2), until);
        assert!(shard.slot(7, &1).is_none() && shard.slot(7, &2).is_some());
        assert_eq!(shard.size().0, 1);
    }

    #[test]
    fn a_value_too_large_for_a_shard_is_not_kept() {
        let until = Clock::manual(1_000).steady();
        let kept = Kept::new(640, 64 * 1_000);
        kept.insert(1, until, 0, until);
        kept.insert(1, until, 2_000, until);
        assert!(!has(&kept, 1));
        assert_eq!(kept.size(), (0, 0));
    }
}
