//! What does the store say, and when, of a Redis that is stopped, killed, full, slow or a replica? And afterwards?

use super::{DAY, PATIENCE_MS, keep, long, now, plain, read, server, shelves::Sample, state};
use state::{Held, Shelf, StateError, Tokens, Trouble};
use std::time::Duration;
use tollgate_tests::{proxy::Proxy, redis::Redis, scratch::Scratch, wait};

/// A time-out that is over soon.
const SHORT_MS: u32 = 150;

fn tokens(number: u32) -> Tokens {
    Tokens::sample(number, now() + DAY)
}

fn word<T: std::fmt::Debug>(result: Result<T, StateError>) -> Trouble {
    result.expect_err("an error").trouble()
}

#[test]
fn a_stopped_server_is_out_of_time_and_comes_back() {
    let scratch = Scratch::new("redis-stop");
    let redis = Redis::start(&scratch, "redis", "");
    let lines = plain(redis.address, SHORT_MS);
    let (store, record) = (server(&lines), tokens(7));
    wait::until("a first write", wait::SOON, || keep(&store, 0, &record).is_ok());
    redis.pause();
    for _ in 0..3 {
        let begun = wait::now();
        assert_eq!(
            (word(read::<Tokens>(&store, 0)), word(keep(&store, 0, &record))),
            (Trouble::Timeout, Trouble::Timeout)
        );
        assert_eq!(word(store.walk(None, 10).map(|page: state::Page<Tokens>| page.records)), Trouble::Timeout);
        // Three requests of 150 ms; a busy machine has some time more.
        assert!(wait::now() - begun < Duration::from_secs(5), "it waits for longer than it may");
    }
    redis.resume();
    wait::until("the store to work again", wait::SOON, || {
        read::<Tokens>(&store, 0).is_ok_and(|held| held.own == Some(record))
    });
    wait::until("writes to work again", wait::SOON, || keep(&store, 1, &record).is_ok());
}

#[test]
fn a_killed_server_comes_back_with_what_it_had_saved_or_empty() {
    let scratch = Scratch::new("redis-kill");
    for (name, more, saved) in [("empty", "", false), ("saved", "appendonly yes\nappendfsync always\n", true)] {
        let mut redis = Redis::start(&scratch, name, more);
        let store = server(&plain(redis.address, PATIENCE_MS));
        keep(&store, 0, &tokens(7)).expect("keeps");
        redis.kill();
        assert_eq!(
            (word(read::<Tokens>(&store, 0)), word(keep(&store, 0, &tokens(7)))),
            (Trouble::Refused, Trouble::Refused)
        );
        redis.restart();
        let held = read::<Tokens>(&store, 0).expect("the first request after it is back");
        assert_eq!(held.own.is_some(), saved, "{name}");
        keep(&store, 0, &tokens(9)).expect("keeps again");
        assert_eq!(read::<Tokens>(&store, 0).expect("reads").own.map(|own| own.spent), Some(9));
    }
}

#[test]
fn a_replica_is_read_but_not_written() {
    let scratch = Scratch::new("redis-replica");
    let master = Redis::start(&scratch, "master", "repl-diskless-sync-delay 0\n");
    let replica = Redis::replica_of(&scratch, "replica", &master);
    let (there, here) = (server(&plain(master.address, PATIENCE_MS)), server(&plain(replica.address, PATIENCE_MS)));
    keep(&there, 0, &tokens(7)).expect("keeps");
    let others = || read::<Tokens>(&here, 0).expect("reads from the replica").others.map(|told| told.spent);
    wait::until("the replica to follow", wait::SOON, || others() == Some(7));
    let error = keep(&here, 0, &tokens(1)).expect_err("a replica");
    assert_eq!(error.trouble(), Trouble::ReadOnly);
    assert!(error.to_string().contains("READONLY") && error.trouble().passes(), "{error}");
    // It takes over: the same store, the same address.
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    keep(&here, 0, &tokens(1)).expect("keeps");
    let held = read::<Tokens>(&here, 0).expect("reads");
    assert_eq!((held.own.map(|own| own.spent), held.others.map(|told| told.spent)), (Some(1), Some(7)));
}

