//! How is a list doing at the moment? As the administrator gets it.

use crate::{
    ask::{Health, ListId},
    dns_lists::{health::Cause, probe::Reading},
};
use std::sync::Arc;

/// A list's standing, at most a turn of the keeper old.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Which.
    pub list: ListId,
    /// Its name.
    pub name: Arc<str>,
    /// Its zone as it may be shown: without its key.
    pub zone: String,
    /// How far it is believed.
    pub health: Health,
    /// Why it is not healthy; `None` = it is.
    pub cause: Option<Cause>,
    /// Since when it is in this state, Unix seconds.
    pub since: u64,
    /// It is only rehearsed.
    pub monitored: bool,
    /// It holds good clients.
    pub welcomes: bool,
    /// Look-ups since midnight (UTC).
    pub asked_today: u64,
    /// Look-ups it may have a day; `None` = any number.
    pub limit: Option<u64>,
    /// Look-ups refused for want of budget, since the policy came into force.
    pub refused: u64,
    /// When the limit will be reached at the rate of the last hour, Unix seconds; `None` = not today.
    pub forecast: Option<u64>,
    /// When it was probed last, Unix seconds, and what that showed; `None` = not since the start.
    pub probed: Option<(u64, Reading)>,
    /// Share of the latest 100 different clients that it listed, 0 to 1; `None` = fewer have come.
    pub hit_rate: Option<f64>,
    /// Share of the look-ups of the last minute without a usable answer, 0 to 1; `None` = there were none.
    pub error_rate: Option<f64>,
}
