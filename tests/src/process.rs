//! Who ends what a test started? A guard for each process group: ended in order, then by force, never by name.

use crate::wait;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// How long a process may take to end when asked politely.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running program and everything it forks. Dropping it ends them all.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in a process group of its own; both outputs are appended to `log`. It dies with the thread that
    /// started it, so that a test run that is killed leaves nothing behind (but what changed its user since).
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let open = || File::options().create(true).append(true).open(log);
        let (Ok(stdout), Ok(stderr)) = (open(), open()) else { panic!("cannot write {}", log.display()) };
        let mut mortal = bound_to_us(command);
        let child = mortal.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// Its process id, which is its group's id too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Both outputs so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Has it ended by itself?
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal to the program itself, not to what it forked.
    ///
    /// # Panics
    /// When the program has ended.
    pub fn signal(&self, signal: Signal) {
        let sent = kill_process(self.pid(), signal);
        assert!(sent.is_ok(), "{} has ended, see {}", self.name, self.log.display());
    }

    /// Asks it to end and waits for it, at most `bound`.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(mut self, bound: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        wait::until_some(&format!("{} to end", self.name), bound, || self.ended())
    }

    /// Kills it on the spot and waits for it.
    pub fn kill(mut self) {
        self.end_group(Signal::KILL);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// A group that has ended cannot be signalled; that is no fault.
    fn end_group(&mut self, signal: Signal) {
        let _gone = kill_process_group(self.pid(), signal);
        let _reaped = self.child.wait();
    }
}

/// The same command through setpriv, which asks the kernel for a signal at its parent's death and becomes it.
fn bound_to_us(command: &Command) -> Command {
    let mut mortal = Command::new("setpriv");
    mortal.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    mortal.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    if let Some(folder) = command.get_current_dir() {
        mortal.current_dir(folder);
    }
    mortal
}

impl Drop for Process {
    fn drop(&mut self) {
        // What was stopped by a test has to run to be able to end.
        let _gone = kill_process_group(self.pid(), Signal::CONT);
        let _gone = kill_process_group(self.pid(), Signal::TERM);
        let end = wait::now() + PATIENCE;
        while wait::now() < end && self.ended().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end_group(Signal::KILL);
    }
}
