//! What does an answer from the DNS cache cost, in time and in memory?
//!
//! A responder on loopback fills the cache through real look-ups; then one thread, and two at once, read it in a random
//! order. Printed are nanoseconds of processor time a read (hit and miss), which hold on a busy machine, and resident
//! bytes an entry.
//!
//! `bench-dns-cache [ENTRIES [READS]]`: without ENTRIES, 100,000 and then 1,000,000, each in a process of its own, for
//! memory that was freed is used again; READS are 5,000,000 by default. Both figures are those of Linux' /proc.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

use std::{env, error::Error, fs, net::UdpSocket, process::Command, thread, time::Duration};
use tollgate::{
    ask::{Ask, Asker, DnsQuestion, Question, RecordType, Resolver, dns},
    clock::Clock,
};

/// What is measured when nobody says how much.
const SIZES: [&str; 2] = ["100000", "1000000"];
/// Look-ups under way while the cache is filled: the responder keeps up, so none is repeated.
const AT_ONCE: usize = 64;
/// What all answers live.
const HOUR: Duration = Duration::from_secs(3_600);
/// /proc counts pages of this size.
const PAGE_OCTETS: u64 = 4_096;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let Some(entries) = args.get(1) else { return each_size() };
    measure(entries.parse()?, args.get(2).map_or(Ok(5_000_000), |reads| reads.parse())?)
}

fn each_size() -> Result<(), Box<dyn Error>> {
    for size in SIZES {
        let ended = Command::new(env::current_exe()?).arg(size).status()?;
        if !ended.success() {
            return Err(format!("{size} entries: {ended}").into());
        }
    }
    Ok(())
}

fn measure(entries: usize, reads: usize) -> Result<(), Box<dyn Error>> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let config = dns::Config {
        servers: vec![server.local_addr()?],
        // Shards are filled by chance: room that keeps each from its bound.
        cache_entries: entries * 2 + 10_000,
        cache_octets: 4 << 30,
        // Filling takes longer than a "does not exist" lives by default.
        lifetimes: dns::Lifetimes { found: (HOUR, HOUR), not_found: (HOUR, HOUR), failed: HOUR },
        ..dns::Config::default()
    };
    thread::spawn(move || respond(&server));
    let (resolver, lookups) = Resolver::new(&config, Clock::system())?;
    thread::spawn(move || runtime().map(|runtime| runtime.block_on(lookups.run())));
    let questions: Vec<Question> = (0..entries).map(question).collect();
    let before = resident()?;
    fill(&resolver, &questions)?;
    println!("{entries} entries: {} resident bytes each", (resident()? - before) / entries.max(1) as u64);
    println!("one reader:  {:.0} ns a hit", read(&resolver, &questions, reads, 1));
    let other = resolver.clone();
    let both = thread::scope(|scope| {
        let second = scope.spawn(|| read(&other, &questions, reads, 2));
        read(&resolver, &questions, reads, 3).max(second.join().unwrap_or(f64::NAN))
    });
    println!("two readers: {both:.0} ns a hit");
    let absent: Vec<Question> = (entries..entries * 2).map(question).collect();
    println!("one reader:  {:.0} ns a miss", read(&resolver, &absent, reads, 4));
    Ok(())
}

/// Half of the clients are listed, as far as the responder is concerned.
fn question(number: usize) -> Question {
    let [_, b, c, d] = u32::try_from(number).unwrap_or_default().to_be_bytes();
    Question::Dns(DnsQuestion::new(format!("{d}.{c}.{b}.198.zone.example"), RecordType::A))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn fill(resolver: &Resolver, questions: &[Question]) -> Result<(), Box<dyn Error>> {
    let runtime = runtime()?;
    for some in questions.chunks(AT_ONCE) {
        let receivers: Vec<_> = some.iter().map(|question| resolver.ask(question.clone(), Asker::default())).collect();
        for receiver in receivers {
            runtime.block_on(receiver)?;
        }
    }
    let kept = questions.iter().filter(|question| resolver.cached(question).is_some()).count();
    if kept < questions.len() { Err(format!("{kept} of {} are in the cache", questions.len()).into()) } else { Ok(()) }
}

/// Nanoseconds of processor time a read.
fn read(resolver: &Resolver, questions: &[Question], reads: usize, seed: u64) -> f64 {
    let started = processor_time();
    let mut random = seed;
    for _ in 0..reads {
        // Knuth's MMIX generator: the order must not be the cache's.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(random >> 33).unwrap_or_default() % questions.len();
        std::hint::black_box(resolver.cached(&questions[at]));
    }
    (processor_time() - started) / reads as f64
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

/// Answers every question with NXDOMAIN, or, where the address ends in an even number, with 127.0.0.2.
fn respond(server: &UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((length, from)) = server.recv_from(&mut buffer) {
        let question_end = buffer[12..length].iter().position(|&octet| octet == 0).map_or(length, |at| 12 + at + 5);
        let mut answer = buffer[..question_end].to_vec();
        let listed = matches!(buffer.get(usize::from(buffer[12]) + 12), Some(digit) if digit % 2 == 0);
        // Response, recursion available; one question; an answer or none.
        answer[2..4].copy_from_slice(&[0x81, if listed { 0x80 } else { 0x83 }]);
        answer[6..12].copy_from_slice(&[0, u8::from(listed), 0, 0, 0, 0]);
        if listed {
            answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 127, 0, 0, 2]);
        }
        let _unheard = server.send_to(&answer, from);
    }
}
