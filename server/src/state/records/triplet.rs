//! When did somebody first try, and did they come back? One record of greylisting (RFC 6647).
//!
//! Both a triplet and the identity that has proven to retry are kept as this; which of the two it is, the key says.

use super::Digest;
use crate::state::{
    Record,
    octets::{Reader, Writer},
};

use std::fmt;

const VERSION: u8 = 1;
const DAY: u64 = 86_400;

/// Times in Unix seconds. Merges by the least first time and the greatest last one, within one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Triplet {
    /// Counts the times it was begun anew, after it had been forgotten: a later epoch replaces an earlier one.
    pub epoch: u32,
    /// First attempt.
    pub first: u64,
    /// Newest attempt.
    pub last: u64,
    /// When it first came through; 0 = it has not.
    pub passed: u64,
}

impl Triplet {
    /// How long one that has not come through is kept: longer than any sender's queue may wait between two attempts.
    pub const WAITING_SECONDS: u64 = 3 * DAY;

    /// A first attempt.
    pub const fn begun(at: u64) -> Self {
        Self { epoch: 0, first: at, last: at, passed: 0 }
    }

    /// Another first attempt, long after this one.
    #[must_use]
    pub const fn anew(self, at: u64) -> Self {
        Self { epoch: self.epoch.saturating_add(1), ..Self::begun(at) }
    }
}

impl fmt::Display for Triplet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tried first at {}, last at {}", self.first, self.last)?;
        if self.passed == 0 { Ok(()) } else { write!(f, ", came through at {}", self.passed) }
    }
}

impl Record for Triplet {
    type Key = Digest;
    const NAME: &'static str = "triplets";
    const LIFETIME_SECONDS: u64 = 36 * DAY;

    fn encode(&self) -> Vec<u8> {
        let mut record = Writer::new(VERSION);
        record.number(self.epoch.into()).number(self.first).number(self.last).number(self.passed);
        record.finish()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut record = Reader::new(octets, VERSION)?;
        let triplet =
            Self { epoch: record.small()?, first: record.number()?, last: record.number()?, passed: record.number()? };
        record.end()?;
        Some(triplet)
    }

    fn expires_at(&self) -> u64 {
        let kept = if self.passed == 0 { Self::WAITING_SECONDS } else { Self::LIFETIME_SECONDS };
        self.last.saturating_add(kept)
    }

    fn newer(self, other: Self) -> Self {
        use std::cmp::Ordering::{Equal, Greater, Less};
        // Nothing adds nothing: its zeros are no times.
        let nothing = Self::default();
        if self == nothing || other == nothing {
            return if self == nothing { other } else { self };
        }
        match self.epoch.cmp(&other.epoch) {
            Greater => self,
            Less => other,
            Equal => Self {
                epoch: self.epoch,
                first: self.first.min(other.first),
                last: self.last.max(other.last),
                passed: match (self.passed, other.passed) {
                    (0, passed) | (passed, 0) => passed,
                    (one, another) => one.min(another),
                },
            },
        }
    }

    fn together(self, other: Self) -> Self {
        self.newer(other)
    }
}
