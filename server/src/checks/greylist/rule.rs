//! Does mail wait, and what is remembered of it? The rule over what is remembered, without any session: times in Unix
//! seconds.

use super::{
    fields::{EARLY, FIRST},
    who::{Seen, Use},
};
use crate::{
    check::{Came, Effect},
    state::{Record, Triplet},
};

/// Successes within this time count once: a message for many recipients comes back once.
const SUCCESS_SECONDS: u64 = 60;
/// How old the note of a last mail may become: it holds for weeks, and need not be written with every mail.
const REFRESH_SECONDS: u64 = 3_600;

/// How long mail waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// From the first attempt on.
    pub(super) delay: u64,
    /// Mail may come back until so long after its first attempt.
    pub(super) retry_window: u64,
    /// Successes that prove an identity.
    pub(super) proven_after: u32,
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It waits, by this rule, for so many seconds more.
    Waits(usize, u64),
    /// It is let in.
    Passes,
}

impl Patience {
    /// The attempt, unless it is forgotten.
    fn live(&self, triplet: Option<Triplet>, now: u64) -> Option<Triplet> {
        let is_late = |triplet: &Triplet| triplet.passed == 0 && now > triplet.first.saturating_add(self.retry_window);
        triplet.filter(|triplet| triplet.expires_at() > now && !is_late(triplet))
    }

    /// Has it been there for long enough? A first attempt far ahead of now is a clock's fault, not the sender's.
    fn has_waited(&self, triplet: Triplet, now: u64) -> bool {
        now >= triplet.first.saturating_add(self.delay) || triplet.first > now.saturating_add(self.delay)
    }

    pub(super) fn judge(&self, seen: &[Seen], now: u64) -> Judged {
        let live = || seen.iter().filter_map(|seen| self.live(seen.triplet, now));
        let is_let_in = |triplet: Triplet| triplet.passed != 0 || self.has_waited(triplet, now);
        if seen.iter().any(|seen| is_proven(seen, now)) || live().any(is_let_in) {
            return Judged::Passes;
        }
        match live().map(|triplet| triplet.first).min() {
            Some(first) => Judged::Waits(EARLY, (first + self.delay).saturating_sub(now).clamp(1, self.delay)),
            None => Judged::Waits(FIRST, self.delay),
        }
    }

    /// What is to be remembered of an attempt that was judged so. Nothing unless it ended as judged: who is refused by
    /// others neither begins to wait nor comes through.
    pub(super) fn learn(&self, seen: &[Seen], judged: Judged, came: Came, now: u64, effects: &mut Vec<Effect>) {
        match judged {
            Judged::Waits(FIRST, _) if came.by_me => self.begin(seen, came, now, effects),
            Judged::Passes if came.goes_on => self.pass(seen, came, now, effects),
            Judged::Waits(..) | Judged::Passes => {}
        }
    }

    fn begin(&self, seen: &[Seen], came: Came, now: u64, effects: &mut Vec<Effect>) {
        for seen in seen.iter().filter(|seen| seen.identity.usage != Use::Fallback) {
            let begun = seen.triplet.map_or(Triplet::begun(now), |forgotten| forgotten.anew(now));
            effects.push(Effect::Tried(seen.triplet_key, begun));
        }
        effects.extend(main(seen).map(|main| waited(main, came, None)));
    }

    fn pass(&self, seen: &[Seen], came: Came, now: u64, effects: &mut Vec<Effect>) {
        let mut waited_since: Option<u64> = None;
        let mut came_back = false;
        for seen in seen.iter().filter(|seen| seen.identity.usage != Use::Anyone) {
            let Some(triplet) = self.live(seen.triplet, now) else { continue };
            if triplet.passed == 0 {
                waited_since = Some(waited_since.map_or(triplet.first, |first| first.min(triplet.first)));
                came_back |= seen.identity.usage != Use::Doubtful && self.has_waited(triplet, now);
                effects.push(Effect::Tried(seen.triplet_key, Triplet { last: now, passed: now, ..triplet }));
            } else if triplet.last.saturating_add(REFRESH_SECONDS) <= now {
                effects.push(Effect::Tried(seen.triplet_key, Triplet { last: now, ..triplet }));
            }
        }
        let Some(main) = main(seen) else { return };
        effects.extend(self.proof(main, came_back, now).map(|proof| Effect::Tried(main.proven_key, proof)));
        // Rehearsed mail never waited.
        if let Some(since) = waited_since.filter(|_| !came.rehearsed) {
            effects.push(waited(main, came, Some(now.saturating_sub(since))));
        }
    }

    /// The note that an identity comes back, where it changes. Its epoch counts: the first success is epoch 0, and a
    /// later one replaces it.
    fn proof(&self, main: &Seen, came_back: bool, now: u64) -> Option<Triplet> {
        let known = main.proven;
        if let Some(proof) = known.filter(|_| is_proven(main, now)) {
            let is_old = proof.last.saturating_add(REFRESH_SECONDS) <= now;
            return is_old.then_some(Triplet { last: now, ..proof });
        }
        let is_another = known.is_none_or(|proof| proof.last.saturating_add(SUCCESS_SECONDS) <= now);
        if !came_back || !is_another {
            return None;
        }
        let epoch = known.map_or(0, |proof| proof.epoch.saturating_add(1));
        let passed = if epoch.saturating_add(1) >= self.proven_after { now } else { 0 };
        Some(Triplet { epoch, first: now, last: now, passed })
    }
}

fn main(seen: &[Seen]) -> Option<&Seen> {
    seen.iter().find(|seen| seen.identity.usage == Use::Main)
}

fn is_proven(seen: &Seen, now: u64) -> bool {
    seen.proven.is_some_and(|proof| proof.passed != 0 && proof.expires_at() > now)
}

fn waited(main: &Seen, came: Came, seconds: Option<u64>) -> Effect {
    let class = main.identity.class;
    Effect::Waited { class: if came.rehearsed { class.name_rehearsed() } else { class.name() }, seconds }
}
