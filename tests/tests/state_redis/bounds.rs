//! How often is the line crossed, how long does a key live, and what becomes of the fields of the dead?

use super::{DAY, PATIENCE_MS, keep, key_of, now, plain, read, server, shelves::Sample, state};
use state::{Held, KEEP_MAX, READ_MAX, Record, Shelf, Standing, Tokens, Triplet};
use tollgate_tests::{proxy::Proxy, redis::Redis, scratch::Scratch};

#[test]
fn many_keys_cost_one_round_trip() {
    let scratch = Scratch::new("redis-trips");
    let redis = Redis::start(&scratch, "redis", "");
    let proxy = Proxy::start(redis.address);
    let store = server(&plain(proxy.address, PATIENCE_MS));
    let until = now() + DAY;
    let records: Vec<_> = (0..256).map(|number| (Standing::key(number), Standing::sample(number, until))).collect();
    let keys: Vec<_> = records.iter().map(|(key, _)| key.clone()).take(READ_MAX).collect();
    let crossed = |what: &dyn Fn()| {
        let before = proxy.questions();
        what();
        proxy.questions() - before
    };
    assert_eq!(proxy.connections(), 0, "nothing is connected to before it is needed");
    assert_eq!(crossed(&|| store.keep(&records[..KEEP_MAX]).expect("keeps")), 1, "cold, and the largest write");
    assert_eq!(
        crossed(&|| drop(Shelf::<Standing>::read(&store, &keys, now()).expect("reads"))),
        1,
        "cold, and the largest read"
    );
    assert_eq!(crossed(&|| drop(Shelf::<Standing>::read(&store, &keys, now()).expect("reads"))), 1);
    assert_eq!(crossed(&|| drop(Shelf::<Standing>::read(&store, &keys[..1], now()).expect("reads"))), 1);
    let (triplets, tokens) = ([Triplet::key(1), Triplet::key(2)], [Tokens::key(3)]);
    let all_kinds = || store.read_three::<Standing, Triplet, Tokens>((&keys[..5], &triplets, &tokens), now());
    assert_eq!(crossed(&|| drop(all_kinds().expect("reads"))), 1, "all that one stage wants to know");
    let (standings, triplets, tokens) = all_kinds().expect("reads");
    assert_eq!((standings.len(), triplets.len(), tokens.len()), (5, 2, 1));
    assert!(standings.iter().all(|held| held.own.is_some()) && triplets.iter().all(|held| *held == Held::default()));
    assert_eq!(proxy.connections(), 2, "one to read, one to write");
}

fn seconds_left(redis: &Redis, number: u32) -> i64 {
    redis.cli(&["TTL", &key_of::<Tokens>(number)]).trim().parse().expect("seconds")
}

#[test]
fn a_key_lives_as_long_as_its_last_field() {
    let scratch = Scratch::new("redis-ttl");
    let redis = Redis::start(&scratch, "redis", "");
    let lines = plain(redis.address, PATIENCE_MS);
    let (one, two) = (server(&lines), server(&lines));
    let day = i64::try_from(DAY).expect("a small number");
    keep(&one, 0, &Tokens::sample(1, now() + 3 * DAY)).expect("keeps");
    keep(&two, 0, &Tokens::sample(2, now() + DAY)).expect("keeps");
    let left = seconds_left(&redis, 0);
    assert!((3 * day - 60..=3 * day).contains(&left), "not shortened for others: {left}");
    keep(&two, 0, &Tokens::sample(2, now() + 5 * DAY)).expect("keeps");
    assert!(seconds_left(&redis, 0) > 4 * day, "but prolonged");
    keep(&one, 0, &Tokens::sample(1, now() - 5)).expect("keeps what is over");
    assert_eq!(read::<Tokens>(&two, 0).expect("reads").own.map(|own| own.spent), Some(2), "others are not taken along");
    keep(&one, 1, &Tokens { full_at_ms: u64::MAX, spent: 1, every_ms: 1 }).expect("keeps a wrong date");
    let lifetime = i64::try_from(Tokens::LIFETIME_SECONDS).expect("a small number");
    assert!((lifetime..=lifetime + day).contains(&seconds_left(&redis, 1)), "which ends all the same");
    redis.cli(&["HSET", &key_of::<Tokens>(2), "5a5a", "x"]);
    assert_eq!(seconds_left(&redis, 2), -1);
    keep(&one, 2, &Tokens::sample(1, now() + DAY)).expect("keeps");
    assert!(seconds_left(&redis, 2) > 0, "what had no end has one now");
    let over = Tokens::sample(1, now() - 5);
    keep(&one, 3, &over).expect("keeps what is over");
    assert_eq!(redis.cli(&["EXISTS", &key_of::<Tokens>(3)]).trim(), "0");
}

#[test]
fn restarts_do_not_make_a_key_grow_for_ever() {
    let scratch = Scratch::new("redis-fields");
    let redis = Redis::start(&scratch, "redis", "");
    let lines = plain(redis.address, PATIENCE_MS);
    let until = now() + DAY;
    for start in 0..100_u32 {
        let record = Tokens { spent: 1, ..Tokens::sample(0, until + u64::from(start)) };
        keep(&server(&lines), 0, &record).expect("keeps");
    }
    let count = || redis.cli(&["HLEN", &key_of::<Tokens>(0)]).trim().parse::<usize>().expect("a number");
    assert_eq!(count(), 100);
    let store = server(&lines);
    let told = read::<Tokens>(&store, 0).expect("reads").others.expect("others");
    assert_eq!(told.spent, 63, "of the newest");
    keep(&store, 1, &Tokens::sample(0, until)).expect("any write takes the removals along");
    assert_eq!(count(), 63);
    assert_eq!(read::<Tokens>(&store, 0).expect("reads").others, Some(told), "nothing else has changed");
}

#[test]
fn a_key_of_another_type_is_left_alone() {
    let scratch = Scratch::new("redis-type");
    let redis = Redis::start(&scratch, "redis", "");
    let store = server(&plain(redis.address, PATIENCE_MS));
    redis.cli(&["SET", &key_of::<Tokens>(0), "somebody else's"]);
    let records = [0, 1].map(|number| (Tokens::key(number), Tokens::sample(number, now() + DAY)));
    store.keep(&records).expect("keeps the others");
    let held = store.read(&records.map(|(key, _)| key), now()).expect("reads the others");
    assert_eq!(held, [Held::default(), Held { own: Some(records[1].1), others: None }]);
    Shelf::<Tokens>::remove(&store, &[Tokens::key(0)]).expect("removes nothing");
    assert_eq!(redis.cli(&["GET", &key_of::<Tokens>(0)]).trim(), "somebody else's");
}
