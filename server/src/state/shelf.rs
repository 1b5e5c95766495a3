//! What does a store have to do? Keep records by key, each kind on a shelf of its own.
//!
//! Several servers may share a store. Each writes its own field of a record and no other: so nothing has to be counted
//! up in the store, nothing is counted twice, and a write that is repeated changes nothing. What a field says is
//! monotone; versions of one field merge by the newer ([`Record::newer`]), fields of several servers are told together
//! ([`Record::together`]).

use super::StateError;
use std::{fmt::Debug, hash::Hash};

/// Records read in one request at most.
pub const READ_MAX: usize = 256;

/// Records written in one request at most: sled loses memory in larger batches.
pub const KEEP_MAX: usize = 200;

/// Under what a record is found. Bounded: [`Key::OCTETS_MAX`].
pub trait Key: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static {
    /// Longest key as octets.
    const OCTETS_MAX: usize;

    /// As octets: different keys have different octets.
    fn octets(&self) -> Vec<u8>;

    /// The key of these octets; `None` = they are no key.
    fn from_octets(octets: &[u8]) -> Option<Self>;

    /// Octets it owns outside of itself.
    fn heap_octets(&self) -> usize {
        0
    }
}

/// One kind of record.
pub trait Record: Clone + Debug + Default + PartialEq + Send + Sync + 'static {
    /// Under what it is found.
    type Key: Key;

    /// Name of the shelf: in stores, metrics and logs.
    const NAME: &'static str;

    /// Longest time a record is kept after it changed last, in seconds.
    const LIFETIME_SECONDS: u64;

    /// As octets, with a version in front.
    fn encode(&self) -> Vec<u8>;

    /// The record of these octets; `None` = damaged, or of another release.
    fn decode(octets: &[u8]) -> Option<Self>;

    /// From when on it says nothing any more, Unix seconds: at most [`Record::LIFETIME_SECONDS`] after its last change.
    fn expires_at(&self) -> u64;

    /// The newer of two versions of what one server says. Commutative, associative, idempotent; the default is nothing,
    /// and adds nothing.
    #[must_use]
    fn newer(self, other: Self) -> Self;

    /// What two servers say together. Commutative, and associative but for rounding; the default adds nothing.
    #[must_use]
    fn together(self, other: Self) -> Self;

    /// Others say something new: `before` is what they said so many seconds ago (`None` = not known). Most records need
    /// not know: they are told together whenever they are looked at.
    fn absorb(&mut self, _before: Option<&Self>, _others: &Self, _age: Option<u64>) {}
}

/// What a store holds under a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Held<R> {
    /// What this server wrote.
    pub own: Option<R>,
    /// What all others wrote, told together.
    pub others: Option<R>,
}

impl<R> Default for Held<R> {
    fn default() -> Self {
        Self { own: None, others: None }
    }
}

impl<R: Record> Held<R> {
    /// All of it.
    pub fn all(self) -> Option<R> {
        match (self.own, self.others) {
            (Some(own), Some(others)) => Some(own.together(others)),
            (own, others) => own.or(others),
        }
    }
}

/// Where a walk over a shelf goes on; opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(super) Vec<u8>);

/// Some records of a shelf.
#[derive(Clone, Debug)]
pub struct Page<R: Record> {
    /// Expired ones too, and in a shared store a record may come twice.
    pub records: Vec<(R::Key, Held<R>)>,
    /// `None` = that was all.
    pub next: Option<Cursor>,
}

/// A shelf of a store. All calls may block, none longer than the store's own time-out; no core makes them.
pub trait Shelf<R: Record>: Send + Sync {
    /// What is held under each key, in the order of the keys (at most [`READ_MAX`]). What has expired at `now` (Unix
    /// seconds) or cannot be read is absent.
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError>;

    /// Stores what this server says under each key (at most [`KEEP_MAX`]) over what it said before; on disk, or out of
    /// this process, within a second.
    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError>;

    /// Removes records that have expired.
    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError>;

    /// About `most` records from a place on; from the beginning without one. What is written meanwhile may be missed.
    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError>;
}
