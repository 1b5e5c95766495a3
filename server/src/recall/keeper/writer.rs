//! How does the store learn what has changed? Behind, in small requests; what fails is written again.

use super::{super::kinds::Kind, Breaker, Parts, metrics, sweep::Sweep, warm::Warm};
use crate::state::{KEEP_MAX, Shelf, Standing, StateError, Tokens, Triplet};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// How often it writes: so much may be lost when the daemon is killed, and the time that writing takes.
const EVERY: Duration = Duration::from_millis(250);

/// While memory is being filled: as short as lets others have a processor.
const EVERY_WARMING: Duration = Duration::from_millis(1);

/// Requests of one kind in one turn: what is left waits for the next.
const REQUESTS_MAX: usize = 250;

pub(super) struct Writer {
    parts: Parts,
    breaker: Breaker,
    turns: [usize; 3],
    warm: Option<Warm>,
    sweep: Sweep,
}

impl Writer {
    pub(super) fn new(parts: Parts) -> Self {
        let breaker = Breaker::new("write", parts.clock.clone(), parts.ring.clone());
        let sweep = Sweep::new(parts.records_max);
        Self { breaker, turns: [0; 3], warm: Some(Warm::default()), sweep, parts }
    }

    pub(super) fn run(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            self.turn();
            thread::sleep(if self.warm.is_some() && !self.breaker.is_open() { EVERY_WARMING } else { EVERY });
        }
        self.last();
    }

    /// Writes, fills memory at the start, forgets.
    pub(super) fn turn(&mut self) {
        metrics::show(&self.parts.recall, self.breaker.is_open());
        if !self.breaker.allows() {
            return;
        }
        let written = self.revive().and_then(|()| self.write());
        let done = written.and_then(|written| self.read_ahead().and_then(|()| self.forget(written)));
        match done {
            Ok(()) => self.breaker.worked(),
            Err(error) => self.breaker.failed(&error),
        }
    }

    fn revive(&self) -> Result<(), StateError> {
        if self.breaker.is_open()
            && let Some(aside) = self.parts.store.revive()?
        {
            crate::app::meters::store_damaged();
            let recall = &self.parts.recall;
            recall.standings.all_unwritten();
            recall.triplets.all_unwritten();
            recall.tokens.all_unwritten();
            recall.exceptions.all_unwritten();
            let words = vec![("kept_as", aside.display().to_string())];
            self.parts.ring.notice(self.parts.clock.now(), "store_damaged", words);
        }
        Ok(())
    }

    /// Everything, before the end.
    fn last(&mut self) {
        // Each turn takes what was changed by then, and nothing changes any more: bounded by what there is.
        while self.unwritten() > 0 {
            let before = self.unwritten();
            if self.write().is_err() || self.unwritten() >= before {
                return;
            }
        }
    }

    fn unwritten(&self) -> usize {
        let recall = &self.parts.recall;
        recall.standings.unwritten() + recall.triplets.unwritten() + recall.tokens.unwritten()
    }

    /// Gives how many records it wrote.
    fn write(&mut self) -> Result<usize, StateError> {
        let (mut standings, mut triplets, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        let mut written = self.write_kind::<Standing>(0, &mut standings);
        written = written.and_then(|()| self.write_kind::<Triplet>(1, &mut triplets));
        written = written.and_then(|()| self.write_kind::<Tokens>(2, &mut tokens));
        let count = standings.len() + triplets.len() + tokens.len();
        let settled = if count > 0 { self.parts.store.settle() } else { Ok(()) };
        if settled.is_err() {
            // What it took, it may have lost.
            let recall = &self.parts.recall;
            recall.standings.not_written(standings);
            recall.triplets.not_written(triplets);
            recall.tokens.not_written(tokens);
        }
        written.and(settled).map(|()| count)
    }

    /// Writes what has changed of one kind; what the store took is added to `wrote`.
    fn write_kind<R: Kind>(&mut self, kind: usize, wrote: &mut Vec<R::Key>) -> Result<(), StateError>
    where
        dyn super::RecallStore: Shelf<R>,
    {
        let (table, store) = (R::table(&self.parts.recall), &*self.parts.store);
        let now = self.parts.clock.now().unix_seconds();
        for _ in 0..REQUESTS_MAX {
            let dirty = table.take_dirty(&mut self.turns[kind], KEEP_MAX);
            if dirty.changed.is_empty() && dirty.unbased.is_empty() {
                break;
            }
            // First read, then written in the next round: what the store holds must not be lost.
            let base = read(store, table, &dirty.unbased, now);
            table.not_written(dirty.unbased);
            let kept = base.and_then(|()| if dirty.changed.is_empty() { Ok(()) } else { store.keep(&dirty.changed) });
            let keys = dirty.changed.into_iter().map(|(key, _)| key);
            if let Err(error) = kept {
                table.not_written(keys);
                return Err(error);
            }
            let keys: Vec<R::Key> = keys.collect();
            metrics::wrote(R::NAME, keys.len());
            // What is in use here is what others' changes matter for.
            let heard = if store.is_shared() { read(store, table, &keys, now) } else { Ok(()) };
            wrote.extend(keys);
            heard?;
        }
        Ok(())
    }

    fn read_ahead(&mut self) -> Result<(), StateError> {
        if let Some(warm) = &mut self.warm
            && warm.turn(&self.parts)?
        {
            self.warm = None;
            self.parts.ring.notice(self.parts.clock.now(), "memory_warm", Vec::new());
        }
        Ok(())
    }

    fn forget(&mut self, written: usize) -> Result<(), StateError> {
        if self.parts.store.forgets() || self.warm.is_some() { Ok(()) } else { self.sweep.turn(&self.parts, written) }
    }
}

fn read<R: Kind>(
    store: &(dyn super::RecallStore + 'static),
    table: &super::super::Table<R>,
    keys: &[R::Key],
    now: u64,
) -> Result<(), StateError>
where
    dyn super::RecallStore: Shelf<R>,
{
    if keys.is_empty() {
        return Ok(());
    }
    let held = Shelf::<R>::read(store, keys, now)?;
    metrics::asked(R::NAME, keys.len());
    keys.iter().zip(held).for_each(|(key, held)| table.fill(key.clone(), held, now));
    Ok(())
}
