//! Do records merge as they promise? The laws of [`Record`], over any records of every kind.

use super::{Digest, Exception, Experience, Hits, Horizon, Roll, Standing, Subject, Tokens, Triplet};
use crate::state::{Key, Record};
use proptest::prelude::*;

pub(in crate::state) fn any_triplet() -> impl Strategy<Value = Triplet> {
    let time = || prop_oneof![Just(0), 1..2_000_u64, any::<u64>()];
    (0..3_u32, time(), time(), time()).prop_map(|(epoch, first, last, passed)| Triplet { epoch, first, last, passed })
}

pub(in crate::state) fn any_tokens() -> impl Strategy<Value = Tokens> {
    any::<(u64, u32, u32)>().prop_map(|(full_at_ms, spent, every_ms)| Tokens { full_at_ms, spent, every_ms })
}

pub(in crate::state) fn any_standing() -> impl Strategy<Value = Standing> {
    let point = || 0.0..1e6_f32;
    let points = (prop::array::uniform9(point()), prop::array::uniform3(point()), prop::array::uniform3(point()));
    let marks = prop::collection::btree_set(1..9_u16, 0..=3);
    (0..3_u16, 0..4_u32, any::<u32>(), points, marks).prop_map(|(epoch, events, at, (counts, good, bad), marks)| {
        let marks: Vec<u16> = marks.into_iter().collect();
        let witnesses = std::array::from_fn(|at| marks.get(at).copied().unwrap_or(0));
        Standing { epoch, events, at, counts, good, bad, witnesses }
    })
}

pub(in crate::state) fn any_exception() -> impl Strategy<Value = Exception> {
    let texts = ("[a-z@.]{0,12}", "[a-z@.]{0,12}", "[a-z]{0,5}", "\\PC{0,20}");
    let hits = any::<(u32, u32, u64, u64)>().prop_map(|(all, changed, last, last_changed)| Hits {
        all,
        changed,
        last,
        last_changed,
    });
    let rest = (any::<(u64, u64)>(), hits, any::<bool>());
    (0..3_u32, any::<bool>(), rest, texts, any::<Option<[u8; 4]>>()).prop_map(
        |(revision, allows, ((made_at, until), hits, removed), (sender, recipient, by, reason), net)| Exception {
            revision,
            allows,
            clients: net.map(|octets| crate::config::Network::around(octets.into(), octets[0] % 33)),
            sender,
            recipient,
            made_at,
            until,
            by,
            reason,
            removed,
            hits,
        },
    )
}

pub(in crate::state) fn any_roll() -> impl Strategy<Value = Roll> {
    let entry = (0..9_u8, any::<u64>()).prop_map(|(id, until)| (Digest::of(&[&[id]]), until));
    prop::collection::vec(entry, 0..6).prop_map(|entries| entries.into_iter().collect())
}

/// Equal but for rounding.
trait Near {
    fn is_near(&self, other: &Self) -> bool;
}

impl Near for Triplet {
    fn is_near(&self, other: &Self) -> bool {
        self == other
    }
}

impl Near for Tokens {
    fn is_near(&self, other: &Self) -> bool {
        self == other
    }
}

impl Near for Roll {
    fn is_near(&self, other: &Self) -> bool {
        self == other
    }
}

impl Near for Exception {
    fn is_near(&self, other: &Self) -> bool {
        self == other
    }
}

impl Near for Standing {
    fn is_near(&self, other: &Self) -> bool {
        let near = |one: &[f32], other: &[f32]| {
            one.iter().zip(other).all(|(one, other)| (one - other).abs() <= 1e-3 * (1.0 + one.abs().max(other.abs())))
        };
        let exact = |standing: &Self| (standing.epoch, standing.events, standing.at, standing.witnesses);
        exact(self) == exact(other)
            && near(&self.counts, &other.counts)
            && near(&self.good, &other.good)
            && near(&self.bad, &other.bad)
    }
}

