//! How long until the daemon can answer from its store, and until everything is at hand?

use super::{Done, client, folder_octets, resident, roomy};
use std::{
    env,
    path::Path,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tollgate::{
    ask::{StateAnswer, StateQuestion},
    check::Memory,
    clock::Clock,
    decision_log::LogRing,
    recall::{Recall, keeper},
    state::{Experience, KEEP_MAX, Shelf, Sled, Standing, Subject},
};

pub(super) fn measure(sizes: &[u32]) -> Done {
    for &size in sizes {
        let folder = tempfile::tempdir()?;
        make(folder.path(), size)?;
        let octets = folder_octets(folder.path())?;
        println!("{size} clients, {} MiB on disk", octets >> 20);
        // Another process: what is in this one's memory must not count, and the cold start must be one.
        for round in ["cold caches of sled", "again"] {
            println!("  {round}:");
            let ended = Command::new(env::current_exe()?).args(["start", "made"]).arg(folder.path()).status()?;
            if !ended.success() {
                return Err(format!("{size} clients: {ended}").into());
            }
        }
    }
    Ok(())
}

fn make(folder: &Path, clients: u32) -> Done {
    let store = Sled::open(folder)?.store;
    let now = Clock::system().now().unix_seconds();
    let numbers: Vec<u32> = (0..clients).collect();
    for chunk in numbers.chunks(KEEP_MAX) {
        let record = |&number: &u32| {
            let mut standing = Standing::default();
            standing.learn(Experience::Refused, -2.0, now);
            (Subject::Ip(client(number)), standing)
        };
        store.keep(&chunk.iter().map(record).collect::<Vec<_>>())?;
    }
    store.flush()?;
    Ok(())
}

/// In a process of its own: opens, reads one, waits until all is at hand.
pub(super) fn started(folder: &Path) -> Done {
    let before = resident()?;
    #[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let began = Instant::now();
    let store = Arc::new(Sled::open(folder)?.store);
    let clock = Clock::system();
    let recall = Arc::new(Recall::over_store(roomy(), clock.clone(), false));
    let ring = LogRing::default();
    let parts = keeper::Parts { recall: recall.clone(), store, clock, ring, records_max: u64::MAX };
    let keeper = keeper::Keeper::start(parts)?;
    let mut receiver = recall.ask(StateQuestion::Standing(Subject::Ip(client(7))));
    let first = loop {
        match receiver.try_recv() {
            Ok(answered) => break answered,
            Err(_) => thread::sleep(Duration::from_micros(100)),
        }
    };
    let ready = began.elapsed();
    while !recall.tokens.is_complete() {
        thread::sleep(Duration::from_millis(1));
    }
    let (warm, entries) = (began.elapsed(), recall.standings.size().0);
    let known = matches!(recall.look(&StateQuestion::Standing(Subject::Ip(client(8)))), StateAnswer::Standing(_));
    keeper.stop();
    let used = (resident()? - before) >> 20;
    println!(
        "ready after {} ms, warm after {} ms, {entries} at hand, {used} MiB; answers: {:?}, {known}",
        ready.as_millis(),
        warm.as_millis(),
        first.answer != tollgate::ask::Answer::State(StateAnswer::Unknown),
    );
    Ok(())
}
