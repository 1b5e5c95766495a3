//! How does a test run `tollgated`? With a configuration in the scratch folder, sockets there too, and no other state.

use crate::{http, metrics::Scrape, ports, process::Process, program, scratch::Scratch, wait};
use rustix::process::Signal;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

/// A daemon that was started at least once.
#[derive(Debug)]
pub struct Daemon {
    folder: PathBuf,
    config: PathBuf,
    /// Where `tollgated` and `tollgate` are.
    programs: PathBuf,
    /// Where `/metrics` is.
    pub metrics_address: SocketAddr,
    process: Option<Process>,
}

/// What `tollgate …` said.
#[derive(Clone, Debug)]
pub struct Said {
    /// It ended well.
    pub good: bool,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Daemon {
    /// Writes `policy` below the sections that say where things lie, and starts the daemon.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start(scratch: &Scratch, group: &str, policy: &str) -> Self {
        let programs = program::profile_folder();
        Self::start_from(&programs, scratch, group, policy)
    }

    /// The same with the programs of another folder.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start_from(programs: &Path, scratch: &Scratch, group: &str, policy: &str) -> Self {
        let metrics_address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let folder = scratch.folder().to_owned();
        let mut daemon = Self {
            config: folder.join("tollgate.toml"),
            folder,
            programs: programs.to_owned(),
            metrics_address,
            process: None,
        };
        daemon.configure(group, policy);
        daemon.run();
        daemon
    }

    /// Writes another configuration; SIGHUP puts it in force.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, group: &str, policy: &str) {
        let text = format!(
            "[server]\nsocket = \"{socket}\"\nadmin_socket = \"{admin}\"\nstate = \"{state}\"\ngroup = \"{group}\"\n\
             metrics = \"{metrics}\"\ncores = 1\ndrain_seconds = 2\n\n{policy}",
            socket = self.socket().display(),
            admin = self.admin_socket().display(),
            state = self.folder.join("state").display(),
            metrics = self.metrics_address,
        );
        let written = fs::write(&self.config, text);
        assert!(written.is_ok(), "{}: {written:?}", self.config.display());
    }

    /// Starts it (again) and waits until it answers.
    ///
    /// # Panics
    /// When it ends or is not ready in time.
    pub fn run(&mut self) {
        let mut command = Command::new(program::built(&self.programs, "tollgated"));
        command.arg("--config").arg(&self.config).current_dir(&self.folder);
        let mut process = Process::start(&mut command, &self.folder.join("tollgated.log"));
        let socket = self.socket();
        wait::until("tollgated to listen", wait::SOON, || {
            assert!(process.ended().is_none(), "tollgated ended:\n{}", process.log());
            UnixStream::connect(&socket).is_ok()
        });
        self.process = Some(process);
    }

    /// Where mail servers ask.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("tollgate.sock")
    }

    /// Where administrators ask.
    pub fn admin_socket(&self) -> PathBuf {
        self.folder.join("admin.sock")
    }

    /// Where mail servers write down what they decided alone.
    pub fn failure_file(&self) -> PathBuf {
        self.folder.join("state/failures")
    }

    /// The configuration's path.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Both outputs of the daemon: start-up messages and the decision log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("tollgated.log")).unwrap_or_default()).into_owned()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the daemon does not run.
    pub fn signal(&self, signal: Signal) {
        self.running().signal(signal);
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Ends it with SIGTERM.
    ///
    /// # Panics
    /// When it does not end within `bound` or does not run.
    pub fn stop(&mut self, bound: Duration) -> ExitStatus {
        let Some(process) = self.process.take() else { panic!("tollgated does not run") };
        process.terminate(bound)
    }

    /// Runs `tollgate ARGS` against this daemon.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn tool(&self, args: &[&str]) -> Said {
        let mut command = Command::new(program::built(&self.programs, "tollgate"));
        command.arg("--socket").arg(self.admin_socket()).args(args);
        let output = command.output().unwrap_or_else(|error| panic!("tollgate: {error}"));
        Said {
            good: output.status.success(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The counters, now.
    ///
    /// # Panics
    /// When `/metrics` does not answer with 200.
    pub fn metrics(&self) -> Scrape {
        match http::get(self.metrics_address, "/metrics") {
            Ok((200, body)) => Scrape::read(&body),
            other => panic!("/metrics of {}: {other:?}", self.metrics_address),
        }
    }

    /// Waits until the sum of `name` over `labels` is `at_least`, and returns it.
    ///
    /// # Panics
    /// When it stays below.
    pub fn wait_for_count(&self, name: &str, labels: &[(&str, &str)], at_least: f64) -> f64 {
        wait::until_some(&format!("{name}{labels:?} to reach {at_least}"), wait::SOON, || {
            Some(self.metrics().sum(name, labels)).filter(|sum| *sum >= at_least)
        })
    }

    fn running(&self) -> &Process {
        self.process.as_ref().unwrap_or_else(|| panic!("tollgated does not run"))
    }
}
