//! What is counted of each DNS list? By list, with labels from closed sets otherwise; the names of lists are bounded.

use super::{Heard, card::Contradiction, health::Outcome};
use crate::ask::{DnsAnswer, Failure, Health};
use metrics::{Counter, Gauge, Histogram};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// Changes of state, by the state that begins.
pub const FLIPS: &str = "tollgate_list_flips_total";
/// 1 for the state a list is in, 0 for the others.
pub const HEALTH: &str = "tollgate_list_health";
/// Lists of the policy that can refuse: neither on trial nor lists of good clients (if there are others).
pub const LISTS: &str = "tollgate_lists";
/// Those of them that are healthy.
pub const LISTS_HEALTHY: &str = "tollgate_lists_healthy";
/// Look-ups that ended, by outcome: `found`, `not_found`, `wrong` (no list in order answers so), or a failure.
pub const LOOKUPS: &str = "tollgate_list_lookups_total";
/// How long they took, in seconds.
pub const LOOKUP_SECONDS: &str = "tollgate_list_lookup_duration_seconds";
/// What lists said about connections.
pub const HEARD: &str = "tollgate_list_heard_total";
/// Connections whose client no other list listed.
pub const UNIQUE_HITS: &str = "tollgate_list_unique_hits_total";
/// Listed clients that turned out to be good, by kind.
pub const CONTRADICTIONS: &str = "tollgate_list_contradictions_total";
/// Refusals that would not have been without the list.
pub const NEEDED: &str = "tollgate_list_needed_total";
/// Look-ups of the day as a share of the budget; 0 without one.
pub const BUDGET_USED: &str = "tollgate_list_budget_used_ratio";
/// Events that the keeper could not take.
pub const EVENTS_DROPPED: &str = "tollgate_list_events_dropped_total";
/// 1 while a resolver invents answers.
pub const RESOLVER_LIES: &str = "tollgate_resolver_lies";
/// Writes into the store that failed.
pub const STORE_FAILED: &str = "tollgate_list_store_failed_total";

/// Names of lists that become labels over the life of the process; further ones are counted as [`OTHER`].
pub const NAMES_MAX: usize = 256;
/// The label of lists beyond the bound.
pub const OTHER: &str = "other";

const FOUND: [&str; 3] = ["found", "not_found", "wrong"];

/// Which names have become labels?
#[derive(Debug, Default)]
pub struct Labels(HashSet<Arc<str>>);

impl Labels {
    /// The label of a list.
    pub fn of(&mut self, name: &Arc<str>) -> Arc<str> {
        if self.0.contains(name) {
            return name.clone();
        }
        if self.0.len() >= NAMES_MAX {
            return OTHER.into();
        }
        self.0.insert(name.clone());
        name.clone()
    }
}

/// One list's handles.
pub struct ListMetrics {
    health: [Gauge; Health::ALL.len()],
    flips: [Counter; Health::ALL.len()],
    found: [Counter; FOUND.len()],
    failed: [Counter; Failure::ALL.len()],
    seconds: Histogram,
    heard: [Counter; 3],
    unique: Counter,
    contradictions: [Counter; Contradiction::ALL.len()],
    needed: Counter,
    budget: Gauge,
}

impl ListMetrics {
    /// Those of the list with this label; all stand at 0.
    pub fn new(label: &Arc<str>) -> Self {
        let list = || label.to_string();
        let lookups = |outcome: &'static str| metrics::counter!(LOOKUPS, "list" => list(), "outcome" => outcome);
        let heard = |heard: &'static str| metrics::counter!(HEARD, "list" => list(), "heard" => heard);
        Self {
            health: Health::ALL.map(|health| metrics::gauge!(HEALTH, "list" => list(), "state" => health.name())),
            flips: Health::ALL.map(|health| metrics::counter!(FLIPS, "list" => list(), "to" => health.name())),
            found: FOUND.map(lookups),
            failed: Failure::ALL.map(|failure| lookups(failure.name())),
            seconds: metrics::histogram!(LOOKUP_SECONDS, "list" => list()),
            heard: ["clean", "listed", "failed"].map(heard),
            unique: metrics::counter!(UNIQUE_HITS, "list" => list()),
            contradictions: Contradiction::ALL
                .map(|kind| metrics::counter!(CONTRADICTIONS, "list" => list(), "kind" => kind.name())),
            needed: metrics::counter!(NEEDED, "list" => list()),
            budget: metrics::gauge!(BUDGET_USED, "list" => list()),
        }
    }

    pub(super) fn is(&self, health: Health) {
        for (known, gauge) in Health::ALL.into_iter().zip(&self.health) {
            gauge.set(f64::from(u8::from(known == health)));
        }
    }