fn laws<R: Record + Near>(one: &R, two: &R, three: &R) -> Result<(), TestCaseError> {
    let (a, b, c) = (|| one.clone(), || two.clone(), || three.clone());
    prop_assert_eq!(a().newer(b()), b().newer(a()), "newer commutes");
    prop_assert_eq!(a().newer(b()).newer(c()), a().newer(b().newer(c())), "newer associates");
    prop_assert_eq!(a().newer(a()), a(), "newer is idempotent");
    prop_assert!(a().together(b()).is_near(&b().together(a())), "together commutes");
    prop_assert!(a().together(b()).together(c()).is_near(&a().together(b().together(c()))), "together associates");
    prop_assert_eq!(a().newer(R::default()), a(), "nothing adds nothing");
    prop_assert_eq!(R::decode(&one.encode()), Some(a()));
    let record = one.encode();
    for cut in 0..record.len() {
        prop_assert_eq!(R::decode(&record[..cut]), None, "cut at {}", cut);
    }
    Ok(())
}

proptest! {
    #[test]
    fn triplets_merge(one in any_triplet(), two in any_triplet(), three in any_triplet()) {
        laws(&one, &two, &three)?;
        prop_assert_eq!(one.together(one), one, "what two servers saw alike was seen once");
    }

    #[test]
    fn tokens_merge(one in any_tokens(), two in any_tokens(), three in any_tokens()) {
        laws(&one, &two, &three)?;
    }

    #[test]
    fn standings_merge(one in any_standing(), two in any_standing(), three in any_standing()) {
        laws(&one, &two, &three)?;
    }

    #[test]
    fn exceptions_merge(one in any_exception(), two in any_exception(), three in any_exception()) {
        laws(&one, &two, &three)?;
    }

    #[test]
    fn rolls_merge(one in any_roll(), two in any_roll(), three in any_roll()) {
        laws(&one, &two, &three)?;
        let all = one.clone().together(two.clone());
        for id in one.ids().chain(two.ids()) {
            prop_assert!(all.ids().any(|known| known == id));
        }
    }

    #[test]
    fn other_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = (Triplet::decode(&octets), Tokens::decode(&octets), Standing::decode(&octets), Exception::decode(&octets));
        let _ = Roll::decode(&octets);
        let _ = (Subject::from_octets(&octets), Digest::from_octets(&octets));
        if let Some(standing) = Standing::decode(&octets) {
            prop_assert!(standing.reputation(u64::MAX).abs() <= 100.0);
        }
    }

    /// Against a plain list of what happened, each event weighed by its age: no sums that are carried on.
    #[test]
    fn points_fade_as_each_event_would(
        events in prop::collection::vec((-9.0..9.0_f32, 0..5_000_000_u64), 1..60),
        later in 0..5_000_000_u64,
    ) {
        let mut events = events;
        events.sort_by_key(|event| event.1);
        let mut standing = Standing::default();
        for &(points, at) in &events {
            standing.learn(Experience::Refused, points, at);
        }
        let now = events.last().map_or(0, |event| event.1) + later;
        let mut expected = 0.0;
        for horizon in Horizon::ALL {
            let weigh = |points: f32, at: u64| {
                f64::from(points.abs()) * 0.5_f64.powf((now - at) as f64 / f64::from(horizon.half_life()))
            };
            let sum = |bad: bool| -> f64 {
                events.iter().filter(|event| (event.0 < 0.0) == bad).map(|&(points, at)| weigh(points, at)).sum()
            };
            let (good, bad) = (sum(false), sum(true));
            expected += f64::from(horizon.weight()) / 6.0 * 100.0 * (good - bad) / (good + bad + 5.0);
        }
        let told = f64::from(standing.reputation(now));
        prop_assert!((told - expected).abs() < 0.1, "{told} {expected}");
    }

    /// Learning in any order of servers, told together, is what one server would have learnt.
    #[test]
    fn many_servers_know_what_one_would(events in prop::collection::vec((0..3_usize, 0..8_usize, -9.0..9.0_f32, 0..90_000_u64), 1..40)) {
        let mut events = events;
        events.sort_by_key(|event| event.3);
        let (mut one, mut many) = (Standing::default(), [Standing::default(); 3]);
        for (server, kind, points, at) in events {
            for standing in [&mut one, &mut many[server]] {
                standing.learn(Experience::ALL[kind], points, at);
            }
        }
        let together = many.into_iter().reduce(Standing::together).unwrap_or_default();
        prop_assert!(together.is_near(&one), "{:?} {:?}", together, one);
    }
}
