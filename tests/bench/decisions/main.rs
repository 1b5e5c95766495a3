//! How many decisions a second does one core give, as a share of what gRPC itself costs?
//!
//! Two servers in turn, each pinned to the first processor, the client on the second: the floor (a bare tonic
//! service whose replies have the size of ours) and `tollgated` with its default policy, warm. The load is qmail's:
//! one fresh Unix connection for each SMTP session and the six calls a session makes. Printed are calls a second and
//! the server's processor time for each call; the share is the ratio of the two processor times within one run, which
//! holds on a noisy machine.
//!
//! `bench-decisions TOLLGATED [ROUNDS [SECONDS [MORE.toml]]]`; MORE.toml is added to the configuration, as `stateful.toml`
//! beside this file: everything that remembers is on. Needs `taskset`.

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod floor;
mod load;
mod wire;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// A load that found no server within this many tries of 20 ms gives up.
const READY_TRIES: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("floor") => floor::serve(Path::new(args.get(2).ok_or("floor SOCKET")?)),
        Some(tollgated) => {
            let rounds = args.get(2).map_or(Ok(5), |text| text.parse())?;
            let seconds = args.get(3).map_or(Ok(3), |text| text.parse())?;
            compare(Path::new(tollgated), rounds, Duration::from_secs(seconds), args.get(4).map(Path::new))
        }
        None => Err("usage: bench-decisions TOLLGATED [ROUNDS [SECONDS]]".into()),
    }
}

/// One row of the table.
struct Figures {
    calls_per_second: f64,
    cpu_us_per_call: f64,
}

fn compare(tollgated: &Path, rounds: usize, time: Duration, more: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let floor_socket = folder.path().join("floor.sock");
    let floor =
        Server::start(&std::env::current_exe()?, &["floor".into(), floor_socket.clone().into()], &floor_socket)?;
    let (config, socket) = configure(folder.path(), more)?;
    let ours = Server::start(tollgated, &["--config".into(), config.into()], &socket)?;
    load::pin_to_second_processor();
    for mode in [load::Mode::FreshConnections, load::Mode::Multiplexed] {
        let (mut floors, mut all) = (Vec::new(), Vec::new());
        for round in 0..=rounds {
            let pair = (floor.measure(mode, time)?, ours.measure(mode, time)?);
            // The first round warms caches and allocators.
            if round > 0 {
                floors.push(pair.0);
                all.push(pair.1);
            }
        }
        report(mode, &floors, &all);
    }
    Ok(())
}

fn report(mode: load::Mode, floors: &[Figures], ours: &[Figures]) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    println!("{}", mode.name());
    for (name, rows) in [("floor", floors), ("tollgated", ours)] {
        println!(
            "  {name:<10} {:>8.0} calls/s   {:>6.2} us of processor time a call",
            median(rows.iter().map(|row| row.calls_per_second).collect()),
            median(rows.iter().map(|row| row.cpu_us_per_call).collect()),
        );
    }
    let pairs = || floors.iter().zip(ours);
    println!(
        "  share of the floor: {:.0} % by processor time, {:.0} % by rate (medians of {} pairs)",
        100.0 * median(pairs().map(|(floor, ours)| floor.cpu_us_per_call / ours.cpu_us_per_call).collect()),
        100.0 * median(pairs().map(|(floor, ours)| ours.calls_per_second / floor.calls_per_second).collect()),
        floors.len(),
    );
}

fn configure(folder: &Path, more: Option<&Path>) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let socket = folder.join("tollgate.sock");
    let config = folder.join("tollgate.toml");
    let text = include_str!("bench.toml").replace("FOLDER", &folder.display().to_string());
    let more = more.map(fs::read_to_string).transpose()?.unwrap_or_default();
    fs::write(&config, text + &more)?;
    Ok((config, socket))
}

/// A server process on the first processor; killed when dropped.
struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    fn start(program: &Path, args: &[std::ffi::OsString], socket: &Path) -> Result<Self, Box<dyn Error>> {
        let child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { child, socket: socket.to_owned() };
        for _ in 0..READY_TRIES {
            if std::os::unix::net::UnixStream::connect(socket).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} does not listen on {}", program.display(), socket.display()).into())
    }

    fn measure(&self, mode: load::Mode, time: Duration) -> Result<Figures, Box<dyn Error>> {
        let before = self.cpu_seconds()?;
        let (calls, took) = load::run(&self.socket, mode, time)?;
        let cpu = self.cpu_seconds()? - before;
        Ok(Figures { calls_per_second: calls as f64 / took.as_secs_f64(), cpu_us_per_call: cpu * 1e6 / calls as f64 })
    }

    /// User and system time of all threads so far (proc(5): fields 14 and 15, in ticks of 10 ms).
    fn cpu_seconds(&self) -> Result<f64, Box<dyn Error>> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit(')').next().ok_or("unreadable stat")?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).ok_or("unreadable stat");
        Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to do if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