    /// The list is in the policy no more.
    pub(super) fn gone(&self) {
        self.health.iter().for_each(|gauge| gauge.set(0.0));
        self.budget.set(0.0);
    }

    pub(super) fn flipped(&self, to: Health) {
        for (known, counter) in Health::ALL.into_iter().zip(&self.flips) {
            if known == to {
                counter.increment(1);
            }
        }
    }

    pub(super) fn looked_up(&self, answer: &DnsAnswer, outcome: Option<Outcome>, took: Duration) {
        match (answer, outcome) {
            (DnsAnswer::Failed(failure), _) => {
                for (known, counter) in Failure::ALL.iter().zip(&self.failed) {
                    if known == failure {
                        counter.increment(1);
                    }
                }
            }
            (_, Some(Outcome::Wrong(_))) => self.found[2].increment(1),
            (DnsAnswer::NotFound, _) => self.found[1].increment(1),
            (DnsAnswer::Found(_), _) => self.found[0].increment(1),
        }
        if outcome.is_some() {
            self.seconds.record(took.as_secs_f64());
        }
    }

    pub(super) fn heard(&self, heard: Heard, alone: bool) {
        self.heard[match heard {
            Heard::Clean => 0,
            Heard::Listed => 1,
            Heard::Failed => 2,
        }]
        .increment(1);
        self.unique.increment(u64::from(alone));
    }

    pub(super) fn contradicted(&self, kind: Contradiction) {
        self.contradictions[kind as usize].increment(1);
    }

    pub(super) fn needed(&self) {
        self.needed.increment(1);
    }

    pub(super) fn budget(&self, used: u64, limit: Option<u64>) {
        let share = limit.filter(|limit| *limit > 0).map_or(0.0, |limit| used as f64 / limit as f64);
        self.budget.set(share);
    }
}

/// How many lists can refuse, and how many of them are healthy.
pub(super) fn lists(all: usize, healthy: usize) {
    metrics::gauge!(LISTS).set(all as f64);
    metrics::gauge!(LISTS_HEALTHY).set(healthy as f64);
}

pub(super) fn dropped(total: u64) {
    metrics::counter!(EVENTS_DROPPED).absolute(total);
}

pub(super) fn store_failed() {
    metrics::counter!(STORE_FAILED).increment(1);
}

/// `resolver` is a name of the configuration: at most 65 of them, and a change takes a restart.
pub(crate) fn resolver(resolver: &str, lies: bool) {
    metrics::gauge!(RESOLVER_LIES, "resolver" => resolver.to_owned()).set(f64::from(u8::from(lies)));
}

/// Tells the recorder what the metrics of this file mean, and makes those that are no list's.
pub fn describe() {
    metrics::describe_counter!(FLIPS, "Changes of a DNS list's state, by the state that began");
    metrics::describe_gauge!(HEALTH, "1 for the state a DNS list is in, 0 for the others");
    metrics::describe_gauge!(LISTS, "DNS lists that can refuse: neither on trial nor lists of good clients");
    metrics::describe_gauge!(LISTS_HEALTHY, "Those of them that are healthy");
    metrics::describe_counter!(LOOKUPS, "Look-ups at a DNS list that ended, by outcome; cached answers do not count");
    metrics::describe_histogram!(LOOKUP_SECONDS, metrics::Unit::Seconds, "How long look-ups at a DNS list took");
    metrics::describe_counter!(HEARD, "What DNS lists said about connections");
    metrics::describe_counter!(UNIQUE_HITS, "Connections whose client was on this DNS list and on no other");
    metrics::describe_counter!(CONTRADICTIONS, "Listed clients that turned out to be good, by kind");
    metrics::describe_counter!(NEEDED, "Refusals that would not have been without the DNS list");
    metrics::describe_gauge!(
        BUDGET_USED,
        "Look-ups of the day as a share of what the DNS list may have; 0 without a bound"
    );
    metrics::describe_counter!(EVENTS_DROPPED, "Events about DNS lists that were not counted: too many waited");
    metrics::describe_gauge!(RESOLVER_LIES, "1 while a resolver answers for names that cannot exist, else 0");
    metrics::describe_counter!(STORE_FAILED, "Writes of what is known of DNS lists that failed");
    lists(0, 0);
    dropped(0);
    metrics::counter!(STORE_FAILED).absolute(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_over_the_life_of_the_process() {
        let mut labels = Labels::default();
        let name = |number: usize| Arc::from(format!("bl{number}.example"));
        for number in 0..NAMES_MAX {
            assert_eq!(labels.of(&name(number)), name(number));
        }
        assert_eq!(&*labels.of(&name(NAMES_MAX)), OTHER);
        assert_eq!(labels.of(&name(3)), name(3), "known ones keep theirs");
        assert_eq!(labels.0.len(), NAMES_MAX);
    }
}
