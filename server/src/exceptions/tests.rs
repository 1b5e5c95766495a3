//! Made, renewed, ended, counted, kept: over a store, and over one that several servers share.

use super::{keeper::Store, *};
use crate::{
    clock::Clock,
    decision_log::LogRing,
    recall::{Bounds, Recall},
    session::{Address, Sender},
    state::{Hits, Memory, Roll, Shelf, StateError},
};
use bytes::Bytes;
use keeper::{Parts, Turns};
use std::{sync::atomic::Ordering, time::Duration};

const START: u64 = 1_700_000_000;

/// A store that others share, and that can be made to fail.
#[derive(Default)]
struct Shared {
    memory: Memory,
    fails: AtomicBool,
}

impl Shared {
    fn another(&self) -> Arc<Self> {
        Arc::new(Self { memory: self.memory.another(), fails: AtomicBool::new(false) })
    }

    fn sound(&self) -> Result<(), StateError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(StateError::Failed("store".to_owned(), "gone".to_owned())) } else { Ok(()) }
    }
}

impl<R: crate::state::Record> Shelf<R> for Shared {
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<crate::state::Held<R>>, StateError> {
        self.sound().and_then(|()| self.memory.read(keys, now))
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        self.sound().and_then(|()| self.memory.keep(records))
    }

    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        self.sound().and_then(|()| Shelf::<R>::remove(&self.memory, keys))
    }

    fn walk(&self, from: Option<&crate::state::Cursor>, most: usize) -> Result<crate::state::Page<R>, StateError> {
        self.memory.walk(from, most)
    }
}

impl Store for Shared {
    fn is_shared(&self) -> bool {
        true
    }
}

/// One server.
struct Server {
    turns: Turns,
    ring: LogRing,
    clock: Clock,
}

impl Server {
    fn over(store: Arc<dyn Store>, clock: &Clock) -> Self {
        let ring = LogRing::default();
        let recall = Arc::new(Recall::alone(Bounds::default(), clock.clone()));
        let parts = Parts { recall, store, clock: clock.clone(), ring: ring.clone() };
        let mut turns = Turns { parts, failed: None, read: None };
        turns.turn();
        Self { turns, ring, clock: clock.clone() }
    }

    fn exceptions(&self) -> &Exceptions {
        &self.turns.parts.recall.exceptions
    }

    fn make(&self, allows: bool, sender: &str, seconds: u64) -> Result<Made, String> {
        self.exceptions().make(said(allows, sender, self.clock.now().unix_seconds(), seconds), self.clock.now())
    }

    /// What is said of mail of this sender.
    fn about(&self, sender: &str) -> Vec<bool> {
        let address = Address::new(Bytes::copy_from_slice(sender.as_bytes()));
        let facts = Facts { sender: Some(Sender { address, declared_size: 0 }), ..Facts::default() };
        self.exceptions().about(&facts, self.clock.now()).iter().map(|one| one.said.allows).collect()
    }

    fn hits(&self) -> Vec<Hits> {
        self.exceptions().all(self.clock.now()).into_iter().map(|(_, said)| said.hits).collect()
    }

    fn after(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.turns.turn();
    }
}

fn said(allows: bool, sender: &str, now: u64, seconds: u64) -> Exception {
    let (by, reason, sender) = ("hans".to_owned(), "why".to_owned(), sender.to_owned());
    Exception { allows, sender, made_at: now, until: now + seconds, by, reason, ..Exception::default() }
}

#[test]
fn one_holds_until_its_end_or_until_it_is_removed() {
    let clock = Clock::manual(START);
    let server = Server::over(Arc::new(Memory::default()), &clock);
    let made = server.make(true, "ann@a.example", 60).expect("is made");
    assert_eq!((server.about("Ann@a.example"), server.about("bob@a.example")), (vec![true], vec![]));
    clock.advance(Duration::from_secs(59));
    assert_eq!(server.about("ann@a.example"), [true]);
    clock.advance(Duration::from_secs(1));
    assert_eq!((server.about("ann@a.example"), server.exceptions().all(clock.now())), (vec![], vec![]));
    assert_eq!(server.exceptions().remove(made.id, clock.now()), None, "it has ended");
    let made = server.make(true, "ann@a.example", 60).expect("is made again");
    assert!(!made.renewed && made.said.hits == Hits::default());
    assert!(server.exceptions().remove(made.id, clock.now()).is_some());
    assert_eq!((server.about("ann@a.example"), server.hits()), (vec![], vec![]));
}

