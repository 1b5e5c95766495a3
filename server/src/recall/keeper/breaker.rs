//! When is a store that failed tried again? After a while that doubles with every failure in a row, within bounds.

use crate::{clock::Clock, decision_log::LogRing, state::StateError};
use std::time::{Duration, Instant};

const WAIT_FIRST: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Keeps one thread away from a store that fails.
pub(super) struct Breaker {
    /// What the thread does with the store, for the log.
    doing: &'static str,
    clock: Clock,
    ring: LogRing,
    open: Option<Open>,
}

struct Open {
    until: Instant,
    wait: Duration,
}

impl Breaker {
    pub(super) fn new(doing: &'static str, clock: Clock, ring: LogRing) -> Self {
        Self { doing, clock, ring, open: None }
    }

    /// May the store be asked?
    pub(super) fn allows(&self) -> bool {
        self.open.as_ref().is_none_or(|open| self.clock.steady() >= open.until)
    }

    /// Has it failed, and not answered since?
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// It has failed.
    pub(super) fn failed(&mut self, error: &StateError) {
        let wait = self.open.as_ref().map_or(WAIT_FIRST, |open| (open.wait * 2).min(WAIT_MAX));
        if self.open.is_none() {
            let words = vec![("doing", self.doing.to_owned()), ("error", error.to_string())];
            self.ring.notice(self.clock.now(), "store_trouble", words);
        }
        self.open = Some(Open { until: self.clock.steady() + wait, wait });
        super::metrics::failed(self.doing);
    }

    /// It has answered.
    pub(super) fn worked(&mut self) {
        if self.open.take().is_some() {
            self.ring.notice(self.clock.now(), "store_recovered", vec![("doing", self.doing.to_owned())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let (clock, ring) = (Clock::manual(0), LogRing::new(10));
        let mut breaker = Breaker::new("read", clock.clone(), ring.clone());
        let error = StateError::Failed("store".to_owned(), "gone".to_owned());
        assert!(breaker.allows() && !breaker.is_open());
        let mut waited = Duration::ZERO;
        for round in 0..12_u32 {
            breaker.failed(&error);
            assert!(!breaker.allows() && breaker.is_open());
            let wait = (WAIT_FIRST * 2_u32.pow(round)).min(WAIT_MAX);
            clock.advance(wait.saturating_sub(Duration::from_millis(1)));
            assert!(!breaker.allows());
            clock.advance(Duration::from_millis(1));
            assert!(breaker.allows());
            waited += wait;
        }
        assert!(waited > WAIT_MAX * 3);
        breaker.worked();
        assert!(!breaker.is_open());
        assert_eq!(std::iter::from_fn(|| ring.pop()).count(), 2, "trouble and recovery are told once each");
    }
}
