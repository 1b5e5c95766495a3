//! Does a store keep its promises? One suite for all of them: a new store is done when it passes.

pub(super) mod lists;
pub(super) mod shelves;

use super::{ListCards, ListHealth, Memory, Shelf, Sled, Switches, Tokens, list_cards};
use crate::{
    dns_lists::card::{Bucket, Span},
    pipeline::SwitchState,
};
use lists::kept_list;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use shelves::Sample;

trait Store: Switches + ListHealth + ListCards {}

impl<S: Switches + ListHealth + ListCards> Store for S {}

fn suite(store: &dyn Store) {
    switches(store);
    lists::list_health(store);
    list_cards(store);
}

fn switches(store: &dyn Store) {
    let thrown = SwitchState { until: 2_000, reason: "list gone mad".to_owned(), by: "hans".to_owned() };
    assert_eq!(store.thrown(1_000).expect("reads"), None, "nothing was stored");
    store.set_thrown(Some(&thrown)).expect("stores");
    assert_eq!(store.thrown(1_999).expect("reads"), Some(thrown.clone()));
    assert_eq!(store.thrown(2_000).expect("reads"), None, "it ends by itself");
    let later = SwitchState { until: 3_000, reason: "ü\n\0\"".to_owned(), by: String::new() };
    store.set_thrown(Some(&later)).expect("replaces");
    assert_eq!(store.thrown(2_000).expect("reads"), Some(later));
    store.set_thrown(None).expect("clears");
    assert_eq!(store.thrown(0).expect("reads"), None);
}

fn list_cards(store: &dyn Store) {
    let now = 20_000 * 86_400 + 7;
    assert_eq!(store.buckets(now).expect("reads"), []);
    let mut runner = TestRunner::deterministic();
    let rows = list_cards::tests::any_bucket().prop_filter("with lists", |bucket| bucket.rows.len() > 2);
    let full = rows.new_tree(&mut runner).expect("a bucket").current();
    let today = Bucket { span: Span::Day, number: 20_000, ..full };
    let oldest = Bucket::new(Span::Day, 20_000 - 29);
    store.keep_buckets(&[today.clone(), oldest.clone()]).expect("stores");
    let mut read = store.buckets(now).expect("reads");
    read.sort_by_key(|bucket| bucket.number);
    assert_eq!(read, [oldest, today.clone()]);
    assert_eq!(store.buckets(now + 86_400).expect("reads"), std::slice::from_ref(&today), "out of the window");
    let minutes = |number| Bucket { connections: number, ..Bucket::new(Span::FiveMinutes, number) };
    let first = now / 300 - 40;
    (first..=first + 40).for_each(|number| store.keep_buckets(&[minutes(number)]).expect("stores"));
    let read = store.buckets(now).expect("reads");
    assert_eq!(read.iter().filter(|bucket| bucket.span == Span::FiveMinutes).count(), 12);
    let again = Bucket { connections: 1, ..today };
    store.keep_buckets(std::slice::from_ref(&again)).expect("replaces");
    let read = store.buckets(now).expect("reads");
    assert_eq!(read.iter().find(|bucket| bucket.span == Span::Day && bucket.number == 20_000), Some(&again));
}

#[test]
fn memory_conforms() {
    suite(&Memory::default());
    shelves::alone(&Memory::default(), shelves::NOON);
    let store = Memory::default();
    shelves::shared(&|| store.another(), shelves::NOON);
}

#[test]
fn sled_conforms_and_remembers() {
    let scratch = tempfile::tempdir().expect("a folder");
    let thrown = SwitchState { until: u64::MAX, reason: "r".to_owned(), by: "b".to_owned() };
    let (list, bucket) = (kept_list(9, u64::MAX - 1), Bucket::new(Span::Hour, u64::MAX / 3_600));
    {
        let store = Sled::open(scratch.path()).expect("opens").store;
        suite(&store);
        shelves::alone(&store, shelves::NOON);
        store.set_thrown(Some(&thrown)).expect("stores");
        store.keep_lists(&[list]).expect("stores");
        store.keep_buckets(std::slice::from_ref(&bucket)).expect("stores");
        store.flush().expect("flushes");
    }
    let again = Sled::open(scratch.path()).expect("opens").store;
    assert_eq!(again.thrown(1).expect("reads"), Some(thrown));
    assert!(again.lists(u64::MAX).expect("reads").contains(&list));
    assert_eq!(again.buckets(u64::MAX).expect("reads"), [bucket]);
    let tokens = Tokens::sample(1, shelves::NOON + 86_400);
    assert_eq!(again.read(&[Tokens::key(0)], shelves::NOON).expect("reads")[0].own, Some(tokens));
}
