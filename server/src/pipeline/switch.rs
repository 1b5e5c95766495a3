//! Is everything switched off right now? The kill switch: one atomic on the hot path, the story behind it beside it.

use crate::clock::Now;
use arc_swap::ArcSwapOption;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Who threw the switch, why and until when: what is shown, and kept over a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchState {
    /// Unix time in seconds at which it ends by itself.
    pub until: u64,
    /// Why; at most [`KillSwitch::TEXT_OCTETS_MAX`] octets.
    pub reason: String,
    /// Who; at most [`KillSwitch::TEXT_OCTETS_MAX`] octets.
    pub by: String,
}

/// While it is thrown every stage continues, unevaluated. It always ends by itself.
#[derive(Debug, Default)]
pub struct KillSwitch {
    /// Unix time in seconds; 0 = not thrown.
    until: AtomicU64,
    story: ArcSwapOption<SwitchState>,
}

impl KillSwitch {
    /// Longest time it may be thrown for: a week.
    pub const SECONDS_MAX: u64 = 604_800;
    /// Longest reason and name that are kept, in octets.
    pub const TEXT_OCTETS_MAX: usize = 200;

    /// Throws it for `lasting` (at most [`KillSwitch::SECONDS_MAX`]), or anew if it is thrown already.
    pub fn throw(&self, now: Now, lasting: Duration, reason: &str, by: &str) -> SwitchState {
        let until = now.unix_seconds() + lasting.as_secs().min(Self::SECONDS_MAX);
        let state = SwitchState { until, reason: clipped(reason), by: clipped(by) };
        self.restore(state.clone());
        state
    }

    /// Brings back what was kept over a restart; a time that has passed has no effect.
    pub fn restore(&self, state: SwitchState) {
        let until = state.until;
        self.story.store(Some(Arc::new(state)));
        self.until.store(until, Ordering::Release);
    }

    /// Switches on again now.
    pub fn clear(&self) {
        self.until.store(0, Ordering::Release);
        self.story.store(None);
    }

    /// Is everything off?
    pub fn is_off(&self, now: Now) -> bool {
        now.unix_seconds() < self.until.load(Ordering::Acquire)
    }

    /// The story, while it is off.
    pub fn state(&self, now: Now) -> Option<Arc<SwitchState>> {
        if self.is_off(now) { self.story.load_full() } else { None }
    }
}

fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(KillSwitch::TEXT_OCTETS_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn it_ends_by_the_clock_or_by_hand() {
        let (clock, switch) = (Clock::manual(1_000), KillSwitch::default());
        assert!(!switch.is_off(clock.now()));
        switch.throw(clock.now(), Duration::from_secs(60), "list gone mad", "ann");
        clock.advance(Duration::from_secs(59));
        assert_eq!(switch.state(clock.now()).map(|state| state.until), Some(1_060));
        clock.advance(Duration::from_secs(1));
        assert!(!switch.is_off(clock.now()) && switch.state(clock.now()).is_none());
        switch.throw(clock.now(), Duration::from_secs(60), "again", "ann");
        switch.clear();
        assert!(!switch.is_off(clock.now()));
    }

    #[test]
    fn nobody_throws_it_for_ever() {
        let (clock, switch) = (Clock::manual(0), KillSwitch::default());
        let state = switch.throw(clock.now(), Duration::MAX, &"é".repeat(200), "");
        assert_eq!(state.until, KillSwitch::SECONDS_MAX);
        assert_eq!(state.reason.len(), KillSwitch::TEXT_OCTETS_MAX);
    }
}
