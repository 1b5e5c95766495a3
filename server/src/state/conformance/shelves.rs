//! Does a store keep records as `Shelf` promises? The suite for one server, and for several that share a store.
//!
//! It uses what is public only, and no clock: the tests with real servers (`tests/tests/state_redis`) compile this very
//! file, so that the library carries no code for tests and no feature opens it to them.

#![allow(clippy::expect_used, reason = "a suite: what a store cannot do is a failure")]

use crate::state::{
    Digest, Exception, Experience, Held, Hits, KEEP_MAX, Key, READ_MAX, Record, Roll, Shelf, Standing, Subject, Tokens,
    Triplet,
};
use std::collections::BTreeMap;

/// A moment for stores that see no clock, Unix seconds.
#[allow(dead_code, reason = "stores with a clock of their own are given another moment")]
pub(crate) const NOON: u64 = 1_800_000_000;

/// Pages of a walk: a store that never ends one has failed.
const PAGES_MAX: usize = 10_000;

const DAY: u64 = 86_400;

/// Records to try a store with.
pub(crate) trait Sample: Record {
    /// One that differs by number and expires at `until`, Unix seconds.
    fn sample(number: u32, until: u64) -> Self;

    /// A key of its own for each number; the first ones have octets that are odd in protocols and patterns.
    fn key(number: u32) -> Self::Key;
}

const ODD: [&[u8; 16]; 6] = [
    &[0; 16],
    &[0xff; 16],
    b"\r\n*3\r\n$3\r\nDEL \r\n",
    b"{a}:*?[^a-z]\\\"':",
    b"tollgate:{}{{}}:",
    b"\xc3\x28\xf0\x9f\x92\xa9\x00\n::::::::",
];

fn digest(shelf: &str, number: u32) -> Digest {
    let odd = ODD.get(number as usize).and_then(|octets| Digest::from_octets(&octets[..]));
    odd.unwrap_or_else(|| Digest::of(&[shelf.as_bytes(), &number.to_be_bytes()]))
}

impl Sample for Triplet {
    fn sample(number: u32, until: u64) -> Self {
        let last = until - Self::WAITING_SECONDS;
        Self { epoch: 0, first: last - u64::from(number), last, passed: 0 }
    }

    fn key(number: u32) -> Digest {
        digest(Self::NAME, number)
    }
}

impl Sample for Tokens {
    fn sample(number: u32, until: u64) -> Self {
        Self { full_at_ms: (until - 1) * 1_000 + u64::from(number % 1_000), spent: number, every_ms: 7 }
    }

    fn key(number: u32) -> Digest {
        digest(Self::NAME, number)
    }
}

impl Sample for Standing {
    fn sample(number: u32, until: u64) -> Self {
        let mut standing = Self::default();
        let points = f32::from(u16::try_from(number % 9).unwrap_or(0)) - 4.0;
        standing.learn(Experience::ALL[number as usize % 8], points, until - Self::LIFETIME_SECONDS);
        standing.witness(u16::try_from(1 + number % 60_000).unwrap_or(1));
        standing
    }

    fn key(number: u32) -> Subject {
        let name = |octets: &[u8]| Subject::helo(octets).expect("a name");
        match number {
            0 => name(b"{a}:*?[^a-z]\\\"'%:{"),
            1 => name(&[b'x'; Subject::NAME_OCTETS_MAX]),
            2 => "10.0.0.0/24".parse().expect("a net"),
            3 => "::/48".parse().expect("a net"),
            4 => "::".parse().expect("an address"),
            5 => Subject::domain(b"*").expect("a name"),
            _ => Subject::Ip(std::net::Ipv4Addr::from(number).into()),
        }
    }
}

impl Sample for Exception {
    fn sample(number: u32, until: u64) -> Self {
        Self {
            revision: 1,
            allows: true,
            clients: Some("192.0.2.0/24".parse().expect("a net")),
            sender: "*@\r\n{example}".to_owned(),
            made_at: until - DAY,
            until,
            by: "ü\0\"".to_owned(),
            reason: "r".repeat(usize::try_from(number % 900).unwrap_or(0)),
            removed: number % 2 == 1,
            hits: Hits { all: number, changed: number / 2, last: u64::from(number), last_changed: 0 },
            ..Self::default()
        }
    }

    fn key(number: u32) -> Digest {
        digest(Self::NAME, number)
    }
}

impl Sample for Roll {
    fn sample(number: u32, until: u64) -> Self {
        [(digest(Self::NAME, number), until), (digest(Self::NAME, number + 1), until - DAY)].into_iter().collect()
    }

    fn key(number: u32) -> Digest {
        digest(Self::NAME, number)
    }
}

/// Every kind of record: what an implementation of `Shelf` for all of them has to hold.
pub(crate) trait Shelves:
    Shelf<Triplet> + Shelf<Tokens> + Shelf<Standing> + Shelf<Exception> + Shelf<Roll>
{
}

