//! Is the default resolver well? A domain that cannot be looked up may be dead, or we may be cut off: what else fails, and
//! what does not, tells.

use super::super::DnsAnswer;
use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
};

/// So many different names in a row that nobody could look up, and none that somebody could: it is us.
const NAMES_IN_VAIN: usize = 3;

/// The names of the last look-ups that failed, one after the other. The I/O thread's own.
pub(super) struct Pulse {
    in_vain: Vec<u64>,
    hasher: RandomState,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { in_vain: Vec::with_capacity(NAMES_IN_VAIN), hasher: RandomState::new() }
    }

    /// A look-up has ended: what came of it changes `is_unwell` where that changes.
    pub(super) fn feel(&mut self, name: &str, answer: &DnsAnswer, is_unwell: &AtomicBool) {
        match answer {
            DnsAnswer::Found(_) | DnsAnswer::NotFound => {
                self.in_vain.clear();
                is_unwell.store(false, Ordering::Relaxed);
            }
            DnsAnswer::Failed(failure) if failure.is_ours() => {}
            DnsAnswer::Failed(_) => {
                let name = self.hasher.hash_one(name);
                if self.in_vain.len() < NAMES_IN_VAIN && !self.in_vain.contains(&name) {
                    self.in_vain.push(name);
                }
                is_unwell.store(self.in_vain.len() >= NAMES_IN_VAIN, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Failure;

    #[test]
    fn one_dead_domain_is_not_a_dead_resolver() {
        let (mut pulse, is_unwell) = (Pulse::new(), AtomicBool::new(false));
        let failed = DnsAnswer::Failed(Failure::Servfail);
        let mut feel = |name: &str, answer: &DnsAnswer| {
            pulse.feel(name, answer, &is_unwell);
            is_unwell.load(Ordering::Relaxed)
        };
        for _ in 0..9 {
            assert!(!feel("a.example", &failed) && !feel("b.example", &failed));
        }
        assert!(!feel("c.example", &DnsAnswer::Failed(Failure::Capped)), "nobody was asked");
        assert!(feel("c.example", &failed));
        assert!(feel("a.example", &failed));
        assert!(!feel("d.example", &DnsAnswer::NotFound));
        assert!(!feel("a.example", &failed) && !feel("b.example", &failed));
    }
}