#[test]
fn the_same_scope_again_is_renewed_and_keeps_its_hits() {
    let clock = Clock::manual(START);
    let server = Server::over(Arc::new(Memory::default()), &clock);
    let first = server.make(true, "ann@a.example", 60).expect("is made");
    server.exceptions().hit(first.id, true, clock.now());
    clock.advance(Duration::from_secs(30));
    let second = server.make(true, "ann@a.example", 60).expect("is renewed");
    assert!(second.renewed && second.id == first.id && second.said.until == START + 90);
    assert_eq!((second.said.revision, second.said.hits.all), (2, 1));
    let denied = server.make(false, "ann@a.example", 60).expect("is another");
    assert!(!denied.renewed && denied.id != first.id);
    server.exceptions().hit(first.id, false, clock.now());
    let hits = Hits { all: 2, changed: 1, last: START + 30, last_changed: START };
    assert!(server.hits().contains(&hits), "{:?}", server.hits());
}

#[test]
fn of_what_is_said_within_a_second_the_later_counts() {
    let clock = Clock::manual(START);
    let server = Server::over(Arc::new(Memory::default()), &clock);
    for round in 0..20 {
        for allows in [round % 2 == 0, round % 2 == 1] {
            server.make(allows, "ann@a.example", 60).expect("is made");
            assert_eq!(server.about("ann@a.example").first(), Some(&allows), "round {round}");
        }
    }
    let order: Vec<String> = (0..9).map(|n| format!("u{n}@b.example")).collect();
    order.iter().for_each(|sender| drop(server.make(true, sender, 60).expect("is made")));
    let all = server.exceptions().all(clock.now());
    let listed = all.iter().map(|(_, said)| &said.sender).filter(|sender| sender.starts_with('u'));
    assert!(listed.eq(&order), "in the order in which they were made");
}

#[test]
fn a_full_board_takes_no_more_but_renews() {
    let clock = Clock::manual(START);
    let exceptions = Exceptions::default();
    let mut kept = Kept::default();
    for number in 0..EXCEPTIONS_MAX {
        kept.plant(Digest::of(&[&number.to_le_bytes()]), said(true, &format!("u{number}@a.example"), START, 60));
    }
    *exceptions.kept() = kept;
    let full = exceptions.make(said(true, "one@more.example", START, 60), clock.now()).expect_err("is full");
    assert!(full.contains("10000 exceptions") && !full.contains('\n'), "{full}");
    assert!(exceptions.make(said(true, "u7@a.example", START, 60), clock.now()).is_ok_and(|made| made.renewed));
    clock.advance(Duration::from_secs(60));
    let later = said(true, "one@more.example", START + 60, 60);
    assert!(exceptions.make(later, clock.now()).is_ok(), "those that have ended do not count");
}

#[test]
fn an_id_may_be_cut_where_that_is_unique() {
    let clock = Clock::manual(START);
    let server = Server::over(Arc::new(Memory::default()), &clock);
    let ids: Vec<Digest> =
        (0..40).map(|n| server.make(true, &format!("u{n}@a.example"), 60).expect("is made").id).collect();
    let find = |id: &str| server.exceptions().find(id, clock.now());
    for id in ids {
        assert_eq!(find(&Excepted::shown(id).to_uppercase()).map(|(found, _)| found), Ok(id));
    }
    assert!(find("").is_err_and(|said| said.contains("there is no exception")));
    assert!(find("xyz\n").is_err_and(|said| !said.contains('\n')));
    let digits = "0123456789abcdef".chars().map(String::from);
    assert!(digits.map(|digit| find(&digit)).any(|found| found.is_err_and(|said| said.contains("more of the id"))));
}

