//! How many of the latest look-ups failed, and how? A minute in slices, each a few counters.

use super::{Cause, Outcome};
use std::time::{Duration, Instant};

/// Slices of the window, and how long one is: a minute.
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_secs(5);

/// Causes of failed look-ups.
const CAUSES: [Cause; 4] = [Cause::Silent, Cause::Servfail, Cause::Malformed, Cause::Refused];

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    answered: u32,
    wrong: u32,
    failed: [u32; CAUSES.len()],
}

/// Look-ups of the last minute.
#[derive(Clone, Debug)]
pub(super) struct Window {
    slices: [Slice; SLICES],
    /// When the newest slice began, and which it is.
    began: Instant,
    newest: usize,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self { slices: [Slice::default(); SLICES], began: now, newest: 0 }
    }

    pub(super) fn clear(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    pub(super) fn add(&mut self, outcome: Outcome, now: Instant) {
        self.slide(now);
        let slice = &mut self.slices[self.newest];
        let counter = match outcome {
            Outcome::Good => &mut slice.answered,
            Outcome::Wrong(_) => &mut slice.wrong,
            Outcome::Failed(cause) => {
                let at = CAUSES.iter().position(|known| *known == cause).unwrap_or_default();
                &mut slice.failed[at]
            }
        };
        *counter = counter.saturating_add(1);
    }

    /// Drops what is older than a minute.
    pub(super) fn slide(&mut self, now: Instant) {
        for _ in 0..SLICES {
            if now.saturating_duration_since(self.began) < SLICE {
                return;
            }
            self.newest = (self.newest + 1) % SLICES;
            self.slices[self.newest] = Slice::default();
            self.began += SLICE;
        }
        // Nothing happened for longer than the window.
        self.began = now;
    }

    /// Failed look-ups, all look-ups, and the commonest cause, over the last minute.
    pub(super) fn failed(&self) -> (u32, u32, Cause) {
        self.failed_lately(SLICES)
    }

    /// The same over the newest slices; the newest of all has just begun, perhaps.
    pub(super) fn failed_lately(&self, slices: usize) -> (u32, u32, Cause) {
        let (mut by_cause, mut others) = ([0_u32; CAUSES.len()], 0_u32);
        for back in 0..slices.min(SLICES) {
            let slice = &self.slices[(self.newest + SLICES - back) % SLICES];
            others = others.saturating_add(slice.answered).saturating_add(slice.wrong);
            for (sum, failed) in by_cause.iter_mut().zip(slice.failed) {
                *sum = sum.saturating_add(failed);
            }
        }
        let failed = by_cause.iter().fold(0_u32, |sum, failed| sum.saturating_add(*failed));
        let commonest = by_cause.iter().zip(CAUSES).max_by_key(|(failed, _)| **failed);
        (failed, failed.saturating_add(others), commonest.map_or(Cause::Silent, |(_, cause)| cause))
    }

    /// Look-ups without a usable answer among all, 0 to 1; `None` = there were none.
    pub(super) fn error_rate(&self) -> Option<f64> {
        let (failed, all, _) = self.failed();
        let wrong = self.slices.iter().fold(0_u32, |sum, slice| sum.saturating_add(slice.wrong));
        (all > 0).then(|| f64::from(failed.saturating_add(wrong)) / f64::from(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_minute_is_remembered_and_no_more() {
        let start = Clock::manual(0).steady();
        let mut window = Window::new(start);
        for second in 0..30 {
            window.add(Outcome::Failed(Cause::Servfail), start + Duration::from_secs(second));
        }
        window.add(Outcome::Good, start + Duration::from_secs(30));
        window.add(Outcome::Wrong(Cause::Refused), start + Duration::from_secs(31));
        assert_eq!(window.failed(), (30, 32, Cause::Servfail));
        assert_eq!(window.error_rate(), Some(31.0 / 32.0));
        assert_eq!(window.failed_lately(2), (5, 7, Cause::Servfail));
        window.slide(start + Duration::from_secs(75));
        assert_eq!(window.failed().0, 10, "those of the first twenty seconds are gone");
        window.slide(start + Duration::from_secs(3_600));
        assert_eq!(window.failed().1, 0);
        assert_eq!(window.error_rate(), None);
    }
}
