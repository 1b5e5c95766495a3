//! What do large lists cost: to load, to keep, to ask?
//!
//! A list of networks (4 of 5 are single addresses, the rest /24 and /16) and one of domains are written as a text file and
//! loaded as a policy loads them; then the matcher alone is asked in a random order, half of it listed. Beside it the same is
//! kept in the standard library's `HashSet` and `BTreeSet`, each in a process of its own, for memory that was freed is used
//! again. Times are processor time, which holds on a busy machine; read the ratios.
//!
//! `bench-lists [NETWORKS [DOMAINS]]`: 10,000,000 and 1,000,000 by default. Memory is that of Linux' /proc.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod sets;

use sets::{Made, domain, network};
use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    time::Duration,
};
use tollgate::{config::Document, pipeline::Policy};

/// Questions to each set.
const QUESTIONS: usize = 2_000_000;
/// /proc counts pages of this size.
const PAGE_OCTETS: u64 = 4_096;
/// What each process measures.
const KINDS: [&str; 2] = ["networks", "domains"];
const SETS: [&str; 3] = ["ours", "hash", "btree"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().collect();
    match args.get(1..).unwrap_or_default() {
        [kind, set, entries] => child(kind, set, entries.parse()?),
        sizes => {
            let size = |at: usize, usual: usize| sizes.get(at).map_or(Ok(usual), |size| size.parse::<usize>());
            for (kind, entries) in KINDS.into_iter().zip([size(0, 10_000_000)?, size(1, 1_000_000)?]) {
                report(kind, entries)?;
            }
            Ok(())
        }
    }
}

fn report(kind: &str, entries: usize) -> Result<()> {
    let loaded = figures(kind, "load", entries)?;
    println!(
        "{entries} {kind}: loaded from {:.0} MB of text in {:.1} s, at most {:.0} MB resident meanwhile",
        loaded[1] / 1e6,
        loaded[0],
        loaded[2] / 1e6
    );
    let all: Vec<Vec<f64>> = SETS.iter().map(|set| figures(kind, set, entries)).collect::<Result<_>>()?;
    for (set, figures) in SETS.iter().zip(&all) {
        let ratio = |at: usize| figures[at] / all[0][at];
        println!(
            "  {set:<6} {:>5.1} bytes an entry ({:.2}), {:>5.0} ns a question ({:.2}), made in {:>5.2} s ({:.2})",
            figures[0],
            ratio(0),
            figures[1],
            ratio(1),
            figures[2],
            ratio(2)
        );
    }
    Ok(())
}

/// What a process of its own prints.
fn figures(kind: &str, set: &str, entries: usize) -> Result<Vec<f64>> {
    let output = Command::new(env::current_exe()?).args([kind, set, &entries.to_string()]).output()?;
    if !output.status.success() {
        return Err(format!("{kind} {set}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures = text.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
    if figures.len() == 3 { Ok(figures) } else { Err(format!("{kind} {set} said {text:?}").into()) }
}

fn child(kind: &str, set: &str, entries: usize) -> Result<()> {
    if set == "load" {
        return load(kind, entries);
    }
    let before = resident()?;
    let begun = spent();
    let made = Made::new(kind, set, entries).ok_or("expected networks or domains, and ours, hash or btree")?;
    let took = spent() - begun;
    let octets = resident()?.saturating_sub(before) as f64 / entries.max(1) as f64;
    let questions = made.questions(entries, QUESTIONS);
    let begun = spent();
    let hits = made.ask(&questions);
    let asked = spent() - begun;
    if hits < QUESTIONS / 4 {
        return Err(format!("{hits} hits: expected about half").into());
    }
    println!("{octets} {} {}", asked.as_nanos() as f64 / QUESTIONS as f64, took.as_secs_f64());
    Ok(())
}

/// As the daemon does it: a file, a policy.
fn load(kind: &str, entries: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("list");
    write(&path, kind, entries)?;
    let key = if kind == "networks" { "clients_deny_file" } else { "senders_deny_file" };
    let text = format!("[policy]\ncontrol = \"none\"\n[check.access]\n{key} = \"list\"\n");
    let document = Document::parse(&folder.path().join("t.toml").display().to_string(), &text).map_err(|_| "TOML")?;
    let begun = spent();
    let policy = Policy::build(&document, 1).map_err(|faults| format!("{:?}", faults.first()))?;
    let took = spent() - begun;
    let file = policy.files().iter().find(|file| file.path == path).ok_or("the file was not read")?;
    // Some are drawn twice, and count once.
    if file.entries * 100 < entries * 99 {
        return Err(format!("{} entries of {entries}", file.entries).into());
    }
    println!("{} {} {}", took.as_secs_f64(), fs::metadata(&path)?.len(), peak()?);
    Ok(())
}

fn write(path: &Path, kind: &str, entries: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..entries {
        match kind {
            "networks" => writeln!(file, "{}", network(number))?,
            _ => writeln!(file, "@{}", domain(number))?,
        }
    }
    Ok(file.flush()?)
}

/// Processor time of this process.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn resident() -> Result<u64> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    Ok(pages.split_whitespace().nth(1).ok_or("statm")?.parse::<u64>()? * PAGE_OCTETS)
}

/// The most that was resident, in bytes.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("VmHWM")?.parse::<u64>()? * 1024)
}