#[test]
fn what_was_made_and_counted_is_there_after_a_restart() {
    let clock = Clock::manual(START);
    let store = Arc::new(Memory::default());
    let mut server = Server::over(store.clone(), &clock);
    let ids: Vec<Digest> =
        (0..600).map(|n| server.make(n % 2 == 0, &format!("u{n}@a.example"), 3_600).expect("is made").id).collect();
    server.exceptions().remove(ids[1], clock.now()).expect("is removed");
    server.exceptions().hit(ids[2], true, clock.now());
    server.after(1);
    let mut again = Server::over(store.clone(), &clock);
    assert_eq!(again.exceptions().all(clock.now()), server.exceptions().all(clock.now()));
    assert_eq!(
        (again.hits().len(), again.about("u2@a.example"), again.about("u1@a.example")),
        (599, vec![true], vec![])
    );
    again.exceptions().hit(ids[2], false, clock.now());
    again.after(1);
    let third = Server::over(store.clone(), &clock);
    assert!(third.hits().iter().any(|hits| (hits.all, hits.changed) == (2, 1)), "its hits go on");
    // All end: nothing is left, neither here nor in the store.
    let mut third = third;
    third.after(3_600);
    third.after(11);
    assert!(third.hits().is_empty());
    let rolls: Vec<Digest> = (0..Roll::ROLLS).map(Roll::key).collect();
    let held = Shelf::<Roll>::read(&*store, &rolls, 0).expect("reads");
    assert!(held.iter().all(|held| held.own.is_none()), "no roll is left");
    assert!(Shelf::<Exception>::walk(&*store, None, 1_000).expect("walks").records.is_empty());
}

#[test]
fn servers_hear_of_each_others_within_a_turn() {
    let clock = Clock::manual(START);
    let store = Shared::default();
    let (mut one, mut two) = (Server::over(store.another(), &clock), Server::over(store.another(), &clock));
    let made = one.make(true, "ann@a.example", 36_000).expect("is made");
    one.after(11);
    two.after(11);
    assert_eq!(two.about("ann@a.example"), [true]);
    for (server, changed) in [(&one, true), (&two, false), (&two, true)] {
        server.exceptions().hit(made.id, changed, clock.now());
    }
    for _ in 0..2 {
        one.after(11);
        two.after(11);
    }
    let hits: Vec<(u32, u32)> = [&one, &two].map(|server| (server.hits()[0].all, server.hits()[0].changed)).to_vec();
    assert_eq!(hits, [(3, 2), (3, 2)], "each is counted once, whoever looks");
    // Ended on one server, it is ended on all; and whoever restarts does not bring it back.
    two.exceptions().remove(made.id, clock.now()).expect("is removed");
    two.after(11);
    one.after(11);
    assert!(one.about("ann@a.example").is_empty() && one.hits().is_empty());
    one.after(11);
    let fourth = Server::over(store.another(), &clock);
    assert!(fourth.about("ann@a.example").is_empty() && fourth.hits().is_empty());
}

#[test]
fn a_store_that_fails_costs_nothing_and_gets_all_of_it_later() {
    let clock = Clock::manual(START);
    let store = Shared::default().another();
    store.fails.store(true, Ordering::Relaxed);
    let mut server = Server::over(store.clone(), &clock);
    let made = server.make(true, "ann@a.example", 36_000).expect("is made");
    assert!(server.exceptions().write(&*store).is_err(), "whoever made it is told");
    assert_eq!(server.about("ann@a.example"), [true], "and it holds all the same");
    server.after(11);
    store.fails.store(false, Ordering::Relaxed);
    server.after(11);
    server.after(11);
    let again = Server::over(store.another(), &clock);
    assert_eq!(again.exceptions().find(&made.id.to_string(), clock.now()).map(|(id, _)| id), Ok(made.id));
    assert_eq!(std::iter::from_fn(|| server.ring.pop()).count(), 2, "trouble and recovery are told once each");
}

#[test]
fn ten_thousand_are_kept() {
    let clock = Clock::manual(START);
    let store = Arc::new(Memory::default());
    let mut server = Server::over(store.clone(), &clock);
    let mut kept = Kept::default();
    for number in 0..EXCEPTIONS_MAX {
        kept.plant(Digest::of(&[&number.to_le_bytes()]), said(true, &format!("u{number}@a.example"), START, 6_000));
    }
    *server.exceptions().kept() = kept;
    server.after(1);
    let again = Server::over(store, &clock);
    assert_eq!(again.hits().len(), EXCEPTIONS_MAX);
    assert_eq!(again.about("u9999@a.example"), [true]);
}
