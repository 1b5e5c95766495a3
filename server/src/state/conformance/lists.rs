//! Does a store keep the health of DNS lists as `ListHealth` promises? Compiled by the tests with real servers too, as
//! `shelves`.

#![allow(clippy::expect_used, reason = "a suite: what a store cannot do is a failure")]

use crate::{
    ask::{Health, ListId},
    dns_lists::{
        Spend,
        health::{Cause, Remembered},
        traffic::Baseline,
    },
    state::{KeptList, LISTS_KEPT_MAX, LISTS_KEPT_SECONDS, ListHealth},
};

/// A list that is off, as it was at `at`.
pub(crate) fn kept_list(list: u64, at: u64) -> KeptList {
    let remembered = Remembered { health: Health::Off, cause: Some(Cause::Silent), since: at - 7, back_off: 60 };
    KeptList {
        list: ListId::from_number(list),
        at,
        remembered,
        spend: Spend { day: 3, lookups: 70_000 },
        baseline: Baseline { hits: 0.25, alone: 0.125, clients: 900 },
    }
}

/// On a store that keeps none yet.
pub(crate) fn list_health(store: &dyn ListHealth) {
    assert_eq!(store.lists(0).expect("reads"), []);
    store.keep_lists(&[]).expect("stores nothing");
    let (old, new) = (kept_list(1, 1_000), kept_list(2, 2_000));
    store.keep_lists(&[old, new]).expect("stores");
    assert_eq!(store.lists(2_000).expect("reads"), [new, old], "newest first");
    let replaced = KeptList { at: 2_500, ..old };
    store.keep_lists(&[replaced]).expect("replaces");
    assert_eq!(store.lists(2_500).expect("reads"), [replaced, new]);
    assert_eq!(store.lists(2_000 + LISTS_KEPT_SECONDS).expect("reads"), [replaced], "it has outlived itself");
    assert_eq!(store.lists(2_000).expect("reads"), [replaced], "and is removed");
    let many: Vec<_> = (0..LISTS_KEPT_MAX as u64 + 50).map(|number| kept_list(100 + number, 3_000 + number)).collect();
    store.keep_lists(&many).expect("stores more than fit");
    let read = store.lists(4_000).expect("reads");
    assert_eq!((read.len(), read[0].at), (LISTS_KEPT_MAX, 3_000 + LISTS_KEPT_MAX as u64 + 49));
    let odd = KeptList {
        list: ListId::from_number(u64::MAX),
        at: u64::MAX,
        remembered: Remembered { health: Health::ALL[0], cause: None, since: u64::MAX, back_off: u64::MAX },
        spend: Spend { day: u64::MAX, lookups: u64::MAX },
        baseline: Baseline { hits: 1.0, alone: f64::MIN_POSITIVE, clients: u64::MAX },
    };
    store.keep_lists(&[odd]).expect("stores");
    assert_eq!(store.lists(u64::MAX).expect("reads"), [odd], "all its fields");
}
