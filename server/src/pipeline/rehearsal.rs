//! Is it worth waiting for what is only rehearsed? Not while answers do not come: a resolver that is silent shall not cost
//! every session a wait that changes nothing.

use super::gather::Waited;
use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Sessions in a row that waited in vain.
const MISSED_MAX: u32 = 5;
/// For so long nobody waits then; whoever comes after it tries again.
const PAUSE: Duration = Duration::from_secs(10);

/// Shared by all cores.
#[derive(Debug)]
pub(super) struct Rehearsal {
    start: Instant,
    missed: AtomicU32,
    /// Until when nobody waits, in milliseconds since `start`.
    paused_until: AtomicU64,
}

impl Rehearsal {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, missed: 0.into(), paused_until: 0.into() }
    }

    /// `wanted`, or nothing.
    pub(super) fn wait(&self, wanted: Duration, now: Instant) -> Duration {
        let paused = self.since_start(now) < self.paused_until.load(Ordering::Relaxed);
        if paused { Duration::ZERO } else { wanted }
    }

    /// Somebody waited. In vain is that only if not one answer came: a slow name server among others shall not keep the
    /// others from being heard. Who had all in the cache has learned nothing.
    pub(super) fn waited(&self, waited: Waited, now: Instant) {
        if waited.heard {
            self.missed.store(0, Ordering::Relaxed);
        } else if !waited.in_time && self.missed.fetch_add(1, Ordering::Relaxed) + 1 >= MISSED_MAX {
            // Several cores may do this at once: each means the same.
            self.missed.store(MISSED_MAX, Ordering::Relaxed);
            self.paused_until.store(self.since_start(now + PAUSE), Ordering::Relaxed);
        }
    }

    fn since_start(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const VAIN: Waited = Waited { in_time: false, heard: false };
    const PARTLY: Waited = Waited { in_time: false, heard: true };
    const CACHED: Waited = Waited { in_time: true, heard: false };

    #[test]
    fn nobody_waits_after_many_waited_in_vain_and_somebody_tries_again() {
        let clock = Clock::manual(1_000);
        let rehearsal = Rehearsal::new(clock.steady());
        let (wanted, none) = (Duration::from_millis(500), Duration::ZERO);
        let wait = || rehearsal.wait(wanted, clock.steady());
        for _ in 1..MISSED_MAX {
            rehearsal.waited(VAIN, clock.steady());
            rehearsal.waited(CACHED, clock.steady());
            assert_eq!(wait(), wanted);
        }
        rehearsal.waited(VAIN, clock.steady());
        assert_eq!(wait(), none);
        clock.advance(PAUSE);
        assert_eq!(wait(), wanted, "somebody tries");
        rehearsal.waited(VAIN, clock.steady());
        assert_eq!(wait(), none, "one more is enough now");
        clock.advance(PAUSE);
        rehearsal.waited(PARTLY, clock.steady());
        for _ in 1..MISSED_MAX {
            rehearsal.waited(VAIN, clock.steady());
        }
        assert_eq!(wait(), wanted, "somebody was heard: counted anew");
    }
}
