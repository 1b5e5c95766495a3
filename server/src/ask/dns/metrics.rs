//! What does the resolver count? Handles are resolved once, when it is made; labels are closed sets.

use super::super::{Answered, DnsAnswer, Failure};
use metrics::{Counter, Gauge, Histogram};

/// Look-ups that ended, by `outcome`: `found`, `not_found` or a failure's name. Answers from the cache do not count.
pub const LOOKUPS: &str = "tollgate_dns_lookups_total";
/// How long look-ups took, in seconds.
pub const LOOKUP_SECONDS: &str = "tollgate_dns_lookup_duration_seconds";
/// Look-ups under way.
pub const IN_FLIGHT: &str = "tollgate_dns_lookups_in_flight";
/// Questions put to the cache, by `result`: `hit` or `miss`.
pub const CACHE_READS: &str = "tollgate_dns_cache_reads_total";
/// Expired answers given because nobody answered (RFC 8767).
pub const STALE: &str = "tollgate_dns_stale_total";
/// Answers in the cache.
pub const CACHE_ENTRIES: &str = "tollgate_dns_cache_entries";
/// Bytes in the cache, estimated.
pub const CACHE_BYTES: &str = "tollgate_dns_cache_bytes";

pub(super) struct Metrics {
    found: Counter,
    not_found: Counter,
    failed: [Counter; Failure::ALL.len()],
    seconds: Histogram,
    pub(super) in_flight: Gauge,
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    stale: Counter,
    entries: Gauge,
    octets: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe();
        let outcome = |name: &'static str| metrics::counter!(LOOKUPS, "outcome" => name);
        Self {
            found: outcome("found"),
            not_found: outcome("not_found"),
            failed: Failure::ALL.map(|failure| outcome(failure.name())),
            seconds: metrics::histogram!(LOOKUP_SECONDS),
            in_flight: metrics::gauge!(IN_FLIGHT),
            hits: metrics::counter!(CACHE_READS, "result" => "hit"),
            misses: metrics::counter!(CACHE_READS, "result" => "miss"),
            stale: metrics::counter!(STALE),
            entries: metrics::gauge!(CACHE_ENTRIES),
            octets: metrics::gauge!(CACHE_BYTES),
        }
    }

    pub(super) fn count(&self, answer: &DnsAnswer) {
        match answer {
            DnsAnswer::Found(_) => self.found.increment(1),
            DnsAnswer::NotFound => self.not_found.increment(1),
            DnsAnswer::Failed(failure) => {
                for (known, counter) in Failure::ALL.iter().zip(&self.failed) {
                    if known == failure {
                        counter.increment(1);
                    }
                }
            }
        }
    }

    /// Counts the answer if it has expired.
    pub(super) fn stale(&self, answered: &Answered) {
        if answered.stale {
            self.stale.increment(1);
        }
    }

    pub(super) fn took(&self, seconds: f64) {
        self.seconds.record(seconds);
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge: 2^53 bytes are far beyond every bound")]
    pub(super) fn cache_size(&self, (entries, octets): (usize, usize)) {
        self.entries.set(entries as f64);
        self.octets.set(octets as f64);
    }
}

fn describe() {
    metrics::describe_counter!(LOOKUPS, "DNS look-ups that ended, by outcome; answers from the cache do not count");
    metrics::describe_histogram!(LOOKUP_SECONDS, metrics::Unit::Seconds, "How long DNS look-ups took");
    metrics::describe_gauge!(IN_FLIGHT, "DNS look-ups under way");
    metrics::describe_counter!(CACHE_READS, "Questions put to the DNS cache, by result");
    metrics::describe_counter!(STALE, "Expired DNS answers given because nobody answered");
    metrics::describe_gauge!(CACHE_ENTRIES, "Answers in the DNS cache");
    metrics::describe_gauge!(CACHE_BYTES, metrics::Unit::Bytes, "Memory of the DNS cache, estimated");
}
