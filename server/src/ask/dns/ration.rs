//! May one more look-up be made for this client? New look-ups are rationed by session and by net, so that no client can
//! burn what lists allow us, however many addresses it has.
//!
//! A session has a fixed number. A net (/24 of IPv4, /48 of IPv6) has a bucket that fills again within a minute.
//! Buckets lie in tables of a fixed size at places found by hash, so memory is bounded whatever addresses come and
//! nothing has to be forgotten. Nets that share a place share its bucket; each net has two places and is refused only
//! when both are empty, which a net that behaves hardly ever meets. Sharing can only make it stricter: no net ever gets
//! more than it should.

use super::{
    super::{Asker, sessions::Sessions},
    config::Rations,
};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, DefaultHasher, Hasher},
    net::IpAddr,
    time::{Duration, Instant},
};

/// Buckets of one family: 512 KiB. A thousand nets at their limit together refuse one other in 1,000.
const PLACES: usize = 1 << 16;
/// In which an empty bucket fills.
const PERIOD: Duration = Duration::from_secs(60);

/// What everybody has left.
pub(super) struct Ledger {
    sessions: Sessions,
    v4: Nets,
    v6: Nets,
}

impl Ledger {
    /// Nobody has asked yet.
    pub(super) fn new(rations: Rations, now: Instant) -> Self {
        let seed = || RandomState::new().build_hasher().finish();
        Self::seeded(rations, now, [seed(), seed()], PLACES)
    }

    fn seeded(rations: Rations, now: Instant, [v4, v6]: [u64; 2], places: usize) -> Self {
        Self {
            sessions: Sessions::new(rations.session),
            v4: Nets::new(rations.net_per_minute, now, v4, places),
            v6: Nets::new(rations.net6_per_minute, now, v6, places),
        }
    }

    /// May this asker have another look-up? Nothing is charged yet.
    pub(super) fn allows(&self, asker: Asker, now: Instant) -> bool {
        asker.session.is_none_or(|session| self.sessions.allows(session))
            && asker.client_ip.is_none_or(|ip| match net(ip) {
                Net::V4(net) => self.v4.allows(net, now),
                Net::V6(net) => self.v6.allows(net, now),
            })
    }

    /// It has one.
    pub(super) fn charge(&mut self, asker: Asker, now: Instant) {
        if let Some(session) = asker.session {
            self.sessions.charge(session);
        }
        match asker.client_ip.map(net) {
            Some(Net::V4(net)) => self.v4.charge(net, now),
            Some(Net::V6(net)) => self.v6.charge(net, now),
            None => {}
        }
    }
}

enum Net {
    V4(u64),
    V6(u64),
}

/// What one customer of a network commonly has, and can take addresses from as it likes.
fn net(ip: IpAddr) -> Net {
    match ip.to_canonical() {
        IpAddr::V4(v4) => Net::V4(u64::from(v4.to_bits() >> 8)),
        IpAddr::V6(v6) => Net::V6(u64::try_from(v6.to_bits() >> 80).unwrap_or(u64::MAX)),
    }
}

/// Buckets of one family. A bucket is the moment at which it is full again (GCRA, ITU-T I.371), as time since `start`:
/// each look-up moves it on, and it must never lie more than a filling ahead.
struct Nets {
    /// Nanoseconds in which one look-up is given back; 0 = there is no bound. Rounded up: rather less than more.
    each: u64,
    /// How far ahead a bucket may lie: so far lies one that was full and is empty.
    ahead_max: u64,
    start: Instant,
    seed: u64,
    full_at: Box<[u64]>,
}

impl Nets {
    /// `most` look-ups a period, all of which may be had at once; 0 = any number.
    fn new(most: u32, start: Instant, seed: u64, places: usize) -> Self {
        let each = if most == 0 { 0 } else { nanos(PERIOD).div_ceil(u64::from(most)) };
        let places = if most == 0 { 0 } else { places };
        Self { each, ahead_max: each * u64::from(most), start, seed, full_at: vec![0; places].into() }
    }

    fn allows(&self, net: u64, now: Instant) -> bool {
        self.each == 0 || self.after_one_more(net, now) <= self.since_start(now) + self.ahead_max
    }

    /// Moves both places on to where the better one comes to lie: the worse one belongs to somebody else, too.
    fn charge(&mut self, net: u64, now: Instant) {
        if self.each == 0 {
            return;
        }
        let then = self.after_one_more(net, now);
        for at in self.places(net) {
            if let Some(full_at) = self.full_at.get_mut(at) {
                *full_at = then.max(*full_at);
            }
        }
    }

    /// When the net's bucket would be full again after one more look-up.
    fn after_one_more(&self, net: u64, now: Instant) -> u64 {
        let full_at = self.places(net).map(|at| self.full_at.get(at).copied().unwrap_or(0));
        let full_at = full_at.into_iter().min().unwrap_or(0);
        full_at.max(self.since_start(now)) + self.each
    }

    fn since_start(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start))
    }

    fn places(&self, net: u64) -> [usize; 2] {
        let mut hasher = DefaultHasher::new();
        // Unknown outside: nobody can pick nets that share places with somebody else's.
        hasher.write_u64(self.seed);
        hasher.write_u64(net);
        let hash = hasher.finish();
        let places = self.full_at.len().max(1) as u64;
        [hash, hash >> 32].map(|half| usize::try_from(half % places).unwrap_or(0))
    }
}

