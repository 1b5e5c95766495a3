//! Was this session told before? A mail server that did not hear an answer repeats its call, and one connection must
//! count once.

use crate::session::SessionId;
use std::collections::{HashSet, VecDeque};

/// Sessions remembered: a call is repeated within seconds.
const SESSIONS_MAX: usize = 8_192;

/// The newest sessions.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<SessionId>,
    known: HashSet<SessionId>,
}

impl Recent {
    /// Remembers it; `false` = it was known.
    pub(super) fn is_new(&mut self, session: SessionId) -> bool {
        if !self.known.insert(session) {
            return false;
        }
        self.order.push_back(session);
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: usize) -> SessionId {
        SessionId((number as u128).to_be_bytes())
    }

    #[test]
    fn a_session_is_new_once_and_the_oldest_is_forgotten() {
        let mut recent = Recent::default();
        assert!(recent.is_new(session(0)) && !recent.is_new(session(0)));
        assert!((1..=SESSIONS_MAX).all(|number| recent.is_new(session(number))));
        assert_eq!((recent.order.len(), recent.known.len()), (SESSIONS_MAX, SESSIONS_MAX));
        assert!(recent.is_new(session(0)), "forgotten");
        assert!(!recent.is_new(session(2)));
    }
}
