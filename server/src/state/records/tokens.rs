//! How much of a limit is used up? A token bucket as one point in time (GCRA, ITU-T I.371): the moment at which the
//! bucket will be full again.
//!
//! A bucket that is full is as good as none, so a record needs no lifetime of its own. Both fields only grow, so fields
//! of several servers merge: the latest moment, and the sum of what each has spent.

use super::Digest;
use crate::state::{
    Record,
    octets::{Reader, Writer},
};

use std::fmt;

const VERSION: u8 = 1;

/// Within this time what others have spent is taken to be spent now, in seconds: servers hear of each other every second
/// while a limit is in use.
const LATELY_SECONDS: u64 = 5;

/// A limit: `burst` tokens at once, one more every `every_ms` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds in which one token comes back; at least 1.
    pub every_ms: u64,
    /// Tokens in a full bucket; at least 1.
    pub burst: u32,
}

impl Pace {
    /// Time in which an empty bucket fills, in milliseconds; at most [`Tokens::LIFETIME_SECONDS`].
    pub fn fills_in_ms(self) -> u64 {
        self.every_ms.saturating_mul(self.burst.into()).min(Tokens::LIFETIME_SECONDS * 1_000)
    }
}

/// What is spent. Moments in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// When the bucket is full again: past = it is.
    pub full_at_ms: u64,
    /// Tokens spent since the record exists. Only differences mean something.
    pub spent: u32,
    /// Milliseconds a token took to come back when one was spent last.
    pub every_ms: u32,
}

impl Tokens {
    /// Whole tokens left at a moment, 0 to `pace.burst`. A clock that was set back does not empty a bucket for longer
    /// than it takes to fill.
    pub fn left(&self, pace: Pace, now_ms: u64) -> u32 {
        let behind = self.behind_ms(pace, now_ms);
        let free = pace.fills_in_ms().saturating_sub(behind);
        u32::try_from(free / pace.every_ms.max(1)).unwrap_or(u32::MAX).min(pace.burst)
    }

    /// Milliseconds until `tokens` are left; 0 = they are.
    pub fn wait_ms(&self, pace: Pace, tokens: u32, now_ms: u64) -> u64 {
        let wanted = pace.every_ms.saturating_mul(tokens.min(pace.burst).into());
        (self.behind_ms(pace, now_ms) + wanted).saturating_sub(pace.fills_in_ms())
    }

    /// Spends tokens, whether they are there or not: a bucket may owe as much as it holds.
    pub fn spend(&mut self, pace: Pace, tokens: u32, now_ms: u64) {
        let cost = pace.every_ms.saturating_mul(tokens.into());
        let behind = (self.behind_ms(pace, now_ms) + cost).min(2 * pace.fills_in_ms());
        self.full_at_ms = now_ms.saturating_add(behind);
        self.spent = self.spent.wrapping_add(tokens);
        self.every_ms = u32::try_from(pace.every_ms).unwrap_or(u32::MAX);
    }

    fn behind_ms(&self, pace: Pace, now_ms: u64) -> u64 {
        self.full_at_ms.saturating_sub(now_ms).min(2 * pace.fills_in_ms())
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "full again at {} ms, {} spent", self.full_at_ms, self.spent)
    }
}

impl Record for Tokens {
    type Key = Digest;
    const NAME: &'static str = "counters";
    const LIFETIME_SECONDS: u64 = 7 * 86_400;

    fn encode(&self) -> Vec<u8> {
        let mut record = Writer::new(VERSION);
        record.number(self.full_at_ms).number(self.spent.into()).number(self.every_ms.into());
        record.finish()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut record = Reader::new(octets, VERSION)?;
        let tokens = Self { full_at_ms: record.number()?, spent: record.small()?, every_ms: record.small()? };
        record.end()?;
        Some(tokens)
    }

    fn expires_at(&self) -> u64 {
        self.full_at_ms / 1_000 + 1
    }

    fn newer(self, other: Self) -> Self {
        Self {
            full_at_ms: self.full_at_ms.max(other.full_at_ms),
            spent: self.spent.max(other.spent),
            every_ms: self.every_ms.max(other.every_ms),
        }
    }

    fn together(self, other: Self) -> Self {
        Self { spent: self.spent.wrapping_add(other.spent), ..self.newer(other) }
    }

    /// What others have spent meanwhile is spent here too. After a long silence nobody knows when they did, and what
    /// they say of the bucket has to do: that counts already, by [`Record::together`].
    fn absorb(&mut self, before: Option<&Self>, others: &Self, age: Option<u64>) {
        let spent = others.spent.wrapping_sub(before.map_or(0, |before| before.spent));
        let is_lately = age.is_some_and(|age| age <= LATELY_SECONDS);
        // A sum that went back: a record of theirs was begun anew.
        if is_lately && before.is_some() && spent < u32::MAX / 2 {
            let every_ms = self.every_ms.max(others.every_ms);
            self.full_at_ms = self.full_at_ms.saturating_add(u64::from(spent) * u64::from(every_ms));
        }
    }
}
