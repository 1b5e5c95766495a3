//! How does mail come in? Debian's Exim under tcpserver, one process a session as with qmail-smtpd, asking Tollgate
//! through the adapter of `client-shim/exim/`. Mail that is accepted stays in the queue, where the test looks at it.

use crate::{ports, process::Process, program, scratch::Scratch, wait};
use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Our domains at this mail host; the first one qualifies bare local parts.
pub const DOMAINS: &str = "ours.example : second.example";
/// The host's name.
pub const NAME: &str = "mx.ours.example";
/// Who may relay: net 198.51.100.0/24.
pub const RELAYS: &str = "198.51.100.0/24";
/// The user Exim becomes.
pub const USER: &str = "Debian-exim";
/// Sessions tcpserver lets in at once.
const SESSIONS: &str = "60";

/// A message in the queue.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Envelope and header as Exim's spool has them.
    pub header: String,
    /// The body.
    pub body: String,
}

/// A running mail host.
#[derive(Debug)]
pub struct MailHost {
    /// Where it accepts mail, with the PROXY protocol.
    pub address: SocketAddr,
    spool: PathBuf,
    tcpserver: Process,
    _network: Option<Network>,
}

impl MailHost {
    /// Starts the mail host; `environment` goes to libtollgate.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(scratch: &Scratch, environment: &[(&str, String)]) -> Self {
        let adapter = program::adapter(scratch);
        let spool = own_folder(scratch, "spool");
        let logs = own_folder(scratch, "exim-log");
        let config = scratch.write("exim.conf", config(&adapter, &spool, &logs));
        let network = Network::none();
        let enter = network.as_ref().map_or_else(String::new, |network| format!("nsenter --net={} ", network.path()));
        let start = scratch.write("exim", format!("#!/bin/sh\nexec {enter}exim4 -bs -C {}\n", config.display()));
        let executable = fs::set_permissions(&start, fs::Permissions::from_mode(0o755));
        assert!(executable.is_ok(), "{executable:?}");
        let port = ports::free();
        let mut command = Command::new("tcpserver");
        command.args(["-vRHl0", "-c", SESSIONS, "127.0.0.1", &port.to_string()]).arg(start);
        command.envs(environment.iter().map(|(key, value)| (*key, value)));
        let tcpserver = Process::start(&mut command, &scratch.path("tcpserver.log"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Not by connecting: that would be a session.
        wait::until("tcpserver to listen", wait::SOON, || tcpserver.log().contains("status: 0/"));
        Self { address, spool, tcpserver, _network: network }
    }

    /// All messages in the queue, in no order.
    pub fn stored(&self) -> Vec<Stored> {
        let names = fs::read_dir(self.spool.join("input")).into_iter().flatten().flatten();
        let headers = names.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with("-H"));
        headers.filter_map(|path| stored(&path)).collect()
    }

    /// The message with this subject.
    pub fn stored_as(&self, subject: &str) -> Option<Stored> {
        let line = format!("  Subject: {subject}\n");
        self.stored().into_iter().find(|message| message.header.contains(&line))
    }

    /// The process that accepts connections.
    pub fn process(&self) -> &Process {
        &self.tcpserver
    }
}

fn stored(header: &Path) -> Option<Stored> {
    let body = PathBuf::from(header.to_string_lossy().strip_suffix("-H")?.to_owned() + "-D");
    let read = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok();
    Some(Stored { header: read(header)?, body: read(&body)? })
}

/// Exim's part of the configuration is what `client-shim/exim/mailhost.conf` says; the test says where things lie.
fn config(adapter: &Path, spool: &Path, logs: &Path) -> String {
    let conf = program::root().join("client-shim/exim");
    format!(
        "TOLLGATE_SO = {adapter}\nTOLLGATE_CONF = {conf}\nOUR_NAME = {NAME}\nFIRST_DOMAIN = ours.example\n\
         OUR_DOMAINS = {DOMAINS}\nOUR_RELAYS = {RELAYS}\nspool_directory = {spool}\nlog_file_path = {logs}/%slog\n\
         hosts_proxy = 127.0.0.0/8\nqueue_only\nsmtp_accept_queue_per_connection = 0\n\
         dns_retrans = 1s\ndns_retry = 1\n.include {conf}/mailhost.conf\n",
        adapter = adapter.display(),
        conf = conf.display(),
        spool = spool.display(),
        logs = logs.display(),
    )
}

/// A folder that belongs to Exim's user.
fn own_folder(scratch: &Scratch, name: &str) -> PathBuf {
    let folder = scratch.path(name);
    let made = fs::create_dir(&folder);
    assert!(made.is_ok(), "{}: {made:?}", folder.display());
    let owned = Command::new("chown").arg(USER).arg(&folder).status();
    assert!(owned.is_ok_and(|status| status.success()), "tests with Exim need root and the user {USER}");
    folder
}

/// A network namespace without any network. Exim looks up the name of every client the PROXY protocol names; here
/// that ends at once, and nothing leaves the machine. It lives as long as the process that holds it.
#[derive(Debug)]
struct Network(Child);

impl Network {
    /// None where the kernel does not let us: then Exim's look-ups take their second.
    fn none() -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec cat"]).stdin(Stdio::piped());
        let mut holder = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut ready = [0; 6];
        let said = holder.stdout.as_mut().map(|out| std::io::Read::read_exact(out, &mut ready));
        if matches!(said, Some(Ok(()))) {
            return Some(Self(holder));
        }
        let _ended = holder.wait();
        None
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.0.id())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The end of its input ends the holder.
        if let Some(mut input) = self.0.stdin.take() {
            let _closed = input.flush();
        }
        let _ended = self.0.wait();
    }
}
