//! Is the default resolver well? A domain that cannot be looked up may be dead, or we may be cut off: what else fails, and
//! what does not, tells.

use super::super::DnsAnswer;
use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// So many different names in a row that nobody could look up, and none that somebody could: it is us.
const NAMES_IN_VAIN: usize = 3;

/// What any thread may ask.
pub(super) struct Wellness {
    start: Instant,
    is_unwell: AtomicBool,
    /// When it last got well, in milliseconds since `start`.
    well_since: AtomicU64,
}

impl Wellness {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, is_unwell: AtomicBool::new(false), well_since: AtomicU64::new(0) }
    }

    /// Is it well, and was it so long ago? What failed before it got well failed because of us.
    pub(super) fn was_well(&self, ago: Duration, now: Instant) -> bool {
        let since = Duration::from_millis(self.well_since.load(Ordering::Relaxed));
        let then = now.saturating_duration_since(self.start).saturating_sub(ago);
        !self.is_unwell.load(Ordering::Relaxed) && (then > since || since.is_zero())
    }

    fn show(&self, is_unwell: bool, now: Instant) {
        if self.is_unwell.swap(is_unwell, Ordering::Relaxed) && !is_unwell {
            let since = now.saturating_duration_since(self.start).as_millis();
            self.well_since.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// The names of the last look-ups that failed, one after the other. The I/O thread's own.
pub(super) struct Pulse {
    in_vain: Vec<u64>,
    hasher: RandomState,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { in_vain: Vec::with_capacity(NAMES_IN_VAIN), hasher: RandomState::new() }
    }

    /// A look-up has ended: what came of it is shown where it changes anything.
    pub(super) fn feel(&mut self, name: &str, answer: &DnsAnswer, wellness: &Wellness, now: Instant) {
        match answer {
            DnsAnswer::Found(_) | DnsAnswer::NotFound => {
                self.in_vain.clear();
                wellness.show(false, now);
            }
            DnsAnswer::Failed(failure) if failure.is_ours() => {}
            DnsAnswer::Failed(_) => {
                let name = self.hasher.hash_one(name);
                if self.in_vain.len() < NAMES_IN_VAIN && !self.in_vain.contains(&name) {
                    self.in_vain.push(name);
                }
                wellness.show(self.in_vain.len() >= NAMES_IN_VAIN, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ask::Failure, clock::Clock};

    #[test]
    fn one_dead_domain_is_not_a_dead_resolver() {
        let clock = Clock::manual(1_000);
        let (mut pulse, wellness) = (Pulse::new(), Wellness::new(clock.steady()));
        let failed = DnsAnswer::Failed(Failure::Servfail);
        let mut is_unwell = |name: &str, answer: &DnsAnswer| {
            clock.advance(Duration::from_secs(1));
            pulse.feel(name, answer, &wellness, clock.steady());
            !wellness.was_well(Duration::ZERO, clock.steady() + Duration::from_millis(1))
        };
        for _ in 0..9 {
            assert!(!is_unwell("a.example", &failed) && !is_unwell("b.example", &failed));
        }
        assert!(!is_unwell("c.example", &DnsAnswer::Failed(Failure::Capped)), "nobody was asked");
        assert!(is_unwell("c.example", &failed));
        assert!(is_unwell("a.example", &failed));
        assert!(!is_unwell("d.example", &DnsAnswer::NotFound));
        assert!(!is_unwell("a.example", &failed) && !is_unwell("b.example", &failed));
    }

    #[test]
    fn what_failed_before_it_got_well_failed_because_of_us() {
        let clock = Clock::manual(1_000);
        let (mut pulse, wellness) = (Pulse::new(), Wellness::new(clock.steady()));
        for name in ["a.example", "b.example", "c.example"] {
            clock.advance(Duration::from_secs(1));
            pulse.feel(name, &DnsAnswer::Failed(Failure::Timeout), &wellness, clock.steady());
        }
        pulse.feel("d.example", &DnsAnswer::NotFound, &wellness, clock.steady());
        clock.advance(Duration::from_secs(2));
        assert!(wellness.was_well(Duration::from_secs(1), clock.steady()));
        assert!(!wellness.was_well(Duration::from_secs(2), clock.steady()));
    }
}
