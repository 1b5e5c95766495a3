//! Does the shared store keep its promises with a real Redis? Alone, behind TLS with few rights, and as a cluster.

#![allow(clippy::expect_used, reason = "what these tests cannot have, they cannot go on without")]

mod bounds;
mod cluster;
#[path = "../../../server/src/state/conformance/lists.rs"]
mod lists;
mod secured;
#[path = "../../../server/src/state/conformance/shelves.rs"]
mod shelves;
mod trouble;

use shelves::Sample;
use std::{cell::RefCell, net::SocketAddr, time::Duration};
// The suites name what they need as if they were within the library.
use tollgate::{ask, dns_lists, state};
use tollgate::{clock::Clock, config::Document, exceptions::Exceptions};
use tollgate_tests::{redis::Redis, scratch::Scratch};

/// More than a healthy server needs on a busy machine.
const PATIENCE_MS: u32 = 5_000;

const DAY: u64 = 86_400;

/// Unix seconds.
fn now() -> u64 {
    Clock::system().now().unix_seconds()
}

/// What `[state]` with these lines says.
fn settings(lines: &str) -> state::RedisSettings {
    let text = format!("[state]\nstore = \"redis\"\n{lines}\n");
    let document = Document::parse("t.toml", &text).expect("TOML");
    let faults = RefCell::default();
    let settings = state::Settings::read(&document, &faults);
    assert!(faults.borrow().is_empty(), "{:?}", faults.borrow());
    match settings.store {
        state::Store::Redis(redis) => redis,
        other => panic!("{other:?}"),
    }
}

/// A server that has just been started, with these lines in `[state]`.
fn server(lines: &str) -> state::Redis {
    state::Redis::new(&settings(lines), Clock::system()).expect("a store")
}

fn plain(address: SocketAddr, timeout_ms: u32) -> String {
    format!("redis_url = [\"redis://{address}\"]\nredis_timeout_ms = {timeout_ms}")
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Where a record lies.
fn key_of<R: Sample>(number: u32) -> String {
    use state::Key;
    format!("tollgate:{}:{}", R::NAME, hex(&R::key(number).octets()))
}

/// What one server reads, and what it keeps.
fn read<R: Sample>(store: &impl state::Shelf<R>, number: u32) -> Result<state::Held<R>, state::StateError> {
    Ok(store.read(&[R::key(number)], now())?.remove(0))
}

fn keep<R: Sample>(store: &impl state::Shelf<R>, number: u32, record: &R) -> Result<(), state::StateError> {
    store.keep(&[(R::key(number), record.clone())])
}

/// The whole suite, on an empty Redis; `empty` empties it again.
fn conforms(lines: &str, empty: &dyn Fn()) {
    shelves::alone(&server(lines), now());
    empty();
    shelves::shared(&|| server(lines), now());
    lists::list_health(&server(lines));
    let named = format!("{lines}\nredis_server_name = \"another\"");
    let (here, there) = (server(lines), server(&named));
    assert!(!state::ListHealth::lists(&here, u64::MAX).expect("reads").is_empty(), "found again after a restart");
    assert_eq!(state::ListHealth::lists(&there, 0).expect("reads"), [], "each server has its own view");
}

#[test]
fn a_single_server_conforms() {
    let scratch = Scratch::new("redis");
    let redis = Redis::start(&scratch, "redis", "");
    let lines = plain(redis.address, PATIENCE_MS);
    conforms(&lines, &|| assert_eq!(redis.cli(&["FLUSHALL"]).trim(), "OK"));
    redis.cli(&["FLUSHALL"]);
    damage::<state::Triplet>(&redis, &server(&lines));
    damage::<state::Tokens>(&redis, &server(&lines));
    damage::<state::Standing>(&redis, &server(&lines));
    damage::<state::Exception>(&redis, &server(&lines));
    damage::<state::Roll>(&redis, &server(&lines));
}

/// What an administrator says on one server holds on the others, and over a restart of all of them.
#[test]
fn exceptions_are_those_of_all_servers() {
    let scratch = Scratch::new("redis");
    let redis = Redis::start(&scratch, "redis", "");
    let (lines, clock) = (plain(redis.address, PATIENCE_MS), Clock::system());
    let stores = [server(&lines), server(&lines)];
    let boards = [Exceptions::default(), Exceptions::default()];
    let read = || boards.iter().zip(&stores).for_each(|(board, store)| board.read(store, &clock).expect("reads"));
    let write = || boards.iter().zip(&stores).for_each(|(board, store)| board.write(store).expect("writes"));
    let all = |board: &Exceptions| board.all(clock.now());
    read();
    let now = clock.now().unix_seconds();
    let said = |number: u32| state::Exception {
        allows: true,
        sender: format!("u{number}@a.example"),
        made_at: now,
        until: now + 3_600,
        ..state::Exception::default()
    };
    let made: Vec<_> = (0..700)
        .map(|number| boards[(number % 2) as usize].make(said(number), clock.now()).expect("is made").id)
        .collect();
    write();
    read();
    assert_eq!(all(&boards[0]), all(&boards[1]));
    assert_eq!(all(&boards[0]).len(), 700);
    boards.iter().for_each(|board| board.hit(made[5], true, clock.now()));
    boards[0].remove(made[6], clock.now()).expect("is removed");
    boards[1].remove(made[7], clock.now()).expect("is removed");
    write();
    read();
    let third = Exceptions::default();
    third.read(&server(&lines), &clock).expect("reads");
    for board in [&boards[0], &boards[1], &third] {
        assert_eq!(all(board).len(), 698);
        let (_, one) = board.find(&made[5].to_string(), clock.now()).expect("is there");
        assert_eq!((one.hits.all, one.hits.changed), (2, 2));
    }
    assert!(redis.cli(&["KEYS", "*:exception_rolls:*"]).lines().count() <= state::Roll::ROLLS);
}

/// Another server has written nonsense.
fn damage<R: Sample>(redis: &Redis, store: &impl state::Shelf<R>) {
    let plant = |key: &[u8], octets: &[u8]| {
        let key = format!("tollgate:{}:{}", R::NAME, hex(key));
        let said = if octets.is_empty() {
            redis.cli(&["HSET", &key, "5a5a", ""])
        } else {
            redis.cli_with(&["HSET", &key, "5a5a"], octets)
        };
        assert!(matches!(said.trim(), "0" | "1"), "{said}");
    };
    shelves::damage(store, &plant, now());
}

#[test]
fn sockets_and_other_databases_work() {
    let scratch = Scratch::new("redis-unix");
    let socket = scratch.path("redis.sock");
    let redis = Redis::start(&scratch, "redis", &format!("unixsocket {}\n", socket.display()));
    let lines = format!("redis_url = [\"unix://{}\"]\nredis_timeout_ms = {PATIENCE_MS}", socket.display());
    shelves::shared(&|| server(&lines), now());
    assert_ne!(redis.cli(&["DBSIZE"]).trim(), "0");
    redis.cli(&["FLUSHALL"]);
    let other = format!("redis_url = [\"redis://{}/7\"]\nredis_timeout_ms = {PATIENCE_MS}", redis.address);
    shelves::shared(&|| server(&other), now());
    assert_eq!((redis.cli(&["DBSIZE"]).trim(), redis.cli(&["-n", "7", "DBSIZE"]).trim() == "0"), ("0", false));
}

/// More than any time-out in these tests, less than anybody's patience.
fn long() -> Duration {
    Duration::from_secs(30)
}
