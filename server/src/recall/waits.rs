//! How long did mail wait, by what its sender is known by? Counts since the start, and what Prometheus reads.

use crate::check::Waits;
use metrics::{counter, histogram};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long mail waited that came through.
pub const WAITED: &str = "tollgate_waited_seconds";

/// Edges of its buckets, in seconds: a minute to three days.
pub const WAITED_EDGES: &[f64] =
    &[60.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0];

/// Classes that are told apart: checks name a closed set, this is only a bound.
const CLASSES_MAX: usize = 8;

/// A bucket for each doubling: the last holds waits of more than a month.
const BUCKETS: usize = 24;

struct Class {
    name: &'static str,
    begun: u64,
    passed: u64,
    /// Waits of 2^n up to 2^(n+1) seconds.
    buckets: [u64; BUCKETS],
}

/// The counts.
#[derive(Default)]
pub(super) struct WaitCounts(Mutex<Vec<Class>>);

impl WaitCounts {
    /// One more mail that begins to wait (`None`), or that came through after so many seconds.
    pub(super) fn count(&self, class: &'static str, seconds: Option<u64>) {
        let mut classes = self.classes();
        let place = classes.iter().position(|known| known.name == class).or_else(|| {
            (classes.len() < CLASSES_MAX).then(|| {
                classes.push(Class { name: class, begun: 0, passed: 0, buckets: [0; BUCKETS] });
                classes.len() - 1
            })
        });
        let Some(known) = place.and_then(|place| classes.get_mut(place)) else { return };
        match seconds {
            None => {
                known.begun += 1;
                counter!("tollgate_waits_begun_total", "class" => class).increment(1);
            }
            Some(seconds) => {
                known.passed += 1;
                let bucket = usize::try_from(seconds.max(1).ilog2()).unwrap_or(BUCKETS - 1).min(BUCKETS - 1);
                known.buckets[bucket] += 1;
                histogram!(WAITED, "class" => class).record(seconds as f64);
            }
        }
    }

    pub(super) fn all(&self) -> Vec<Waits> {
        let waits = |class: &Class| Waits {
            class: class.name,
            begun: class.begun,
            passed: class.passed,
            p50_p95: (quantile(&class.buckets, 50), quantile(&class.buckets, 95)),
        };
        self.classes().iter().map(waits).collect()
    }

    // std mutex: held to count, never over an await. A mail that waits is rare beside one that does not.
    fn classes(&self) -> MutexGuard<'_, Vec<Class>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The upper bound of the bucket in which so many of a hundred lie.
fn quantile(buckets: &[u64; BUCKETS], percent: u64) -> u64 {
    let all: u64 = buckets.iter().sum();
    let mut below = 0;
    for (power, count) in buckets.iter().enumerate() {
        below += count;
        if all > 0 && below * 100 >= all * percent {
            return (2 << power) - 1;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_bounds() {
        let waits = WaitCounts::default();
        waits.count("net", None);
        (0..95).for_each(|_| waits.count("net", Some(300)));
        (0..5).for_each(|_| waits.count("net", Some(4_000)));
        waits.count("spf", None);
        let all = waits.all();
        assert_eq!(all[0], Waits { class: "net", begun: 1, passed: 100, p50_p95: (511, 511) });
        assert_eq!(all[1], Waits { class: "spf", begun: 1, passed: 0, p50_p95: (0, 0) });
    }

    #[test]
    fn classes_are_bounded() {
        let waits = WaitCounts::default();
        let names: Vec<&'static str> = vec!["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        names.iter().for_each(|name| waits.count(name, Some(u64::MAX)));
        assert_eq!(waits.all().len(), CLASSES_MAX);
    }
}
