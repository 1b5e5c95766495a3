//! Does a list list clients that we know to be good?

use std::time::{Duration, Instant};

/// How far back we look, in slices.
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3_600);
/// Different good clients that must be listed: one or two may well have been broken into.
pub(super) const CLIENTS_MIN: usize = 3;
/// And so much of all good clients heard of.
const SHARE: f64 = 0.05;
/// Listed clients that are told apart.
const CLIENTS_MAX: usize = 8;

/// Good clients of the last hour, as far as one list is concerned.
#[derive(Clone, Debug)]
pub(super) struct GoodClients {
    /// Heard, and listed among them.
    slices: [(u32, u32); SLICES],
    began: Instant,
    newest: usize,
    listed: Vec<(u64, Instant)>,
}

impl GoodClients {
    pub(super) fn new(now: Instant) -> Self {
        Self { slices: [(0, 0); SLICES], began: now, newest: 0, listed: Vec::with_capacity(CLIENTS_MAX) }
    }

    /// A good client was asked about.
    pub(super) fn add(&mut self, client: u64, listed: bool, now: Instant) {
        self.slide(now);
        let (all, hits) = &mut self.slices[self.newest];
        *all = all.saturating_add(1);
        if !listed {
            return;
        }
        *hits = hits.saturating_add(1);
        if let Some(known) = self.listed.iter_mut().find(|(known, _)| *known == client) {
            known.1 = now;
        } else if self.listed.len() < CLIENTS_MAX {
            self.listed.push((client, now));
        }
    }

    /// Enough of them are listed to doubt the list.
    pub(super) fn are_listed(&mut self, now: Instant) -> bool {
        self.slide(now);
        let (all, hits) = self
            .slices
            .iter()
            .fold((0_u64, 0_u64), |(all, hits), (more, listed)| (all + u64::from(*more), hits + u64::from(*listed)));
        self.listed.len() >= CLIENTS_MIN && hits as f64 > SHARE * all as f64
    }

    fn slide(&mut self, now: Instant) {
        self.listed.retain(|(_, at)| now.saturating_duration_since(*at) < HOUR);
        for _ in 0..SLICES {
            if now.saturating_duration_since(self.began) < SLICE {
                return;
            }
            self.newest = (self.newest + 1) % SLICES;
            self.slices[self.newest] = (0, 0);
            self.began += SLICE;
        }
        // Nobody came for longer than an hour.
        self.began = now;
    }
}
