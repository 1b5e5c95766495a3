//! What does memory do to mail? Strangers wait and come back, limits hold over several servers, and whatever happens to
//! the store, nobody is refused or kept waiting for it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tollgate_tests::{
    gate::{CLEAN, Gate, Plan},
    proxy::Proxy,
    redis::Redis,
    redis_cluster::RedisCluster,
    scratch::Scratch,
    smtp::Reply,
    wait,
};

/// How long strangers wait, in seconds, where they are to come back; and where they are not.
const SHORT_S: u64 = 2;
const LONG_S: u64 = 600;

/// No decision may take longer, whatever the store does: the mail server would give up after two seconds.
const DEADLINE: Duration = Duration::from_millis(1_700);

fn greylisting(delay_s: u64, more: &str) -> String {
    format!("reply_ids = false\n{more}\n[check.greylist]\nmode = \"enforce\"\ndelay_s = {delay_s}\n")
}

fn over(redis: SocketAddr, delay_s: u64) -> String {
    greylisting(delay_s, &format!("[state]\nstore = \"redis\"\nredis_url = [\"redis://{redis}\"]\n"))
}

/// A client of a net of its own.
fn client(number: u8) -> IpAddr {
    IpAddr::from(Ipv4Addr::new(198, 18, number, 10))
}

/// What a recipient is answered, and how long that takes.
fn rcpt(gate: &Gate, from: IpAddr) -> (Reply, Duration) {
    let mut client = gate.client(from);
    assert_eq!(client.say("MAIL FROM:<ann@there.example>").code, 250);
    let begun = wait::now();
    let reply = client.say("RCPT TO:<bob@ours.example>");
    let took = wait::now() - begun;
    client.quit();
    (reply, took)
}

fn code(gate: &Gate, from: IpAddr) -> u16 {
    rcpt(gate, from).0.code
}

#[test]
fn strangers_wait_and_come_back_even_after_a_kill() {
    let mut gate = Plan::new("memory-grey").policy(&greylisting(SHORT_S, "")).start();
    let (refused, _) = rcpt(&gate, CLEAN);
    assert_eq!(refused.code, 451);
    assert!(refused.words().contains("try again"), "{refused:?}");
    assert_eq!(code(&gate, CLEAN), 451, "too soon");
    // What was answered more than a second ago survives.
    let begun = wait::now();
    wait::until("a second and a bit", wait::SOON, || wait::now() - begun > Duration::from_millis(1_100));
    gate.daemon.kill();
    gate.daemon.run();
    wait::until("the stranger to come through", wait::SOON, || code(&gate, CLEAN) == 250);
    let said = gate.daemon.tool(&["greylist", "report"]);
    assert!(said.good && said.output.contains("net"), "{said:?}");
}

#[test]
fn a_store_in_trouble_refuses_nobody_and_delays_nobody() {
    let scratch = Scratch::new("memory-trouble");
    let mut redis = Redis::start(&scratch, "redis", "");
    let gate = Plan::new("memory-trouble").policy(&over(redis.address, LONG_S)).start();
    wait::until("the store to be heard", wait::SOON, || code(&gate, client(1)) == 451);
    redis.pause();
    for number in 10..20 {
        let (reply, took) = rcpt(&gate, client(number));
        assert_eq!(reply.code, 250, "nobody knows whether it was here before");
        assert!(took < DEADLINE, "{took:?}");
    }
    assert!(gate.daemon.log().contains("degraded=state"), "it is told");
    assert_eq!(code(&gate, client(1)), 451, "what is at hand still decides");
    redis.resume();
    wait::until("strangers to wait again", wait::SOON, || code(&gate, client(30)) == 451);
    redis.kill();
    for number in 40..45 {
        let (reply, took) = rcpt(&gate, client(number));
        assert!(reply.code == 250 && took < DEADLINE, "{reply:?} {took:?}");
    }
    redis.restart();
    let mut number = 50;
    wait::until("strangers to wait again", wait::SOON, || {
        number += 1;
        code(&gate, client(number)) == 451
    });
    let log = gate.daemon.log();
    assert!(log.contains("event=store_trouble") && log.contains("event=store_recovered"), "{log}");
}

#[test]
fn a_slow_store_is_not_waited_for() {
    let scratch = Scratch::new("memory-slow");
    let redis = Redis::start(&scratch, "redis", "");
    let proxy = Proxy::start(redis.address);
    let gate = Plan::new("memory-slow").policy(&over(proxy.address, LONG_S)).start();
    wait::until("the store to be heard", wait::SOON, || code(&gate, client(1)) == 451);
    proxy.set_delay(Duration::from_secs(2));
    for number in 10..16 {
        let (reply, took) = rcpt(&gate, client(number));
        assert!(reply.code == 250 && took < DEADLINE, "{reply:?} {took:?}");
    }
    proxy.set_delay(Duration::ZERO);
    let mut number = 50;
    wait::until("strangers to wait again", wait::SOON, || {
        number += 1;
        code(&gate, client(number)) == 451
    });
}