impl<S: Shelf<Triplet> + Shelf<Tokens> + Shelf<Standing> + Shelf<Exception> + Shelf<Roll>> Shelves for S {}

/// One server alone, on an empty store, which may itself let expire what has at `now`.
pub(crate) fn alone<S: Shelves>(store: &S, now: u64) {
    one_shelf::<Triplet>(store, now);
    one_shelf::<Tokens>(store, now);
    one_shelf::<Standing>(store, now);
    one_shelf::<Exception>(store, now);
    one_shelf::<Roll>(store, now);
    assert_eq!(read_one::<Tokens>(store, 0, now), None, "shelves do not mix");
    store.keep(&[(Tokens::key(0), Tokens::sample(1, now + DAY))]).expect("keeps");
    assert_eq!(read_one::<Triplet>(store, 0, now), None, "shelves do not mix");
}

fn one_shelf<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    nothing_is_there(store, now);
    records_are_read_as_kept(store, now);
    records_expire(store, now);
    many_at_once(store, now);
    a_walk_sees_everything(store, now);
    store.remove(&(0..2_000).map(R::key).collect::<Vec<_>>()[..READ_MAX]).expect("removes");
    assert_eq!(read_one(store, 0, now), None, "it was removed");
}

fn own<R>(record: R) -> Held<R> {
    Held { own: Some(record), others: None }
}

fn read_one<R: Sample>(store: &dyn Shelf<R>, number: u32, now: u64) -> Option<R> {
    store.read(&[R::key(number)], now).expect("reads").remove(0).own
}

fn nothing_is_there<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    assert_eq!(store.read(&[], now).expect("reads"), []);
    let keys: Vec<_> = (0..10).map(R::key).collect();
    assert_eq!(store.read(&keys, now).expect("reads"), vec![Held::default(); 10]);
    assert!(walked(store, 7).is_empty());
    store.keep(&[]).expect("keeps nothing");
    store.remove(&[]).expect("removes nothing");
    store.remove(&keys).expect("what is not there needs no removing");
}

fn records_are_read_as_kept<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    let until = now + DAY;
    for number in 0..10 {
        store.keep(&[(R::key(number), R::sample(number, until))]).expect("keeps");
        assert_eq!(read_one(store, number, now), Some(R::sample(number, until)));
    }
    let mixed = [9, 2, 1_000_000, 0, 2, 5].map(R::key);
    let held = store.read(&mixed, now).expect("reads");
    let expected = [9, 2, 0, 0, 2, 5].map(|number| own(R::sample(number, until)));
    assert_eq!((&held[..2], &held[3..]), (&expected[..2], &expected[3..]), "in the order of the keys");
    assert_eq!(held[2], Held::default());
    let (later, again) = (R::sample(77, until + 9), R::sample(78, until));
    store.keep(&[(R::key(2), later.clone()), (R::key(3), again.clone())]).expect("replaces");
    assert_eq!((read_one(store, 2, now), read_one(store, 3, now)), (Some(later), Some(again.clone())));
    store.keep(&[(R::key(3), again.clone())]).expect("replaces by the same");
    assert_eq!(read_one(store, 3, now), Some(again));
}

fn records_expire<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    let record = R::sample(1, now + DAY);
    assert_eq!(record.expires_at(), now + DAY);
    store.keep(&[(R::key(1), record.clone())]).expect("keeps");
    assert_eq!(read_one(store, 1, now + DAY - 1), Some(record.clone()));
    assert_eq!(read_one(store, 1, now + DAY), None, "it has expired");
    store.keep(&[(R::key(1), R::sample(1, now - 1))]).expect("keeps what has expired");
    assert_eq!(read_one(store, 1, now), None);
    store.remove(&[R::key(1)]).expect("removes");
    store.keep(&[(R::key(1), record.clone())]).expect("keeps");
    assert_eq!(read_one(store, 1, now), Some(record), "it begins anew");
}

fn many_at_once<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    let most = u32::try_from(READ_MAX.max(KEEP_MAX)).expect("a small number");
    let records: Vec<_> = (0..most).map(|number| (R::key(number), R::sample(number, now + DAY))).collect();
    records.chunks(KEEP_MAX).for_each(|records| store.keep(records).expect("keeps"));
    let (keys, expected): (Vec<_>, Vec<_>) = records.into_iter().take(READ_MAX).unzip();
    let held = store.read(&keys, now).expect("reads");
    assert_eq!(held, expected.into_iter().map(own).collect::<Vec<_>>());
}

/// The shelf holds exactly what `many_at_once` left there.
fn a_walk_sees_everything<R: Sample>(store: &dyn Shelf<R>, now: u64) {
    let count = u32::try_from(READ_MAX.max(KEEP_MAX)).expect("a small number");
    let expected: BTreeMap<_, _> =
        (0..count).map(|number| (R::key(number), own(R::sample(number, now + DAY)))).collect();
    for most in [1, 10, 1_000] {
        assert_eq!(walked(store, most), expected, "{most} at a time");
    }
}

