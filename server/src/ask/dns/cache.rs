//! Which answers are still good? A bounded cache that any thread may read: sharded, each shard behind a short lock.
//!
//! Bounds hold for entries and for bytes. Who has to go is decided by CLOCK (second chance, Corbató 1968): a hand goes
//! round; what was used since its last visit is spared once. New entries start unused, so a flood of addresses seen
//! once drives out itself before it drives out what is asked again and again.

use super::{
    super::{Answered, DnsAnswer, DnsQuestion, Record},
    fetched::Fetched,
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Enough that cores seldom meet at one lock, and that none is held long when a shard's table grows.
const SHARDS: usize = 64;
/// Entries spared in a row before one goes in any case: the hand's way ends while a lock is held.
const SPARED_MAX: usize = 64;

/// The cache.
pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    stale_max: Duration,
    entries: AtomicUsize,
    octets: AtomicUsize,
}

impl Cache {
    /// Holds at most `entries_max` answers in about `octets_max` bytes. Expired answers stay while there is room: they
    /// may stand in for others for `stale_max`.
    pub(super) fn new(entries_max: usize, octets_max: usize, stale_max: Duration) -> Self {
        let shard = || {
            Mutex::new(Shard {
                entries_max: (entries_max / SHARDS).max(1),
                octets_max: octets_max / SHARDS,
                ..Shard::default()
            })
        };
        Self {
            shards: std::array::from_fn(|_| shard()),
            hasher: RandomState::new(),
            stale_max,
            entries: AtomicUsize::new(0),
            octets: AtomicUsize::new(0),
        }
    }

    /// The answer, if it has not expired, or stands in for one that did not come a moment ago.
    pub(super) fn get(&self, question: &DnsQuestion, now: Instant) -> Option<Answered> {
        let hash = self.hasher.hash_one(question);
        self.shard(hash).get(hash, question, now, self.stale_max)
    }

    /// The answer, even if it has expired, as long as it may stand in. Never a failure.
    pub(super) fn stand_in(&self, question: &DnsQuestion, now: Instant) -> Option<Answered> {
        let hash = self.hasher.hash_one(question);
        self.shard(hash).slot(hash, question)?.fetched.stand_in(now, self.stale_max)
    }

    /// What is to be said after a look-up that failed: an older answer that may stand in, which is kept with the
    /// failure remembered beside it; else the failure.
    pub(super) fn fail(&self, question: &DnsQuestion, failure: Fetched) -> Answered {
        let now = failure.at;
        let stands_in = {
            let hash = self.hasher.hash_one(question);
            let mut shard = self.shard(hash);
            shard.slot(hash, question).and_then(|slot| {
                let answered = slot.fetched.stand_in(now, self.stale_max)?;
                slot.fetched.renewal_failed(now, failure.ttl);
                Some(answered)
            })
        };
        stands_in.unwrap_or_else(|| {
            let answered = failure.answered(false, now);
            self.insert(question, failure);
            answered
        })
    }

