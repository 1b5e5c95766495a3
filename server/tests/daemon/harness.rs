//! How does a test run a daemon, and how does it ask?

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tollgate_proto::v1::{self, admin_client::AdminClient, policy_client::PolicyClient};
use tonic::transport::{Channel, Endpoint};

/// Looks at a condition, 20 ms apart, before a test gives up: 20 s.
const LOOKS_MAX: usize = 1_000;
const LOOK: Duration = Duration::from_millis(20);

/// Waits until `look` gives something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(LOOK);
    }
    panic!("{what}: not within {:?}", LOOK * LOOKS_MAX as u32);
}

/// A daemon in a folder of its own; killed when dropped.
pub(crate) struct Daemon {
    folder: TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// A configured daemon that does not run yet. `server` are further keys of `[server]`, `rest` further sections.
    pub(crate) fn configured(server: &str, rest: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Mail servers of another user could come in.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("opens the folder");
        fs::create_dir(folder.path().join("control")).expect("a control folder");
        let daemon = Self { folder, child: None };
        daemon.configure(server, rest);
        daemon
    }

    pub(crate) fn start(server: &str, rest: &str) -> Self {
        let mut daemon = Self::configured(server, rest);
        daemon.run();
        daemon
    }

    pub(crate) fn configure(&self, server: &str, rest: &str) {
        let folder = self.folder.path().display();
        let text = format!(
            "[server]\nsocket = '{folder}/tollgate.sock'\nstate = '{folder}/state'\nmetrics = '127.0.0.1:0'\ncores = 2\n\
             {server}\n[log]\nfile = '{folder}/decisions'\n{rest}\n"
        );
        fs::write(self.path("tollgate.toml"), text).expect("writes the configuration");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of qmail's control folder.
    pub(crate) fn control(&self, name: &str, content: &str) {
        fs::write(self.path("control").join(name), content).expect("writes");
    }

    /// `[policy]` with the control folder of this daemon.
    pub(crate) fn policy(&self) -> String {
        format!("[policy]\ncontrol = '{}'\n", self.path("control").display())
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgated"));
        command.arg("--config").arg(self.path("tollgate.toml")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts it and waits until it says that it is ready.
    pub(crate) fn run(&mut self) {
        self.run_with(&[]);
    }

    /// The same with further arguments.
    pub(crate) fn run_with(&mut self, arguments: &[&str]) {
        let errors = fs::File::create(self.path("stderr")).expect("a file");
        let mut child = self.command().args(arguments).stderr(errors).spawn().expect("starts");
        wait_for("the daemon to get ready", || {
            let said = self.said();
            assert!(child.try_wait().expect("asks").is_none(), "the daemon ended: {said}");
            said.contains("is ready").then_some(())
        });
        self.child = Some(child);
    }

    /// Runs it to its end: for daemons that must not start.
    pub(crate) fn refused(&self) -> Output {
        self.command().stderr(Stdio::piped()).output().expect("runs")
    }

    /// Standard error so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap_or_default()
    }

    /// The decision log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("decisions")).unwrap_or_default()
    }

    /// Waits for a log line that has all of `words`.
    pub(crate) fn wait_for_line(&self, words: &[&str]) -> String {
        wait_for(&format!("a log line with {words:?}"), || {
            let has_all = |line: &&str| words.iter().all(|word| line.split(' ').any(|found| found == *word));
            self.log().lines().find(has_all).map(ToOwned::to_owned)
        })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("runs").id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.id();
        let pid = Pid::from_raw(i32::try_from(id).expect("a process id")).expect("not 0");
        kill_process(pid, signal).expect("signals");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("runs");
        wait_for("the daemon to end", || child.try_wait().expect("asks"))
    }

    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// The word of standard error that starts with `prefix`, without it: where it listens.
    pub(crate) fn address(&self, prefix: &str) -> SocketAddr {
        let said = self.said();
        let place = said.split_whitespace().find_map(|word| word.strip_prefix(prefix)).expect("is announced");
        place.trim_end_matches("/metrics").parse().expect("an address")
    }

    /// Status and body of `GET path` on the metrics listener.
    pub(crate) fn http(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address("http://")).expect("connects");
        write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
    }

