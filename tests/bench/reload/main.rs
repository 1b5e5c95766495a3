//! What do changes of lists cost those who are being answered, and how soon do they hold?
//!
//! One daemon, two thousand decisions a second at a steady pace, in turns of some seconds: nothing changes, and every half
//! second one file does, each kind in its turn (badmailfrom, badrcptto, rcpthosts, networks as text and as a zone of rbldnsd, a
//! cdb, tcp.smtp.cdb, subscribers of ezmlm's, a snapshot of recipients). Printed are the quantiles of the time an answer took
//! in both kinds of turns and their ratios within this run, answers that failed or knew too little, and the time from a change
//! until the first decision that shows it.
//!
//! `bench-reload TOLLGATED [TURNS [SECONDS [NETWORKS]]]`

#![allow(clippy::print_stdout, reason = "a program that prints figures")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time and ends its own tasks")]

mod ask;
mod change;
mod lists;

use ask::{Client, Tally};
use lists::Lists;
use std::{
    error::Error,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// Sessions side by side, and how often each asks.
const SESSIONS: u32 = 16;
const PACE: Duration = Duration::from_millis(8);

/// Between two changes.
const CHANGE_EVERY: Duration = Duration::from_millis(500);

/// How often it is asked whether a change holds, and how long at most.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS_MAX: u32 = 4_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let tollgated = args.get(1).ok_or("usage: bench-reload TOLLGATED [TURNS [SECONDS [NETWORKS]]]")?;
    let number = |at: usize, usual: u64| args.get(at).map_or(Ok(usual), |text| text.parse());
    let (turns, seconds, networks) = (number(2, 5)?, number(3, 6)?, number(4, 100_000)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(compare(tollgated, turns, Duration::from_secs(seconds), u32::try_from(networks)?))
}

async fn compare(tollgated: &str, turns: u64, time: Duration, networks: u32) -> Result<(), Box<dyn Error>> {
    let lists = Lists::new(networks)?;
    let mut command = Command::new(tollgated);
    command.arg("--config").arg(lists.config()).stdin(Stdio::null()).stdout(Stdio::null());
    let _daemon = Daemon(command.spawn()?);
    while tokio::net::UnixStream::connect(lists.socket()).await.is_err() {
        sleep(LOOK).await;
    }
    let (mut quiet, mut busy, mut delays) = (Tally::default(), Tally::default(), Vec::new());
    let mut changed = 0;
    // The first turn warms caches and allocators.
    turn(&lists, time).await?;
    for _ in 0..turns {
        quiet.add(turn(&lists, time).await?);
        let (changes, answers) = tokio::join!(change(&lists, time, &mut changed), turn(&lists, time));
        delays.extend(changes?);
        busy.add(answers?);
    }
    println!("{networks} networks, {turns} pairs of turns of {} s", time.as_secs());
    quiet.print("nothing changes", None);
    busy.print("a file every half second", Some(&quiet));
    delays.sort();
    let at = |share: f64| delays.get((delays.len() as f64 * share) as usize).copied().unwrap_or_default();
    let changes = delays.len();
    println!("  {changes} changes held after: median {:?}, p95 {:?}, most {:?}", at(0.5), at(0.95), delays.last());
    Ok(())
}

/// Killed when dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing to do if it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks at a steady pace.
async fn turn(lists: &Lists, time: Duration) -> Result<Tally, Box<dyn Error>> {
    let mut sessions = tokio::task::JoinSet::new();
    for number in 0..SESSIONS {
        let mut client = Client::connect(lists.socket()).await?;
        sessions.spawn(async move {
            let mut tally = Tally::default();
            let begun = Instant::now();
            let mut tick = interval(PACE);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let client_ip = format!("203.0.{number}.9");
            while begun.elapsed() < time {
                tick.tick().await;
                let asked = Instant::now();
                let verdict = client.ask(&client_ip, "ann@there.example", "bob@ours.example");
                tally.note(timeout(Duration::from_secs(5), verdict).await.ok().flatten(), asked.elapsed());
            }
            tally
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = sessions.join_next().await {
        all.add(tally?);
    }
    Ok(all)
}

/// Changes one file after the other; how long each change took to hold.
async fn change(lists: &Lists, time: Duration, number: &mut u32) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (begun, mut delays) = (Instant::now(), Vec::new());
    let mut client = Client::connect(lists.socket()).await?;
    let mut tick = interval(CHANGE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < time {
        tick.tick().await;
        let change = change::make(lists, *number)?;
        *number += 1;
        let changed = Instant::now();
        for look in 0.. {
            let verdict = client.ask_about(&change).await.ok_or("no answer")?;
            if verdict.refuses == change.refused {
                break;
            }
            if look > LOOKS_MAX {
                return Err("a change never held".into());
            }
            sleep(LOOK).await;
        }
        delays.push(changed.elapsed());
    }
    Ok(delays)
}
