//! How long is an answer good, and how long may it stand in for one that does not come (RFC 8767)?

use super::super::{Answer, Answered, DnsAnswer};
use std::time::{Duration, Instant};

/// An answer with its times.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub(super) answer: DnsAnswer,
    /// How long it may be used from `at` on.
    pub(super) ttl: Duration,
    /// When it came.
    pub(super) at: Instant,
    /// How long the look-up took.
    pub(super) took: Duration,
    /// Until when nobody is asked again, for the last to be asked gave no answer: this one stands in.
    failed_until: Option<Instant>,
}

impl Fetched {
    /// An answer that came at `at`.
    pub(super) const fn new(answer: DnsAnswer, ttl: Duration, at: Instant, took: Duration) -> Self {
        Self { answer, ttl, at, took, failed_until: None }
    }

    /// As seen at `now`, for as long as its TTL lasts.
    pub(super) fn answered(&self, cached: bool, now: Instant) -> Answered {
        let age = now.saturating_duration_since(self.at);
        Answered {
            answer: Answer::Dns(self.answer.clone()),
            cached,
            stale: false,
            age,
            ttl: self.ttl.saturating_sub(age),
            took: self.took,
        }
    }

    /// What the cache says without anybody being asked: the answer while it is good, and while a failure to renew it
    /// is remembered.
    pub(super) fn remembered(&self, now: Instant, stale_max: Duration) -> Option<Answered> {
        if self.is_fresh(now) {
            return Some(self.answered(true, now));
        }
        self.failed_until.filter(|&until| now < until).and_then(|_| self.stand_in(now, stale_max))
    }

    /// The answer, where it is known and has expired `stale_max` ago at most. A failure stands in for nothing.
    pub(super) fn stand_in(&self, now: Instant, stale_max: Duration) -> Option<Answered> {
        let known = matches!(self.answer, DnsAnswer::Found(_) | DnsAnswer::NotFound);
        let age = now.saturating_duration_since(self.at);
        let stale = !self.is_fresh(now);
        let usable = known && (!stale || age < self.ttl.saturating_add(stale_max));
        usable.then(|| Answered { stale, ..self.answered(true, now) })
    }

    /// Whoever was asked to renew it at `now` gave no answer; it is not asked again for `failure_ttl`.
    pub(super) fn renewal_failed(&mut self, now: Instant, failure_ttl: Duration) {
        self.failed_until = now.checked_add(failure_ttl);
    }

    /// Its TTL has not run out.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < self.ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ask::Failure, clock::Clock};

    const HOUR: Duration = Duration::from_secs(3_600);
    const MINUTE: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_expired_answer_stands_in_within_its_bound() {
        let clock = Clock::manual(1_000);
        let fetched = Fetched::new(DnsAnswer::NotFound, MINUTE, clock.steady(), SECOND);
        let seen = || fetched.stand_in(clock.steady(), HOUR).map(|answered| (answered.stale, answered.ttl));
        assert_eq!(seen(), Some((false, MINUTE)));
        clock.advance(MINUTE);
        assert_eq!(seen(), Some((true, Duration::ZERO)));
        clock.advance(HOUR - SECOND);
        assert_eq!(seen(), Some((true, Duration::ZERO)));
        clock.advance(SECOND);
        assert_eq!(seen(), None);
    }

    #[test]
    fn it_stands_in_unasked_only_while_a_failure_is_remembered() {
        let clock = Clock::manual(1_000);
        let mut fetched = Fetched::new(DnsAnswer::NotFound, MINUTE, clock.steady(), SECOND);
        clock.advance(MINUTE);
        assert_eq!(fetched.remembered(clock.steady(), HOUR), None);
        fetched.renewal_failed(clock.steady(), 5 * SECOND);
        clock.advance(4 * SECOND);
        assert!(fetched.remembered(clock.steady(), HOUR).is_some_and(|answered| answered.stale));
        assert_eq!(fetched.remembered(clock.steady(), SECOND), None, "too old to stand in");
        clock.advance(SECOND);
        assert_eq!(fetched.remembered(clock.steady(), HOUR), None);
    }

    #[test]
    fn a_failure_stands_in_for_nothing() {
        let clock = Clock::manual(1_000);
        let failure = DnsAnswer::Failed(Failure::Timeout);
        let fetched = Fetched::new(failure, MINUTE, clock.steady(), SECOND);
        assert_eq!(fetched.stand_in(clock.steady(), HOUR), None);
        assert!(fetched.remembered(clock.steady(), HOUR).is_some_and(|answered| !answered.stale));
    }

    #[test]
    fn nothing_stands_in_where_the_bound_is_zero() {
        let clock = Clock::manual(1_000);
        let fetched = Fetched::new(DnsAnswer::NotFound, MINUTE, clock.steady(), SECOND);
        clock.advance(MINUTE);
        assert_eq!(fetched.stand_in(clock.steady(), Duration::ZERO), None);
    }
}
