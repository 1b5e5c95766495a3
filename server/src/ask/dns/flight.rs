//! Who is asking the same question right now? One look-up for all of them, on the I/O thread.
//!
//! The leader of a look-up is a task of this loop, never a caller's future: a caller that goes away stops nothing, and
//! the answer goes into the cache.

use super::{
    super::{Answered, DnsAnswer, DnsQuestion, Failure, Upstream},
    Shared,
    cache::Fetched,
    config::Config,
    outcome,
};
use hickory_resolver::TokioResolver;
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    task::{Id, JoinError, JoinSet},
};

/// Callers that wait for look-ups under way, all together.
const WAITERS_MAX: usize = 65_536;

/// A question and who waits for its answer.
pub(super) struct Asked {
    pub(super) question: DnsQuestion,
    pub(super) reply: oneshot::Sender<Answered>,
}

/// The I/O thread's half of the resolver: run it there until every [`super::Resolver`] is gone.
#[must_use = "without it no question is answered"]
pub struct Lookups {
    pub(super) queue: mpsc::Receiver<Asked>,
    pub(super) shared: Arc<Shared>,
    pub(super) upstreams: HashMap<Upstream, TokioResolver>,
    pub(super) config: Config,
    pub(super) in_flight_max: usize,
    pub(super) flights: Flights,
}

/// Look-ups under way.
#[derive(Default)]
pub(super) struct Flights {
    tasks: JoinSet<Landed>,
    questions: HashMap<Id, DnsQuestion>,
    waiting: HashMap<DnsQuestion, Waiting>,
    waiters: usize,
}

struct Waiting {
    since: Instant,
    replies: Vec<oneshot::Sender<Answered>>,
}

type Landed = (DnsAnswer, std::time::Duration);

impl Lookups {
    /// Answers questions until nobody can ask any more; what is under way then is dropped.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                asked = self.queue.recv() => match asked {
                    Some(asked) => self.begin(asked),
                    None => return,
                },
                Some(landed) = self.flights.tasks.join_next_with_id() => self.land(landed),
            }
        }
    }

    fn begin(&mut self, asked: Asked) {
        let Asked { question, reply } = asked;
        let now = self.shared.clock.steady();
        // It may have landed while this question stood in the queue.
        if let Some(answered) = self.shared.cache.get(&question, now) {
            let _ = reply.send(answered);
            return;
        }
        if self.flights.waiters >= WAITERS_MAX {
            return self.refuse(reply);
        }
        if let Some(waiting) = self.flights.waiting.get_mut(&question) {
            waiting.replies.push(reply);
            self.flights.waiters += 1;
        } else if self.flights.tasks.len() >= self.in_flight_max {
            self.refuse(reply);
        } else {
            self.take_off(question, reply, now);
        }
    }

    fn refuse(&self, reply: oneshot::Sender<Answered>) {
        self.shared.metrics.count(&DnsAnswer::Failed(Failure::Overload));
        let _ = reply.send(Answered::failed(Failure::Overload, std::time::Duration::ZERO));
    }

    fn take_off(&mut self, question: DnsQuestion, reply: oneshot::Sender<Answered>, since: Instant) {
        let resolver = self.upstreams.get(&question.upstream).cloned();
        let task = self.flights.tasks.spawn(look_up(resolver, question.clone(), self.config.clone()));
        self.flights.questions.insert(task.id(), question.clone());
        self.flights.waiting.insert(question, Waiting { since, replies: vec![reply] });
        self.flights.waiters += 1;
        self.shared.metrics.in_flight.increment(1);
    }

    fn land(&mut self, landed: Result<(Id, Landed), JoinError>) {
        let (id, (answer, ttl)) = landed.unwrap_or_else(|error| {
            // The library panicked over what it read.
            (error.id(), (DnsAnswer::Failed(Failure::Malformed), self.config.lifetimes.failed))
        });
        self.shared.metrics.in_flight.decrement(1);
        let Some(question) = self.flights.questions.remove(&id) else { return };
        let Some(waiting) = self.flights.waiting.remove(&question) else { return };
        self.flights.waiters -= waiting.replies.len();
        let at = self.shared.clock.steady();
        let took = at.saturating_duration_since(waiting.since);
        self.shared.metrics.count(&answer);
        self.shared.metrics.took(took.as_secs_f64());
        let fetched = Fetched { answer, ttl, at, took };
        // Kept before it is told: who hears it may look into the cache at once.
        self.shared.cache.insert(&question, fetched.clone());
        for reply in waiting.replies {
            let _ = reply.send(fetched.answered(false, at));
        }
        self.shared.metrics.cache_size(self.shared.cache.size());
    }
}

async fn look_up(resolver: Option<TokioResolver>, question: DnsQuestion, config: Config) -> Landed {
    // Named since the start, by a reload: it is asked from the next start on.
    let Some(resolver) = resolver else {
        return (DnsAnswer::Failed(Failure::Unreachable), config.lifetimes.failed);
    };
    let Some(name) = outcome::wire_name(question.name.expose()) else {
        return (DnsAnswer::NotFound, config.lifetimes.not_found.0);
    };
    let asking = resolver.lookup(name, outcome::wire_type(question.kind));
    let result = match tokio::time::timeout(config.lookup_max(), asking).await {
        Ok(result) => result,
        Err(_elapsed) => Err(hickory_resolver::net::NetError::Timeout),
    };
    outcome::outcome(&question, result, &config.lifetimes)
}
