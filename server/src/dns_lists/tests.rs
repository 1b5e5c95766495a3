//! Accounts and what is shared.

use super::{card::Contradiction, *};

/// A list with everything as it comes.
pub(crate) fn declared(name: &str) -> Declared {
    Declared::new(name)
}

const NOON: u64 = 20_000 * 86_400 + 43_200;

#[test]
fn a_budget_lasts_a_day_of_utc() {
    let account = Account::new(Declared { budget_per_day: 3, ..declared("bl.example") }, None);
    assert_eq!((0..5).map(|_| account.spend(NOON)).collect::<Vec<_>>(), [true, true, true, false, false]);
    assert_eq!((account.spent(), account.refused()), (Spend { day: 20_000, lookups: 3 }, 2));
    assert!(account.spend(NOON + 43_200), "a new day");
    assert_eq!(account.spent(), Spend { day: 20_001, lookups: 1 });
}

#[test]
fn a_list_on_trial_stops_at_seventy_percent() {
    let account = Account::new(Declared { budget_per_day: 10, monitored: true, ..declared("bl.example") }, None);
    assert_eq!((0..10).filter(|_| account.spend(NOON)).count(), 7);
}

#[test]
fn a_list_without_a_budget_may_ask_as_it_likes() {
    let account = Account::new(declared("bl.example"), None);
    assert!((0..1_000).all(|_| account.spend(NOON)));
    assert_eq!(account.limit(), None);
}

#[test]
fn counts_survive_a_reload_and_a_restart() {
    let lists = DnsLists::default();
    let list = declared("bl.example");
    lists.declare(std::slice::from_ref(&list));
    let account = lists.account(list.id).expect("declared");
    assert!(account.spend(NOON));
    lists.declare(&[list.clone(), declared("other.example")]);
    let account = lists.account(list.id).expect("still there");
    assert_eq!(account.spent().lookups, 1);
    account.restore(Spend { day: 19_999, lookups: 500 });
    assert_eq!(account.spent().lookups, 1, "yesterday's");
    account.restore(Spend { day: 20_000, lookups: 500 });
    assert_eq!(account.spent().lookups, 501);
    lists.declare(&[]);
    assert!(lists.account(list.id).is_none());
}

#[test]
fn events_beyond_the_bound_are_counted() {
    let lists = DnsLists::default();
    for _ in 0..EVENTS_MAX + 3 {
        lists.tell(ListEvent::Contradicted { kind: Contradiction::Accepted, listed: Vec::new() });
    }
    assert_eq!(lists.dropped(), 3);
    assert!(lists.next().is_some());
}
