//! What is forgotten, and when? A slow round over the store and memory: what has expired goes, and beyond the bound what
//! would expire first.

use super::{super::kinds::Kind, Parts, RecallStore};
use crate::state::{Cursor, KEEP_MAX, Shelf, Standing, StateError, Tokens, Triplet};

/// Records looked at at once, and at least in one turn: four turns a second go round a million in four minutes.
const PAGE: usize = 1_000;

/// So many records are looked at for each that was written: a round then ends before a third has come on top of what it
/// began with, however fast that comes.
const FOR_EACH_WRITTEN: usize = 4;

/// How often the store is asked whether it needs all its room, in seconds.
const TIDY_SECONDS: u64 = 60;
const TIDY_FAILED_SECONDS: u64 = 3_600;

/// Expiry times that stand for all of a shelf.
const SAMPLE: usize = 1_024;

/// Where it is.
pub(super) struct Sweep {
    records_max: u64,
    kind: usize,
    rounds: [Round; 3],
    /// The shard of each table that is looked at next.
    shard: usize,
    /// Not before then is the store asked again whether it needs all its room, Unix seconds.
    tidy_from: u64,
}

/// One round over a shelf.
#[derive(Default)]
struct Round {
    from: Option<Cursor>,
    seen: u64,
    /// Expiry times of some of those seen, evenly.
    sample: Vec<u64>,
    /// What expires up to then goes, by the round before.
    cut: u64,
}

impl Sweep {
    pub(super) fn new(records_max: u64) -> Self {
        Self { records_max, kind: 0, rounds: Default::default(), shard: 0, tidy_from: 0 }
    }

    /// A part of each table and of the store: more of it the more was `written` in this turn.
    pub(super) fn turn(&mut self, parts: &Parts, written: usize) -> Result<(), StateError> {
        let now = parts.clock.now().unix_seconds();
        self.shard = self.shard.wrapping_add(1);
        parts.recall.standings.forget(self.shard, now);
        parts.recall.triplets.forget(self.shard, now);
        parts.recall.tokens.forget(self.shard, now);
        let mut left = PAGE + FOR_EACH_WRITTEN * written;
        // Each shelf once at most: an empty one is no work.
        for _ in 0..self.rounds.len() {
            left = self.shelf(parts, now, left)?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Looks at so many records of the shelf whose turn it is; gives how many are left to look at when it ends before.
    fn shelf(&mut self, parts: &Parts, now: u64, mut left: usize) -> Result<usize, StateError> {
        let (round, records_max) = (&mut self.rounds[self.kind], self.records_max);
        while left > 0 {
            let ended = match self.kind {
                0 => round.page::<Standing>(parts, records_max, now),
                1 => round.page::<Triplet>(parts, records_max, now),
                _ => round.page::<Tokens>(parts, records_max, now),
            }?;
            left = left.saturating_sub(PAGE);
            if ended {
                self.kind = (self.kind + 1) % self.rounds.len();
                if self.kind == 0 && now >= self.tidy_from {
                    // One that fails is not tried again soon: it may have filled the disk.
                    self.tidy_from = now + TIDY_FAILED_SECONDS;
                    parts.store.tidy()?;
                    self.tidy_from = now + TIDY_SECONDS;
                }
                break;
            }
        }
        Ok(left)
    }
}

impl Round {
    /// `true` = the round has ended.
    fn page<R: Kind>(&mut self, parts: &Parts, records_max: u64, now: u64) -> Result<bool, StateError>
    where
        dyn RecallStore: Shelf<R>,
    {
        let store: &dyn RecallStore = &*parts.store;
        let page = Shelf::<R>::walk(store, self.from.as_ref(), PAGE)?;
        let mut gone = Vec::new();
        for (key, held) in page.records {
            let expires_at = held.all().map_or(0, |record| record.expires_at());
            if expires_at <= now.max(self.cut) {
                gone.push(key);
            } else {
                self.see(expires_at);
            }
        }
        for keys in gone.chunks(KEEP_MAX) {
            Shelf::<R>::remove(store, keys)?;
        }
        super::metrics::forgot(R::NAME, gone.len());
        self.from = page.next;
        if self.from.is_some() {
            return Ok(false);
        }
        *self = Self { cut: self.next_cut(records_max), ..Self::default() };
        Ok(true)
    }

    /// Every so-many-th record is in the sample; the step doubles when it is full.
    fn see(&mut self, expires_at: u64) {
        let step = (self.seen / SAMPLE as u64 + 1).next_power_of_two();
        if self.seen.is_multiple_of(step) {
            if self.sample.len() >= 2 * SAMPLE {
                let mut keep = false;
                self.sample.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
            self.sample.push(expires_at);
        }
        self.seen += 1;
    }

    /// Up to which expiry time as many records lie as there are too many; 0 = none.
    fn next_cut(&mut self, records_max: u64) -> u64 {
        let surplus = self.seen.saturating_sub(records_max);
        if surplus == 0 || self.sample.is_empty() {
            return 0;
        }
        self.sample.sort_unstable();
        let place = surplus.saturating_mul(self.sample.len() as u64) / self.seen;
        let place = usize::try_from(place).unwrap_or(usize::MAX).min(self.sample.len() - 1);
        self.sample[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surplus_goes_oldest_first() {
        let mut round = Round::default();
        (0..100_000).for_each(|number| round.see((number * 7_919) % 100_000));
        assert!(round.sample.len() <= 2 * SAMPLE);
        let cut = round.next_cut(75_000);
        assert!((23_000..27_000).contains(&cut), "about a quarter: {cut}");
        assert_eq!(round.next_cut(100_000), 0);
    }
}
