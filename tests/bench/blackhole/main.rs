//! What does one black-holed DNS list of three cost a mail session? Tollgate and rblsmtpd, on one machine, in one run,
//! against the same servers: unbound with rbldnsd behind it, and a proxy that drops what is asked about one list.
//!
//! A session is everything from connecting to the answer to RCPT; each comes from another client, so nothing about it
//! is cached. Tollgate is asked as a mail server asks it (a fresh Unix connection, four calls); rblsmtpd runs under
//! tcpserver in front of a program that says 250 to everything. So the two differ in what else a session holds: compare
//! what the hole adds to each. Tollgate's figures with the hole are those of the steady state, after sessions enough
//! for the list's breaker to open.
//!
//! `bench-blackhole [SESSIONS [SLOW_SESSIONS [BOUND_SECONDS]]]`, 200, 10 and 90 by default; the slow sessions are those
//! of rblsmtpd with the hole, all at once, given up after the bound. Needs root (DNS on port 53 of a loopback address:
//! rblsmtpd asks nowhere else), and `tollgated` built in the same profile.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod latency;
mod ours;
mod theirs;

use latency::{Latencies, Took};
use ours::MailServer;
use std::{error::Error, net::SocketAddr, thread, time::Duration};
use theirs::Rblsmtpd;
use tollgate_tests::{
    daemon::Daemon,
    dns::{Dns, List},
    dns_fault::{Fault, Faults},
    scratch::Scratch,
    wait,
};

/// The lists, as rblsmtpd asks them, one after the other; the last one is black-holed.
const ZONES: [&str; 3] = ["l1.example", "l2.example", "l3.example"];
/// Where both ask.
const RESOLVER: ([u8; 4], u16) = ([127, 53, 77, 1], 53);
/// Sessions before Tollgate's steady state is measured, at most, and their time.
const WARM_SESSIONS: usize = 300;
const WARM_TIME: Duration = Duration::from_secs(120);
/// Between two of the measured sessions with the hole: as on a mail host, so that they see the list's trials too.
const PACE: Duration = Duration::from_millis(200);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some(theirs::CLIENT) => Err(theirs::name_client(args.get(2..).unwrap_or_default()).into()),
        Some(theirs::SMTPD) => Ok(theirs::smtpd()?),
        _ => {
            let number = |at: usize, default| args.get(at).map_or(Ok(default), |text| text.parse::<usize>());
            let bound = Duration::from_secs(number(3, 90)? as u64);
            compare(number(1, 200)?, number(2, 10)?, bound)
        }
    }
}

fn compare(sessions: usize, slow_sessions: usize, bound: Duration) -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("blackhole");
    let lists = ZONES.map(|zone| List::new(zone, "127.0.0.2:Listed").with("192.0.2.66"));
    let dns = Dns::start(&scratch, &lists);
    let faults = Faults::start_at(SocketAddr::from(RESOLVER), dns.address)?;
    let daemon = Daemon::start(&scratch, "root", &policy());
    let mut ours = MailServer::new(&daemon.socket())?;
    let theirs = Rblsmtpd::start(&scratch, RESOLVER.0.into(), &ZONES)?;

    let (mut ours_well, mut theirs_well) = (Latencies::default(), Latencies::default());
    for _ in 0..sessions {
        ours_well.add(ours.session()?);
        theirs_well.add(theirs.session(bound)?);
    }
    faults.set(ZONES[2], Fault::Silent);
    let health = warm_up(&mut ours, &daemon)?;
    let asked = faults.asked(ZONES[2]);
    let mut ours_hole = Latencies::default();
    let end = wait::now() + bound;
    while ours_hole.count() < sessions && wait::now() < end {
        ours_hole.add(ours.session()?);
        thread::sleep(PACE);
    }
    let asked = faults.asked(ZONES[2]) - asked;
    let theirs_hole = theirs.sessions_at_once(slow_sessions, bound)?;

    println!("one of three DNS lists black-holed; milliseconds from connecting to the answer to RCPT");
    println!("the list was {health}; {asked} questions about it were lost in Tollgate's measured sessions");
    println!("  {:<24} {:>8} {:>10} {:>10}", "", "sessions", "p50", "p99");
    row("Tollgate, all well", &ours_well);
    row("Tollgate, with the hole", &ours_hole);
    row("rblsmtpd, all well", &theirs_well);
    row("rblsmtpd, with the hole", &theirs_hole);
    for (name, share) in [("p50", 0.50), ("p99", 0.99)] {
        let ours = ours_hole.quantile(share).beyond(ours_well.quantile(share));
        let theirs = theirs_hole.quantile(share).beyond(theirs_well.quantile(share));
        println!("  the hole adds at {name}: Tollgate {ours} ms, rblsmtpd {theirs} ms, ratio {}", theirs.over(ours));
    }
    Ok(())
}

fn row(name: &str, latencies: &Latencies) {
    let [p50, p99]: [Took; 2] = [0.50, 0.99].map(|share| latencies.quantile(share));
    println!("  {name:<24} {:>8} {:>10} {:>10}", latencies.count(), p50.to_string(), p99.to_string());
}

/// The embedded defaults and the three lists.
fn policy() -> String {
    let (address, port) = RESOLVER;
    let mut text = format!("[dns]\nservers = [\"{}\"]\n", SocketAddr::from((address, port)));
    for zone in ZONES {
        text.push_str(&format!("[[check.rbl.list]]\nzone = \"{zone}\"\n"));
    }
    text
}

/// Sessions until the black-holed list is off, and what became of it.
fn warm_up(ours: &mut MailServer, daemon: &Daemon) -> Result<String, Box<dyn Error>> {
    let started = wait::now();
    let is = |state| daemon.metrics().sum("tollgate_list_health", &[("list", ZONES[2]), ("state", state)]) > 0.5;
    let mut sessions = 0;
    while sessions < WARM_SESSIONS && started.elapsed() < WARM_TIME && !is("off") {
        ours.session()?;
        sessions += 1;
    }
    let state = ["healthy", "suspect", "half_open", "off"].into_iter().find(|state| is(state));
    let (state, seconds) = (state.unwrap_or("not watched"), started.elapsed().as_secs_f64());
    Ok(format!("{state} after {sessions} sessions and {seconds:.1} s"))
}
