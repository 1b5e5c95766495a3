//! Does what is remembered survive? Kills under load, a full disk, a damaged store: what was answered more than a second
//! ago is there again, and nobody is refused for the store's sake.

use crate::harness::{Daemon, Smtp, wait_for};
use rustix::process::Signal;
use std::{
    collections::HashSet,
    env, fs,
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tollgate_proto::v1;

/// Kills in one run of the tests; `TOLLGATE_KILLS` names another number.
const KILLS: u32 = 3;

/// What was answered so long before a kill must be there after it.
const LOST_MAX: Duration = Duration::from_secs(1);

/// A daemon that remembers and asks no DNS.
fn daemon(state: &str) -> Daemon {
    let mut daemon = Daemon::configured("", "");
    let off = ["rdns", "helo", "sender_domain", "spf"].map(|check| format!("[check.{check}]\nmode = 'off'\n")).concat();
    daemon.configure("", &format!("{}{off}[state]\n{state}\n", daemon.policy()));
    daemon.run();
    daemon
}

/// An address that no other number has.
fn address(number: u32) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("198.{}.{c}.{d}", 18 + (b & 1))
}

/// One session whose message is accepted; the daemon has heard of it when this returns.
async fn message(daemon: &Daemon, number: u32) {
    let mut client = daemon.policy_client().await;
    let mut smtp = Smtp::from(String::leak(address(number)), "ann@there.example");
    let verdict = smtp.talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), v1::Action::Continue);
    for ending in [v1::Ending::Accepted, v1::Ending::Closed] {
        client.report(smtp.report(ending, 7)).await.expect("is heard");
    }
}

/// Addresses that have a reputation.
async fn remembered(daemon: &Daemon) -> HashSet<String> {
    let request = v1::ReputationExportRequest { kind: "ip".to_owned(), ..v1::ReputationExportRequest::default() };
    let mut admin = daemon.admin_client().await;
    let mut pages = admin.reputation_export(request).await.expect("exports").into_inner();
    let mut all = HashSet::new();
    while let Some(page) = pages.message().await.expect("a page") {
        all.extend(page.rows.into_iter().filter(|row| row.events > 0).map(|row| row.subject));
    }
    all
}

/// Waits until everything that is in the store is at hand.
fn warm(daemon: &Daemon, times: usize) {
    wait_for("memory to be warm", || (daemon.log().matches("event=memory_warm").count() >= times).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing_older_than_a_second() {
    let kills = env::var("TOLLGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut daemon = daemon("");
    let (mut answered, mut number) = (Vec::<(String, Instant)>::new(), 0);
    for kill in 0..kills {
        warm(&daemon, kill as usize + 1);
        // Another moment of the store's turn each time.
        let lasting = LOST_MAX + Duration::from_millis(300 + u64::from(kill * 37 % 500));
        let begun = Instant::now();
        while begun.elapsed() < lasting {
            number += 1;
            message(&daemon, number).await;
            answered.push((address(number), Instant::now()));
        }
        let killed = Instant::now();
        daemon.kill();
        daemon.run();
        warm(&daemon, kill as usize + 2);
        let known = remembered(&daemon).await;
        let old = answered.iter().filter(|(_, at)| killed - *at >= LOST_MAX);
        let lost: Vec<&String> = old.clone().map(|(address, _)| address).filter(|&one| !known.contains(one)).collect();
        assert!(lost.is_empty(), "kill {kill}: {} of {} lost: {lost:?}", lost.len(), old.count());
        // What was younger may be lost: it is not waited for again.
        answered.retain(|(address, _)| known.contains(address));
    }
    assert!(answered.len() > kills as usize * 20, "{} messages are hardly a load", answered.len());
}

/// What is done to the store's file.
type Damage = fn(&Path);

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_set_aside_and_mail_goes_on() {
    let damages: [(&str, Damage); 3] = [
        ("bits flipped", |file| {
            let mut octets = fs::read(file).expect("reads");
            octets.iter_mut().step_by(97).for_each(|octet| *octet ^= 0x10);
            fs::write(file, octets).expect("writes");
        }),
        ("cut", |file| {
            let file = fs::OpenOptions::new().write(true).open(file).expect("opens");
            file.set_len(file.metadata().expect("a size").len() / 3).expect("cuts");
        }),
        ("emptied", |file| fs::write(file, b"").expect("writes")),
    ];
    for (name, damage) in damages {
        let mut daemon = daemon("");
        for number in 0..50 {
            message(&daemon, number).await;
        }
        daemon.signal(Signal::TERM);
        daemon.wait();
        damage(&daemon.path("state/sled/db"));
        daemon.run();
        // Whether anything could be saved or not: it works, and remembers anew.
        message(&daemon, 1_000).await;
        wait_for(name, || to_the_end(remembered(&daemon)).contains(&address(1_000)).then_some(()));
        daemon.signal(Signal::TERM);
        daemon.wait();
        daemon.run();
        wait_for(name, || to_the_end(remembered(&daemon)).contains(&address(1_000)).then_some(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_nothing_but_disk() {
    let mut daemon = daemon("");
    daemon.kill();
    let state = daemon.path("state");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m,mode=0711", "tmpfs"]).arg(&state).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("\nSKIPPED: a full disk, for no file system can be mounted here");
        return;
    }
    let _unmounted = Unmount(state.clone());
    daemon.run();
    let ballast = fs::OpenOptions::new().create(true).append(true).open(state.join("ballast"));
    let mut ballast = ballast.expect("a file");
    while ballast.write_all(&[0; 4_096]).is_ok() {}
    let mut number = 0;
    wait_for("the trouble to be told", || {
        for _ in 0..50 {
            number += 1;
            to_the_end(message(&daemon, number));
        }
        daemon.log().contains("event=store_trouble").then_some(())
    });
    drop(ballast);
    fs::remove_file(state.join("ballast")).expect("there is room again");
    daemon.wait_for_line(&["event=store_recovered", "doing=write"]);
    wait_for("everything to be written", || {
        daemon.metric("tollgate_memory_unwritten{kind=\"reputation\"} ").filter(|left| *left < 0.5)
    });
    let before = remembered(&daemon).await;
    assert_eq!(before.len(), number as usize, "memory decided alone, and forgot nobody");
    daemon.kill();
    daemon.run();
    wait_for("what was learnt meanwhile", || (to_the_end(remembered(&daemon)) == before).then_some(()));
}

/// Unmounts when the test is over.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Runs a future to its end from within a test that looks again and again.
fn to_the_end<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}
