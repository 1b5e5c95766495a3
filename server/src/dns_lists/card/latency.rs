//! How long did a list's look-ups take? A histogram whose edges grow by the square root of two: 0.1 ms to 27 s.

use std::time::Duration;

/// Buckets of the histogram.
pub const BUCKETS: usize = 37;
const FIRST_MICROSECONDS: f64 = 100.0;

/// Look-ups by how long they took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency(pub [u32; BUCKETS]);

impl Default for Latency {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Latency {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        let steps = (took.as_secs_f64() * 1e6 / FIRST_MICROSECONDS).max(1.0).log2() * 2.0;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and saturating")]
        let bucket = (steps.ceil() as usize).min(BUCKETS - 1);
        self.0[bucket] = self.0[bucket].saturating_add(1);
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (here, there) in self.0.iter_mut().zip(other.0) {
            *here = here.saturating_add(there);
        }
    }

    /// The time within which this share of the look-ups ended, rounded up to an edge (at most 41 % too much); the last
    /// bucket has no upper edge. `None` = there were none. `share` is 0 to 1.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = share * all as f64;
        let mut sum = 0;
        let bucket = self.0.iter().position(|count| {
            sum += u64::from(*count);
            *count > 0 && sum as f64 >= wanted
        })?;
        let exponent = i32::try_from(bucket).unwrap_or_default();
        Some(Duration::from_secs_f64(FIRST_MICROSECONDS * 1e-6 * (f64::from(exponent) * 0.5).exp2()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_an_edge_too_long() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(0.5), None);
        for ms in 1..=1_000 {
            latency.add(Duration::from_millis(ms));
        }
        for (share, exact) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0)] {
            let seconds = latency.quantile(share).expect("some").as_secs_f64();
            assert!((exact..exact * 1.42).contains(&seconds), "{share}: {seconds}");
        }
        let mut odd = Latency::default();
        odd.add(Duration::ZERO);
        assert_eq!(odd.quantile(0.99), Some(Duration::from_micros(100)));
        odd.add(Duration::MAX);
        assert!(odd.quantile(1.0).expect("some") > Duration::from_secs(25));
    }
}
