//! What does our own traffic say about a list? Its hit rate against what it used to be, and clients we know to be
//! good.
//!
//! - `hit_rate_jump`: of 100 different clients half are listed by this list alone while others answer, five times as
//!   many as before; or next to all are listed, which was not so before, and a quarter of them by this list alone.
//!   Never while another list's rate rises too: a wave of bad clients is no fault of a list.
//! - `hit_rate_collapse`: 20 hits were due, and at most one came.
//! - `lists_good_clients`: three good clients within an hour, and more than 5 % of those heard of. Not for lists of
//!   good clients.
//!
//! A client's net counts once until [`NETS_MAX`] others have come: one busy client is no traffic. A signal that
//! nothing confirms for [`STALE`] is dropped, and one that holds for [`REGIME`] is how things are from now on: the
//! baseline is learnt anew. While a signal holds, nothing is learnt.

mod baseline;
mod good;

pub use baseline::Baseline;

use super::{Heard, LISTS_MAX, ListsSeen, health::Cause};
use crate::{ask::ListId, clock::Now};
use baseline::{HitRate, Judged, Others};
use good::GoodClients;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

/// Nets of clients that are remembered.
pub const NETS_MAX: usize = 128;
/// A list that said nothing about so many clients in a row is not compared with.
const HEARD_WITHIN: u64 = 10;
/// A signal that nothing confirms for so long is dropped.
pub const STALE: Duration = Duration::from_secs(1_800);
/// A signal that holds for so long is how things are.
pub const REGIME: Duration = Duration::from_secs(6 * 3_600);

#[derive(Clone, Debug)]
struct Signal {
    cause: Cause,
    since: Instant,
    confirmed: Instant,
}

/// What is known of one list.
#[derive(Clone, Debug)]
struct Own {
    rate: HitRate,
    signal: Option<Signal>,
    good: GoodClients,
    /// Which client it said something about last.
    heard: u64,
    /// It holds good clients: being on it speaks for a client.
    welcomes: bool,
}

impl Own {
    fn new(baseline: Baseline, welcomes: bool, now: Instant) -> Self {
        Self { rate: HitRate::new(baseline, now), signal: None, good: GoodClients::new(now), heard: 0, welcomes }
    }

    fn judged(&mut self, judged: Judged, about: Cause, now: Instant) {
        let holds = self.signal.as_ref().is_some_and(|signal| signal.cause == about);
        match judged {
            Judged::Nothing => {}
            Judged::Usual => self.signal = self.signal.take().filter(|signal| signal.cause != about),
            Judged::Jump | Judged::Collapse if holds => {
                if let Some(signal) = &mut self.signal {
                    signal.confirmed = now;
                }
            }
            Judged::Jump | Judged::Collapse => {
                self.signal = Some(Signal { cause: about, since: now, confirmed: now });
            }
        }
    }

    /// Drops a signal that has grown stale, and takes one that has lasted for how things are.
    fn settle(&mut self, now: Instant) {
        let Some(signal) = &self.signal else { return };
        if now.saturating_duration_since(signal.since) >= REGIME {
            self.rate = HitRate::new(Baseline::default(), now);
            self.signal = None;
        } else if now.saturating_duration_since(signal.confirmed) >= STALE {
            self.signal = None;
        }
    }
}

/// All lists' traffic.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    nets: VecDeque<u64>,
    /// Clients counted.
    clients: u64,
    lists: HashMap<ListId, Own>,
}

impl Traffic {
    /// Takes up a list, with what was learnt before; one that is known keeps what it has. More than [`LISTS_MAX`] are
    /// not taken.
    pub fn add(&mut self, list: ListId, welcomes: bool, baseline: Baseline, now: Now) {
        if let Some(own) = self.lists.get_mut(&list) {
            own.welcomes = welcomes;
        } else if self.lists.len() < LISTS_MAX {
            self.lists.insert(list, Own::new(baseline, welcomes, now.steady));
        }
    }

    /// Forgets a list.
    pub fn remove(&mut self, list: ListId) {
        self.lists.remove(&list);
    }

    /// Forgets what speaks against a list that is on trial: what comes now counts.
    pub fn acquit(&mut self, list: ListId, now: Now) {
        if let Some(own) = self.lists.get_mut(&list) {
            own.signal = None;
            own.good = GoodClients::new(now.steady);
        }
    }

    /// A connection was judged. `true` = its client's net is new: it counts.
    pub fn seen(&mut self, seen: &ListsSeen, now: Now) -> bool {
        let Some(net) = seen.client_ip.map(net) else { return false };
        if self.nets.contains(&net) {
            return false;
        }
        if self.nets.len() >= NETS_MAX {
            self.nets.pop_front();
        }
        self.nets.push_back(net);
        self.clients += 1;
        let alone = seen.only_listing();
        for (list, heard) in seen.heard.iter().take(LISTS_MAX).filter(|(_, heard)| *heard != Heard::Failed) {
            let Some(own) = self.lists.get_mut(list) else { continue };
            own.heard = self.clients;
            own.rate.add(*heard == Heard::Listed, alone == Some(*list));
            if seen.is_good_client() && !own.welcomes {
                own.good.add(net, *heard == Heard::Listed, now.steady);
            }
            self.judge(*list, now.steady);
        }
        true
    }

    fn judge(&mut self, list: ListId, now: Instant) {
        let Some(own) = self.lists.get(&list) else { return };
        let others = if own.rate.is_full() { self.others(list) } else { Others::default() };
        let Some(own) = self.lists.get_mut(&list) else { return };
        let judged = own.rate.judge_jump(others, own.signal.is_none(), now);
        own.judged(judged, Cause::HitRateJump, now);
        let judged = own.rate.judge_collapse();
        own.judged(judged, Cause::HitRateCollapse, now);
    }

    fn others(&self, list: ListId) -> Others {
        let heard = |own: &Own| own.rate.baseline.is_learnt() && self.clients - own.heard < HEARD_WITHIN;
        let others = self.lists.iter().filter(|(other, own)| **other != list && heard(own));
        others.fold(Others::default(), |sum, (_, own)| Others { heard: true, rise: sum.rise || own.rate.is_rising() })
    }

    /// What speaks against the list at the moment.
    pub fn signal(&mut self, list: ListId, now: Now) -> Option<Cause> {
        let own = self.lists.get_mut(&list)?;
        own.settle(now.steady);
        let good = own.good.are_listed(now.steady).then_some(Cause::ListsGoodClients);
        good.or(own.signal.as_ref().map(|signal| signal.cause))
    }

    /// What has been learnt of a list.
    pub fn baseline(&self, list: ListId) -> Baseline {
        self.lists.get(&list).map_or_else(Baseline::default, |own| own.rate.baseline)
    }

    /// Share of the latest 100 different clients that it listed; `None` = fewer have come.
    pub fn hit_rate(&self, list: ListId) -> Option<f64> {
        self.lists.get(&list)?.rate.latest()
    }
}

/// The client's net as a number: /24 and /48 are as a rule one owner's.
fn net(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(v4) => u64::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => u64::from(u32::from(v4) >> 8),
            // No IPv4 net has bit 63 set.
            None => u64::try_from(u128::from(v6) >> 80).unwrap_or_default() | 1 << 63,
        },
    }
}

#[cfg(test)]
mod tests;