#[test]
fn a_replica_is_read_and_what_is_learnt_waits_until_it_may_be_written() {
    let scratch = Scratch::new("memory-replica");
    let master = Redis::start(&scratch, "master", "repl-diskless-sync-delay 0\n");
    let replica = Redis::replica_of(&scratch, "replica", &master);
    let gate = Plan::new("memory-replica").policy(&over(replica.address, SHORT_S)).start();
    wait::until("the store to be heard", wait::SOON, || code(&gate, client(1)) == 451);
    let keys = || replica.cli(&["DBSIZE"]).trim().parse::<u64>().unwrap_or(0);
    wait::until("the refusal to be noticed", wait::SOON, || gate.daemon.log().contains("readonly"));
    assert_eq!(keys(), 0);
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    wait::until("what was learnt to be written", Duration::from_secs(60), || keys() > 0);
    wait::until("the stranger to come through", wait::SOON, || code(&gate, client(1)) == 250);
}

/// Sends a message; what the first refusal says, or 250.
fn send(gate: &Gate, from: IpAddr) -> u16 {
    let mut client = gate.client(from);
    assert_eq!(client.say("MAIL FROM:<ann@there.example>").code, 250);
    for line in ["RCPT TO:<bob@ours.example>", "DATA"] {
        let code = client.say(line).code;
        if code >= 400 {
            client.quit();
            return code;
        }
    }
    let code = client.say("Subject: x\r\n\r\nx\r\n.").code;
    client.quit();
    code
}

#[test]
fn two_servers_remember_together() {
    let scratch = Scratch::new("memory-two");
    let redis = Redis::start(&scratch, "redis", "");
    let limit = "[[check.rate.limit]]\nname = \"few\"\nby = \"ip\"\ncounts = \"messages\"\ncount = 6\nper_s = 3600\n\
                 action = \"defer\"\n";
    let policy = format!("{}{limit}", over(redis.address, SHORT_S));
    let start = |name| Plan::new(name).policy(&policy).start();
    let (one, other) = (start("memory-one"), start("memory-other"));
    wait::until("the store to be heard", wait::SOON, || send(&one, client(1)) == 451);
    // It comes back to the other server.
    wait::until("the stranger to come through there", wait::SOON, || send(&other, client(1)) == 250);
    // Both know it now: six an hour, wherever they come.
    let (mut let_in, mut turn) = (1, 0);
    wait::until("the limit to be reached", wait::SOON, || {
        turn += 1;
        let answered = send(if turn % 2 == 0 { &other } else { &one }, client(1));
        let_in += u32::from(answered == 250);
        answered == 451 && let_in > 1
    });
    // Servers hear of each other within a second or so: meanwhile each may let in what the other has just spent.
    assert!((6..=11).contains(&let_in), "{let_in}");
    wait::until("both to know", wait::SOON, || send(&one, client(1)) == 451 && send(&other, client(1)) == 451);
}

/// What is remembered of strangers, so many that every master of a cluster has some.
const STRANGERS: u8 = 16;

fn over_cluster(cluster: &RedisCluster) -> String {
    let urls: Vec<_> = cluster.servers.iter().take(3).map(|server| format!("\"redis://{}\"", server.address)).collect();
    let state = format!("[state]\nstore = \"redis\"\nredis_cluster = true\nredis_url = [{}]\n", urls.join(", "));
    greylisting(SHORT_S, &state)
}

/// Waits until a stranger of a net that nobody has seen is made to wait: the whole store is heard. Gives the next net.
fn heard(gate: &Gate, first: u8) -> u8 {
    let (mut number, mut in_a_row) = (first, 0);
    wait::until("strangers to wait again", wait::SOON, || {
        in_a_row = if code(gate, client(number)) == 451 { in_a_row + 1 } else { 0 };
        number += 1;
        in_a_row == 8
    });
    number
}

#[test]
fn a_cluster_that_loses_a_master_loses_no_mail_and_no_memory() {
    let scratch = Scratch::new("memory-cluster");
    let mut cluster = RedisCluster::start(&scratch);
    let mut gate = Plan::new("memory-cluster").policy(&over_cluster(&cluster)).start();
    wait::until("the store to be heard", wait::SOON, || code(&gate, client(0)) == 451);
    assert!((1..STRANGERS).all(|number| code(&gate, client(number)) == 451));
    let is_held = |server: &Redis| server.cli(&["WAIT", "1", "1000"]).trim() != "0";
    wait::until("all of it to be written, twice", wait::SOON, || {
        let masters: Vec<&Redis> = cluster.masters().into_iter().map(|place| &cluster.servers[place]).collect();
        let keys = |server: &&Redis| server.cli(&["DBSIZE"]).trim().parse::<usize>().unwrap_or(0);
        let some_everywhere = masters.iter().all(|server| keys(server) > 0);
        some_everywhere
            && masters.iter().map(keys).sum::<usize>() >= usize::from(STRANGERS)
            && masters.iter().all(|server| is_held(server))
    });
    let dying = cluster.masters()[0];
    cluster.servers[dying].kill();
    let (mut number, mut met) = (100, 0);
    wait::until("a replica to take over", Duration::from_secs(60), || {
        let (reply, took) = rcpt(&gate, client(number));
        assert!(took < DEADLINE, "{took:?}");
        // Who cannot be looked up is let in; who can, and is not there, is asked to come back.
        assert!(reply.code == 250 || reply.code == 451 && reply.words().contains("try again"), "{reply:?}");
        (number, met) = (100 + (number - 99) % 80, met + 1);
        cluster.masters().len() == 3
    });
    assert!(met > 1, "mail came meanwhile");
    heard(&gate, 180);
    // Nothing is at hand in a new process: what it knows, the cluster does.
    gate.daemon.kill();
    gate.daemon.run();
    heard(&gate, 210);
    assert!((0..STRANGERS).all(|number| code(&gate, client(number)) == 250), "all of them have waited");
}
