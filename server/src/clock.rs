//! What time is it? The only file that reads a clock; everything else is handed a [`Now`] or a [`Clock`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// One moment, on both clocks: the steady one for deadlines and ages, the wall clock for logs and expiry dates.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Monotonic; never jumps.
    pub steady: Instant,
    /// Time since the Unix epoch; jumps when the clock is set.
    pub wall: Duration,
}

impl Now {
    /// Unix time in whole seconds.
    pub fn unix_seconds(self) -> u64 {
        self.wall.as_secs()
    }

    /// Unix time in milliseconds.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.wall.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A source of time: the machine's, or one that a test moves by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Manual>>);

#[derive(Debug)]
struct Manual {
    start: Now,
    moved_ms: AtomicU64,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `unix_seconds` until [`Clock::advance`] moves it.
    pub fn manual(unix_seconds: u64) -> Self {
        let start = Now { steady: steady_now(), wall: Duration::from_secs(unix_seconds) };
        Self(Some(Arc::new(Manual { start, moved_ms: AtomicU64::new(0) })))
    }

    /// Moves a manual clock forward; the system clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            manual.moved_ms.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// The present moment of the steady clock alone: for ages and deadlines, at half the price.
    pub fn steady(&self) -> Instant {
        match &self.0 {
            None => steady_now(),
            Some(_) => self.now().steady,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Now {
        match &self.0 {
            None => Now { steady: steady_now(), wall: wall_now() },
            Some(manual) => {
                let moved = Duration::from_millis(manual.moved_ms.load(Ordering::SeqCst));
                Now { steady: manual.start.steady + moved, wall: manual.start.wall + moved }
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this file is the one reader of clocks")]
fn steady_now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "this file is the one reader of clocks")]
fn wall_now() -> Duration {
    // A clock set before 1970 reads as 1970: nothing here needs to tell the two apart.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(1_000);
        let before = clock.now();
        assert_eq!(clock.now().steady, before.steady);
        clock.advance(Duration::from_millis(2_500));
        assert_eq!(clock.now().steady - before.steady, Duration::from_millis(2_500));
        assert_eq!(clock.steady(), clock.now().steady);
        assert_eq!(clock.now().unix_seconds(), 1_002);
        assert_eq!(clock.now().unix_millis(), 1_002_500);
    }
}
