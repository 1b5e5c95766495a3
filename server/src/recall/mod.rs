//! What do we remember, at once? Bounded tables in memory that answer every core without disk or network, over a store
//! that is read and written behind.
//!
//! `table` holds one kind of record, `answers` puts memory beside the DNS for the engine, `waits` counts how long mail
//! waited, `keeper` reads what is not at hand, writes what has changed, and forgets. Without a store (tests, or
//! `store = "memory"`) what is not here is nowhere.

mod answers;
pub mod keeper;
mod kinds;
mod table;
mod waits;

pub use answers::WithMemory;
pub use kinds::Kind;
pub use table::{Dirty, Seen, Table};
pub use waits::{WAITED, WAITED_EDGES};

use crate::{
    ask::{Answered, StateAnswer, StateQuestion},
    check::{Effect, Memory, Waits},
    clock::{Clock, Now},
    exceptions::Exceptions,
    state::{Digest, Key, Pace, Standing, Subject, Tokens, Triplet},
};
use crossbeam_queue::ArrayQueue;
use metrics::{Counter, counter};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::oneshot;
use waits::WaitCounts;

/// Questions that wait for the store: it answers thousands in a second, and who waits longer than its deadline is gone.
const MISSING_MAX: usize = 8_192;

/// How old an answer may be, in seconds, before a store that others write to is asked again, behind.
const REFRESH_SECONDS: u64 = 30;

/// A question that only the store can answer.
#[derive(Debug)]
pub struct Missing {
    /// What.
    pub question: StateQuestion,
    /// Who wants to know; `None` = nobody, it is read again because it is old.
    pub reply: Option<oneshot::Sender<Answered>>,
}

/// How much of each kind may be at hand, in octets; and what one mail host may say of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Reputations.
    pub reputation: usize,
    /// Triplets.
    pub triplets: usize,
    /// Limits.
    pub counters: usize,
    /// Experiences that one mail host may report of one subject, good and bad each.
    pub host_share: Pace,
}

impl Default for Bounds {
    /// 64, 64 and 32 MiB; 120 experiences an hour.
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        let host_share = Pace { every_ms: 30_000, burst: 120 };
        Self { reputation: 64 * MIB, triplets: 64 * MIB, counters: 32 * MIB, host_share }
    }
}

/// Everything that is at hand. One a process.
pub struct Recall {
    /// How has somebody behaved?
    pub standings: Table<Standing>,
    /// Who has tried before?
    pub triplets: Table<Triplet>,
    /// What is left of each limit?
    pub tokens: Table<Tokens>,
    /// Whom has an administrator let through, or kept out?
    pub exceptions: Exceptions,
    waits: WaitCounts,
    host_share: Pace,
    clock: Clock,
    missing: ArrayQueue<Missing>,
    /// Something is in `missing`; the keeper sleeps on it.
    wake: parking::Wake,
    /// Others write to the same store.
    shared: AtomicBool,
    /// The store does not answer: nobody waits for it.
    troubled: AtomicBool,
    rationed: Counter,
}

impl Recall {
    /// Memory without a store: what is not here is nowhere. Install the metrics recorder before.
    pub fn alone(bounds: Bounds, clock: Clock) -> Self {
        let recall = Self::over_store(bounds, clock, false);
        recall.set_complete();
        recall
    }

    /// Memory over a store that a keeper reads and writes; `shared` = others write to it too.
    pub fn over_store(bounds: Bounds, clock: Clock, shared: bool) -> Self {
        Self {
            standings: Table::new(bounds.reputation),
            triplets: Table::new(bounds.triplets),
            tokens: Table::new(bounds.counters),
            exceptions: Exceptions::default(),
            waits: WaitCounts::default(),
            host_share: bounds.host_share,
            clock,
            missing: ArrayQueue::new(MISSING_MAX),
            wake: parking::Wake::default(),
            shared: AtomicBool::new(shared),
            troubled: AtomicBool::new(false),
            rationed: counter!("tollgate_experiences_rationed_total"),
        }
    }

    /// Everything the store has is here: what is not is nowhere.
    pub fn set_complete(&self) {
        self.standings.set_complete();
        self.triplets.set_complete();
        self.tokens.set_complete();
    }

    /// The answer, if it is at hand. While the store is in trouble that is [`StateAnswer::Unknown`] for what is not.
    pub fn at_hand(&self, question: &StateQuestion) -> Option<Answered> {
        let (answer, age) = match self.seen(question) {
            Seen::Known(answer, age) => (answer.unwrap_or(StateAnswer::Nothing), age),
            Seen::Missing if self.is_troubled() => (StateAnswer::Unknown, 0),
            Seen::Missing => return None,
        };
        if age > REFRESH_SECONDS && self.shared.load(Ordering::Relaxed) && !self.is_troubled() {
            self.wish(Missing { question: question.clone(), reply: None });
        }
        Some(Answered::state(answer, Duration::from_secs(age)))
    }

    /// Asks the store. An answer comes when the keeper has it; [`StateAnswer::Unknown`] at once if too many wait.
    pub fn ask(&self, question: StateQuestion) -> oneshot::Receiver<Answered> {
        let (reply, receiver) = oneshot::channel();
        self.wish(Missing { question, reply: Some(reply) });
        receiver
    }

