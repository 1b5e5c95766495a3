//! How is answered what is not at hand? All questions that wait go to the store together, in one request.

use super::{
    super::{Missing, Recall, Seen, kinds::Kind},
    Breaker, Found, Parts, Wanted, metrics,
};
use crate::{
    ask::{Answered, StateAnswer, StateQuestion},
    state::{Digest, Held, READ_MAX, Record, Standing, Tokens, Triplet},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long it sleeps at most: then it looks whether it is to end, and whether the store is back.
const LOOK: Duration = Duration::from_millis(100);

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
        let (recall, now) = (self.parts.recall.clone(), self.parts.clock.now().unix_seconds());
        let mut waiting = (Waiting::<Standing>::default(), Waiting::<Triplet>::default(), Waiting::<Tokens>::default());
        let missing: Vec<Missing> = std::iter::from_fn(|| recall.next_missing()).take(READ_MAX).collect();
        if missing.is_empty() && self.breaker.is_open() && self.breaker.allows() {
            // Nobody asks while answers are known to be missing: somebody has to.
            waiting.2.keys.push(Digest::default());
            waiting.2.replies.push(None);
        }
        for Missing { question, reply } in missing {
            match question {
                StateQuestion::Standing(subject) => waiting.0.add(&recall, subject, reply, now),
                StateQuestion::Triplet(key) => waiting.1.add(&recall, key, reply, now),
                StateQuestion::Tokens(key) => waiting.2.add(&recall, key, reply, now),
            }
        }
        if waiting.0.keys.len() + waiting.1.keys.len() + waiting.2.keys.len() == 0 {
            return;
        }
        let wanted = Wanted { standings: &waiting.0.keys, triplets: &waiting.1.keys, tokens: &waiting.2.keys };
        let found = self.read(&wanted, now).unwrap_or_default();
        waiting.0.tell(&recall, found.standings, now);
        waiting.1.tell(&recall, found.triplets, now);
        waiting.2.tell(&recall, found.tokens, now);
    }

    fn read(&mut self, wanted: &Wanted<'_>, now: u64) -> Option<Found> {
        if !self.breaker.allows() {
            return None;
        }
        let read = self.parts.store.read_all(wanted, now);
        metrics::asked(Standing::NAME, wanted.standings.len());
        metrics::asked(Triplet::NAME, wanted.triplets.len());
        metrics::asked(Tokens::NAME, wanted.tokens.len());
        match &read {
            Ok(_) => self.breaker.worked(),
            Err(error) => self.breaker.failed(error),
        }
        self.parts.recall.set_troubled(self.breaker.is_open());
        read.ok()
    }
}

/// Questions of one kind, and who wants to know.
struct Waiting<R: Kind> {
    keys: Vec<R::Key>,
    replies: Vec<Option<oneshot::Sender<Answered>>>,
}

impl<R: Kind> Default for Waiting<R> {
    fn default() -> Self {
        Self { keys: Vec::new(), replies: Vec::new() }
    }
}

impl<R: Kind> Waiting<R> {
    /// One more, unless another question has brought the answer meanwhile.
    fn add(&mut self, recall: &Recall, key: R::Key, reply: Option<oneshot::Sender<Answered>>, now: u64) {
        match (R::table(recall).get(&key, now), reply) {
            (Seen::Known(known, age), Some(reply)) => send(Some(reply), known, age),
            (_, reply) => {
                self.keys.push(key);
                self.replies.push(reply);
            }
        }
    }

    /// Takes in what the store holds, in the order of the keys, and tells it; without that nothing is known.
    fn tell(self, recall: &Recall, found: Vec<Held<R>>, now: u64) {
        let table = R::table(recall);
        let mut found = found.into_iter();
        for (key, reply) in self.keys.into_iter().zip(self.replies) {
            let Some(held) = found.next() else {
                // Who asked may have gone.
                let _ = reply.map(|reply| reply.send(Answered::state(StateAnswer::Unknown, Duration::ZERO)));
                continue;
            };
            table.fill(key.clone(), held, now);
            if let Seen::Known(known, age) = table.get(&key, now) {
                send(reply, known, age);
            }
        }
    }
}

/// Who asked may have gone.
fn send<R: Kind>(reply: Option<oneshot::Sender<Answered>>, known: Option<R>, age: u64) {
    let answer = known.map_or(StateAnswer::Nothing, Kind::answer);
    let _ =
        reply.map(|reply| reply.send(Answered { cached: false, ..Answered::state(answer, Duration::from_secs(age)) }));
}
