//! Does a resolver invent answers? Each is asked for a name that cannot exist, at the start and ever again.

use super::probing::Awaited;
use crate::{
    ask::{
        Ask, Upstream,
        dns::selftest::{self, Reading},
    },
    clock::Now,
    dns_lists::metrics,
};
use std::time::{Duration, Instant};

/// Between two tests of a resolver, and of one that lied or gave no answer.
const EVERY: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(30);
/// A list that answers what no list does makes its resolver be asked again, but not more often than this.
const HURRY: Duration = Duration::from_secs(10);
/// Resolvers of the configuration, the default one among them.
pub(super) const RESOLVERS_MAX: usize = 65;

#[derive(Debug)]
struct Tested {
    name: String,
    upstream: Upstream,
    lies: bool,
    awaited: Option<Awaited>,
    asked: Option<Instant>,
    next: Instant,
}

/// All resolvers.
#[derive(Debug)]
pub(super) struct Resolvers(Vec<Tested>);

/// A resolver began to lie, or ceased to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Which.
    pub(super) name: String,
    /// It lies.
    pub(super) lies: bool,
}

impl Resolvers {
    pub(super) fn new(resolvers: &[(String, Upstream)], now: Now) -> Self {
        let tested = |(name, upstream): &(String, Upstream)| {
            metrics::resolver(name, false);
            let (name, upstream, next) = (name.clone(), *upstream, now.steady);
            Tested { name, upstream, lies: false, awaited: None, asked: None, next }
        };
        Self(resolvers.iter().take(RESOLVERS_MAX).map(tested).collect())
    }

    pub(super) fn lies(&self, upstream: Upstream) -> bool {
        self.0.iter().any(|tested| tested.upstream == upstream && tested.lies)
    }

    /// Tests it soon.
    pub(super) fn hurry(&mut self, upstream: Upstream, now: Now) {
        for tested in self.0.iter_mut().filter(|tested| tested.upstream == upstream) {
            let earliest = tested.asked.map_or(now.steady, |asked| asked + HURRY);
            tested.next = tested.next.min(earliest);
        }
    }

    /// Reads what has come, and asks whoever is due.
    pub(super) fn turn(&mut self, ask: &dyn Ask, now: Now) -> Vec<Change> {
        let mut changes = Vec::new();
        for tested in &mut self.0 {
            if let Some(answer) = tested.awaited.as_mut().and_then(Awaited::look) {
                let lies = match selftest::reading(answer) {
                    Reading::Invents => Some(true),
                    Reading::Honest => Some(false),
                    Reading::Silent(_) => None,
                };
                tested.awaited = None;
                tested.next = now.steady + if lies == Some(false) { EVERY } else { SOON };
                if lies.is_some_and(|lies| lies != tested.lies) {
                    tested.lies = !tested.lies;
                    metrics::resolver(&tested.name, tested.lies);
                    changes.push(Change { name: tested.name.clone(), lies: tested.lies });
                }
            }
            if tested.awaited.is_none() && now.steady >= tested.next {
                tested.awaited = Some(Awaited::ask(ask, selftest::question(tested.upstream)));
                tested.asked = Some(now.steady);
            }
        }
        changes
    }
}
