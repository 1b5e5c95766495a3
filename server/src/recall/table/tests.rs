//! Does the table keep its promises, whatever order things happen in?

use super::*;
use crate::state::{Digest, Experience, Standing, Subject, Tokens, Triplet};
use proptest::prelude::*;
use std::collections::HashMap;

const NOW: u64 = 1_000_000;

fn key(number: u64) -> Digest {
    Digest::of(&[&number.to_be_bytes()])
}

fn triplet(first: u64) -> Triplet {
    Triplet::begun(first)
}

fn put(table: &Table<Triplet>, number: u64, first: u64) {
    table.change(key(number), NOW, |own, _| *own = triplet(first));
}

/// Everything dirty, as if it were written.
fn written(table: &Table<Triplet>) -> HashMap<Digest, Triplet> {
    table.take_dirty(&mut 0, usize::MAX).changed.into_iter().collect()
}

#[test]
fn what_is_not_known_is_not_nothing() {
    let table = Table::<Triplet>::new(1 << 20);
    assert_eq!(table.get(&key(1), NOW), Seen::Missing);
    table.fill(key(1), Held::default(), NOW);
    assert_eq!(table.get(&key(1), NOW + 7), Seen::Known(None, 7));
    table.set_complete();
    assert_eq!(table.get(&key(2), NOW), Seen::Known(None, 0));
}

#[test]
fn a_change_before_the_store_has_answered_comes_on_top() {
    let table = Table::<Standing>::new(1 << 20);
    let subject = Subject::Ip([192, 0, 2, 1].into());
    let learn = |own: &mut Standing| own.learn(Experience::Refused, -1.0, NOW);
    table.change(subject.clone(), NOW, |own, _| learn(own));
    assert_eq!(table.get(&subject, NOW), Seen::Missing, "what the store holds is not known");
    let dirty = table.take_dirty(&mut 0, 10);
    assert!(dirty.changed.is_empty() && dirty.unbased == [subject.clone()], "and must not be written over");
    let mut stored = Standing::default();
    (0..3).for_each(|_| learn(&mut stored));
    table.fill(subject.clone(), Held { own: Some(stored), others: None }, NOW);
    let Seen::Known(Some(known), 0) = table.get(&subject, NOW) else { panic!("known now") };
    assert_eq!((known.events, known.bad[0]), (4, 4.0));
    // The same once more: an older version of ours adds nothing.
    table.fill(subject.clone(), Held { own: Some(stored), others: Some(stored) }, NOW);
    let Seen::Known(Some(known), 0) = table.get(&subject, NOW) else { panic!("known now") };
    assert_eq!(known.events, 7, "3 and 1 of ours, 3 of others");
}

#[test]
fn what_others_spend_is_spent_here() {
    let table = Table::<Tokens>::new(1 << 20);
    let pace = crate::state::Pace { every_ms: 1_000, burst: 10 };
    let others = |spent| Some(Tokens { full_at_ms: NOW * 1_000, spent, every_ms: 1_000 });
    table.fill(key(1), Held { own: None, others: others(100) }, NOW);
    let left = || match table.get(&key(1), NOW) {
        Seen::Known(tokens, _) => tokens.unwrap_or_default().left(pace, NOW * 1_000),
        Seen::Missing => panic!("known"),
    };
    assert_eq!(left(), 10);
    table.change(key(1), NOW, |own, _| own.spend(pace, 2, NOW * 1_000));
    assert_eq!(left(), 8);
    table.fill(key(1), Held { own: None, others: others(103) }, NOW);
    assert_eq!(left(), 5, "three more than a moment ago");
    table.fill(key(1), Held { own: None, others: others(103) }, NOW);
    assert_eq!(left(), 5, "heard twice, counted once");
    table.fill(key(1), Held { own: None, others: others(1) }, NOW);
    assert_eq!(left(), 5, "somebody began anew");
}

#[test]
fn bounds_hold_and_what_is_dirty_is_spared() {
    let table = Table::<Triplet>::new(1 << 20);
    table.set_complete();
    for number in 0..2_000 {
        put(&table, number, number + 1);
    }
    assert!(table.is_complete() && table.size().0 == 2_000);
    for number in 10_000..60_000 {
        table.fill(key(number), Held { own: Some(triplet(1)), others: None }, NOW);
        assert!(table.size().1 <= 1 << 20, "{:?}", table.size());
    }
    assert!(!table.is_complete(), "something was driven out");
    let (gone, dropped) = table.evicted();
    assert!(gone > 10_000 && dropped == 0, "{gone} {dropped}");
    assert_eq!(table.unwritten(), 2_000);
    assert_eq!(written(&table).len(), 2_000);
    assert_eq!(table.unwritten(), 0);
}

#[test]
fn a_flood_of_changes_is_bounded_and_counted() {
    let table = Table::<Triplet>::new(1 << 18);
    for number in 0..50_000 {
        put(&table, number, number + 1);
    }
    assert!(table.size().1 <= 1 << 18);
    let (gone, dropped) = table.evicted();
    assert!(dropped > 0 && dropped == gone, "{gone} {dropped}");
    assert!(table.unwritten() <= 50_000);
}

#[test]
fn a_failed_write_is_written_again() {
    let table = Table::<Triplet>::new(1 << 20);
    table.set_complete();
    put(&table, 1, 5);
    let taken = written(&table);
    table.not_written(taken.keys().copied());
    table.not_written(taken.keys().copied());
    assert_eq!(written(&table), taken);
    assert!(written(&table).is_empty());
}

#[test]
fn room_that_is_there_is_used_and_no_more() {
    let table = Table::<Triplet>::new(1 << 17);
    let took = (0..20_000).filter(|&number| table.fill_if_room(key(number), Held::default(), NOW)).count();
    assert!(took > 500 && took < 5_000, "{took}");
    assert_eq!(table.evicted(), (0, 0));
}

#[derive(Clone, Debug)]
enum Act {
    Change(u64, u64),
    Fill(u64, u64),
    Write,
    Fail,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..40_u64, 1..100_u64).prop_map(|(number, first)| Act::Change(number, first)),
        2 => (0..40_u64, 1..100_u64).prop_map(|(number, first)| Act::Fill(number, first)),
        2 => Just(Act::Write),
        1 => Just(Act::Fail),
    ]
}

proptest! {
    /// Against a plain map: what was changed is known, and written in the end.
    #[test]
    fn nothing_is_lost(acts in prop::collection::vec(act(), 1..200)) {
        let table = Table::<Triplet>::new(1 << 20);
        table.set_complete();
        let (mut model, mut store) = (HashMap::<u64, Triplet>::new(), HashMap::new());
        for act in acts {
            match act {
                Act::Change(number, first) => {
                    let merged = model.get(&number).map_or(triplet(first), |known| known.newer(triplet(first)));
                    model.insert(number, merged);
                    table.change(key(number), NOW, |own, _| *own = own.newer(triplet(first)));
                }
                Act::Fill(number, first) => {
                    let stored = triplet(first);
                    let merged = model.get(&number).map_or(stored, |known| known.newer(stored));
                    model.insert(number, merged);
                    table.fill(key(number), Held { own: Some(stored), others: None }, NOW);
                }
                Act::Write => store.extend(written(&table)),
                Act::Fail => {
                    let taken = table.take_dirty(&mut 0, 7);
                    table.not_written(taken.changed.into_iter().map(|(key, _)| key));
                }
            }
            for (number, known) in &model {
                prop_assert_eq!(table.get(&key(*number), NOW), Seen::Known(Some(*known), 0));
            }
        }
        prop_assert!(table.unwritten() <= model.len());
    }
}