fn nanos(time: Duration) -> u64 {
    // Nobody runs for the three centuries that half of it holds: sums of two do not overflow.
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, session::SessionId};
    use proptest::prelude::*;
    use std::{
        collections::HashMap,
        net::{Ipv4Addr, Ipv6Addr},
    };

    const RATIONS: Rations = Rations { session: 20, net_per_minute: 30, net6_per_minute: 12 };

    fn ledger(clock: &Clock) -> Ledger {
        Ledger::seeded(RATIONS, clock.steady(), [1, 2], PLACES)
    }

    fn session(number: u32) -> SessionId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        SessionId(id)
    }

    fn take(ledger: &mut Ledger, asker: Asker, now: Instant) -> bool {
        let allowed = ledger.allows(asker, now);
        if allowed {
            ledger.charge(asker, now);
        }
        allowed
    }

    fn from(ip: impl Into<IpAddr>) -> Asker {
        Asker { session: None, client_ip: Some(ip.into()) }
    }

    #[test]
    fn a_session_has_a_fixed_number() {
        let clock = Clock::manual(1_000);
        let mut ledger = ledger(&clock);
        let asker = |number| Asker { session: Some(session(number)), client_ip: None };
        assert_eq!((0..50).filter(|_| take(&mut ledger, asker(1), clock.steady())).count(), 20);
        clock.advance(Duration::from_secs(86_400));
        assert!(!take(&mut ledger, asker(1), clock.steady()), "no time gives it more");
        assert!(take(&mut ledger, asker(2), clock.steady()));
    }

    #[test]
    fn we_ourselves_are_not_rationed() {
        let clock = Clock::manual(1_000);
        let mut ledger = ledger(&clock);
        assert!((0..10_000).all(|_| take(&mut ledger, Asker::default(), clock.steady())));
    }

    #[test]
    fn zero_is_no_bound() {
        let clock = Clock::manual(1_000);
        let none = Rations { session: 0, net_per_minute: 0, net6_per_minute: 0 };
        let mut ledger = Ledger::seeded(none, clock.steady(), [1, 2], PLACES);
        let asker = Asker { session: Some(session(1)), client_ip: Some(IpAddr::from([192, 0, 2, 1])) };
        assert!((0..10_000).all(|_| take(&mut ledger, asker, clock.steady())));
    }

    #[test]
    fn a_bucket_fills_again_within_a_minute() {
        let clock = Clock::manual(1_000);
        let mut ledger = ledger(&clock);
        let mut all =
            |clock: &Clock| (0..100).filter(|&last| take(&mut ledger, from([192, 0, 2, last]), clock.steady())).count();
        assert_eq!(all(&clock), 30);
        clock.advance(Duration::from_secs(10));
        assert_eq!(all(&clock), 5);
        clock.advance(Duration::from_secs(600));
        assert_eq!(all(&clock), 30, "never more than one filling");
    }

    #[test]
    fn an_address_of_ipv4_is_one_however_it_is_written() {
        let clock = Clock::manual(1_000);
        let mut ledger = ledger(&clock);
        let v4 = Ipv4Addr::new(192, 0, 2, 1);
        while take(&mut ledger, from(v4), clock.steady()) {}
        assert!(!ledger.allows(from(v4.to_ipv6_mapped()), clock.steady()));
    }

    #[test]
    fn nets_that_flood_do_not_shut_out_one_that_behaves() {
        let clock = Clock::manual(1_000);
        let mut ledger = ledger(&clock);
        for number in 0..500_u32 {
            let ip = Ipv4Addr::from_bits(0x0a00_0000 + (number << 8));
            while take(&mut ledger, from(ip), clock.steady()) {}
        }
        let refused = (0..1_000_u32).filter(|number| {
            let ip = Ipv4Addr::from_bits(0xc000_0000 + (number << 8));
            !ledger.allows(from(ip), clock.steady())
        });
        assert!(refused.count() <= 1);
    }

    /// Addresses of few nets, so that they meet, and of many, so that places are shared.
    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            (0..3_u8, any::<u8>()).prop_map(|(net, last)| IpAddr::from([192, 0, net, last])),
            any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            (0..3_u128, any::<u64>(), any::<u16>()).prop_map(|(net, low, subnet)| {
                let bits = (0x2001_0db8_0000 + net) << 80 | u128::from(subnet) << 64 | u128::from(low);
                IpAddr::V6(Ipv6Addr::from_bits(bits))
            }),
        ]
    }

    proptest! {
        /// Whatever addresses come in whatever order: no net has more than a filling and what time has given it, however
        /// many share its places.
        #[test]
        fn no_net_has_more_than_its_share(
            steps in proptest::collection::vec((address(), 0..400_u64, 1..20_usize), 1..120),
            seeds in any::<[u64; 2]>(),
            places in prop_oneof![1..8_usize, Just(PLACES)],
        ) {
            let clock = Clock::manual(1_000);
            let begun = clock.steady();
            let mut ledger = Ledger::seeded(RATIONS, begun, seeds, places);
            let mut had: HashMap<(bool, u64), u64> = HashMap::new();
            for (ip, pause, times) in steps {
                clock.advance(Duration::from_millis(pause));
                let (key, most) = match net(ip) {
                    Net::V4(net) => ((false, net), u64::from(RATIONS.net_per_minute)),
                    Net::V6(net) => ((true, net), u64::from(RATIONS.net6_per_minute)),
                };
                let had = had.entry(key).or_default();
                *had += (0..times).filter(|_| take(&mut ledger, from(ip), clock.steady())).count() as u64;
                let passed = u64::try_from((clock.steady() - begun).as_millis()).expect("a short time");
                prop_assert!(*had <= most + most * passed / 60_000, "{}: {}", ip, had);
            }
        }
    }
}
