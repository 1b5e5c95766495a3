//! When will a list's look-ups of the day be spent, and who has been told?

use super::Spend;
use crate::clock::Now;
use std::time::{Duration, Instant};

/// Slices of the hour whose rate is taken for the future.
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_secs(300);
const DAY_SECONDS: u64 = 86_400;

/// Percentages of the budget at which the administrator is told, once a day each.
pub const LEVELS: [u64; 3] = [70, 90, 100];

/// What is known of a list's spending.
#[derive(Clone, Debug)]
pub struct Budget {
    slices: [u64; SLICES],
    newest: usize,
    /// When the newest slice began, and when we began to look.
    began: Instant,
    first: Instant,
    last: Spend,
    /// Levels told of on the day of `last`.
    told: usize,
}

impl Budget {
    /// Looks on from here.
    pub fn new(spent: Spend, now: Now) -> Self {
        let steady = now.steady;
        Self { slices: [0; SLICES], newest: 0, began: steady, first: steady, last: spent, told: 0 }
    }

    /// Look-ups since midnight (UTC).
    pub fn today(spent: Spend, now: Now) -> u64 {
        if spent.day == now.unix_seconds() / DAY_SECONDS { spent.lookups } else { 0 }
    }

    /// Notes what has been spent, and gives the highest level that is reached for the first time today.
    pub fn observe(&mut self, spent: Spend, limit: Option<u64>, now: Now) -> Option<u64> {
        self.slide(now.steady);
        let same_day = spent.day == self.last.day;
        let more = if same_day { spent.lookups.saturating_sub(self.last.lookups) } else { spent.lookups };
        self.slices[self.newest] = self.slices[self.newest].saturating_add(more);
        if !same_day {
            self.told = 0;
        }
        self.last = spent;
        let (today, limit) = (Self::today(spent, now), limit?);
        let reached = LEVELS.iter().filter(|level| today.saturating_mul(100) >= limit.saturating_mul(**level)).count();
        if reached <= self.told || today == 0 {
            return None;
        }
        self.told = reached;
        LEVELS.get(reached - 1).copied()
    }

    /// When the limit will be reached at the rate of the last hour, Unix seconds; `None` = not today.
    pub fn forecast(&self, limit: Option<u64>, now: Now) -> Option<u64> {
        let (limit, unix) = (limit?, now.unix_seconds());
        let left = limit.saturating_sub(Self::today(self.last, now));
        let hour = SLICE.as_secs() * SLICES as u64;
        // Less than a slice proves little: then it counts as one.
        let looked = now.steady.saturating_duration_since(self.first).as_secs().clamp(SLICE.as_secs(), hour);
        let spent: u64 = self.slices.iter().sum();
        let seconds = if left == 0 { 0 } else { left.saturating_mul(looked).checked_div(spent)? };
        let at = unix.saturating_add(seconds);
        (at / DAY_SECONDS == unix / DAY_SECONDS).then_some(at)
    }

    fn slide(&mut self, now: Instant) {
        for _ in 0..SLICES {
            if now.saturating_duration_since(self.began) < SLICE {
                return;
            }
            self.newest = (self.newest + 1) % SLICES;
            self.slices[self.newest] = 0;
            self.began += SLICE;
        }
        // Nobody looked for longer than an hour.
        self.began = now;
    }
}

/// A time of day in UTC, `16:40`.
pub fn time_of_day(unix_seconds: u64) -> String {
    let minutes = unix_seconds % DAY_SECONDS / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const MIDNIGHT: u64 = 20_000 * DAY_SECONDS;

    #[test]
    fn each_level_is_told_once_a_day() {
        let clock = Clock::manual(MIDNIGHT);
        let mut budget = Budget::new(Spend::default(), clock.now());
        let mut at = |day: u64, lookups, limit| {
            let spent = Spend { day: 20_000 + day, lookups };
            budget.observe(spent, limit, clock.now()).unwrap_or(0)
        };
        let told: Vec<u64> = [0, 69, 70, 71, 100, 120].into_iter().map(|spent| at(0, spent, Some(100))).collect();
        assert_eq!(told, [0, 0, 70, 0, 100, 0]);
        assert_eq!(at(0, 1_000, None), 0, "no bound");
        assert_eq!(at(1, 95, Some(100)), 0, "that day has not begun here");
        clock.advance(Duration::from_secs(DAY_SECONDS));
        assert_eq!(at(1, 95, Some(100)), 90);
    }

    #[test]
    fn the_forecast_goes_on_as_in_the_last_hour() {
        let clock = Clock::manual(MIDNIGHT + 8 * 3_600);
        let mut budget = Budget::new(Spend { day: 20_000, lookups: 1_000 }, clock.now());
        let limit = Some(10_000);
        assert_eq!(budget.forecast(limit, clock.now()), None, "nothing was spent");
        for minute in 1..=120_u64 {
            clock.advance(Duration::from_secs(60));
            budget.observe(Spend { day: 20_000, lookups: 1_000 + minute * 20 }, limit, clock.now());
        }
        // 3,400 are spent at 10:00, 1,200 an hour come: 6,600 more take five hours and a half.
        let at = budget.forecast(limit, clock.now()).expect("today");
        assert!((MIDNIGHT + 15 * 3_600..MIDNIGHT + 16 * 3_600).contains(&at), "{}", time_of_day(at));
        assert_eq!(budget.forecast(Some(100_000), clock.now()), None, "not today");
        assert_eq!(budget.forecast(None, clock.now()), None);
        assert_eq!(budget.forecast(Some(3_000), clock.now()), Some(clock.now().unix_seconds()), "it is spent");
        clock.advance(Duration::from_secs(2 * 3_600));
        budget.observe(Spend { day: 20_000, lookups: 3_400 }, limit, clock.now());
        assert_eq!(budget.forecast(limit, clock.now()), None, "nobody asks any more");
    }

    #[test]
    fn times_are_written_as_people_do() {
        assert_eq!(time_of_day(MIDNIGHT + 16 * 3_600 + 40 * 60 + 59), "16:40");
        assert_eq!(time_of_day(MIDNIGHT), "00:00");
    }
}