    /// Value of a metric, by name and labels as `/metrics` writes them; `None` = it is not there.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let (_, body) = self.http("GET /metrics");
        body.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    pub(crate) async fn policy_client(&self) -> PolicyClient<Channel> {
        PolicyClient::new(channel(&self.path("tollgate.sock")).await)
    }

    pub(crate) async fn admin_client(&self) -> AdminClient<Channel> {
        AdminClient::new(channel(&self.path("admin.sock")).await)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            eprintln!("standard error:\n{}\nlog:\n{}", self.said(), self.log());
        }
    }
}

pub(crate) async fn channel(socket: &Path) -> Channel {
    let stream = UnixStream::connect(socket).await.expect("connects");
    let mut stream = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = stream.take().ok_or_else(|| std::io::Error::other("one connection only"));
        async move { stream }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await.expect("speaks HTTP/2")
}

/// One SMTP session as a mail server would describe it.
#[derive(Clone)]
pub(crate) struct Smtp {
    id: [u8; 16],
    seq: u32,
    state: Bytes,
    pub(crate) client_ip: &'static str,
    pub(crate) sender: &'static str,
}

impl Smtp {
    pub(crate) fn from(client_ip: &'static str, sender: &'static str) -> Self {
        let mut id = *b"a session's name";
        let named = client_ip.len().min(id.len());
        id[..named].copy_from_slice(&client_ip.as_bytes()[..named]);
        Self { id, seq: 0, state: Bytes::new(), client_ip, sender }
    }

    pub(crate) fn session(&mut self) -> Option<v1::Session> {
        self.seq += 1;
        Some(v1::Session {
            session_id: Bytes::copy_from_slice(&self.id),
            seq: self.seq,
            session_state: self.state.clone(),
        })
    }

    pub(crate) fn connection(&self) -> Option<v1::Connection> {
        Some(v1::Connection {
            client_ip: Bytes::from_static(self.client_ip.as_bytes()),
            host: Bytes::from_static(b"mx1"),
            smtpd_pid: 77,
            ..v1::Connection::default()
        })
    }

    pub(crate) fn helo(&self) -> Option<v1::Helo> {
        Some(v1::Helo { helo: Bytes::from_static(b"client.example"), esmtp: true })
    }

    pub(crate) fn mail(&self) -> Option<v1::Mail> {
        Some(v1::Mail { sender: Bytes::from_static(self.sender.as_bytes()), declared_size: 0 })
    }

    pub(crate) fn connect_request(&mut self) -> v1::ConnectRequest {
        v1::ConnectRequest { session: self.session(), connection: self.connection() }
    }

    pub(crate) fn rcpt_request(&mut self, recipient: &'static str) -> v1::RcptRequest {
        v1::RcptRequest {
            session: self.session(),
            connection: self.connection(),
            helo: self.helo(),
            mail: self.mail(),
            recipient: Bytes::from_static(recipient.as_bytes()),
            rcpthosts: v1::Rcpthosts::Allowed.into(),
        }
    }

    /// Connect, HELO, MAIL, RCPT; gives the last verdict.
    pub(crate) async fn talk(&mut self, client: &mut PolicyClient<Channel>, recipient: &'static str) -> v1::Verdict {
        let request = self.connect_request();
        self.state = client.connect(request).await.expect("answers").into_inner().session_state;
        let request = v1::HeloRequest { session: self.session(), connection: self.connection(), helo: self.helo() };
        self.state = client.helo(request).await.expect("answers").into_inner().session_state;
        let request = v1::MailRequest {
            session: self.session(),
            connection: self.connection(),
            helo: self.helo(),
            mail: self.mail(),
        };
        self.state = client.mail(request).await.expect("answers").into_inner().session_state;
        let request = self.rcpt_request(recipient);
        let verdict = client.rcpt(request).await.expect("answers").into_inner();
        self.state = verdict.session_state.clone();
        verdict
    }

    pub(crate) fn report(&mut self, ending: v1::Ending, qp: u32) -> v1::ReportRequest {
        v1::ReportRequest {
            session: self.session(),
            connection: self.connection(),
            helo: self.helo(),
            mail: self.mail(),
            ending: ending.into(),
            recipients_accepted: 1,
            message_bytes: 4096,
            qp,
            quit: true,
            messages_accepted: 1,
            ..v1::ReportRequest::default()
        }
    }
}
