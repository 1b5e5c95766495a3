//! How is a DNS question answered? From the cache at once, on any thread; else by the I/O thread, once for all askers.
//!
//! `config` is the section `[dns]`, `cache` what is kept, `fetched` for how long, `flight` the I/O thread's loop,
//! `ration` how much one client may cause, `route` the way of a question, `upstream` the servers, `outcome` the meaning of
//! what they say, `pulse` whether we are cut off, `redact` what of it is not passed on, `selftest` whether they tell the truth.

mod cache;
mod config;
mod fetched;
mod flight;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod metrics;
mod outcome;
mod pulse;
mod ration;
mod redact;
mod route;
pub mod selftest;
#[cfg(test)]
pub(super) mod tests;
mod upstream;

pub use config::{Config, FIELDS, Lifetimes, Named, RESOLVERS_MAX, Rations, SERVERS_MAX, TABLES};
pub use flight::Lookups;

use super::{Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Question};
use crate::{clock::Clock, dns_lists::DnsLists};
use cache::Cache;
use fetched::Fetched;
use flight::Asked;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Questions on their way to the I/O thread. It only sorts them, so this fills up when that thread stands still.
const QUEUE_MAX: usize = 4_096;
/// Open files that the rest of the process needs: listeners, connections, stores.
const FILES_FOR_OTHERS: u64 = 256;
/// Sockets one look-up may hold: two servers, each question asked up to three times by us, each time up to three times
/// by the library.
const SOCKETS_PER_LOOKUP: u64 = 18;

/// What both halves see.
struct Shared {
    cache: Cache,
    clock: Clock,
    lists: Arc<DnsLists>,
    metrics: metrics::Metrics,
    /// Is the default resolver within reach?
    wellness: pulse::Wellness,
}

impl Shared {
    /// The answer, if nobody need be asked.
    fn cached(&self, question: &DnsQuestion, now: Instant) -> Option<Answered> {
        let answered = self.cache.get(question, now)?;
        self.metrics.stale(&answered);
        Some(answered)
    }

    /// Keeps what came, and gives what is to be said: where nobody answered, an older answer may stand in.
    fn learn(&self, question: &DnsQuestion, fetched: Fetched) -> Answered {
        match fetched.answer {
            // Nobody was asked: nothing was learnt.
            DnsAnswer::Failed(failure) if failure.is_ours() => fetched.answered(false, fetched.at),
            DnsAnswer::Failed(_) => self.cache.fail(question, fetched),
            DnsAnswer::Found(_) | DnsAnswer::NotFound => {
                let answered = fetched.answered(false, fetched.at);
                self.cache.insert(question, fetched);
                answered
            }
        }
    }
}

/// The askers' half; cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Asked>,
}

impl Resolver {
    /// Both halves where no list has an account: [`Resolver::with_lists`].
    ///
    /// # Errors
    /// As there.
    pub fn new(config: &Config, clock: Clock) -> Result<(Self, Lookups), String> {
        Self::with_lists(config, clock, Arc::default())
    }

    /// Makes both halves. Questions of lists go by the lists' ways, on their accounts, and the keeper is told how they
    /// ended. [`Lookups::run`] belongs on the I/O thread's runtime. Raise the limit of open files and install the
    /// metrics recorder before.
    ///
    /// # Errors
    /// One line: the resolver library refuses the configuration.
    pub fn with_lists(config: &Config, clock: Clock, lists: Arc<DnsLists>) -> Result<(Self, Lookups), String> {
        let ledger = ration::Ledger::new(config.rations, clock.steady());
        let wellness = pulse::Wellness::new(clock.steady());
        let shared = Arc::new(Shared {
            cache: Cache::new(config.cache_entries, config.cache_octets, config.stale_max),
            clock,
            lists: lists.clone(),
            metrics: metrics::Metrics::new(),
            wellness,
        });
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let lookups = Lookups {
            queue,
            shared: shared.clone(),
            routes: route::Routes::new(config, lists)?,
            ledger,
            lifetimes: config.lifetimes,
            in_flight_max: config.in_flight_max.min(lookups_that_files_allow()),
            flights: flight::Flights::default(),
            pulse: pulse::Pulse::new(),
        };
        Ok((Self { shared, queue: sender }, lookups))
    }
}

impl Ask for Resolver {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let question = match question {
            Question::Dns(question) => question,
            Question::ListHealth => return Some(Answered::health(self.shared.lists.board())),
            Question::Spf(_) | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => return None,
        };
        let found = self.shared.cached(question, self.shared.clock.steady());
        let counter = if found.is_some() { &self.shared.metrics.hits } else { &self.shared.metrics.misses };
        counter.increment(1);
        found
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        let (reply, receiver) = oneshot::channel();
        let question = match question {
            Question::Dns(question) => question,
            Question::ListHealth => {
                let _ = reply.send(Answered::health(self.shared.lists.board()));
                return receiver;
            }
            // Others answer that; here nobody does.
            Question::Spf(_) | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => return receiver,
        };
        if let Err(error) = self.queue.try_send(Asked { question, asker, reply }) {
            let (asked, failure) = match error {
                mpsc::error::TrySendError::Full(asked) => (asked, Failure::Overload),
                mpsc::error::TrySendError::Closed(asked) => (asked, Failure::Unreachable),
            };
            self.shared.metrics.count(&DnsAnswer::Failed(failure));
            let _ = asked.reply.send(Answered::failed(failure, Duration::ZERO));
        }
        receiver
    }

    fn stale(&self, question: &Question) -> Option<Answered> {
        let Question::Dns(question) = question else { return None };
        let answered = self.shared.cache.stand_in(question, self.shared.clock.steady())?;
        self.shared.metrics.stale(&answered);
        Some(answered)
    }

    fn was_well(&self, ago: Duration) -> bool {
        self.shared.wellness.was_well(ago, self.shared.clock.steady()) && !self.shared.lists.resolver_lies()
    }
}

/// Look-ups under way must never take the sockets that connections need.
fn lookups_that_files_allow() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let lookups = limit.saturating_sub(FILES_FOR_OTHERS) / SOCKETS_PER_LOOKUP;
    usize::try_from(lookups).unwrap_or(usize::MAX).max(1)
}