    /// Keeps an answer in place of an older one.
    pub(super) fn insert(&self, question: &DnsQuestion, fetched: Fetched) {
        let (before, after) = {
            let hash = self.hasher.hash_one(question);
            let mut shard = self.shard(hash);
            let before = shard.size();
            shard.insert(hash, question, fetched);
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

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // Bits of the middle: the table within a shard goes by the lowest and the highest.
        let at = usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or_default();
        // std's mutex: the lock is never held over an await, and nothing in it can panic half-way.
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Shard {
    entries_max: usize,
    octets_max: usize,
    octets: usize,
    /// By the question's hash, which is keyed at random (SipHash): two questions that share one share a place, and the
    /// younger has it. A slot knows its question, so that nobody gets the other's answer.
    index: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    slots: Vec<Slot>,
    hand: usize,
}

struct Slot {
    hash: u64,
    question: DnsQuestion,
    fetched: Fetched,
    octets: usize,
    /// Read since the hand came by.
    used: bool,
}

impl Shard {
    fn size(&self) -> (usize, usize) {
        (self.slots.len(), self.octets)
    }

    fn get(&mut self, hash: u64, question: &DnsQuestion, now: Instant, stale_max: Duration) -> Option<Answered> {
        let slot = self.slot(hash, question)?;
        let answered = slot.fetched.remembered(now, stale_max)?;
        slot.used = true;
        Some(answered)
    }

    fn slot(&mut self, hash: u64, question: &DnsQuestion) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(*self.index.get(&hash)?)?;
        (slot.question == *question).then_some(slot)
    }

    fn insert(&mut self, hash: u64, question: &DnsQuestion, fetched: Fetched) {
        if let Some(&at) = self.index.get(&hash) {
            self.remove(at);
        }
        let octets = weight(question, &fetched.answer);
        if octets > self.octets_max {
            return;
        }
        let now = fetched.at;
        while self.slots.len() >= self.entries_max || self.octets + octets > self.octets_max {
            self.evict(now);
        }
        self.octets += octets;
        self.index.insert(hash, self.slots.len());
        self.slots.push(Slot { hash, question: question.clone(), fetched, octets, used: false });
    }

    /// Removes one entry: the first under the hand that is unused or expired.
    fn evict(&mut self, now: Instant) {
        for spared in 0..=SPARED_MAX {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used && slot.fetched.is_fresh(now) && spared < SPARED_MAX => slot.used = false,
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

/// Bytes an entry takes: the slot and its place in the index, each with the room that growing by doubling leaves
/// unused, the name and what the answer owns.
fn weight(question: &DnsQuestion, answer: &DnsAnswer) -> usize {
    const COUNTS: usize = 16; // in front of the data behind an Arc
    const FIXED: usize = (size_of::<Slot>() + size_of::<(u64, usize)>() + 1) * 3 / 2;
    let records: &[Record] = match answer {
        DnsAnswer::Found(records) => records,
        DnsAnswer::NotFound | DnsAnswer::Failed(_) => &[],
    };
    let own = |record: &Record| {
        size_of::<Record>()
            + match record {
                Record::A(_) | Record::Aaaa(_) => 0,
                Record::Txt(text) => COUNTS + text.len(),
                Record::Mx(_, name) | Record::Ptr(name) => COUNTS + name.len(),
            }
    };
    FIXED + COUNTS + question.name.len() + COUNTS + records.iter().map(own).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{Answer, Failure, RecordType, Upstream},
        *,
    };
    use crate::clock::Clock;
    use std::sync::Arc;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn question(number: usize) -> DnsQuestion {
        DnsQuestion::new(format!("{number}.example"), RecordType::Txt)
    }

    fn fetched(answer: DnsAnswer, clock: &Clock, ttl_seconds: u64) -> Fetched {
        let ttl = Duration::from_secs(ttl_seconds);
        Fetched::new(answer, ttl, clock.now().steady, Duration::from_millis(7))
    }

    fn texts(octets: usize) -> DnsAnswer {
        DnsAnswer::Found(Arc::new([Record::Txt(vec![b'x'; octets].into())]))
    }

    #[test]
    fn an_answer_lives_as_long_as_its_ttl() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        cache.insert(&question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        clock.advance(Duration::from_secs(59));
        let answered = cache.get(&question(1), clock.now().steady).expect("still good");
        assert_eq!(
            (answered.cached, answered.age, answered.ttl, answered.took),
            (true, Duration::from_secs(59), Duration::from_secs(1), Duration::from_millis(7))
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.get(&question(1), clock.now().steady), None);
    }

    #[test]
    fn a_failure_does_not_drive_out_what_may_stand_in() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        let failure = || fetched(DnsAnswer::Failed(Failure::Servfail), &clock, 5);
        let (known, unknown) = (question(1), question(2));
        cache.insert(&known, fetched(DnsAnswer::NotFound, &clock, 60));
        clock.advance(Duration::from_secs(61));
        let said = |answered: Answered| (answered.answer, answered.stale, answered.ttl.as_secs());
        let stale = (Answer::Dns(DnsAnswer::NotFound), true, 0);
        assert_eq!(said(cache.fail(&known, failure())), stale);
        assert_eq!(cache.get(&known, clock.steady()).map(said), Some(stale.clone()));
        assert_eq!(cache.stand_in(&known, clock.steady()).map(said), Some(stale));
        let failed = (Answer::Dns(DnsAnswer::Failed(Failure::Servfail)), false, 5);
        assert_eq!(said(cache.fail(&unknown, failure())), failed);
        assert_eq!(cache.get(&unknown, clock.steady()).map(said), Some(failed.clone()));
        assert_eq!(cache.stand_in(&unknown, clock.steady()), None);
        clock.advance(HOUR);
        assert_eq!(said(cache.fail(&known, failure())), failed, "too old");
    }

    #[test]
    fn kinds_and_resolvers_are_kept_apart() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        cache.insert(&question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        let now = clock.now().steady;
        assert_eq!(cache.get(&DnsQuestion { kind: RecordType::A, ..question(1) }, now), None);
        assert_eq!(cache.get(&DnsQuestion { upstream: Upstream::named("x"), ..question(1) }, now), None);
        assert!(cache.get(&question(1), now).is_some());
    }

    #[test]
    fn bounds_hold_under_churn() {
        let clock = Clock::manual(1_000);
        let (entries_max, octets_max) = (1_600, 400_000);
        let cache = Cache::new(entries_max, octets_max, HOUR);
        let mut fullest = (0, 0);
        for number in 0..40_000 {
            let answer = if number % 3 == 0 { texts(number % 2_000) } else { DnsAnswer::NotFound };
            cache.insert(&question(number % 7_000), fetched(answer, &clock, (number % 50) as u64));
            clock.advance(Duration::from_millis(100));
            let (entries, octets) = cache.size();
            assert!(entries <= entries_max && octets <= octets_max, "{entries} entries, {octets} octets");
            fullest = (fullest.0.max(entries), fullest.1.max(octets));
        }
        assert!(fullest.0 > entries_max / 4 && fullest.1 > octets_max / 2, "{fullest:?}: bounds that never bite");
        let by_shard: (usize, usize) = cache.shards.iter().fold((0, 0), |sum, shard| {
            let shard = shard.lock().expect("a lock");
            let weights: usize = shard.slots.iter().map(|slot| slot.octets).sum();
            assert_eq!((shard.index.len(), shard.octets), (shard.slots.len(), weights));
            assert!(shard.index.iter().all(|(&hash, &at)| shard.slots[at].hash == hash));
            (sum.0 + shard.slots.len(), sum.1 + shard.octets)
        });
        assert_eq!(cache.size(), by_shard);
    }

    #[test]
    fn what_is_used_outlives_a_flood_of_what_is_not() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(6_400, 1 << 26, HOUR);
        let regulars = 0..800;
        for number in regulars.clone() {
            cache.insert(&question(number), fetched(DnsAnswer::NotFound, &clock, 3_600));
        }
        for number in 1_000..40_000 {
            let regular = question(number % 800);
            assert!(cache.get(&regular, clock.now().steady).is_some(), "{regular:?} was driven out at {number}");
            cache.insert(&question(number), fetched(DnsAnswer::NotFound, &clock, 3_600));
        }
    }

    #[test]
    fn questions_of_one_hash_never_get_each_others_answers() {
        let clock = Clock::manual(1_000);
        let now = clock.now().steady;
        let mut shard = Shard { entries_max: 10, octets_max: 100_000, ..Shard::default() };
        shard.insert(7, &question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        assert_eq!(shard.get(7, &question(2), now, HOUR), None);
        shard.insert(7, &question(2), fetched(texts(3), &clock, 60));
        assert_eq!(shard.get(7, &question(1), now, HOUR), None);
        assert!(shard.get(7, &question(2), now, HOUR).is_some());
        assert_eq!(shard.size().0, 1);
    }

    #[test]
    fn an_answer_too_large_for_a_shard_is_not_kept() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 64 * 1_000, HOUR);
        cache.insert(&question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        cache.insert(&question(1), fetched(texts(2_000), &clock, 60));
        assert_eq!((cache.get(&question(1), clock.now().steady), cache.size()), (None, (0, 0)));
    }
}
