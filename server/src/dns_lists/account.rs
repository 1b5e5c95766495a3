//! How many look-ups has a list had today, and may it have one more?

use super::Declared;
use std::sync::atomic::{AtomicU64, Ordering};

/// A day of UTC, in seconds.
const DAY_SECONDS: u64 = 86_400;
/// Percentage of the budget that lists on trial may spend.
const MONITORED_PERCENT: u64 = 70;

/// What was spent on which day (days since 1970, UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Which day.
    pub day: u64,
    /// Look-ups on it.
    pub lookups: u64,
}

/// A list's account; shared by all threads.
#[derive(Debug)]
pub struct Account {
    /// The list as configured.
    pub list: Declared,
    day: AtomicU64,
    lookups: AtomicU64,
    refused: AtomicU64,
}

impl Account {
    /// An account on which something may have been spent already.
    pub fn new(list: Declared, spent: Option<Spend>) -> Self {
        let Spend { day, lookups } = spent.unwrap_or_default();
        Self { list, day: day.into(), lookups: lookups.into(), refused: 0.into() }
    }

    /// What was spent on the newest day.
    pub fn spent(&self) -> Spend {
        Spend { day: self.day.load(Ordering::Relaxed), lookups: self.lookups.load(Ordering::Relaxed) }
    }

    /// Look-ups refused for want of budget, since the account was opened.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Takes over what an earlier life of the daemon spent, unless a newer day has begun here.
    pub fn restore(&self, spent: Spend) {
        if spent.day >= self.day.load(Ordering::Relaxed) {
            let here =
                if spent.day == self.day.load(Ordering::Relaxed) { self.lookups.load(Ordering::Relaxed) } else { 0 };
            self.day.store(spent.day, Ordering::Relaxed);
            self.lookups.store(here.saturating_add(spent.lookups), Ordering::Relaxed);
        }
    }

    /// Look-ups a day it may have; `None` = any number.
    pub fn limit(&self) -> Option<u64> {
        let budget = self.list.budget_per_day;
        let share = if self.list.monitored { budget * MONITORED_PERCENT / 100 } else { budget };
        (budget > 0).then_some(share)
    }

    /// Spends one look-up; `false` = there is none left today. Called by the I/O thread alone.
    pub fn spend(&self, unix_seconds: u64) -> bool {
        let today = unix_seconds / DAY_SECONDS;
        if self.day.swap(today, Ordering::Relaxed) != today {
            self.lookups.store(0, Ordering::Relaxed);
        }
        if self.limit().is_some_and(|limit| self.lookups.load(Ordering::Relaxed) >= limit) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.lookups.fetch_add(1, Ordering::Relaxed);
        true
    }
}
