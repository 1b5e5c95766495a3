//! May a list be believed? A state machine for each list, fed with what was seen, told the time, never asking for it.
//!
//! | from | to | when |
//! |---|---|---|
//! | healthy | suspect | a cause holds |
//! | suspect | off | a cause that turns off holds [`CONTINUES`] later, with [`WRONGS_OFF`] more proofs |
//! | suspect | healthy | no cause for [`QUIET`], then an answer, and a good probe where it can be probed |
//! | off | half-open | the back-off is over: [`BACK_OFF_MIN`], doubled by a relapse up to [`BACK_OFF_MAX`] |
//! | half-open | healthy | [`GOOD_MIN`] answers, a good probe where it can be probed, and no cause |
//! | half-open | off | a cause that turns off holds |
//! | any | off | its budget is spent; until it has one again |
//!
//! These causes hold:
//!
//! - a wrong code, for [`CONTINUES`]; on trial for as long as that lasts;
//! - a bad probe, until a good one;
//! - failed look-ups: [`SHARE`] of at least [`LOOKUPS_MIN`] in the last minute (on trial of at least
//!   [`TRIAL_FAILED_MIN`]), or [`BURST_PERCENT`] of at least [`BURST_MIN`] in the last five to ten seconds, or [`RUN`] in
//!   a row;
//! - a signal of our own traffic, and a resolver that invents answers, until they are withdrawn. These two never turn
//!   off ([`Cause::turns_off`]): only answers can show that they have gone.

mod cause;
mod outcome;
pub mod rules;
mod window;

pub use cause::Cause;
pub use outcome::Outcome;

use super::probe::Reading;
use crate::{ask::Health, clock::Now};
use rules::{
    BACK_OFF_MAX, BACK_OFF_MIN, BURST_MIN, BURST_PERCENT, BURST_SLICES, CONTINUES, FORGIVEN, GOOD_MIN, LOOKUPS_MIN,
    QUIET, RUN, SHARE, TRIAL_FAILED_MIN, WRONGS_OFF,
};
use std::time::{Duration, Instant};
use window::Window;

/// A list changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// What it was.
    pub from: Health,
    /// What it is.
    pub to: Health,
    /// Why; of a list that is healthy again: why it was not.
    pub cause: Cause,
}

/// What outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The state.
    pub health: Health,
    /// Why it is not healthy.
    pub cause: Option<Cause>,
    /// Since when, Unix seconds.
    pub since: u64,
    /// The newest back-off, in seconds.
    pub back_off: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { health: Health::Healthy, cause: None, since: 0, back_off: 0 }
    }
}

/// One list's state.
#[derive(Clone, Debug)]
pub struct Machine {
    health: Health,
    cause: Option<Cause>,
    /// When the state began, on both clocks.
    began: Instant,
    since: u64,
    /// Good probes are to be had.
    probed_at_all: bool,
    window: Window,
    /// The newest wrong code.
    wrong: Option<(Cause, Instant)>,
    probe: Option<Cause>,
    traffic: Option<Cause>,
    resolver_lies: bool,
    budget_spent: bool,
    /// Since the state began: answers (since the newest evidence against it), evidence against it, a good probe.
    good: u32,
    wrongs: u32,
    /// Look-ups in a row without an answer.
    failed_run: u32,
    probe_was_good: bool,
    /// When a cause held last.
    held: Instant,
    back_off: Duration,
    reopens: Instant,
    /// When it was healthy again after it had been off.
    recovered: Option<Instant>,
}

impl Machine {
    /// A list as it was remembered. `probed` = it has entries by which it can be tested.
    pub fn new(remembered: Remembered, probed: bool, now: Now) -> Self {
        let back_off = Duration::from_secs(remembered.back_off).min(BACK_OFF_MAX);
        let passed = Duration::from_secs(now.unix_seconds().saturating_sub(remembered.since));
        // A state that was kept without its cause is none of ours.
        let sound = (remembered.health == Health::Healthy) == remembered.cause.is_none();
        let Remembered { health, cause, .. } = if sound { remembered } else { Remembered::default() };
        Self {
            health,
            cause,
            began: now.steady,
            since: if remembered.since == 0 { now.unix_seconds() } else { remembered.since },
            probed_at_all: probed,
            window: Window::new(now.steady),
            wrong: None,
            probe: None,
            traffic: None,
            resolver_lies: false,
            budget_spent: false,
            good: 0,
            wrongs: 0,
            failed_run: 0,
            probe_was_good: false,
            held: now.steady,
            back_off,
            reopens: now.steady + back_off.saturating_sub(passed),
            recovered: None,
        }
    }

    /// The state.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Why it is not healthy; `None` = it is.
    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// Since when it is so, Unix seconds.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Look-ups of the last minute without a usable answer, 0 to 1; `None` = there were none.
    pub fn error_rate(&self) -> Option<f64> {
        self.window.error_rate()
    }

    /// What is to outlive the process.
    pub fn remembered(&self) -> Remembered {
        Remembered { health: self.health, cause: self.cause, since: self.since, back_off: self.back_off.as_secs() }
    }

    /// A reload may change whether it can be tested.
    pub fn set_probed(&mut self, probed: bool) {
        self.probed_at_all = probed;
        self.probe = self.probe.filter(|_| probed);
    }

    /// A look-up ended.
    pub fn looked_up(&mut self, outcome: Outcome, now: Now) -> Option<Flip> {
        self.window.add(outcome, now.steady);
        match outcome {
            Outcome::Good => {
                self.failed_run = 0;
                self.good = self.good.saturating_add(1);
                return None;
            }
            Outcome::Wrong(cause) => {
                self.wrong = Some((cause, now.steady));
                (self.good, self.held) = (0, now.steady);
            }
            Outcome::Failed(_) => self.failed_run = self.failed_run.saturating_add(1),
        }
        self.wrongs = self.wrongs.saturating_add(1);
        self.settle(now)
    }

