//! The card against a recomputation from the raw events, and what falls out of it.

use super::*;
use crate::session::SessionId;
use crate::{
    clock::Clock,
    dns_lists::{Heard, Remembered},
};
use proptest::prelude::*;

const START: u64 = 1_800_000_000;
const NAMES: [&str; 4] = ["a", "b", "c", "white"];

fn id(name: &str) -> ListId {
    ListId::named(name)
}

fn card() -> Card {
    let mut card = Card::default();
    card.declare(Known::new(NAMES.map(|name| (id(name), name.into(), name == "white"))));
    card
}

fn seen(heard: &[(&str, Heard)]) -> ListsSeen {
    ListsSeen {
        session: SessionId::default(),
        client_ip: None,
        heard: heard.iter().map(|(name, heard)| (id(name), *heard)).collect(),
        would_refuse: Vec::new(),
        needed: Vec::new(),
        known_good: false,
        remembered: Remembered::default(),
    }
}

fn line<'a>(report: &'a Report, name: &str) -> &'a ListReport {
    report.lists.iter().find(|list| &*list.name == name).expect("a line")
}

#[test]
fn a_connection_is_counted_once_for_each_list() {
    let (clock, mut card) = (Clock::manual(START), card());
    let now = clock.now();
    let both = [("a", Heard::Listed), ("b", Heard::Listed), ("c", Heard::Failed)];
    card.seen(&ListsSeen { would_refuse: vec![id("a")], needed: vec![id("b")], ..seen(&both) }, now);
    card.seen(&ListsSeen { known_good: true, ..seen(&[("a", Heard::Listed), ("white", Heard::Listed)]) }, now);
    card.seen(&seen(&[("a", Heard::Clean), ("b", Heard::Listed)]), now);
    card.contradicted(Contradiction::Accepted, &[id("a"), id("white")], now);
    card.contradicted(Contradiction::Pardoned, &[id("a"), id("a"), id("white"), id("unknown")], now);
    card.looked_up(id("a"), true, Duration::from_secs(2), now);
    card.looked_up(id("a"), false, Duration::from_millis(20), now);
    card.looked_up(id("unknown"), false, Duration::from_millis(20), now);
    for window in Window::ALL {
        let report = card.report(window, now);
        assert_eq!((report.connections, report.lists.len()), (3, 4), "{window:?}");
        let a = &line(&report, "a").counts;
        assert_eq!((a.heard, a.hits, a.unique, a.failed, a.would_refuse, a.needed), (3, 2, 0, 0, 1, 0));
        assert_eq!((a.contradicted, a.lookups, a.lookups_failed), ([1, 1, 0, 2], 2, 1));
        let b = &line(&report, "b").counts;
        assert_eq!((b.heard, b.hits, b.unique, b.needed), (2, 2, 1, 1));
        assert_eq!((line(&report, "c").counts.failed, line(&report, "c").counts.heard), (1, 0));
        assert_eq!(line(&report, "white").counts.contradicted, [0, 0, 0, 0], "it welcomes");
        let pairs: Vec<_> = report.overlaps.iter().map(|pair| (&*pair.first, &*pair.second, pair.both)).collect();
        assert_eq!(pairs, [("a", "b", 1), ("a", "white", 1)]);
        let p99 = line(&report, "a").p99.expect("look-ups");
        assert!((2.0..2.9).contains(&p99.as_secs_f64()), "{p99:?}");
        assert_eq!((report.from % window.span().seconds(), report.until), (0, START));
    }
}

#[test]
fn a_good_reputation_of_a_proven_sender_contradicts() {
    let (clock, mut card) = (Clock::manual(START), card());
    let both = [("a", Heard::Listed), ("white", Heard::Listed)];
    for (good_history, proven_good) in [(true, true), (true, false), (false, true)] {
        card.seen(&ListsSeen { remembered: Remembered { good_history, proven_good }, ..seen(&both) }, clock.now());
    }
    let report = card.report(Window::Hour, clock.now());
    assert_eq!(line(&report, "a").counts.contradicted, [0, 0, 2, 0], "history alone is for the list's health");
    assert_eq!(line(&report, "white").counts.contradicted, [0, 0, 0, 0]);
}

