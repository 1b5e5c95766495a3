//! What does it cost to record a decision, and how fast are recorded ones read for replay?
//!
//! A real engine over a world that knows every answer decides about so many clients; the store records them as the log thread
//! would, 320 at a time (20 ms of 16,000 a second). Then they are read in sequence: octets alone, with CRC, decoded, and decided
//! again. Last, old ones are looked up by name. All on one thread, from a scratch folder that the page cache holds.
//!
//! `bench-decision-store [DECISIONS]`: 300,000 by default. Times are processor time of the thread, from Linux' /proc.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod world;

use std::{env, error::Error, fs, hint::black_box, path::Path, sync::Arc, time::Duration};
use tollgate::{
    clock::Clock,
    config::Document,
    decision_log::LogRing,
    decisions::{Archive, Settings, Store},
    pipeline::{Decision, DecisionId, Engine, KillSwitch, Policy},
    session::{Address, Connection, Facts, Helo, Rcpthosts, Sender, SessionId, Stage, StateKey, Tried},
};
use world::{POLICY, World};

/// Decisions of one look of the log thread.
const LOOK: usize = 320;
/// Decisions that are made once, and recorded under other names again and again.
const DIFFERENT: usize = 2_000;
/// Look-ups by name.
const FINDS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = env::args().nth(1).map_or(Ok(300_000), |count| count.parse())?;
    let scratch = tempfile::tempdir()?;
    let clock = Clock::manual(1_800_000_000);
    let made = decisions(&clock)?;
    let questions: usize = made.iter().map(|decision| decision.evidence.len()).sum();
    let findings: usize = made.iter().map(|decision| decision.findings.len()).sum();
    let each = |sum: usize| sum as f64 / made.len() as f64;
    println!("{count} decisions, {:.1} answers and {:.1} findings each", each(questions), each(findings));
    let ids = record(made, count, scratch.path(), &clock)?;
    replay(count, scratch.path(), &clock)?;
    find(&ids, scratch.path(), &clock)
}

fn policy() -> Result<Policy, Box<dyn Error>> {
    let document = Document::parse("bench.toml", POLICY).map_err(|faults| format!("{faults:?}"))?;
    Ok(Policy::build(&document, 1).map_err(|faults| format!("{faults:?}"))?)
}

/// First recipients of so many clients.
fn decisions(clock: &Clock) -> Result<Vec<Arc<Decision>>, Box<dyn Error>> {
    let key = StateKey::random()?;
    let switch = Arc::new(KillSwitch::default());
    let engine = Engine::new(policy()?, Arc::new(World), clock.clone(), switch, key, LogRing::new(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let address = |text: String| Address::new(text.into_bytes().into());
    let decide = |number: usize| {
        let [_, b, c, d] = u32::try_from(number).unwrap_or_default().to_be_bytes();
        let mut session = [0; 16];
        session[..8].copy_from_slice(&number.to_be_bytes());
        let connection =
            Connection { client_ip: Some([198, b, c, d].into()), host: "mx1".into(), ..Connection::default() };
        let facts = Facts {
            session_id: SessionId(session),
            seq: 4,
            connection,
            helo: Some(Helo { name: format!("mail{number}.sender.example").into(), esmtp: true }),
            sender: Some(Sender { address: address(format!("someone{number}@sender.example")), declared_size: 4_096 }),
            recipient: Some(Tried { address: address("ann@here.example".into()), rcpthosts: Rcpthosts::Allowed }),
            ..Facts::default()
        };
        runtime.block_on(engine.decide(Stage::Rcpt, facts, &[], None))
    };
    Ok((0..DIFFERENT).map(decide).collect())
}

/// Records them; every hundredth name.
fn record(
    made: Vec<Arc<Decision>>,
    count: usize,
    folder: &Path,
    clock: &Clock,
) -> Result<Vec<DecisionId>, Box<dyn Error>> {
    let settings = Settings { keep: Duration::from_secs(86_400_000), octets: 16 << 30, all: true };
    let mut store = Store::new(folder.to_owned(), settings);
    let mut made: Vec<Decision> = made.iter().map(|decision| Decision::clone(decision)).collect();
    let (mut ids, mut adding, mut writing) = (Vec::new(), 0.0, 0.0);
    for first in (0..count).step_by(LOOK) {
        clock.advance(Duration::from_millis(20));
        let numbers = first..count.min(first + LOOK);
        for number in numbers.clone() {
            let decision = &mut made[number % DIFFERENT];
            (decision.at, decision.verdict.decision_id) = (clock.now(), DecisionId::random());
            if number % 100 == 0 {
                ids.push(decision.verdict.decision_id);
            }
        }
        let before = processor_time();
        numbers.for_each(|number| store.add(&made[number % DIFFERENT]));
        let between = processor_time();
        if let Some(news) = store.write(clock.now()) {
            return Err(format!("{news:?}").into());
        }
        adding += between - before;
        writing += processor_time() - between;
    }
    let octets: u64 = fs::read_dir(folder)?.flatten().flat_map(|file| file.metadata()).map(|file| file.len()).sum();
    let each = |total: f64| total / count as f64;
    println!("recorded: {:.0} ns each to encode, {:.0} ns to write", each(adding), each(writing));
    println!("on disk:  {:.0} octets each, index included", octets as f64 / count as f64);
    Ok(ids)
}

fn replay(count: usize, folder: &Path, clock: &Clock) -> Result<(), Box<dyn Error>> {
    let (archive, steady, policy) = (Archive::new(folder.to_owned()), clock.steady(), policy()?);
    let measured = |what: &str, most: usize, read: &dyn Fn() -> Result<usize, Box<dyn Error>>| {
        let began = processor_time();
        let records = read()?;
        let spent = processor_time() - began;
        if records != most {
            return Err(format!("{what}: {records} of {most}").into());
        }
        println!("{what} {:.0} ns each, {:.0} a second", spent / records as f64, records as f64 * 1e9 / spent);
        Ok::<_, Box<dyn Error>>(())
    };
    measured("found whole:  ", count, &|| Ok(archive.scan(0, u64::MAX)?.count()))?;
    measured("decoded:      ", count, &|| {
        let decoded = archive.scan(0, u64::MAX)?.filter_map(|stored| stored.decode(steady));
        Ok(decoded.map(black_box).count())
    })?;
    let some = count.min(50_000);
    measured("decided again:", some, &|| {
        let decoded = archive.scan(0, u64::MAX)?.filter_map(|stored| stored.decode(steady));
        let mut again = 0;
        for recorded in decoded.take(some) {
            black_box(policy.decide_again(&recorded.decision));
            again += 1;
        }
        Ok(again)
    })
}

fn find(ids: &[DecisionId], folder: &Path, clock: &Clock) -> Result<(), Box<dyn Error>> {
    let archive = Archive::new(folder.to_owned());
    let wanted: Vec<&DecisionId> = ids.iter().step_by(ids.len().div_ceil(FINDS)).collect();
    let began = processor_time();
    for id in &wanted {
        archive.find(**id, clock.steady())?.ok_or_else(|| format!("{id} is not found"))?;
    }
    println!("by name:  {:.1} ms each", (processor_time() - began) / 1e6 / wanted.len() as f64);
    let began = processor_time();
    let absent = archive.find(DecisionId::random(), clock.steady())?;
    println!("not there: {:.1} ms", (processor_time() - began) / 1e6);
    if absent.is_some() { Err("what never was is found".into()) } else { Ok(()) }
}

/// Nanoseconds this thread has run; NaN where nobody counts them.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}
