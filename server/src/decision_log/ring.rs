//! How does a record leave the core that made it? By a push that never waits: a full ring drops and counts.

use super::record::is_notable;
use crate::{
    clock::Now,
    pipeline::{Decision, ListsHeard},
    session::Facts,
};
use crossbeam_queue::ArrayQueue;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// What the log thread is told. Small: the data stands behind a pointer and is freed on the log thread.
#[derive(Clone, Debug)]
pub enum Event {
    /// A stage was judged.
    Decision(Arc<Decision>),
    /// A message or a connection ended.
    Report(Arc<Reported>),
    /// The daemon says something of itself.
    Notice(Box<Notice>),
}

/// A line about the daemon: a start, a reload, a switch.
#[derive(Clone, Debug)]
pub struct Notice {
    /// When.
    pub at: Now,
    /// snake_case, of a closed set.
    pub event: &'static str,
    /// What more there is to say; values may hold any characters.
    pub words: Vec<(&'static str, String)>,
}

/// How something ended, as the mail server reported it.
#[derive(Clone, Debug)]
pub struct Reported {
    /// When the report came.
    pub at: Now,
    /// All it said; `report` is set, `history` is what the session lived through.
    pub facts: Facts,
    /// What the DNS lists said of a connection that ended before its first recipient.
    pub lists: Option<ListsHeard>,
}

/// A bounded ring of events; clones share it.
#[derive(Clone, Debug)]
pub struct LogRing(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    events: ArrayQueue<Event>,
    dropped: AtomicU64,
    notable_only: AtomicBool,
}

impl LogRing {
    /// Events that may wait for the log thread: half a second at 16,000 decisions a second.
    pub const EVENTS_MAX: usize = 8192;

    /// An empty ring for `events_max` events (at least one).
    pub fn new(events_max: usize) -> Self {
        Self(Arc::new(Ring {
            events: ArrayQueue::new(events_max.max(1)),
            dropped: AtomicU64::new(0),
            notable_only: false.into(),
        }))
    }

    /// From now on takes notable decisions only, or all. A decision nobody will read is freed at once by the core that
    /// made it: memory that goes to another thread costs the allocator more than the decision did.
    pub fn take_notable_only(&self, notable_only: bool) {
        self.0.notable_only.store(notable_only, Ordering::Relaxed);
    }

    /// Adds an event; drops and counts it if the ring is full. Never waits.
    pub fn push(&self, event: Event) {
        if let Event::Decision(decision) = &event
            && self.0.notable_only.load(Ordering::Relaxed)
            && !is_notable(decision)
        {
            return;
        }
        if self.0.events.push(event).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds a line about the daemon.
    pub fn notice(&self, at: Now, event: &'static str, words: Vec<(&'static str, String)>) {
        self.push(Event::Notice(Box::new(Notice { at, event, words })));
    }

    /// Takes the oldest event.
    pub fn pop(&self) -> Option<Event> {
        self.0.events.pop()
    }

    /// Events lost since the start.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Default for LogRing {
    fn default() -> Self {
        Self::new(Self::EVENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, decision_log::record, session::Stage};

    #[test]
    fn a_full_ring_drops_and_counts() {
        let ring = LogRing::new(2);
        let event =
            || Event::Report(Arc::new(Reported { at: Clock::manual(0).now(), facts: Facts::default(), lists: None }));
        (0..5).for_each(|_| ring.push(event()));
        assert_eq!(ring.dropped(), 3);
        assert_eq!(std::iter::from_fn(|| ring.pop()).count(), 2);
    }

    #[test]
    fn decisions_nobody_will_read_do_not_enter() {
        let (ring, quiet) = (LogRing::new(10), Arc::new(record::tests::quiet()));
        ring.push(Event::Decision(quiet.clone()));
        ring.take_notable_only(true);
        ring.push(Event::Decision(quiet.clone()));
        assert_eq!(Arc::strong_count(&quiet), 2, "the first is kept, the second freed here");
        let refused = Decision { decided_by: "rbl", stage: Stage::Rcpt, ..Decision::clone(&quiet) };
        ring.push(Event::Decision(Arc::new(refused)));
        assert_eq!(std::iter::from_fn(|| ring.pop()).count(), 2);
        assert_eq!(ring.dropped(), 0);
    }
}