    fn wish(&self, missing: Missing) {
        match self.missing.push(missing) {
            Ok(()) => self.wake.wake(),
            Err(Missing { reply, .. }) => {
                // Who asked may have gone.
                let _ = reply.map(|reply| reply.send(Answered::state(StateAnswer::Unknown, Duration::ZERO)));
            }
        }
    }

    fn seen(&self, question: &StateQuestion) -> Seen<StateAnswer> {
        let now = self.clock.now().unix_seconds();
        match question {
            StateQuestion::Standing(subject) => {
                self.standings.get(subject, now).map(|standing| StateAnswer::Standing(Box::new(standing)))
            }
            StateQuestion::Triplet(key) => self.triplets.get(key, now).map(StateAnswer::Triplet),
            StateQuestion::Tokens(key) => self.tokens.get(key, now).map(StateAnswer::Tokens),
        }
    }

    /// Does the store not answer?
    pub fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
    }

    /// Says whether it does not.
    pub fn set_troubled(&self, troubled: bool) {
        self.troubled.store(troubled, Ordering::Relaxed);
    }

    /// The oldest question for the store.
    pub fn next_missing(&self) -> Option<Missing> {
        self.missing.pop()
    }

    /// Waits until there is a question, at most so long. One thread only.
    pub fn wait_for_missing(&self, at_most: Duration) {
        if self.missing.is_empty() {
            self.wake.wait(at_most);
        }
    }

    /// Wakes up the thread that waits.
    pub fn wake_keeper(&self) {
        self.wake.wake();
    }

    /// Remembers. `host` = the mail host that says so. Short locks only: for any thread.
    pub fn apply(&self, effect: Effect, host: &str, now: Now) {
        let seconds = now.unix_seconds();
        match effect {
            Effect::Tried(key, triplet) => self.triplets.change(key, seconds, |own, _| {
                *own = crate::state::Record::newer(*own, triplet);
            }),
            Effect::Waited { class, seconds } => self.waits.count(class, seconds),
            Effect::Spent { key, pace, tokens } => self.spend(key, pace, tokens, now),
            Effect::Experienced { subject, experience, hundredths, witness } => {
                if !self.is_host_heard(&subject, hundredths < 0, host, now) {
                    self.rationed.increment(1);
                    return;
                }
                self.standings.change(subject, seconds, |own, others| {
                    let known =
                        witness.is_none_or(|mark| own.witness(mark) || others.is_some_and(Standing::is_witnessed));
                    if known {
                        own.learn(experience, hundredths as f32 / 100.0, seconds);
                    }
                });
            }
            Effect::Excepted { id, changed } => self.exceptions.hit(id, changed, now),
            Effect::ListHeard(..) => {}
        }
    }

    fn spend(&self, key: Digest, pace: Pace, tokens: u32, now: Now) {
        self.tokens.change(key, now.unix_seconds(), |own, others| {
            // Others may be further: what is spent now comes on top of that.
            own.full_at_ms = own.full_at_ms.max(others.map_or(0, |others| others.full_at_ms));
            own.spend(pace, tokens, now.unix_millis());
        });
    }

    /// Has this mail host said less of the subject than it may? Good and bad apart: who sends much and well must not
    /// be able to drown what it does wrong.
    fn is_host_heard(&self, subject: &Subject, bad: bool, host: &str, now: Now) -> bool {
        let side: &[u8] = if bad { b"bad" } else { b"good" };
        let key = Digest::of(&[b"host_share", side, host.as_bytes(), &subject.octets()]);
        let tokens = match self.tokens.get(&key, now.unix_seconds()) {
            Seen::Known(tokens, _) => tokens.unwrap_or_default(),
            Seen::Missing => Tokens::default(),
        };
        let heard = tokens.left(self.host_share, now.unix_millis()) > 0;
        if heard {
            self.spend(key, self.host_share, 1, now);
        }
        heard
    }
}

impl<R> Seen<R> {
    fn map<S>(self, map: impl FnOnce(R) -> S) -> Seen<S> {
        match self {
            Self::Known(known, age) => Seen::Known(known.map(map), age),
            Self::Missing => Seen::Missing,
        }
    }
}

impl Memory for Recall {
    fn look(&self, question: &StateQuestion) -> StateAnswer {
        match self.seen(question) {
            Seen::Known(known, _) => known.unwrap_or(StateAnswer::Nothing),
            Seen::Missing => StateAnswer::Unknown,
        }
    }

    fn waits(&self) -> Vec<Waits> {
        self.waits.all()
    }

    fn now(&self) -> Now {
        self.clock.now()
    }
}

mod parking {
    //! How does a thread sleep until another one has something for it?

    use std::{
        sync::{Condvar, Mutex, PoisonError},
        time::Duration,
    };

    #[derive(Default)]
    pub(super) struct Wake {
        // std mutex: held to set a flag, never over an await.
        awake: Mutex<bool>,
        changed: Condvar,
    }

    impl Wake {
        pub(super) fn wake(&self) {
            let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
            if !*awake {
                *awake = true;
                self.changed.notify_one();
            }
        }

        pub(super) fn wait(&self, at_most: Duration) {
            let awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.changed.wait_timeout_while(awake, at_most, |awake| !*awake);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }
}

#[cfg(test)]
mod tests;