#[test]
fn what_is_old_falls_out_even_when_nothing_new_comes() {
    let (clock, mut card) = (Clock::manual(START), card());
    card.seen(&seen(&[("a", Heard::Listed)]), clock.now());
    for (window, advance) in [(Window::Hour, 3_600), (Window::Day, 86_400), (Window::Month, 30 * 86_400)] {
        assert_eq!(card.report(window, clock.now()).connections, 1, "{window:?}");
        clock.advance(Duration::from_secs(advance));
        assert_eq!(card.report(window, clock.now()).connections, 0, "{window:?}");
    }
    card.seen(&seen(&[("b", Heard::Listed)]), clock.now());
    assert_eq!(card.series.iter().map(|series| series.buckets.len()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn a_clock_set_back_loses_nothing() {
    let (clock, mut card) = (Clock::manual(START), card());
    card.seen(&seen(&[("a", Heard::Listed)]), clock.now());
    let back = Clock::manual(START - 86_400).now();
    card.seen(&seen(&[("a", Heard::Listed)]), back);
    assert_eq!(card.report(Window::Hour, clock.now()).connections, 2);
}

#[test]
fn rows_are_bounded_and_reloads_leave_what_was_counted() {
    let (clock, mut card) = (Clock::manual(START), card());
    for round in 0..10 {
        let names: Vec<String> = (0..LISTS_MAX).map(|number| format!("{round}-{number}")).collect();
        card.declare(Known::new(names.iter().map(|name| (id(name), name.as_str().into(), false))));
        let heard: Vec<_> = names.iter().map(|name| (name.as_str(), Heard::Listed)).collect();
        card.seen(&seen(&heard), clock.now());
    }
    let report = card.report(Window::Month, clock.now());
    assert_eq!((report.lists.len(), report.connections), (ROWS_MAX, 10));
    assert_eq!(report.overlaps.len(), OVERLAPS_MAX);
}

#[test]
fn only_what_changed_is_taken_and_it_restores_the_card() {
    let (clock, mut card) = (Clock::manual(START), card());
    let mut kept = Vec::new();
    for _ in 0..3 {
        card.seen(&seen(&[("a", Heard::Listed), ("b", Heard::Listed)]), clock.now());
        kept.extend(card.take_changed());
        assert_eq!(card.take_changed(), []);
        clock.advance(Duration::from_secs(300));
    }
    kept.reverse();
    kept.push(Bucket::new(Span::Day, 1));
    kept.push(Bucket::new(Span::Day, u64::MAX));
    let again = Card::restored(kept, clock.now().unix_seconds());
    for window in Window::ALL {
        assert_eq!(again.report(window, clock.now()), card.report(window, clock.now()), "{window:?}");
    }
}

#[derive(Clone, Debug)]
enum Happening {
    Seen(Vec<(usize, Heard)>, Vec<usize>, bool),
    Accepted(Vec<usize>),
    LookedUp(usize, bool),
}

fn any_happening() -> impl Strategy<Value = (u64, Happening)> {
    let heard = proptest::sample::select(vec![Heard::Clean, Heard::Listed, Heard::Failed]);
    let lists = || proptest::sample::subsequence(vec![0_usize, 1, 2, 3], 0..=4);
    let said = (lists(), proptest::collection::vec(heard, 4));
    let said = said.prop_map(|(lists, heard)| lists.into_iter().zip(heard).collect());
    let happening = prop_oneof![
        (said, lists(), any::<bool>()).prop_map(|(said, needed, good)| Happening::Seen(said, needed, good)),
        lists().prop_map(Happening::Accepted),
        (0..4_usize, any::<bool>()).prop_map(|(list, failed)| Happening::LookedUp(list, failed)),
    ];
    (prop_oneof![0..60_u64, 0..4_000_u64, 0..200_000_u64], happening)
}

/// All there is to say of one list, from the events alone.
fn naive(events: &[(u64, Happening)], from: u64, list: usize) -> Counts {
    let mut counts = Counts::default();
    for (_, event) in events.iter().filter(|(at, _)| *at >= from) {
        match event {
            Happening::Seen(said, needed, good) => {
                let here = said.iter().find(|(about, _)| *about == list).map(|(_, heard)| *heard);
                let listed = said.iter().filter(|(_, heard)| *heard == Heard::Listed).count();
                counts.heard += u64::from(here.is_some_and(|heard| heard != Heard::Failed));
                counts.failed += u64::from(here == Some(Heard::Failed));
                counts.needed += u64::from(needed.contains(&list));
                if here == Some(Heard::Listed) {
                    counts.hits += 1;
                    counts.unique += u64::from(listed == 1);
                    counts.contradicted[1] += u64::from(*good && NAMES[list] != "white");
                }
            }
            Happening::Accepted(listed) => {
                counts.contradicted[0] += u64::from(listed.contains(&list) && NAMES[list] != "white");
            }
            Happening::LookedUp(about, failed) if *about == list => {
                counts.lookups += 1;
                counts.lookups_failed += u64::from(*failed);
                counts.latency.add(Duration::from_millis(7));
            }
            Happening::LookedUp(..) => {}
        }
    }
    counts
}

fn naive_both(events: &[(u64, Happening)], from: u64, pair: (usize, usize)) -> u64 {
    let lists = |event: &Happening| {
        let Happening::Seen(said, ..) = event else { return false };
        [pair.0, pair.1].iter().all(|list| said.contains(&(*list, Heard::Listed)))
    };
    events.iter().filter(|(at, event)| *at >= from && lists(event)).count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_card_is_what_the_events_add_up_to(events in proptest::collection::vec(any_happening(), 0..80)) {
        let (clock, mut card) = (Clock::manual(START), card());
        let mut log = Vec::new();
        for (pause, event) in events {
            clock.advance(Duration::from_secs(pause));
            let now = clock.now();
            let ids = |lists: &[usize]| lists.iter().map(|list| id(NAMES[*list])).collect::<Vec<_>>();
            match &event {
                Happening::Seen(said, needed, good) => {
                    let heard = said.iter().map(|(list, heard)| (id(NAMES[*list]), *heard)).collect();
                    let plain = seen(&[]);
                    card.seen(&ListsSeen { heard, needed: ids(needed), known_good: *good, ..plain }, now);
                }
                Happening::Accepted(listed) => card.contradicted(Contradiction::Accepted, &ids(listed), now),
                Happening::LookedUp(list, failed) => {
                    card.looked_up(id(NAMES[*list]), *failed, Duration::from_millis(7), now);
                }
            }
            log.push((now.unix_seconds(), event));
        }
        for window in Window::ALL {
            let report = card.report(window, clock.now());
            let counts = |name: &str| {
                let found = report.lists.iter().find(|list| &*list.name == name);
                found.map(|list| list.counts.clone()).unwrap_or_default()
            };
            for (list, name) in NAMES.iter().enumerate() {
                prop_assert_eq!(counts(name), naive(&log, report.from, list), "{} {:?}", name, window);
            }
            for (one, first) in NAMES.iter().enumerate() {
                for (two, second) in NAMES.iter().enumerate().skip(one + 1) {
                    let found = report.overlaps.iter().find(|pair| &*pair.first == *first && &*pair.second == *second);
                    let both = naive_both(&log, report.from, (one, two));
                    prop_assert_eq!(found.map_or(0, |pair| pair.both), both);
                }
            }
        }
    }
}
