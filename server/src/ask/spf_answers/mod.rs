//! How is a question about SPF answered? From the results at hand, on any thread; else by an evaluation on the I/O thread,
//! one for all who ask the same.
//!
//! `question` is what is asked, `results` what is kept, for whom and how long, `evaluations` the I/O thread's half, `dns`
//! an evaluation's way to our DNS cache. What SPF itself is, `ask/spf/` knows.

mod dns;
mod evaluations;
pub mod metrics;
mod question;
mod results;
#[cfg(test)]
mod tests;

pub use dns::OverAsk;
pub use evaluations::Evaluations;
pub use question::{SpfQuestion, SpfRole, SpfTerms};

use super::{
    Answer, Answered, Ask, Asker, Question, Resolver,
    spf::{Evaluation, SpfResult},
};
use crate::clock::Clock;
use evaluations::{Asked, Under};
use results::Results;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Questions on their way to the I/O thread, which only sorts them.
const QUEUE_MAX: usize = 4_096;

/// How much is kept, and how much a session may want. It holds for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Results kept.
    pub results: usize,
    /// Bytes they may take, by our own estimate.
    pub octets: usize,
    /// Evaluations that one SMTP session may cause; 0 = any number.
    pub session: u32,
}

/// What both halves see.
struct Shared {
    results: Results,
    clock: Clock,
    metrics: metrics::Metrics,
}

/// Answers everything: SPF itself, the rest by the resolver. Cheap to clone.
#[derive(Clone)]
pub struct SpfAnswers {
    resolver: Resolver,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Asked>,
}

impl SpfAnswers {
    /// Both halves. [`Evaluations::run`] belongs on the runtime that the resolver's look-ups run on. Install the metrics
    /// recorder before.
    pub fn new(resolver: Resolver, bounds: Bounds, clock: Clock) -> (Self, Evaluations) {
        let results = Results::new(bounds.results, bounds.octets);
        let shared = Arc::new(Shared { results, clock, metrics: metrics::Metrics::new() });
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let evaluations = Evaluations::new(queue, Under { shared: shared.clone(), resolver: resolver.clone() }, bounds);
        (Self { resolver, shared, queue: sender }, evaluations)
    }
}

impl Ask for SpfAnswers {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let Question::Spf(question) = question else { return self.resolver.cached(question) };
        let found = self.shared.results.get(question, self.shared.clock.steady());
        self.shared.metrics.read(found.is_some());
        found
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        let Question::Spf(question) = question else { return self.resolver.ask(question, asker) };
        let (reply, receiver) = oneshot::channel();
        if let Err(error) = self.queue.try_send(Asked { question, asker, reply }) {
            let (asked, why) = match error {
                mpsc::error::TrySendError::Full(asked) => (asked, "overload"),
                mpsc::error::TrySendError::Closed(asked) => (asked, "unreachable"),
            };
            self.shared.metrics.undecided(1);
            let _ = asked.reply.send(undecided(why));
        }
        receiver
    }

    fn stale(&self, question: &Question) -> Option<Answered> {
        self.resolver.stale(question)
    }

    fn was_well(&self, ago: Duration) -> bool {
        self.resolver.was_well(ago)
    }
}

/// Nothing was evaluated, for a reason of ours.
fn undecided(why: &'static str) -> Answered {
    Answered::spf(Arc::new(Evaluation::undecided(why)), Duration::ZERO)
}

/// Where there is no domain to ask about, there is nothing to evaluate (RFC 7208 §4.3).
fn without_domain() -> Answered {
    let problem = Some("no domain that could have a record".to_owned());
    let evaluation = Evaluation { problem, ..Evaluation::bare(SpfResult::None) };
    Answered { cached: true, ..Answered::spf(Arc::new(evaluation), Duration::ZERO) }
}

impl Answered {
    /// An evaluation that has just ended.
    pub fn spf(evaluation: Arc<Evaluation>, took: Duration) -> Self {
        let ttl = evaluation.ttl;
        Self { answer: Answer::Spf(evaluation), cached: false, stale: false, age: Duration::ZERO, ttl, took }
    }
}
