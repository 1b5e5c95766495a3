//! Which exceptions are there? Their ids, in rolls of which each holds a share: so nobody has to look through a whole
//! store, which may hold millions of other things.

use super::Digest;
use crate::state::{
    Key, Record,
    octets::{Reader, Writer},
};
use std::collections::BTreeMap;

const VERSION: u8 = 1;

/// Ids on one roll: seven times as many as an even share of all, and no more octets than a store takes.
pub const ROLL_MAX: usize = 300;

/// Ids with the end of each, Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll(BTreeMap<Digest, u64>);

impl Roll {
    /// Rolls in all: as many as are read in one request.
    pub const ROLLS: usize = crate::state::READ_MAX;

    /// Under which key the roll of that number lies.
    pub fn key(number: usize) -> Digest {
        Digest::of(&[b"exceptions", &number.to_le_bytes()])
    }

    /// Which roll an exception is on: one octet of its id.
    pub fn of(id: Digest) -> usize {
        id.octets().first().map_or(0, |&octet| octet.into())
    }

    /// All of them.
    pub fn ids(&self) -> impl Iterator<Item = Digest> {
        self.0.keys().copied()
    }
}

const _: () = assert!(Roll::ROLLS == 256, "one for each value of an octet");

/// Of an id that comes twice the later end counts; what does not fit any more is left out.
impl FromIterator<(Digest, u64)> for Roll {
    fn from_iter<I: IntoIterator<Item = (Digest, u64)>>(entries: I) -> Self {
        let mut roll = BTreeMap::new();
        for (id, until) in entries {
            if roll.len() < ROLL_MAX || roll.contains_key(&id) {
                let known: &mut u64 = roll.entry(id).or_default();
                *known = until.max(*known);
            }
        }
        Self(roll)
    }
}

impl Record for Roll {
    type Key = Digest;
    const NAME: &'static str = "exception_rolls";
    const LIFETIME_SECONDS: u64 = 400 * 86_400;

    fn encode(&self) -> Vec<u8> {
        let mut record = Writer::new(VERSION);
        record.number(self.0.len() as u64);
        for (id, until) in &self.0 {
            record.raw(&id.octets()).number(*until);
        }
        record.finish()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut record = Reader::new(octets, VERSION)?;
        let mut roll = BTreeMap::new();
        for _ in 0..record.count(ROLL_MAX)? {
            roll.insert(Digest::from_octets(record.raw(Digest::OCTETS_MAX)?)?, record.number()?);
        }
        record.end()?;
        Some(Self(roll))
    }

    fn expires_at(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }

    fn newer(self, other: Self) -> Self {
        self.0.into_iter().chain(other.0).collect()
    }

    fn together(self, other: Self) -> Self {
        self.newer(other)
    }
}
