//! How is answered what is not at hand? All questions that wait go to the store together, in one request a kind.

use super::{
    super::{Missing, Seen, kinds::Kind},
    Breaker, Parts, metrics,
};
use crate::{
    ask::{Answered, StateAnswer, StateQuestion},
    state::{Digest, READ_MAX, Shelf, Standing, Tokens, Triplet},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long it sleeps at most: then it looks whether it is to end, and whether the store is back.
const LOOK: Duration = Duration::from_millis(100);

/// Questions of one kind.
type Asked<R> = Vec<(<R as crate::state::Record>::Key, Option<oneshot::Sender<Answered>>)>;

pub(super) struct Reader {
    parts: Parts,
    breaker: Breaker,
}

impl Reader {
    pub(super) fn new(parts: Parts) -> Self {
        let breaker = Breaker::new("read", parts.clock.clone(), parts.ring.clone());
        Self { parts, breaker }
    }

    pub(super) fn run(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            self.parts.recall.wait_for_missing(LOOK);
            self.turn();
        }
    }

    /// Answers what waits by now.
    pub(super) fn turn(&mut self) {
        let (mut standings, mut triplets, mut tokens) = (Asked::<Standing>::new(), Asked::<Triplet>::new(), Vec::new());
        let missing: Vec<Missing> = std::iter::from_fn(|| self.parts.recall.next_missing()).take(READ_MAX).collect();
        if missing.is_empty() && self.breaker.is_open() && self.breaker.allows() {
            // Nobody asks while answers are known to be missing: somebody has to.
            tokens.push((Digest::default(), None));
        }
        for Missing { question, reply } in missing {
            match question {
                StateQuestion::Standing(subject) => standings.push((subject, reply)),
                StateQuestion::Triplet(key) => triplets.push((key, reply)),
                StateQuestion::Tokens(key) => tokens.push((key, reply)),
            }
        }
        self.answer::<Standing>(standings);
        self.answer::<Triplet>(triplets);
        self.answer::<Tokens>(tokens);
    }

    fn answer<R: Kind>(&mut self, asked: Asked<R>)
    where
        dyn super::RecallStore: Shelf<R>,
    {
        let now = self.parts.clock.now().unix_seconds();
        let recall = self.parts.recall.clone();
        let table = R::table(&recall);
        let (mut keys, mut replies) = (Vec::new(), Vec::new());
        for (key, reply) in asked {
            // Another question may have brought it meanwhile.
            match (table.get(&key, now), reply) {
                (Seen::Known(known, age), Some(reply)) => send(Some(reply), known, age),
                (_, reply) => {
                    keys.push(key);
                    replies.push(reply);
                }
            }
        }
        if keys.is_empty() {
            return;
        }
        match self.read::<R>(&keys, now) {
            Some(held) => {
                for ((key, reply), held) in keys.into_iter().zip(replies).zip(held) {
                    table.fill(key.clone(), held, now);
                    if let Seen::Known(known, age) = table.get(&key, now) {
                        send(reply, known, age);
                    }
                }
            }
            None => {
                for reply in replies.into_iter().flatten() {
                    let _ = reply.send(Answered::state(StateAnswer::Unknown, Duration::ZERO));
                }
            }
        }
    }

    fn read<R: Kind>(&mut self, keys: &[R::Key], now: u64) -> Option<Vec<crate::state::Held<R>>>
    where
        dyn super::RecallStore: Shelf<R>,
    {
        if !self.breaker.allows() {
            return None;
        }
        let store: &dyn super::RecallStore = &*self.parts.store;
        let read = Shelf::<R>::read(store, keys, now);
        metrics::asked(R::NAME, keys.len());
        match &read {
            Ok(_) => self.breaker.worked(),
            Err(error) => self.breaker.failed(error),
        }
        self.parts.recall.set_troubled(self.breaker.is_open());
        read.ok().filter(|held| held.len() == keys.len())
    }
}

/// Who asked may have gone.
fn send<R: Kind>(reply: Option<oneshot::Sender<Answered>>, known: Option<R>, age: u64) {
    let answer = known.map_or(StateAnswer::Nothing, Kind::answer);
    let _ =
        reply.map(|reply| reply.send(Answered { cached: false, ..Answered::state(answer, Duration::from_secs(age)) }));
}