/// All that a walk sees, in pages of about `most`.
pub(crate) fn walked<R: Record>(store: &dyn Shelf<R>, most: usize) -> BTreeMap<R::Key, Held<R>> {
    let (mut seen, mut cursor) = (BTreeMap::new(), None);
    for _ in 0..PAGES_MAX {
        let page = store.walk(cursor.as_ref(), most).expect("walks");
        seen.extend(page.records);
        cursor = page.next;
        if cursor.is_none() {
            return seen;
        }
    }
    panic!("a walk did not end in {PAGES_MAX} pages");
}

/// What is damaged is absent. `plant` puts octets under a key of the shelf, behind the store's back.
pub(crate) fn damage<R: Sample>(store: &dyn Shelf<R>, plant: &dyn Fn(&[u8], &[u8]), now: u64) {
    let good = R::sample(1, now + DAY);
    store.keep(&[(R::key(1), good.clone())]).expect("keeps");
    let record = R::sample(2, now + DAY).encode();
    let wrong = [Vec::new(), vec![99], vec![0; 40], vec![0xff; 70_000], record[..record.len() - 1].to_vec()];
    let keys: Vec<_> = (100..).take(wrong.len()).map(R::key).collect();
    let plant_all = || keys.iter().zip(&wrong).for_each(|(key, octets)| plant(&key.octets(), octets));
    plant_all();
    plant(b"no key at all, of any shelf", &record);
    assert_eq!(store.read(&keys, now).expect("reads"), vec![Held::default(); wrong.len()]);
    plant_all();
    let seen = walked(store, 3);
    let alive = seen.into_iter().filter(|(_, held)| *held != Held::default());
    assert_eq!(alive.collect::<Vec<_>>(), [(R::key(1), own(good))]);
    store.keep(&[(keys[0].clone(), R::sample(3, now + DAY))]).expect("keeps over what is damaged");
    assert_eq!(store.read(&keys[..1], now).expect("reads"), [own(R::sample(3, now + DAY))]);
}

/// Servers that share a store, empty at first; `server` starts another, `S` may end at any time.
pub(crate) fn shared<S: Shelves>(server: &dyn Fn() -> S, now: u64) {
    shared_shelf::<Triplet, S>(server, now);
    shared_shelf::<Tokens, S>(server, now);
    shared_shelf::<Standing, S>(server, now);
    shared_shelf::<Exception, S>(server, now);
    shared_shelf::<Roll, S>(server, now);
}

fn shared_shelf<R: Sample, S: Shelf<R>>(server: &dyn Fn() -> S, now: u64) {
    let (one, two) = (server(), server());
    let read = |store: &S| Shelf::<R>::read(store, &[R::key(0)], now).expect("reads").remove(0);
    let keep = |store: &S, record: &R| store.keep(&[(R::key(0), record.clone())]).expect("keeps");
    let (a, b, c) = (R::sample(3, now + DAY), R::sample(5, now + 2 * DAY), R::sample(7, now + DAY));
    keep(&one, &a);
    assert_eq!(read(&one), own(a.clone()));
    assert_eq!(read(&two), Held { own: None, others: Some(a.clone()) });
    keep(&two, &b);
    let (held_by_one, held_by_two) = (read(&one), read(&two));
    assert_eq!(held_by_one, Held { own: Some(a.clone()), others: Some(b.clone()) });
    assert_eq!(held_by_two, Held { own: Some(b.clone()), others: Some(a.clone()) });
    assert_eq!(held_by_one.clone().all(), held_by_two.all(), "told together, all know the same");
    for _ in 0..3 {
        keep(&one, &a);
        keep(&two, &b);
        assert_eq!(read(&one), held_by_one, "written again, nothing is counted twice");
    }
    drop(two);
    let three = server();
    let both = a.clone().together(b.clone());
    assert_eq!(read(&three), Held { own: None, others: Some(both.clone()) }, "what the dead server said stays");
    assert_eq!(walked::<R>(&three, 10), BTreeMap::from([(R::key(0), read(&three))]));
    keep(&three, &c);
    assert_eq!(read(&three), Held { own: Some(c.clone()), others: Some(both) });
    let others = [b.clone().together(c.clone()), c.together(b.clone())];
    assert!(read(&one).others.is_some_and(|told| others.contains(&told)));
    let later = Shelf::<R>::read(&one, &[R::key(0)], now + DAY).expect("reads").remove(0);
    assert_eq!(later.own, None, "each expires by itself");
    Shelf::<R>::remove(&one, &[R::key(0)]).expect("removes");
    assert_eq!(read(&one).own, None);
    assert!(read(&three).others.is_some(), "nobody removes what another said");
}
