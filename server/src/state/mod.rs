//! What survives a restart? Traits named for the question they answer, each with a lifetime and a bound.
//!
//! `memory` forgets with the process and serves tests; `sled` is the embedded store, safe behind six guards (its file
//! says which). `key` is the pool's key, a file of its own: operators copy it between servers, and a damaged store
//! must not take it along.

pub mod key;
mod list_cards;
mod list_health;
mod memory;
pub(crate) mod octets;
mod sled;

#[cfg(test)]
mod conformance;

pub use list_cards::ListCards;
pub use list_health::{KeptList, LISTS_KEPT_MAX, LISTS_KEPT_SECONDS, ListHealth};
pub use memory::Memory;
pub use sled::{Opened, Sled};

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
}

/// Is the kill switch thrown? Bound: one state. Lifetime: its `until`, at most `KillSwitch::SECONDS_MAX` ahead.
pub trait Switches: Send + Sync {
    /// As it was stored last, if that has not ended at `now` (Unix seconds).
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError>;

    /// Stores it, or that it is not thrown; on disk before this returns, because it is rare and must hold.
    fn set_thrown(&self, state: Option<&SwitchState>) -> Result<(), StateError>;
}