    /// A probe was read.
    pub fn probed(&mut self, reading: Reading, now: Now) -> Option<Flip> {
        match reading {
            Reading::Good => (self.probe, self.probe_was_good) = (None, true),
            Reading::Bad(cause) if self.probed_at_all => {
                (self.probe, self.probe_was_good) = (Some(cause), false);
                self.wrongs = self.wrongs.saturating_add(1);
            }
            Reading::Bad(_) | Reading::Unknown => {}
        }
        self.settle(now)
    }

    /// What our own traffic says at the moment.
    pub fn traffic(&mut self, signal: Option<Cause>, now: Now) -> Option<Flip> {
        self.traffic = signal;
        self.settle(now)
    }

    /// Whether its resolver invents answers.
    pub fn resolver(&mut self, lies: bool, now: Now) -> Option<Flip> {
        self.resolver_lies = lies;
        self.settle(now)
    }

    /// Whether its look-ups of the day are spent.
    pub fn budget(&mut self, spent: bool, now: Now) -> Option<Flip> {
        if self.health == Health::Off && self.cause == Some(Cause::Budget) && self.budget_spent && !spent {
            self.reopens = now.steady;
        }
        self.budget_spent = spent;
        self.settle(now)
    }

    /// Time goes on.
    pub fn advance(&mut self, now: Now) -> Option<Flip> {
        self.window.slide(now.steady);
        self.settle(now)
    }

    fn settle(&mut self, now: Now) -> Option<Flip> {
        let trouble = self.trouble(now.steady);
        if let Some(cause) = trouble
            && self.health != Health::Off
        {
            self.held = now.steady;
            self.cause = self.cause.map(|_| cause);
        }
        let lasted = now.steady.saturating_duration_since(self.began);
        let probe_fits = self.probe_was_good || !self.probed_at_all;
        match (self.health, trouble) {
            (Health::Off, _) if self.budget_spent || now.steady < self.reopens => None,
            (Health::Off, _) => self.turn(Health::HalfOpen, self.cause?, now),
            (_, Some(Cause::Budget)) => self.turn(Health::Off, Cause::Budget, now),
            (Health::Healthy, Some(cause)) => self.turn(Health::Suspect, cause, now),
            (Health::Suspect, Some(cause)) => {
                let goes = cause.turns_off() && lasted >= CONTINUES && self.wrongs >= WRONGS_OFF;
                goes.then(|| self.turn(Health::Off, cause, now))?
            }
            (Health::HalfOpen, Some(cause)) => cause.turns_off().then(|| self.turn(Health::Off, cause, now))?,
            (Health::Suspect, None) => {
                let quiet = now.steady.saturating_duration_since(self.held) >= QUIET;
                (quiet && self.good > 0 && probe_fits).then(|| self.turn(Health::Healthy, self.cause?, now))?
            }
            (Health::HalfOpen, None) => {
                (self.good >= GOOD_MIN && probe_fits).then(|| self.turn(Health::Healthy, self.cause?, now))?
            }
            (Health::Healthy, None) => None,
        }
    }

    /// The gravest cause that holds. A resolver that invents answers explains all that comes through it.
    fn trouble(&self, now: Instant) -> Option<Cause> {
        let recent = |at: Instant| now.saturating_duration_since(at) < CONTINUES || self.health == Health::HalfOpen;
        let wrong = self.wrong.and_then(|(cause, at)| recent(at).then_some(cause));
        self.budget_spent
            .then_some(Cause::Budget)
            .or_else(|| self.resolver_lies.then_some(Cause::Resolver))
            .or(wrong)
            .or(self.probe)
            .or_else(|| self.failing())
            .or(self.traffic)
    }

    fn failing(&self) -> Option<Cause> {
        let (failed, all, cause) = self.window.failed();
        let enough = if self.health == Health::HalfOpen { failed >= TRIAL_FAILED_MIN } else { all >= LOOKUPS_MIN };
        if enough && failed.saturating_mul(SHARE) >= all {
            return Some(cause);
        }
        let (failed, all, cause) = self.window.failed_lately(BURST_SLICES);
        let burst = all >= BURST_MIN && u64::from(failed) * 100 >= u64::from(all) * BURST_PERCENT;
        (burst || (self.failed_run >= RUN && failed > 0)).then_some(cause)
    }

    fn turn(&mut self, to: Health, cause: Cause, now: Now) -> Option<Flip> {
        let from = self.health;
        match to {
            Health::Off if cause != Cause::Budget => {
                let soon = |at: Instant| now.steady.saturating_duration_since(at) < FORGIVEN;
                let relapse = from == Health::HalfOpen || self.recovered.is_some_and(soon);
                let next = if relapse { self.back_off * 2 } else { BACK_OFF_MIN };
                self.back_off = next.clamp(BACK_OFF_MIN, BACK_OFF_MAX);
                self.reopens = now.steady + self.back_off;
            }
            Health::Off => self.reopens = now.steady,
            Health::HalfOpen => {
                self.window.clear(now.steady);
                self.failed_run = 0;
                (self.wrong, self.probe, self.traffic) = (None, None, None);
            }
            Health::Healthy if from == Health::HalfOpen => self.recovered = Some(now.steady),
            Health::Suspect | Health::Healthy => {}
        }
        (self.health, self.began, self.since) = (to, now.steady, now.unix_seconds());
        (self.good, self.wrongs, self.probe_was_good, self.held) = (0, 0, false, now.steady);
        self.cause = (to != Health::Healthy).then_some(cause);
        Some(Flip { from, to, cause })
    }
}

#[cfg(test)]
mod tests;
