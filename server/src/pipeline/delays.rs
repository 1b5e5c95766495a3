//! How long may an answer be held back? Never longer than a session has patience for, and for few sessions of a mail host
//! at once: each that waits is a process there.

use super::{Action, Decision, Settings};
use crate::{check::Outcome, mode::Mode};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Mail hosts whose sleepers are counted; of further ones nobody sleeps.
const HOSTS_MAX: usize = 4_096;

/// Who sleeps at the moment, by mail host: when each wakes up.
#[derive(Default)]
pub(super) struct Sleepers(Mutex<HashMap<String, Vec<Instant>>>);

impl Sleepers {
    /// Lets one more session of a host sleep, unless too many do.
    fn admit(&self, host: &str, most: usize, now: Instant, lasting: Duration) -> bool {
        // std mutex: held to count, never over an await; taken only when somebody is to wait.
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !hosts.contains_key(host) && hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, sleepers| sleepers.iter().any(|wakes| *wakes > now));
            if hosts.len() >= HOSTS_MAX {
                return false;
            }
        }
        let sleepers = hosts.entry(host.to_owned()).or_default();
        sleepers.retain(|wakes| *wakes > now);
        let admitted = sleepers.len() < most;
        if admitted {
            sleepers.push(now + lasting);
        }
        admitted
    }

    /// Gives the verdict the longest of the delays that are meant, as far as there is room for it.
    pub(super) fn hold_back(&self, decision: &mut Decision, settings: &Settings) {
        let Some(wanted) = wanted(decision) else { return };
        let history = &mut decision.facts.history;
        let left = settings.session_delay_max_ms.saturating_sub(history.delayed_ms);
        let delay = wanted.min(left);
        let host = &decision.facts.connection.host;
        let lasting = Duration::from_millis(delay.into());
        if delay > 0 && self.admit(host, settings.sleepers_max, decision.at.steady, lasting) {
            decision.verdict.delay_ms = delay;
            history.delayed_ms += delay;
        }
    }
}

/// The longest delay of a mail that goes on; what is refused is refused at once.
fn wanted(decision: &Decision) -> Option<u32> {
    if decision.verdict.action != Action::Continue {
        return None;
    }
    let meant = decision.findings.iter().filter(|judged| judged.mode < Mode::Monitor && judged.excused.is_none());
    meant.filter_map(|judged| if let Outcome::Delay(ms) = judged.outcome { Some(ms) } else { None }).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn few_sleep_at_once_and_each_host_for_itself() {
        let (sleepers, clock) = (Sleepers::default(), Clock::manual(0));
        let admit = |host| sleepers.admit(host, 2, clock.steady(), Duration::from_secs(5));
        assert!(admit("a") && admit("a") && !admit("a") && admit("b"));
        clock.advance(Duration::from_secs(5));
        assert!(admit("a"), "they have woken up");
    }

    #[test]
    fn hosts_are_bounded() {
        let (sleepers, clock) = (Sleepers::default(), Clock::manual(0));
        let admit = |host: &str| sleepers.admit(host, 1, clock.steady(), Duration::from_secs(5));
        assert!((0..HOSTS_MAX).all(|number| admit(&number.to_string())));
        assert!(!admit("one more"));
        clock.advance(Duration::from_secs(6));
        assert!(admit("one more"));
        assert_eq!(sleepers.0.lock().expect("a lock").len(), 1);
    }
}
