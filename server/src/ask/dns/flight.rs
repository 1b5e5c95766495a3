//! Who is asking the same question right now? One look-up for all of them, on the I/O thread.
//!
//! The leader of a look-up is a task of this loop, never a caller's future: a caller that goes away stops nothing, and
//! the answer goes into the cache.

use super::{
    super::{Answered, Asker, DnsAnswer, DnsQuestion, Failure, ListId, Upstream},
    Shared,
    config::Lifetimes,
    fetched::Fetched,
    outcome,
    pulse::Pulse,
    ration::Ledger,
    route::{Resolvers, Route, Routes},
};
use crate::{clock::Now, dns_lists::ListEvent};
use hickory_resolver::{
    TokioResolver,
    lookup::Lookup,
    net::NetError,
    proto::rr::{Name, RecordType},
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{Id, JoinError, JoinSet},
    time::sleep,
};

/// Callers that wait for look-ups under way, all together.
const WAITERS_MAX: usize = 65_536;

/// A question, on whose behalf it is asked, and who waits for its answer.
pub(super) struct Asked {
    pub(super) question: DnsQuestion,
    pub(super) asker: Asker,
    pub(super) reply: oneshot::Sender<Answered>,
}

/// The I/O thread's half of the resolver: run it there until every [`super::Resolver`] is gone.
#[must_use = "without it no question is answered"]
pub struct Lookups {
    pub(super) queue: mpsc::Receiver<Asked>,
    pub(super) shared: Arc<Shared>,
    pub(super) routes: Routes,
    pub(super) ledger: Ledger,
    pub(super) lifetimes: Lifetimes,
    pub(super) in_flight_max: usize,
    pub(super) flights: Flights,
    pub(super) pulse: Pulse,
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

type Landed = (DnsAnswer, Duration);

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
        let Asked { question, asker, reply } = asked;
        let now = self.shared.clock.now();
        // It may have landed while this question stood in the queue.
        if let Some(answered) = self.shared.cached(&question, now.steady) {
            let _ = reply.send(answered);
            return;
        }
        if self.flights.waiters >= WAITERS_MAX {
            return self.refuse(Failure::Overload, reply);
        }
        // Joining a look-up costs nothing.
        if let Some(waiting) = self.flights.waiting.get_mut(&question) {
            waiting.replies.push(reply);
            self.flights.waiters += 1;
            return;
        }
        let Some(name) = outcome::wire_name(question.name.expose()) else {
            return self.say_it_cannot_be(&question, reply, now.steady);
        };
        match self.clear(&question, asker, now) {
            Ok(route) => self.take_off(question, name, route, reply, now.steady),
            Err(failure) => self.refuse(failure, reply),
        }
    }

    /// May it be looked up, and by which way? What is refused costs nobody anything.
    fn clear(&mut self, question: &DnsQuestion, asker: Asker, now: Now) -> Result<Route, Failure> {
        if self.flights.tasks.len() >= self.in_flight_max {
            return Err(Failure::Overload);
        }
        if !self.ledger.allows(asker, now.steady) {
            return Err(Failure::Capped);
        }
        let account = self.shared.lists.account(question.list);
        if account.as_ref().is_some_and(|account| !account.spend(now.unix_seconds())) {
            return Err(Failure::Budget);
        }
        self.ledger.charge(asker, now.steady);
        Ok(self.routes.to(question, account.as_deref()))
    }

    fn refuse(&self, failure: Failure, reply: oneshot::Sender<Answered>) {
        self.shared.metrics.count(&DnsAnswer::Failed(failure));
        let _ = reply.send(Answered::failed(failure, Duration::ZERO));
    }

    /// A name that the DNS cannot hold does not exist, and nobody need be asked.
    fn say_it_cannot_be(&self, question: &DnsQuestion, reply: oneshot::Sender<Answered>, now: Instant) {
        let fetched = Fetched::new(DnsAnswer::NotFound, self.lifetimes.not_found.0, now, Duration::ZERO);
        let _ = reply.send(self.shared.learn(question, fetched));
    }

    fn take_off(
        &mut self,
        question: DnsQuestion,
        name: Name,
        route: Route,
        reply: oneshot::Sender<Answered>,
        since: Instant,
    ) {
        let task = self.flights.tasks.spawn(look_up(route, question.clone(), name, self.lifetimes));
        self.flights.questions.insert(task.id(), question.clone());
        self.flights.waiting.insert(question, Waiting { since, replies: vec![reply] });
        self.flights.waiters += 1;
        self.shared.metrics.in_flight.increment(1);
    }

    fn land(&mut self, landed: Result<(Id, Landed), JoinError>) {
        let (id, (answer, ttl)) = landed.unwrap_or_else(|error| {
            // The library panicked over what it read.
            (error.id(), (DnsAnswer::Failed(Failure::Malformed), self.lifetimes.failed))
        });
        self.shared.metrics.in_flight.decrement(1);
        let Some(question) = self.flights.questions.remove(&id) else { return };
        let Some(waiting) = self.flights.waiting.remove(&question) else { return };
        self.flights.waiters -= waiting.replies.len();
        let at = self.shared.clock.steady();
        let took = at.saturating_duration_since(waiting.since);
        self.shared.metrics.count(&answer);
        self.shared.metrics.took(took.as_secs_f64());
        self.tell(question.list, &answer, took);
        if question.list == ListId::NONE && question.upstream == Upstream::default() {
            self.pulse.feel(question.name.expose(), &answer, &self.shared.wellness, at);
        }
        // Kept before it is told: who hears it may look into the cache at once.
        let answered = self.shared.learn(&question, Fetched::new(answer, ttl, at, took));
        for reply in waiting.replies {
            self.shared.metrics.stale(&answered);
            let _ = reply.send(answered.clone());
        }
        self.shared.metrics.cache_size(self.shared.cache.size());
    }

    /// The keeper of lists hears what really came, not what stands in for it.
    pub(super) fn tell(&self, list: ListId, answer: &DnsAnswer, took: Duration) {
        let asked = !matches!(answer, DnsAnswer::Failed(failure) if failure.is_ours());
        if list != ListId::NONE && asked {
            self.shared.lists.tell(ListEvent::LookedUp { list, answer: answer.clone(), took });
        }
    }
}

async fn look_up(route: Route, question: DnsQuestion, name: Name, lifetimes: Lifetimes) -> Landed {
    let Some(resolvers) = route.resolvers else {
        return (DnsAnswer::Failed(Failure::Unreachable), lifetimes.failed);
    };
    let asking = insist(&resolvers, &name, outcome::wire_type(question.kind), route.pause);
    let result = match tokio::time::timeout(route.lookup_max, asking).await {
        Ok(result) => result,
        Err(_elapsed) => Err(NetError::Timeout),
    };
    outcome::outcome(&question, result, &lifetimes)
}

/// Asks, and asks again while no answer comes: the first end of a look-up is the end of all.
///
/// The library would do so by itself, but after 1.2 times its idea of the server's round-trip time, to which every
/// NXDOMAIN adds 150 ms: with DNS lists, whose usual answer that is, a lost datagram soon costs the whole time-out.
async fn insist(resolvers: &Resolvers, name: &Name, kind: RecordType, pause: Duration) -> Result<Lookup, NetError> {
    let [first, second, third] = resolvers;
    let ask_after = async |resolver: &TokioResolver, pause| {
        sleep(pause).await;
        resolver.lookup(name.clone(), kind).await
    };
    tokio::select! {
        biased;
        result = first.lookup(name.clone(), kind) => result,
        result = ask_after(second, pause) => result,
        result = ask_after(third, pause * 2) => result,
    }
}
