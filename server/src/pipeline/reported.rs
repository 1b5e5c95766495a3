//! Was this report heard before? A mail server that had no reply in time says it again: nobody learns from it twice.
//!
//! Remembered in two generations, so that memory is bounded: a repetition comes within seconds.

use crate::session::SessionId;
use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, PoisonError},
};

/// Reports of one generation: seconds of the busiest server.
const REPORTS_MAX: usize = 16_384;

/// The newest reports, by session and number of the call.
#[derive(Default)]
pub(super) struct Reports(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<(SessionId, u32)>,
    old: HashSet<(SessionId, u32)>,
}

impl Reports {
    /// `true` = for the first time. A call without a number cannot be told from another one, and is always new.
    pub(super) fn is_new(&self, session: SessionId, seq: u32) -> bool {
        // std mutex: held to look and to add, never over an await.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seq == 0 || all.old.contains(&(session, seq)) {
            return seq == 0;
        }
        if all.young.len() >= REPORTS_MAX {
            all.old = mem::take(&mut all.young);
        }
        all.young.insert((session, seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: usize) -> SessionId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        SessionId(id)
    }

    #[test]
    fn a_repetition_is_known_over_many_others_and_within_a_bound() {
        let reports = Reports::default();
        assert!(reports.is_new(session(0), 7) && reports.is_new(session(0), 8) && !reports.is_new(session(0), 7));
        (1..REPORTS_MAX).for_each(|number| assert!(reports.is_new(session(number), 1)));
        assert!(!reports.is_new(session(0), 8), "of the older generation");
        for number in 0..3 * REPORTS_MAX {
            reports.is_new(session(1_000_000 + number), 1);
        }
        let all = reports.0.lock().expect("a lock");
        assert!(all.young.len() <= REPORTS_MAX && all.old.len() <= REPORTS_MAX);
    }

    #[test]
    fn calls_without_a_number_are_always_new() {
        let reports = Reports::default();
        assert!(reports.is_new(session(1), 0) && reports.is_new(session(1), 0));
    }
}
