//! Does it hold in a cluster of three masters and three replicas? While keys move, and when a master dies.

use super::{DAY, PATIENCE_MS, conforms, now, server, shelves::Sample, state};
use state::{Record, Shelf, StateError, Tokens};
use std::{collections::BTreeSet, process::Command, time::Duration};
use tollgate_tests::{redis_cluster::RedisCluster, scratch::Scratch, wait};

/// Keys, so many that every server has some.
const KEYS: u32 = 60;

fn lines(cluster: &RedisCluster) -> String {
    lines_within(cluster, PATIENCE_MS)
}

fn lines_within(cluster: &RedisCluster, timeout_ms: u32) -> String {
    let urls: Vec<_> = cluster.servers.iter().take(3).map(|server| format!("\"redis://{}\"", server.address)).collect();
    format!("redis_url = [{}]\nredis_cluster = true\nredis_timeout_ms = {timeout_ms}", urls.join(", "))
}

/// What all servers together have spent, key by key.
fn spent(store: &impl Shelf<Tokens>) -> Result<Vec<Option<u32>>, StateError> {
    let keys: Vec<_> = (0..KEYS).map(Tokens::key).collect();
    let held = store.read(&keys, now())?;
    Ok(held.into_iter().map(|held| held.all().map(|told| told.spent)).collect())
}

fn records(more: u32) -> Vec<(<Tokens as Record>::Key, Tokens)> {
    let until = now() + DAY;
    (0..KEYS).map(|number| (Tokens::key(number), Tokens::sample(1_000 * number + more, until))).collect()
}

#[test]
fn a_cluster_conforms_and_outlives_a_master() {
    let scratch = Scratch::new("redis-cluster");
    let mut cluster = RedisCluster::start(&scratch);
    conforms(&lines(&cluster), &|| {
        for place in cluster.masters() {
            assert_eq!(cluster.servers[place].cli(&["FLUSHALL"]).trim(), "OK");
        }
    });
    let store = server(&lines(&cluster));
    store.keep(&records(1)).expect("keeps");
    let with_keys =
        cluster.masters().into_iter().filter(|&place| cluster.servers[place].cli(&["DBSIZE"]).trim() != "0");
    assert_eq!(with_keys.count(), 3, "every master has some");
    keys_move(&cluster);
    a_master_dies(&mut cluster);
    a_master_hangs(&cluster);
}

/// A third of the slots goes to another server while the store is read and written.
fn keys_move(cluster: &RedisCluster) {
    let store = server(&lines(cluster));
    let expected: Vec<_> = spent(&store).expect("reads");
    let masters = cluster.masters();
    let mut reshard = Command::new("redis-cli");
    reshard.args(["--cluster", "reshard", &cluster.servers[masters[0]].address.to_string()]);
    reshard.args(["--cluster-from", &cluster.id(masters[0]), "--cluster-to", &cluster.id(masters[1])]);
    reshard.args(["--cluster-slots", "3000", "--cluster-yes"]);
    let log = std::fs::File::create(std::env::temp_dir().join(format!("tg-reshard-{}", std::process::id())));
    let mut child = reshard.stdout(log.expect("a log")).spawn().expect("redis-cli starts");
    let writer = server(&lines(cluster));
    let mut reads = 0;
    while child.try_wait().expect("its state").is_none() {
        assert_eq!(spent(&store).expect("reads while keys move"), expected);
        // The same again and again, by a server that says nothing of its own.
        writer.keep(&(0..KEYS).map(|number| (Tokens::key(number), zero())).collect::<Vec<_>>()).expect("keeps");
        reads += 1;
    }
    assert!(child.wait().expect("it ended").success() && reads > 0);
    let _log_is_of_no_use =
        std::fs::remove_file(std::env::temp_dir().join(format!("tg-reshard-{}", std::process::id())));
    assert_eq!(spent(&store).expect("reads"), expected, "{reads} reads meanwhile");
}

/// A record that adds nothing.
fn zero() -> Tokens {
    Tokens { spent: 0, ..Tokens::sample(0, now() + DAY) }
}

fn a_master_dies(cluster: &mut RedisCluster) {
    // Two servers have each spent something under every key; what they say reaches the replicas.
    let (one, two) = (server(&lines(cluster)), server(&lines(cluster)));
    let (ours, theirs) = (records(1), records(2));
    one.keep(&ours).expect("keeps");
    two.keep(&theirs).expect("keeps");
    cluster.settle(3);
    for place in cluster.masters() {
        let replicated = || cluster.servers[place].cli(&["WAIT", "1", "1000"]).trim() != "0";
        wait::until("the replicas to have it", wait::SOON, replicated);
    }
    let before = spent(&one).expect("reads");
    let dying = cluster.masters()[0];
    cluster.servers[dying].kill();
    let words: BTreeSet<&str> = spent(&one).err().map(|error| error.trouble().name()).into_iter().collect();
    assert!(words.iter().all(|word| ["refused", "timeout", "moved"].contains(word)), "{words:?}");
    wait::until("a replica to take over", Duration::from_secs(60), || spent(&one).is_ok());
    assert_eq!(spent(&one).expect("reads"), before, "nothing is lost, nothing is counted twice");
    // What was under way is written again, as after any trouble.
    for _ in 0..2 {
        wait::until("writes to work", wait::SOON, || one.keep(&ours).is_ok() && two.keep(&theirs).is_ok());
        assert_eq!(spent(&two).expect("reads"), before);
    }
    cluster.servers[dying].restart();
    cluster.settle(3);
    assert_eq!(spent(&one).expect("reads with the old master as a replica"), before);
}

/// The one that is asked first about the cluster, too: it accepts connections and says nothing.
fn a_master_hangs(cluster: &RedisCluster) {
    let store = server(&lines_within(cluster, 300));
    wait::until("a first read", wait::SOON, || spent(&store).is_ok());
    let before = spent(&store).expect("reads");
    let hanging = cluster.masters()[0];
    cluster.servers[hanging].pause();
    let begun = wait::now();
    let error = spent(&store).expect_err("a third of the keys cannot be read");
    assert!(["timeout", "moved"].contains(&error.trouble().name()), "{error}");
    // 300 ms; a busy machine has some time more.
    assert!(wait::now() - begun < Duration::from_secs(5), "it waits for longer than it may");
    wait::until("a replica to take over", Duration::from_secs(60), || spent(&store).is_ok_and(|now| now == before));
    cluster.servers[hanging].resume();
    cluster.settle(3);
    wait::until("the store to go on", wait::SOON, || spent(&store).is_ok_and(|now| now == before));
}
