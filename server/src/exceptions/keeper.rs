//! How do exceptions survive, and how do servers that share a store hear of each other's? One thread reads and writes; who
//! makes one waits until it is written.

use super::{Exceptions, kept::KEPT_MAX};
use crate::{
    clock::Clock,
    decision_log::LogRing,
    recall::Recall,
    state::{self, Digest, Exception, KEEP_MAX, Memory, READ_MAX, Redis, Roll, Shelf, Sled, StateError},
};
use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often hits are written: so much of them is lost when the daemon is killed.
const EVERY: Duration = Duration::from_millis(250);

/// How often a store that others write to is read, and what has ended is forgotten.
const REFRESH: Duration = Duration::from_secs(10);

/// How long a store that failed is left alone.
const RETRY: Duration = Duration::from_secs(5);

/// What exceptions need of a store. Calls block, and end within the store's own time-out.
pub trait Store: state::Exceptions {
    /// Brings to disk what was written.
    fn settle(&self) -> Result<(), StateError> {
        Ok(())
    }

    /// Other servers write to it too.
    fn is_shared(&self) -> bool {
        false
    }
}

impl Store for Sled {
    fn settle(&self) -> Result<(), StateError> {
        self.flush()
    }
}

impl Store for Redis {
    fn is_shared(&self) -> bool {
        true
    }
}

impl Store for Memory {}

impl Exceptions {
    /// Takes in what the store holds.
    pub fn read(&self, store: &dyn Store, clock: &Clock) -> Result<(), StateError> {
        let now = clock.now();
        let keys: Vec<Digest> = (0..Roll::ROLLS).map(Roll::key).collect();
        let rolls = Shelf::<Roll>::read(store, &keys, now.unix_seconds())?;
        let rolls: Vec<Roll> = rolls.into_iter().filter_map(state::Held::all).collect();
        let ids: BTreeSet<Digest> = rolls.iter().flat_map(Roll::ids).collect();
        let ids: Vec<Digest> = ids.into_iter().take(KEPT_MAX).collect();
        let mut changed = false;
        for some in ids.chunks(READ_MAX) {
            let held = Shelf::<Exception>::read(store, some, now.unix_seconds())?;
            let mut kept = self.kept();
            some.iter().zip(held).for_each(|(id, held)| changed |= kept.take(*id, held));
        }
        if changed {
            self.show(&self.kept(), now);
        }
        self.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Writes what the store does not have. What fails is written again.
    pub fn write(&self, store: &dyn Store) -> Result<(), StateError> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.loaded.load(Ordering::Acquire) {
            // The rolls are not known: they would be written without what is on them.
            return Err(StateError::Failed("exceptions".to_owned(), "the store has not answered yet".to_owned()));
        }
        let unwritten = self.kept().take_unwritten();
        if unwritten.records.is_empty() && unwritten.rolls.is_empty() && unwritten.expired.is_empty() {
            return Ok(());
        }
        // First the exceptions, then the rolls that name them.
        let rolls: Vec<(Digest, Roll)> =
            unwritten.rolls.iter().map(|(number, roll)| (Roll::key(*number), roll.clone())).collect();
        let (full, empty): (Vec<_>, Vec<_>) = rolls.into_iter().partition(|(_, roll)| roll.ids().next().is_some());
        let empty: Vec<Digest> = empty.into_iter().map(|(key, _)| key).collect();
        let kept = unwritten.records.chunks(KEEP_MAX).try_for_each(|some| store.keep(some));
        let kept = kept.and_then(|()| full.chunks(KEEP_MAX).try_for_each(|some| store.keep(some)));
        let kept = kept.and_then(|()| forget(store, &unwritten.expired, &empty)).and_then(|()| store.settle());
        if kept.is_err() {
            self.kept().not_written(unwritten);
        }
        kept
    }

    /// The store was lost: it gets all of them again.
    pub fn all_unwritten(&self) {
        self.kept().all_unwritten();
    }

    fn sweep(&self, clock: &Clock) {
        let (now, mut kept) = (clock.now(), self.kept());
        if kept.sweep(now.unix_seconds()) {
            self.show(&kept, now);
        }
    }
}

fn forget(store: &dyn Store, expired: &[Digest], empty: &[Digest]) -> Result<(), StateError> {
    expired.chunks(KEEP_MAX).try_for_each(|some| Shelf::<Exception>::remove(store, some))?;
    empty.chunks(KEEP_MAX).try_for_each(|some| Shelf::<Roll>::remove(store, some))
}

/// What the keeper works with.
#[derive(Clone)]
pub struct Parts {
    /// Memory, whose exceptions these are.
    pub recall: Arc<Recall>,
    /// What survives.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
    /// Takes notices.
    pub ring: LogRing,
}

/// The running thread.
pub struct Keeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Reads what the store holds, if it answers, and starts the thread. Nobody is decided about before this returns; a
    /// store that is silent holds it up for as long as its own time-out, once.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut turns = Turns { failed: None, read: None, parts };
        turns.turn();
        let stops = stop.clone();
        let thread = thread::Builder::new().name("exceptions".to_owned()).spawn(move || turns.run(&stops))?;
        Ok(Self { stop, thread })
    }

    /// Ends it when the newest hits are written, or the store fails.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A panic there has been reported by the panic hook.
        let _ = self.thread.join();
    }
}

pub(super) struct Turns {
    pub(super) parts: Parts,
    /// When the store failed, if it has not answered since.
    pub(super) failed: Option<Instant>,
    pub(super) read: Option<Instant>,
}

impl Turns {
    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            thread::sleep(EVERY);
            self.turn();
        }
        // Nobody is left to be told; what could not be written was told before.
        let _ = self.parts.recall.exceptions.write(&*self.parts.store);
    }

    pub(super) fn turn(&mut self) {
        let now = self.parts.clock.steady();
        let is_over = |at: Option<Instant>, wait| at.is_none_or(|at| now.saturating_duration_since(at) >= wait);
        if !is_over(self.failed, RETRY) {
            return;
        }
        let (exceptions, store) = (&self.parts.recall.exceptions, &*self.parts.store);
        let due = is_over(self.read, REFRESH);
        if due {
            exceptions.sweep(&self.parts.clock);
        }
        let reads = due && (store.is_shared() || !exceptions.loaded.load(Ordering::Acquire));
        let read = if reads { exceptions.read(store, &self.parts.clock) } else { Ok(()) };
        if due && read.is_ok() {
            self.read = Some(now);
        }
        let done = read.and_then(|()| exceptions.write(store));
        self.tell(done, now);
    }

    fn tell(&mut self, done: Result<(), StateError>, now: Instant) {
        let (event, words) = match (&done, self.failed) {
            (Err(error), None) => ("exceptions_trouble", vec![("error", error.to_string())]),
            (Ok(()), Some(_)) => ("exceptions_recovered", Vec::new()),
            (Err(_), Some(_)) | (Ok(()), None) => {
                self.failed = done.err().map(|_| now);
                return;
            }
        };
        self.failed = done.err().map(|_| now);
        self.parts.ring.notice(self.parts.clock.now(), event, words);
    }
}