#[test]
fn a_full_server_says_so_and_is_read() {
    let scratch = Scratch::new("redis-full");
    let redis = Redis::start(&scratch, "redis", "maxmemory-policy noeviction\n");
    let store = server(&plain(redis.address, PATIENCE_MS));
    keep(&store, 0, &tokens(7)).expect("keeps");
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = keep(&store, 0, &tokens(9)).expect_err("no room");
    assert!(error.trouble() == Trouble::Full && !error.trouble().passes(), "{error}");
    assert_eq!(read::<Tokens>(&store, 0).expect("reads").own.map(|own| own.spent), Some(7));
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    keep(&store, 0, &tokens(9)).expect("keeps");
}

#[test]
fn a_server_that_cannot_save_is_read() {
    let scratch = Scratch::new("redis-save");
    let redis = Redis::start(&scratch, "redis", "");
    let store = server(&plain(redis.address, PATIENCE_MS));
    keep(&store, 0, &tokens(7)).expect("keeps");
    // A folder in the place of the file: the save fails, and writes are refused while saving is wanted.
    std::fs::create_dir(scratch.path("redis/dump.rdb")).expect("a folder");
    redis.cli(&["CONFIG", "SET", "save", "1 1"]);
    wait::until("a save to fail", long(), || {
        redis.cli(&["BGSAVE"]);
        redis.cli(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err")
    });
    assert_eq!(word(keep(&store, 0, &tokens(9))), Trouble::Full);
    assert_eq!(read::<Tokens>(&store, 0).expect("reads").own.map(|own| own.spent), Some(7));
}

#[test]
fn a_server_without_its_cluster_setting_is_explained() {
    let scratch = Scratch::new("redis-lone");
    let more = format!("cluster-enabled yes\ncluster-port {}\n", tollgate_tests::ports::free());
    let redis = Redis::start(&scratch, "redis", &more);
    assert_eq!(word(read::<Tokens>(&server(&plain(redis.address, PATIENCE_MS)), 0)), Trouble::Moved, "no slots yet");
    let cluster = format!("{}\nredis_cluster = true", plain(redis.address, PATIENCE_MS));
    assert_eq!(word(read::<Tokens>(&server(&cluster), 0)), Trouble::Protocol, "nobody has a slot");
    let single = Redis::start(&scratch, "single", "");
    let cluster = format!("{}\nredis_cluster = true", plain(single.address, PATIENCE_MS));
    let error = read::<Tokens>(&server(&cluster), 0).expect_err("no cluster");
    assert!(error.to_string().contains("cluster support disabled"), "{error}");
}

/// Answers that come too late are never taken for those to later questions.
#[test]
fn late_answers_are_nobodys() {
    let scratch = Scratch::new("redis-slow");
    let redis = Redis::start(&scratch, "redis", "");
    let proxy = Proxy::start(redis.address);
    let (writer, store) = (server(&plain(redis.address, PATIENCE_MS)), server(&plain(proxy.address, SHORT_MS)));
    let records: Vec<_> = (0..64).map(|number| (Tokens::key(number), tokens(number))).collect();
    writer.keep(&records).expect("keeps");
    let mut late = 0;
    for round in 0..40_u32 {
        let slow = round % 3 == 1;
        proxy.set_delay(Duration::from_millis(if slow { 4 * u64::from(SHORT_MS) } else { 0 }));
        // Each round asks about others, so that any mix would show.
        let wanted: Vec<u32> = (0..8).map(|place| (round * 7 + place * 5) % 64).collect();
        let keys: Vec<_> = wanted.iter().map(|&number| Tokens::key(number)).collect();
        match Shelf::<Tokens>::read(&store, &keys, now()) {
            Ok(held) => {
                let expected: Vec<_> = wanted.iter().map(|&number| Some(number)).collect();
                assert_eq!(
                    held.into_iter().map(|held| held.others.map(|told| told.spent)).collect::<Vec<_>>(),
                    expected
                );
                assert!(!slow, "the answer came in time");
            }
            Err(error) => {
                assert_eq!(error.trouble(), Trouble::Timeout);
                late += 1;
            }
        }
    }
    assert!(late >= 13, "every slow round was too late: {late}");
    assert!(proxy.connections() > late, "and cost its connection: {}", proxy.connections());
    proxy.set_delay(Duration::ZERO);
    wait::until("the store to work again", wait::SOON, || {
        read::<Tokens>(&store, 9).is_ok_and(|held| held != Held::default())
    });
}
