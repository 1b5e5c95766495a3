//! What is counted of SPF? Handles are resolved once; labels are closed sets.

use super::super::spf::{Evaluation, SpfResult};
use metrics::{Counter, Gauge, Histogram};
use std::time::Duration;

/// Evaluations that ended, by `result`: RFC 7208's words, or `undecided` where the reason is ours. Results at hand do
/// not count.
pub const EVALUATIONS: &str = "tollgate_spf_evaluations_total";
/// How long evaluations took, in seconds.
pub const SECONDS: &str = "tollgate_spf_evaluation_duration_seconds";
/// Terms that asked the DNS, of each evaluation; more than 10 are a permerror (RFC 7208 §4.6.4).
pub const LOOKUPS: &str = "tollgate_spf_lookups";
/// Of these, terms that found nothing; more than `void_lookups_max` are a permerror.
pub const VOIDS: &str = "tollgate_spf_void_lookups";
/// Questions put to the results at hand, by `result`: `hit` or `miss`.
pub const READS: &str = "tollgate_spf_cache_reads_total";
/// Entries of the results at hand.
pub const ENTRIES: &str = "tollgate_spf_cache_entries";
/// Bytes of the results at hand, estimated.
pub const BYTES: &str = "tollgate_spf_cache_bytes";
/// Evaluations under way.
pub const UNDER_WAY: &str = "tollgate_spf_evaluations_in_flight";

/// Edges of the histograms of terms: up to the limits, and beyond.
pub const TERMS_EDGES: &[f64] = &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0];

const UNDECIDED: &str = "undecided";

pub(super) struct Metrics {
    results: [Counter; SpfResult::ALL.len()],
    undecided: Counter,
    seconds: Histogram,
    lookups: Histogram,
    voids: Histogram,
    hits: Counter,
    misses: Counter,
    entries: Gauge,
    octets: Gauge,
    under_way: Gauge,
}

#[allow(clippy::cast_precision_loss, reason = "gauges and small counts: 2^53 is far beyond every bound")]
impl Metrics {
    pub(super) fn new() -> Self {
        describe();
        let ended = |result: &'static str| metrics::counter!(EVALUATIONS, "result" => result);
        Self {
            results: SpfResult::ALL.map(|result| ended(result.name())),
            undecided: ended(UNDECIDED),
            seconds: metrics::histogram!(SECONDS),
            lookups: metrics::histogram!(LOOKUPS),
            voids: metrics::histogram!(VOIDS),
            hits: metrics::counter!(READS, "result" => "hit"),
            misses: metrics::counter!(READS, "result" => "miss"),
            entries: metrics::gauge!(ENTRIES),
            octets: metrics::gauge!(BYTES),
            under_way: metrics::gauge!(UNDER_WAY),
        }
    }

    pub(super) fn ended(&self, evaluation: &Evaluation, took: Duration) {
        if evaluation.is_ours {
            self.undecided(1);
        } else {
            let at = SpfResult::ALL.iter().position(|result| *result == evaluation.result);
            at.and_then(|at| self.results.get(at)).into_iter().for_each(|counter| counter.increment(1));
        }
        self.seconds.record(took.as_secs_f64());
        self.lookups.record(evaluation.lookups as f64);
        self.voids.record(evaluation.voids as f64);
    }

    pub(super) fn undecided(&self, count: u64) {
        self.undecided.increment(count);
    }

    pub(super) fn read(&self, is_hit: bool) {
        if is_hit { &self.hits } else { &self.misses }.increment(1);
    }

    pub(super) fn size(&self, (entries, octets): (usize, usize)) {
        self.entries.set(entries as f64);
        self.octets.set(octets as f64);
    }

    pub(super) fn under_way(&self, count: usize) {
        self.under_way.set(count as f64);
    }
}

fn describe() {
    metrics::describe_counter!(EVALUATIONS, "SPF evaluations that ended, by result; undecided: for a reason of ours");
    metrics::describe_histogram!(SECONDS, metrics::Unit::Seconds, "How long SPF evaluations took");
    metrics::describe_histogram!(LOOKUPS, "Terms of an SPF evaluation that asked the DNS; the limit is 10");
    metrics::describe_histogram!(VOIDS, "Terms of an SPF evaluation that found nothing; the default limit is 2");
    metrics::describe_counter!(READS, "Questions put to the SPF results at hand, by result");
    metrics::describe_gauge!(ENTRIES, "Entries of the SPF results at hand");
    metrics::describe_gauge!(BYTES, metrics::Unit::Bytes, "Memory of the SPF results at hand, estimated");
    metrics::describe_gauge!(UNDER_WAY, "SPF evaluations under way");
}
