//! What does remembering cost: bytes at hand, time to ready and to warm, the folder under churn?
//!
//! `bench-memory bytes [CLIENTS]`: resident bytes of a client that is tracked (1,000,000 by default), and nanoseconds of
//! processor time to read and to change one.
//! `bench-memory start [CLIENTS]...`: time from opening the store to the first point read, and until all is at hand, for
//! each number of clients (10,000, 100,000 and 1,000,000 by default).
//! `bench-memory churn [KEYS]`: so many limits (10,000,000 by default) come, expire and go; the folder's size meanwhile.
//!
//! Each figure is taken in a process of its own. Figures of memory are those of Linux' /proc.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod churn;
mod start;

use std::{
    env,
    error::Error,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
};
use tollgate::{
    ask::{StateAnswer, StateQuestion},
    check::{Effect, Memory},
    clock::Clock,
    recall::{Bounds, Recall},
    state::{Experience, Pace, Subject},
};

/// /proc counts pages of this size.
const PAGE_OCTETS: u64 = 4_096;

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bytes"] => bytes(1_000_000),
        ["bytes", clients] => bytes(clients.parse()?),
        ["start"] => start::measure(&[10_000, 100_000, 1_000_000]),
        ["start", "made", folder] => start::started(&PathBuf::from(folder)),
        ["start", clients @ ..] => start::measure(&clients.iter().map(|n| n.parse()).collect::<Result<Vec<_>, _>>()?),
        ["churn"] => churn::measure(10_000_000),
        ["churn", keys] => churn::measure(keys.parse()?),
        _ => Err("expected bytes, start or churn".into()),
    }
}

/// Room for everything: what is measured is one entry, not a bound.
fn roomy() -> Bounds {
    let host_share = Pace { every_ms: 1, burst: 1_000_000 };
    Bounds { reputation: 4 << 30, triplets: 4 << 30, counters: 4 << 30, host_share }
}

fn client(number: u32) -> IpAddr {
    // Odd multiplier: a permutation of all addresses.
    Ipv4Addr::from(number.wrapping_mul(2_654_435_761)).into()
}

fn bytes(clients: u32) -> Done {
    let clock = Clock::system();
    let recall = Arc::new(Recall::alone(roomy(), clock.clone()));
    let now = clock.now().unix_seconds();
    let learn = |number: u32, points: f32| {
        recall.standings.change(Subject::Ip(client(number)), now, |own, _| own.learn(Experience::Refused, points, now));
    };
    let before = resident()?;
    let began = processor_time();
    (0..clients).for_each(|number| learn(number, -2.0));
    let made = processor_time() - began;
    // What is dirty waits on a list until it is written: with a store that is the usual state of few.
    let (mut turn, mut written) = (0, 0);
    loop {
        let taken = recall.standings.take_dirty(&mut turn, 200).changed.len();
        written += taken;
        if taken == 0 {
            break;
        }
    }
    let (entries, counted) = recall.standings.size();
    let each = |octets: u64| octets as f64 / f64::from(clients);
    println!("{entries} clients, {written} written: {:.0} resident bytes each", each(resident()? - before));
    println!("as the bound counts them: {:.0}", each(counted as u64));
    println!("a new one: {:.0} ns", made / f64::from(clients));
    let began = processor_time();
    (0..clients).for_each(|number| learn(number, 1.0));
    println!("a change: {:.0} ns", (processor_time() - began) / f64::from(clients));
    let began = processor_time();
    let mut known = 0_u64;
    for number in 0..clients {
        let answer = recall.look(&StateQuestion::Standing(Subject::Ip(client(number))));
        known += u64::from(matches!(answer, StateAnswer::Standing(_)));
    }
    println!("a read: {:.0} ns, {known} known", (processor_time() - began) / f64::from(clients));
    let effect = Effect::Experienced {
        subject: Subject::Ip(client(0)),
        experience: Experience::Accepted,
        hundredths: 100,
        witness: None,
    };
    let began = processor_time();
    (0..100_000).for_each(|_| recall.apply(effect.clone(), "mx1", clock.now()));
    println!("an experience, rationed by mail host: {:.0} ns", (processor_time() - began) / 100_000.0);
    Ok(())
}

/// Nanoseconds this thread has run; NaN where nobody counts them.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("/proc/self/statm")?.parse()?;
    Ok(pages * PAGE_OCTETS)
}

/// Octets of a folder's files.
fn folder_octets(folder: &std::path::Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let data = entry?;
        sum += if data.file_type()?.is_dir() { folder_octets(&data.path())? } else { data.metadata()?.len() };
    }
    Ok(sum)
}
