//! How large does the folder grow while keys come, expire and go?

use super::{Done, folder_octets, processor_time, resident};
use std::{sync::Arc, thread, time::Duration};
use tollgate::{
    check::Effect,
    clock::Clock,
    decision_log::LogRing,
    recall::{Bounds, Recall, keeper},
    state::{Digest, Pace, Page, Shelf, Sled, Tokens},
};

/// Keys that are alive at any time: each lives so many steps.
const ALIVE: u64 = 100_000;
/// Keys of one step; the clock moves a second with each.
const STEP: u64 = 1_000;

pub(super) fn measure(keys: u64) -> Done {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(Sled::open(folder.path())?.store);
    let clock = Clock::manual(1_700_000_000);
    let recall = Arc::new(Recall::over_store(Bounds::default(), clock.clone(), false));
    let ring = LogRing::default();
    let parts = keeper::Parts {
        recall: recall.clone(),
        store: store.clone(),
        clock: clock.clone(),
        ring: ring.clone(),
        records_max: 10_000_000,
    };
    let keeper = keeper::Keeper::start(parts)?;
    // One token comes back in the time that a key is to live.
    let pace = Pace { every_ms: ALIVE / STEP * 1_000, burst: 1 };
    let began = processor_time();
    for step in 0..keys / STEP {
        for number in step * STEP..(step + 1) * STEP {
            let spent = Effect::Spent { key: Digest::of(&[&number.to_be_bytes()]), pace, tokens: 1 };
            recall.apply(spent, "mx1", clock.now());
        }
        clock.advance(Duration::from_secs(1));
        // The store sets the pace: what is measured is the folder, not how much memory can hold back.
        while recall.tokens.unwritten() > 20_000 {
            thread::sleep(Duration::from_millis(5));
        }
        if (step + 1) % (keys / STEP / 20).max(1) == 0 {
            let (entries, octets) = recall.tokens.size();
            let (evicted, dropped) = recall.tokens.evicted();
            println!(
                "{:>9} keys: {} in the store, folder {:>4} MiB, at hand {entries:>7} in {:>3} MiB, resident {:>4} MiB, driven out {evicted}, lost {dropped}",
                (step + 1) * STEP,
                records(&store)?,
                folder_octets(folder.path())? >> 20,
                octets >> 20,
                resident()? >> 20,
            );
        }
        while ring.pop().is_some() {}
    }
    println!("{:.0} ns a key on the thread that remembers", (processor_time() - began) / keys as f64);
    keeper.stop();
    println!("in the end: folder {} MiB", folder_octets(folder.path())? >> 20);
    Ok(())
}

/// Records of limits that the store holds.
fn records(store: &Sled) -> Result<usize, Box<dyn std::error::Error>> {
    let (mut count, mut from) = (0, None);
    loop {
        let page: Page<Tokens> = store.walk(from.as_ref(), 10_000)?;
        count += page.records.len();
        from = page.next;
        if from.is_none() {
            return Ok(count);
        }
    }
}
