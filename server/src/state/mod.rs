//! What survives a restart? Traits named for the question they answer, each with a lifetime and a bound.
//!
//! `memory` forgets with the process and serves tests; `sled` is the embedded store, safe behind six guards (its file
//! says which); `redis` is a Redis or Valkey that servers share. `settings` says which one is used. `key` is the pool's key, a file of its own: operators copy it between servers, and a damaged store
//! must not take it along.

pub mod key;
mod list_cards;
mod list_health;
mod memory;
pub(crate) mod octets;
mod records;
mod redis;
mod settings;
mod shelf;
mod sled;
mod trouble;

#[cfg(test)]
mod conformance;

pub use list_cards::ListCards;
pub use list_health::{KeptList, LISTS_KEPT_MAX, LISTS_KEPT_SECONDS, ListHealth};
pub use memory::Memory;
pub use records::{
    Digest, Exception, Experience, Hits, Horizon, Pace, ROLL_MAX, Roll, Standing, Subject, Tokens, Triplet,
};
pub use redis::{Node, Redis};
pub use settings::{FIELDS, RedisSettings, Settings, Store};
pub use shelf::{Cursor, Held, KEEP_MAX, Key, Page, READ_MAX, Record, Shelf};
pub use sled::{Opened, Sled};
pub use trouble::Trouble;

use crate::pipeline::SwitchState;
use thiserror::Error;

/// A store did not do what it was asked for.
#[derive(Clone, Debug, Error)]
pub enum StateError {
    /// Another process has it open.
    #[error("{0}: in use: another tollgated is running on this folder")]
    InUse(String),
    /// The file system or the store said no.
    #[error("{0}: {1}")]
    Failed(String, String),
    /// A store that servers share did not answer, or refused.
    #[error("{at}: {trouble}: {text}")]
    Shared {
        /// Host and port, or path of the socket.
        at: String,
        /// In a word.
        trouble: Trouble,
        /// What it said, or what happened: printable, bounded, without secrets.
        text: String,
    },
}

/// Is the kill switch thrown? Bound: one state. Lifetime: its `until`, at most `KillSwitch::SECONDS_MAX` ahead.
pub trait Switches: Send + Sync {
    /// As it was stored last, if that has not ended at `now` (Unix seconds).
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError>;

    /// Stores it, or that it is not thrown; on disk before this returns, because it is rare and must hold.
    fn set_thrown(&self, state: Option<&SwitchState>) -> Result<(), StateError>;
}

/// Who has tried to send to whom, and came back? Bound: what the store has room for; of those kept at hand, `[state]`.
/// Lifetime: [`Triplet::WAITING_SECONDS`] until it came through, 36 days after it did last.
pub trait Triplets: Shelf<Triplet> {}

impl<S: Shelf<Triplet>> Triplets for S {}

/// How has an address, net, name or domain behaved? Lifetime: 150 days after the newest experience.
pub trait Reputation: Shelf<Standing> {}

impl<S: Shelf<Standing>> Reputation for S {}

/// How much of each limit is used up? Lifetime: until the bucket is full again, 7 days at most.
pub trait Counters: Shelf<Tokens> {}

impl<S: Shelf<Tokens>> Counters for S {}

/// Whom has an administrator let through or kept out? Lifetime: until it ends, 400 days at most.
pub trait Exceptions: Shelf<Exception> + Shelf<Roll> {}

impl<S: Shelf<Exception> + Shelf<Roll>> Exceptions for S {}
