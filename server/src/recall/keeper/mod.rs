//! Who stands between memory and the store? Two threads: one reads what is missing, one writes what has changed, fills
//! memory at the start, and forgets what has expired. No core ever waits for the store's disk or network.
//!
//! Both keep away from a store that fails (`breaker`). Memory decides alone meanwhile, changes stay where they are, and
//! what came together on either side merges when the store is back.

mod breaker;
mod metrics;
mod reader;
mod sweep;
mod warm;
mod writer;

use super::Recall;
use crate::{
    clock::Clock,
    decision_log::LogRing,
    state::{Digest, Held, Memory, Redis, Shelf, Sled, Standing, StateError, Subject, Tokens, Triplet},
};
use breaker::Breaker;
use reader::Reader;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};
use writer::Writer;

/// What is wanted of a store at a moment; all kinds together at most [`crate::state::READ_MAX`] keys.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Reputations.
    pub standings: &'a [Subject],
    /// Triplets.
    pub triplets: &'a [Digest],
    /// Limits.
    pub tokens: &'a [Digest],
}

/// What a store holds of what is wanted, each kind in the order of its keys.
#[derive(Debug, Default)]
pub struct Found {
    /// Reputations.
    pub standings: Vec<Held<Standing>>,
    /// Triplets.
    pub triplets: Vec<Held<Triplet>>,
    /// Limits.
    pub tokens: Vec<Held<Tokens>>,
}

/// What memory needs of a store. Calls block, and end within the store's own time-out.
pub trait RecallStore: Shelf<Standing> + Shelf<Triplet> + Shelf<Tokens> {
    /// Reads all that is wanted; a store that is far away in one request.
    fn read_all(&self, wanted: &Wanted<'_>, now: u64) -> Result<Found, StateError> {
        Ok(Found {
            standings: Shelf::<Standing>::read(self, wanted.standings, now)?,
            triplets: Shelf::<Triplet>::read(self, wanted.triplets, now)?,
            tokens: Shelf::<Tokens>::read(self, wanted.tokens, now)?,
        })
    }

    /// Brings to disk what was written.
    fn settle(&self) -> Result<(), StateError> {
        Ok(())
    }

    /// Gets it to work again after a failure, if that needs anything. Gives the place of what was damaged, if an empty
    /// store had to take its place.
    fn revive(&self) -> Result<Option<PathBuf>, StateError> {
        Ok(None)
    }

    /// Gives back room that it does not need; after each round over it.
    fn tidy(&self) -> Result<(), StateError> {
        Ok(())
    }

    /// Other servers write to it too: what is not here may be there, and what is here may have changed.
    fn is_shared(&self) -> bool {
        false
    }

    /// It forgets by itself what has expired.
    fn forgets(&self) -> bool {
        false
    }
}

impl RecallStore for Sled {
    fn settle(&self) -> Result<(), StateError> {
        self.flush()
    }

    fn revive(&self) -> Result<Option<PathBuf>, StateError> {
        self.reopen()
    }

    fn tidy(&self) -> Result<(), StateError> {
        Self::tidy(self).map(drop)
    }
}

impl RecallStore for Redis {
    fn read_all(&self, wanted: &Wanted<'_>, now: u64) -> Result<Found, StateError> {
        let (standings, triplets, tokens) = self.read_three((wanted.standings, wanted.triplets, wanted.tokens), now)?;
        Ok(Found { standings, triplets, tokens })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn forgets(&self) -> bool {
        true
    }
}

impl RecallStore for Memory {}

/// What the keeper works with.
#[derive(Clone)]
pub struct Parts {
    /// What is at hand.
    pub recall: Arc<Recall>,
    /// What survives.
    pub store: Arc<dyn RecallStore>,
    /// The time.
    pub clock: Clock,
    /// Takes notices.
    pub ring: LogRing,
    /// Records of one kind that the store may hold; the oldest go first.
    pub records_max: u64,
}

/// The running threads.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    recall: Arc<Recall>,
    threads: Vec<JoinHandle<()>>,
}

/// Every series that can be named beforehand.
pub fn register_metrics(recall: &Recall) {
    metrics::describe();
    metrics::show(recall, false);
}

impl Keeper {
    /// Starts both threads. Install the metrics recorder before.
    pub fn start(parts: Parts) -> io::Result<Self> {
        register_metrics(&parts.recall);
        let (stop, recall) = (Arc::new(AtomicBool::new(false)), parts.recall.clone());
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let (mut reader, mut writer) = (Reader::new(parts.clone()), Writer::new(parts));
        let (reads, writes) = (stop.clone(), stop.clone());
        let threads = vec![
            named("recall").spawn(move || reader.run(&reads))?,
            named("remember").spawn(move || writer.run(&writes))?,
        ];
        Ok(Self { stop, recall, threads })
    }

    /// Ends both when all that has changed is written, or the store fails.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.recall.wake_keeper();
        for thread in self.threads {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
