//! Is a real Redis there? Debian's redis-server on loopback: alone, behind TLS and a user with few rights, as a replica;
//! `cluster` puts six of them together.

use crate::{ports, process::Process, program, scratch::Scratch, wait};
use rustix::process::Signal;
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command, Stdio},
};

/// What [`Redis::secured`] is told.
pub const PASSWORD: &str = "correct horse battery staple";

/// Files in PEM: an authority, and a certificate of 127.0.0.1 with its key.
#[derive(Debug)]
pub struct Tls {
    /// Whom both sides trust.
    pub ca: PathBuf,
    /// What both sides show.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A redis-server in a folder of its own.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
    config: PathBuf,
    /// Options of redis-cli that let an administrator in.
    admin: Vec<String>,
    process: Option<Process>,
}

impl Redis {
    /// Starts one that everybody on loopback may use. `more` are lines for its configuration.
    pub fn start(scratch: &Scratch, name: &str, more: &str) -> Self {
        let port = ports::free();
        Self::configured(scratch, name, port, &format!("port {port}\n{more}"), Vec::new())
    }

    /// Starts one behind TLS that asks for a certificate, too. Its user `tollgate` (with [`PASSWORD`]) has the rights that
    /// `docs/state.md` grants.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::expect_used, reason = "no test can go on without it")]
    pub fn secured(scratch: &Scratch, name: &str, tls: &Tls) -> Self {
        let documented = fs::read_to_string(program::root().join("docs/state.md")).expect("the page about stores");
        let user =
            documented.lines().find(|line| line.starts_with("user tollgate on ")).expect("its line about rights");
        let user = user.replace(">PASSWORD", &format!("\">{PASSWORD}\""));
        let port = ports::free();
        let config = format!(
            "port 0\ntls-port {port}\ntls-ca-cert-file {ca}\ntls-cert-file {pem}\ntls-key-file {key}\n\
             user default off\nuser admin on >admin ~* &* +@all\n{user}\n",
            ca = tls.ca.display(),
            pem = tls.certificate.display(),
            key = tls.key.display()
        );
        let mut admin: Vec<String> =
            ["--tls", "--user", "admin", "--pass", "admin", "--no-auth-warning"].map(str::to_owned).to_vec();
        for (option, path) in [("--cacert", &tls.ca), ("--cert", &tls.certificate), ("--key", &tls.key)] {
            admin.extend([option.to_owned(), path.display().to_string()]);
        }
        Self::configured(scratch, name, port, &config, admin)
    }

    /// Starts a replica of another, and waits until it has everything.
    pub fn replica_of(scratch: &Scratch, name: &str, master: &Self) -> Self {
        let replica = Self::start(scratch, name, &format!("replicaof 127.0.0.1 {}\n", master.address.port()));
        wait::until("the replica to have everything", wait::SOON, || {
            replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
        });
        replica
    }

    fn configured(scratch: &Scratch, name: &str, port: u16, more: &str, admin: Vec<String>) -> Self {
        let folder = scratch.write(&format!("{name}/empty"), "").with_file_name("");
        let mut config = format!("bind 127.0.0.1\ndir {}\nsave \"\"\ndaemonize no\n", folder.display());
        config.write_str(more).unwrap_or_default();
        let config = scratch.write(&format!("{name}/redis.conf"), config);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut redis = Self { address, folder, config, admin, process: None };
        redis.restart();
        redis
    }

    /// Starts it again on the same port, with what it had saved. One that runs is killed before.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("redis-server");
        command.arg(&self.config).current_dir(&self.folder);
        self.process = Some(Process::start(&mut command, &self.folder.join("redis.log")));
        wait::until("redis-server to answer", wait::SOON, || self.cli(&["PING"]).trim() == "PONG");
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it as it is: it accepts connections, and says nothing.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    /// Is it running?
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// What redis-cli prints, as an administrator.
    pub fn cli(&self, words: &[&str]) -> String {
        self.cli_with(words, b"")
    }

    /// The same; `last`, if there is any, is the last word and may hold any octets.
    ///
    /// # Panics
    /// When there is no redis-cli.
    #[expect(clippy::expect_used, reason = "no test can go on without it")]
    pub fn cli_with(&self, words: &[&str], last: &[u8]) -> String {
        let mut command = Command::new("redis-cli");
        command.arg("-p").arg(self.address.port().to_string()).args(&self.admin);
        if !last.is_empty() {
            command.arg("-x");
        }
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("redis-cli starts");
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(last));
        let output = child.wait_with_output().expect("redis-cli ends");
        let _it_may_not_read = written;
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
