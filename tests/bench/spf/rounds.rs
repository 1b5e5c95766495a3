//! How long did each peer take, and what did it say? One process for each peer, mode and round.

use super::{Failed, PROCESSOR, nsd::Nsd, peers::Peer};
use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};
use tollgate_tests::{process::Process, scratch::Scratch, wait};

/// No process takes longer, on a busy machine.
const RUN_MAX: Duration = Duration::from_secs(300);
/// Each process measures the kinds of passes that belong to its mode.
const MODES: [&str; 2] = ["cold", "warm"];

/// What a peer needed for one kind of pass.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    /// Of processor time, user's and system's.
    pub(crate) cpu_ms_per_thousand: f64,
}

/// All about one peer.
pub(crate) struct Measured {
    pub(crate) peer: Peer,
    /// By kind of pass, for each round.
    pub(crate) rounds: Vec<BTreeMap<String, Figures>>,
    /// The word for each query.
    pub(crate) results: Vec<String>,
    /// Results that were not the same in each process.
    pub(crate) unsteady: usize,
}

impl Measured {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, rounds: Vec::new(), results: Vec::new(), unsteady: 0 }
    }

    /// One more round: a process with empty caches, then one that fills and uses them.
    pub(crate) fn measure(&mut self, scratch: &Scratch, nsd: &Nsd, queries: &Path) -> Result<(), Failed> {
        let mut round = BTreeMap::new();
        for mode in MODES {
            let results = scratch.path("results");
            let said = self.run(scratch, nsd, &[queries, &results, Path::new(mode)])?;
            round.extend(said.lines().filter_map(figures));
            self.compare(&fs::read_to_string(&results)?);
            fs::remove_file(results)?;
        }
        self.rounds.push(round);
        Ok(())
    }

    fn run(&self, scratch: &Scratch, nsd: &Nsd, rest: &[&Path]) -> Result<String, Failed> {
        let log = scratch.path(&format!("{}.{}.log", self.peer.name, rest[2].display()));
        fs::write(&log, "")?;
        let address = nsd.address;
        let mut command = Command::new("taskset");
        command
            .args(["-c", PROCESSOR])
            .args(&self.peer.command)
            .arg(address.ip().to_string())
            .arg(address.port().to_string());
        let mut process = Process::start(command.args(rest), &log);
        let ended = wait::until_some(&format!("{} to end", self.peer.name), RUN_MAX, || process.ended());
        let said = process.log();
        if ended.success() { Ok(said) } else { Err(format!("{}: {ended}: {said}", self.peer.name).into()) }
    }

    fn compare(&mut self, text: &str) {
        let results: Vec<String> = text.lines().map(str::to_owned).collect();
        if self.results.is_empty() {
            self.results = results;
        } else {
            self.unsteady += self.results.iter().zip(&results).filter(|(old, new)| old != new).count();
        }
    }
}

/// A line of a peer: kind of pass, evaluations, nanoseconds, nanoseconds of processor time.
fn figures(line: &str) -> Option<(String, Figures)> {
    let [kind, numbers @ ..] = line.split(' ').collect::<Vec<_>>().try_into().ok().map(|fields: [&str; 4]| fields)?;
    let [evaluations, wall, cpu] = numbers.map(|text| text.parse::<f64>().ok());
    let (evaluations, wall, cpu) = (evaluations?, wall?, cpu?);
    let figures = Figures { per_second: evaluations / wall * 1e9, cpu_ms_per_thousand: cpu / 1e6 / evaluations * 1e3 };
    Some((kind.to_owned(), figures))
}
