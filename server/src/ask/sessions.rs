//! How much has an SMTP session had of something? Counted in two generations, so that memory is bounded whatever comes.

use crate::session::SessionId;
use std::{collections::HashMap, mem};

/// Sessions counted in one of two generations: when one is full, the older is forgotten. Far more than hosts have at
/// once; whoever opens so many to be forgotten is held by its net.
const SESSIONS_MAX: usize = 16_384;

/// What sessions have had.
#[derive(Default)]
pub(super) struct Sessions {
    /// Of one session; 0 = any number.
    most: u32,
    young: HashMap<SessionId, u32>,
    old: HashMap<SessionId, u32>,
}

impl Sessions {
    /// Each may have so many; 0 = any number.
    pub(super) fn new(most: u32) -> Self {
        Self { most, ..Self::default() }
    }

    /// May this one have another? Nothing is charged yet.
    pub(super) fn allows(&self, session: SessionId) -> bool {
        self.most == 0 || self.had(session) < self.most
    }

    fn had(&self, session: SessionId) -> u32 {
        self.young.get(&session).or_else(|| self.old.get(&session)).copied().unwrap_or(0)
    }

    /// It has one.
    pub(super) fn charge(&mut self, session: SessionId) {
        if self.most == 0 {
            return;
        }
        let had = self.had(session);
        if self.young.len() >= SESSIONS_MAX && !self.young.contains_key(&session) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(session, had.saturating_add(1));
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
    fn sessions_are_remembered_over_many_others_and_within_a_bound() {
        let mut sessions = Sessions::new(20);
        (0..20).for_each(|_| sessions.charge(session(0)));
        (1..SESSIONS_MAX).for_each(|number| sessions.charge(session(number)));
        assert!(!sessions.allows(session(0)) && sessions.allows(session(1)));
        for number in 0..3 * SESSIONS_MAX {
            sessions.charge(session(1_000_000 + number));
            assert!(sessions.young.len() + sessions.old.len() <= 2 * SESSIONS_MAX);
        }
    }

    #[test]
    fn zero_is_any_number() {
        let mut sessions = Sessions::new(0);
        (0..100).for_each(|_| sessions.charge(session(0)));
        assert!(sessions.allows(session(0)) && sessions.young.is_empty());
    }
}
