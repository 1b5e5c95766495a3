//! Who watches the DNS lists? A task of the control thread that takes what others saw, asks lists and resolvers about
//! themselves, puts up the board that the checks read, and writes behind into the store.

mod probing;
mod resolvers;
mod standing;
mod watch;
mod watched;

pub use standing::Standing;

use super::{
    DnsLists, Settings,
    card::{Report, Window},
    metrics,
};
use crate::{
    ask::{Ask, Upstream},
    clock::Clock,
    decision_log::LogRing,
    state::{ListCards, ListHealth, StateError},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};
use watch::Watch;

/// How often it looks.
const TURN: Duration = Duration::from_millis(100);
/// How often it writes at most, in turns, and after a write that failed.
const WRITE_TURNS: u32 = 10;
const RETRY_TURNS: u32 = 600;

/// What the keeper needs of a store.
pub trait ListStore: ListHealth + ListCards {}

impl<S: ListHealth + ListCards> ListStore for S {}

/// What the keeper works with.
pub struct Parts {
    /// What all threads share.
    pub lists: Arc<DnsLists>,
    /// Answers its own questions.
    pub ask: Arc<dyn Ask>,
    /// What survives.
    pub store: Arc<dyn ListStore>,
    /// The time.
    pub clock: Clock,
    /// Takes notices.
    pub ring: LogRing,
    /// All resolvers with the names they are known by; the default one is among them.
    pub resolvers: Vec<(String, Upstream)>,
    /// `[dns_lists]` as it stands at the start.
    pub settings: Settings,
}

struct Shared {
    parts: Parts,
    // std mutex: held for a turn, a report or a copy, never over an await.
    watch: Mutex<Watch>,
    /// Held while writing, so that nothing old is written over something new.
    pen: Mutex<()>,
}

/// The task.
pub struct Keeper {
    shared: Arc<Shared>,
    wait: u32,
    writing: Option<JoinHandle<bool>>,
}

/// What others may ask the keeper; cheap to clone.
#[derive(Clone)]
pub struct KeeperHandle(Arc<Shared>);

impl Keeper {
    /// A keeper that goes on where an earlier one ended. What is remembered of the lists declared by now is on the
    /// board when this returns. `Err` = the store cannot be read.
    pub fn new(parts: Parts) -> Result<(Self, KeeperHandle), StateError> {
        metrics::describe();
        let now = parts.clock.now();
        let kept = parts.store.lists(now.unix_seconds())?;
        let buckets = parts.store.buckets(now.unix_seconds())?;
        let watch = Mutex::new(Watch::new(&parts, kept, buckets, now));
        let shared = Arc::new(Shared { parts, watch, pen: Mutex::new(()) });
        Ok((Self { shared: shared.clone(), wait: WRITE_TURNS, writing: None }, KeeperHandle(shared)))
    }

    /// Watches until it is dropped.
    pub async fn run(mut self) {
        let mut tick = interval(TURN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.turn();
            self.write_behind().await;
        }
    }

    /// Does what is to be done at this moment.
    pub fn turn(&mut self) {
        self.shared.watch().turn(&self.shared.parts, self.shared.parts.clock.now());
    }

    /// Starts a write if it is time and the last one has ended.
    async fn write_behind(&mut self) {
        self.wait = self.wait.saturating_sub(1);
        if let Some(ended) = self.writing.take_if(|writing| writing.is_finished())
            && !ended.await.unwrap_or(false)
        {
            self.wait = RETRY_TURNS;
        }
        if self.wait == 0 && self.writing.is_none() {
            self.wait = WRITE_TURNS;
            let shared = self.shared.clone();
            self.writing = Some(spawn_blocking(move || shared.write(false).is_ok()));
        }
    }
}

impl KeeperHandle {
    /// All lists of the policy in force, by name.
    pub fn standings(&self) -> Vec<Standing> {
        let (watch, now) = (self.0.watch(), self.0.parts.clock.now());
        let mut standings: Vec<Standing> =
            watch.lists.values().map(|watched| watched.standing(&watch.traffic, now)).collect();
        standings.sort_by(|one, other| one.name.cmp(&other.name));
        standings
    }

    /// The report card.
    pub fn report(&self, window: Window) -> Report {
        self.0.watch().card.report(window, self.0.parts.clock.now())
    }

    /// Other settings are in force.
    pub fn set(&self, settings: Settings) {
        self.0.watch().settings = settings;
    }

    /// Writes what is not written yet; at the end of the daemon, before the store is flushed. Blocks.
    pub fn flush(&self) -> Result<(), StateError> {
        self.0.write(true)
    }
}

impl Shared {
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, all: bool) -> Result<(), StateError> {
        let _pen = self.pen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.parts.clock.now();
        let unwritten = self.watch().take_unwritten(all, now);
        let store = &self.parts.store;
        let written = store.keep_lists(&unwritten.lists).and_then(|()| store.keep_buckets(&unwritten.buckets));
        if let Err(error) = &written {
            self.watch().forget_written();
            metrics::store_failed();
            self.parts.ring.notice(now, "list_store_failed", vec![("error", error.to_string())]);
        }
        written
    }
}

#[cfg(test)]
mod tests;
