//! How is a DNS question answered? From the cache at once, on any thread; else by the I/O thread, once for all askers.
//!
//! `config` is the section `[dns]`, `cache` what is kept and for how long, `flight` the I/O thread's loop, `upstream`
//! the servers, `outcome` the meaning of what they say, `redact` what of it is not passed on.

mod cache;
mod config;
mod flight;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod metrics;
mod outcome;
mod redact;
#[cfg(test)]
mod tests;
mod upstream;

pub use config::{Config, FIELDS, Lifetimes, Named, RESOLVERS_MAX, SERVERS_MAX, TABLES};
pub use flight::Lookups;

use super::{Answered, Ask, Asker, Failure, Question};
use crate::clock::Clock;
use cache::Cache;
use flight::Asked;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Questions on their way to the I/O thread. It only sorts them, so this fills up when that thread stands still.
const QUEUE_MAX: usize = 4_096;
/// Open files that the rest of the process needs: listeners, connections, stores.
const FILES_FOR_OTHERS: u64 = 256;
/// Sockets one look-up may hold: two servers, each question sent up to three times.
const SOCKETS_PER_LOOKUP: u64 = 6;

/// What both halves see.
struct Shared {
    cache: Cache,
    clock: Clock,
    metrics: metrics::Metrics,
}

/// The askers' half; cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Asked>,
}

impl Resolver {
    /// Makes both halves. [`Lookups::run`] belongs on the I/O thread's runtime. Raise the limit of open files and
    /// install the metrics recorder before. `Err` is one line: the resolver library refuses the configuration.
    pub fn new(config: &Config, clock: Clock) -> Result<(Self, Lookups), String> {
        let shared = Arc::new(Shared {
            cache: Cache::new(config.cache_entries, config.cache_octets),
            clock,
            metrics: metrics::Metrics::new(),
        });
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let lookups = Lookups {
            queue,
            shared: shared.clone(),
            upstreams: upstream::build(config)?,
            config: config.clone(),
            in_flight_max: config.in_flight_max.min(lookups_that_files_allow()),
            flights: flight::Flights::default(),
        };
        Ok((Self { shared, queue: sender }, lookups))
    }
}

impl Ask for Resolver {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let Question::Dns(question) = question else { return Some(Answered::health(Arc::default())) };
        let found = self.shared.cache.get(question, self.shared.clock.steady());
        let counter = if found.is_some() { &self.shared.metrics.hits } else { &self.shared.metrics.misses };
        counter.increment(1);
        found
    }

    fn ask(&self, question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        let (reply, receiver) = oneshot::channel();
        let Question::Dns(question) = question else {
            let _ = reply.send(Answered::health(Arc::default()));
            return receiver;
        };
        if let Err(error) = self.queue.try_send(Asked { question, reply }) {
            let (asked, failure) = match error {
                mpsc::error::TrySendError::Full(asked) => (asked, Failure::Overload),
                mpsc::error::TrySendError::Closed(asked) => (asked, Failure::Unreachable),
            };
            self.shared.metrics.count(&super::DnsAnswer::Failed(failure));
            let _ = asked.reply.send(Answered::failed(failure, Duration::ZERO));
        }
        receiver
    }
}

/// Look-ups under way must never take the sockets that connections need.
fn lookups_that_files_allow() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let lookups = limit.saturating_sub(FILES_FOR_OTHERS) / SOCKETS_PER_LOOKUP;
    usize::try_from(lookups).unwrap_or(usize::MAX).max(1)
}
