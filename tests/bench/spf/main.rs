//! How many SPF evaluations a second, cold and warm? Tollgate, libspf2, mail-auth and pyspf in one run, one thread each,
//! against the same name server and the same synthetic domains.
//!
//! The domains have 13 shapes of records, made from a seed; each is asked about once, by a client that may send or a
//! stranger, over IPv4 or IPv6. NSD serves them; it and the peers, in turn, share the first processor, for between two
//! processors it is the waking up that is measured. All peers are used as libraries by a lasting process. "cold" has empty caches at the start of each evaluation, and the time that emptying them
//! takes is not counted; "first" is one pass over all domains with caches that are empty at its start, "warm" what follows
//! it. The name server is warm in all of them. What each says is compared with RFC 7208, which the generator knows.
//!
//! `bench-spf [DOMAINS [ROUNDS]]`, 2,000 and 5 by default. Needs `taskset` and NSD; peers are Debian's libspf2-dev,
//! python3-spf and python3-dnspython, and a crate that cargo builds. A peer that is not there is skipped.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod nsd;
mod ours;
mod peers;
mod random;
mod report;
mod rounds;
mod shape;
mod world;

use nsd::Nsd;
use rounds::Measured;
use std::error::Error;
use tollgate_tests::{scratch::Scratch, skip};
use world::{DOMAINS_MAX, World};

pub(crate) type Failed = Box<dyn Error>;

/// Where all of it runs.
pub(crate) const PROCESSOR: &str = "0";
/// The same domains and queries for everybody.
const SEED: u64 = 7208;
/// More rounds say nothing new.
const ROUNDS_MAX: usize = 100;

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|first| first == ours::NAME) {
        return ours::run(args.get(2..).unwrap_or_default());
    }
    let number = |at: usize, default| args.get(at).map_or(Ok(default), |text| text.parse::<usize>());
    compare(number(1, 2_000)?.clamp(100, DOMAINS_MAX), number(2, 5)?.clamp(1, ROUNDS_MAX))
}

fn compare(domains: usize, rounds: usize) -> Result<(), Failed> {
    let scratch = Scratch::new("spf");
    let world = World::new(domains, SEED);
    let queries = scratch.write("queries", world.query_file());
    let nsd = Nsd::start(&scratch, &world.zone);
    let mut all: Vec<Measured> = Vec::new();
    for found in peers::all(&scratch) {
        match found {
            Ok(peer) => all.push(Measured::new(peer)),
            Err((name, why)) => skip::say(name, &why),
        }
    }
    for round in 0..rounds {
        // Nobody is always the first after a pause.
        for at in 0..all.len() {
            let next = (at + round) % all.len();
            all[next].measure(&scratch, &nsd, &queries)?;
        }
    }
    println!("{} queries about {domains} domains, medians of {rounds} rounds", world.queries.len());
    report::figures(&all);
    report::ratios(&all);
    report::disagreements(&all, &world.queries);
    for measured in &all {
        println!("  {}: {}", measured.peer.name, measured.peer.known);
    }
    Ok(())
}
