//! How is a question about a mailbox answered? What needs no file system at once, on any thread; the rest by a few threads
//! of its own, one look for all who ask the same.
//!
//! Homes and accounts may hang, on another machine, for as long as they like. Then those threads hang, and nobody else: what
//! they could not answer is not known, and while all of them hang nothing more is asked.

mod desk;
pub mod metrics;
#[cfg(test)]
mod tests;

pub use desk::Worker;

use super::{Answer, Answered, Ask, Asker, Looked, Question, mailbox::Trace};
use crate::clock::Clock;
use desk::Desk;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// Threads that ask the file system. A look takes microseconds where homes are local.
pub const WORKERS: usize = 4;

/// Answers questions about mailboxes, and has others answer the rest.
pub struct MailboxAnswers {
    others: Arc<dyn Ask>,
    desk: Arc<Desk>,
    clock: Clock,
}

impl MailboxAnswers {
    /// Both halves; each worker belongs on a thread of its own. Install the metrics recorder before.
    pub fn new(others: Arc<dyn Ask>, clock: Clock) -> (Self, Vec<Worker>) {
        let desk = Arc::new(Desk::new(clock.clone(), WORKERS));
        let workers = (0..WORKERS).map(|number| Worker::new(desk.clone(), number)).collect();
        (Self { others, desk, clock }, workers)
    }
}

impl Ask for MailboxAnswers {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let Question::Mailbox(mailbox) = question else { return self.others.cached(question) };
        let now = self.clock.now();
        if let Some(looked) = mailbox.source.at_hand(&mailbox.address, now.unix_seconds(), &mut Trace::default()) {
            self.desk.count(&looked);
            return Some(Answered { cached: true, ..Answered::mailbox(Arc::new(looked), Duration::ZERO) });
        }
        self.desk.kept(mailbox, now.steady)
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        match question {
            Question::Mailbox(mailbox) => self.desk.ask(mailbox),
            other => self.others.ask(other, asker),
        }
    }

    fn stale(&self, question: &Question) -> Option<Answered> {
        self.others.stale(question)
    }

    fn was_well(&self, ago: Duration) -> bool {
        self.others.was_well(ago)
    }
}

impl Drop for MailboxAnswers {
    /// Nobody can ask any more: the workers end when they have nothing left to do.
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl Answered {
    /// What was found about a mailbox just now.
    pub fn mailbox(looked: Arc<Looked>, took: Duration) -> Self {
        Self {
            answer: Answer::Mailbox(looked),
            cached: false,
            stale: false,
            age: Duration::ZERO,
            ttl: Duration::ZERO,
            took,
        }
    }
}
