//! By which numbers is a list judged? Chosen so that a list under load is out of the way within seconds, and that
//! nobody has to bring it back.

use std::time::Duration;

/// Failed look-ups among all that make a list suspect: one in so many.
pub const SHARE: u32 = 2;
/// Fewer look-ups a minute than this prove nothing.
pub const LOOKUPS_MIN: u32 = 10;
/// A busy list that has just died shows within seconds, whatever came before: so many percent of its latest look-ups.
pub const BURST_PERCENT: u64 = 80;
/// Of at least so many.
pub const BURST_MIN: u32 = 20;
/// So many look-ups in a row without an answer make a list suspect, however few they are and whatever came before.
pub const RUN: u32 = 8;
/// Slices of the window that are the latest.
pub const BURST_SLICES: usize = 2;
/// A suspect list whose cause holds on for this long is not asked any more.
pub const CONTINUES: Duration = Duration::from_secs(10);
/// Pieces of evidence since it became suspect without which it stays so.
pub const WRONGS_OFF: u32 = 3;
/// A suspect list without a cause for this long is healthy.
pub const QUIET: Duration = Duration::from_secs(30);
/// The first back-off.
pub const BACK_OFF_MIN: Duration = Duration::from_secs(30);
/// The longest.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(1_800);
/// A list that was healthy for this long starts with the first back-off again.
pub const FORGIVEN: Duration = Duration::from_secs(600);
/// Answers on trial.
pub const GOOD_MIN: u32 = 5;
/// Look-ups on trial that may fail before their share counts.
pub const TRIAL_FAILED_MIN: u32 = 2;
