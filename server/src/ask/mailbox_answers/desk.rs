//! Who waits for which look, and who is looking? One queue, a few workers, answers kept for a moment.

use super::{
    super::{Answered, Looked, MailboxQuestion, mailbox::Trace},
    metrics::Metrics,
};
use crate::clock::Clock;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Looks that wait for a worker.
const QUEUE_MAX: usize = 1_024;
/// Callers that wait for one look.
const WAITERS_MAX: usize = 256;
/// Answers kept.
const KEPT_MAX: usize = 4_096;
/// How long an answer is kept: long enough for a message that names somebody twice, and so short that a `.qmail` file made
/// now counts now.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// A look that takes longer hangs. While all workers hang, nobody is made to wait for them.
const HANGS_AFTER: Duration = Duration::from_secs(1);
/// What has waited so long for a worker is not looked for any more: whoever asked has gone.
const WAITS_AT_MOST: Duration = Duration::from_secs(5);

/// Shared by askers and workers. Its lock is held for a few instructions only, never while anybody looks.
pub(super) struct Desk {
    inside: Mutex<Inside>,
    wake: Condvar,
    clock: Clock,
    metrics: Metrics,
}

struct Inside {
    queue: VecDeque<Arc<MailboxQuestion>>,
    waiting: HashMap<Arc<MailboxQuestion>, Waiting>,
    kept: HashMap<Arc<MailboxQuestion>, Kept>,
    /// When each worker began its look; `None` = it has none.
    busy: Vec<Option<Instant>>,
    closed: bool,
}

struct Waiting {
    since: Instant,
    replies: Vec<oneshot::Sender<Answered>>,
}

struct Kept {
    looked: Arc<Looked>,
    at: Instant,
}

impl Desk {
    pub(super) fn new(clock: Clock, workers: usize) -> Self {
        let inside = Inside {
            queue: VecDeque::new(),
            waiting: HashMap::new(),
            kept: HashMap::new(),
            busy: vec![None; workers],
            closed: false,
        };
        Self { inside: Mutex::new(inside), wake: Condvar::new(), clock, metrics: Metrics::new() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer of a moment ago.
    pub(super) fn kept(&self, question: &MailboxQuestion, now: Instant) -> Option<Answered> {
        let inside = self.inside();
        let kept = inside.kept.get(question)?;
        let age = now.saturating_duration_since(kept.at);
        let ttl = KEPT_FOR.checked_sub(age).filter(|ttl| !ttl.is_zero())?;
        let fresh = Answered::mailbox(kept.looked.clone(), Duration::ZERO);
        Some(Answered { cached: true, age, ttl, ..fresh })
    }

    pub(super) fn count(&self, looked: &Looked) {
        self.metrics.answered(looked);
    }

    /// Joins the look, or has one made. An answer comes at once where there is no hope of one.
    pub(super) fn ask(&self, question: Arc<MailboxQuestion>) -> oneshot::Receiver<Answered> {
        let (reply, receiver) = oneshot::channel();
        let now = self.clock.steady();
        let mut inside = self.inside();
        let refused = if let Some(waiting) = inside.waiting.get_mut(&question) {
            // Joining costs nothing.
            if waiting.replies.len() < WAITERS_MAX {
                waiting.replies.push(reply);
                None
            } else {
                Some((reply, OVERLOAD))
            }
        } else if inside.closed || inside.hangs(now) {
            Some((reply, HANGING))
        } else if inside.queue.len() >= QUEUE_MAX {
            Some((reply, OVERLOAD))
        } else {
            inside.queue.push_back(question.clone());
            inside.waiting.insert(question, Waiting { since: now, replies: vec![reply] });
            self.wake.notify_one();
            None
        };
        drop(inside);
        if let Some((reply, why)) = refused {
            self.metrics.refused();
            let _ = reply.send(Answered::mailbox(Arc::new(Looked::trouble(why)), Duration::ZERO));
        }
        receiver
    }

    /// No worker waits for questions any more.
    pub(super) fn close(&self) {
        self.inside().closed = true;
        self.wake.notify_all();
    }

    /// The next look for this worker; waits for one. `None` = there will be none.
    fn take(&self, worker: usize) -> Option<Arc<MailboxQuestion>> {
        let mut inside = self.inside();
        loop {
            let now = self.clock.steady();
            while let Some(question) = inside.queue.pop_front() {
                let since = inside.waiting.get(&question).map(|waiting| waiting.since);
                if since.is_some_and(|since| now.saturating_duration_since(since) <= WAITS_AT_MOST) {
                    inside.busy[worker] = Some(now);
                    return Some(question);
                }
                // Too late: those who may still be waiting are told.
                let waiting = inside.waiting.remove(&question);
                let told = Answered::mailbox(Arc::new(Looked::trouble(HANGING)), WAITS_AT_MOST);
                waiting.into_iter().flat_map(|waiting| waiting.replies).for_each(|reply| _ = reply.send(told.clone()));
            }
            if inside.closed {
                return None;
            }
            inside = self.wake.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A worker has the answer.
    fn give(&self, worker: usize, question: &Arc<MailboxQuestion>, looked: Looked) {
        let (now, looked) = (self.clock.steady(), Arc::new(looked));
        let mut inside = self.inside();
        let began = inside.busy[worker].take().unwrap_or(now);
        let took = now.saturating_duration_since(began);
        inside.keep(question, &looked, now);
        let waiting = inside.waiting.remove(question);
        drop(inside);
        self.metrics.answered(&looked);
        self.metrics.took(took);
        for reply in waiting.into_iter().flat_map(|waiting| waiting.replies) {
            let _ = reply.send(Answered::mailbox(looked.clone(), took));
        }
    }
}

/// Why nobody looked.
const OVERLOAD: &str = "too many look-ups are under way";
const HANGING: &str = "homes or accounts do not answer";

impl Inside {
    /// Has every worker been at one look for too long?
    fn hangs(&self, now: Instant) -> bool {
        let hangs =
            |since: &Option<Instant>| since.is_some_and(|since| now.saturating_duration_since(since) > HANGS_AFTER);
        self.busy.iter().all(hangs)
    }

    fn keep(&mut self, question: &Arc<MailboxQuestion>, looked: &Arc<Looked>, now: Instant) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.retain(|_, kept| now.saturating_duration_since(kept.at) < KEPT_FOR);
        }
        if self.kept.len() < KEPT_MAX {
            self.kept.insert(question.clone(), Kept { looked: looked.clone(), at: now });
        }
    }
}

/// One thread's half.
#[must_use = "without workers no file system is asked"]
pub struct Worker {
    desk: Arc<Desk>,
    number: usize,
}

impl Worker {
    pub(super) fn new(desk: Arc<Desk>, number: usize) -> Self {
        Self { desk, number }
    }

    /// Looks until nobody can ask any more.
    pub fn run(self) {
        while let Some(question) = self.desk.take(self.number) {
            let now = self.desk.clock.now().unix_seconds();
            let looked = question.source.look(&question.address, now, &mut Trace::default());
            self.desk.give(self.number, &question, looked);
        }
    }
}
