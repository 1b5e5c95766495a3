//! What does a daemon answer whose verdicts are scripted by words in what the client says, and what was it asked?
//!
//! `reject`, `defer` and `close` in the thing a stage is about give that verdict; `listed` in the sender refuses at RCPT,
//! `nodata` in the sender at DATA, where `judged` in it gives Authentication-Results of ours to a mail server that
//! removes forged ones, and `softfail` a word for SPFRESULT. RBLSMTPD decides at connect. Its socket is anybody's.
#![allow(clippy::expect_used, reason = "a failed set-up step ends the test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_stream::wrappers::UnixListenerStream;
use tollgate_proto::v1::policy_server::{Policy, PolicyServer};
use tollgate_proto::v1::{
    Action, ConnectRequest, DataRequest, HeloRequest, Mail, MailRequest, RcptRequest, ReportReply, ReportRequest,
    Verdict,
};
use tonic::{Request, Response, Status};

/// A report comes at once or never.
const REPORT_WITHIN: Duration = Duration::from_secs(10);
const ENDING_CLOSED: i32 = 0;
/// What `judged` in a sender puts on top.
pub const OUR_RESULTS: &str = "Authentication-Results: mail.test;\n spf=softfail";

#[derive(Debug, Default)]
struct Heard {
    stages: Vec<&'static str>,
    rcpt: Option<RcptRequest>,
    reports: Vec<ReportRequest>,
}

#[derive(Debug, Default)]
struct Shared {
    heard: Mutex<Heard>,
    reported: Condvar,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running daemon; ends when dropped.
#[derive(Debug)]
pub struct Daemon {
    shared: Arc<Shared>,
    folder: TempDir,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Daemon {
        let folder = tempfile::tempdir().expect("scratch folder");
        let socket = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("socket");
        // Mail servers run as users of their own.
        for (path, mode) in [(folder.path(), 0o755), (&socket, 0o666)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
        }
        listener.set_nonblocking(true).expect("nonblocking");
        let shared = Arc::new(Shared::default());
        let (end, ended) = oneshot::channel();
        let service = PolicyServer::new(Script(Arc::clone(&shared)));
        let thread = std::thread::spawn(move || serve(listener, service, ended));
        Daemon { shared, folder, end: Some(end), thread: Some(thread) }
    }

    /// Path of its socket.
    pub fn socket(&self) -> String {
        self.folder.path().join("socket").to_string_lossy().into_owned()
    }

    /// Ends it at once: listener, connections and all.
    pub fn stop(mut self) {
        self.end_now();
    }

    fn end_now(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the daemon's thread ended in order");
        }
    }

    /// Stages it was asked about, in order.
    pub fn stages(&self) -> Vec<&'static str> {
        self.shared.heard().stages.clone()
    }

    /// The newest RCPT it was asked about.
    ///
    /// # Panics
    /// When there was none.
    pub fn rcpt(&self) -> RcptRequest {
        self.shared.heard().rcpt.clone().expect("a RCPT was asked about")
    }

    /// What it was told of the message with this process id.
    ///
    /// # Panics
    /// When nothing comes.
    pub fn report_of(&self, qp: u32) -> ReportRequest {
        self.report(|report| report.qp == qp)
    }

    /// What it was told at the end of a connection.
    ///
    /// # Panics
    /// When nothing comes.
    pub fn report_of_close(&self) -> ReportRequest {
        self.report(|report| report.ending == ENDING_CLOSED)
    }

    fn report(&self, is_it: impl Fn(&ReportRequest) -> bool) -> ReportRequest {
        let find = |heard: &Heard| heard.reports.iter().find(|report| is_it(report)).cloned();
        let heard = self.shared.heard();
        let waited = self.shared.reported.wait_timeout_while(heard, REPORT_WITHIN, |heard| find(heard).is_none());
        let (heard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        find(&heard).expect("the report came")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end_now();
    }
}

fn serve(listener: std::os::unix::net::UnixListener, service: PolicyServer<Script>, ended: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener).expect("listener");
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::select! {
            result = server.serve_with_incoming(UnixListenerStream::new(listener)) => result.expect("it serves"),
            _ = ended => {}
        }
    });
}

struct Script(Arc<Shared>);

impl Script {
    fn hear(&self, stage: &'static str) {
        self.0.heard().stages.push(stage);
    }
}

fn has(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part == word.as_bytes())
}

fn verdict(action: Action, code: u32, text: &str) -> Verdict {
    Verdict { action: action.into(), code, text: format!("{text} [fake]"), ..Verdict::default() }
}

fn reject() -> Verdict {
    verdict(Action::Reject, 550, "fake says\nno (#5.7.1)")
}

fn by_words(text: &[u8]) -> Verdict {
    if has(text, "reject") {
        reject()
    } else if has(text, "defer") {
        verdict(Action::Defer, 451, "fake says later (#4.7.1)")
    } else if has(text, "close") {
        Verdict { close: true, ..verdict(Action::Defer, 421, "fake closes (#4.3.2)") }
    } else {
        Verdict::default()
    }
}

fn sender(mail: Option<&Mail>) -> &[u8] {
    mail.map_or(b"", |mail| &mail.sender)
}

#[tonic::async_trait]
impl Policy for Script {
    async fn connect(&self, request: Request<ConnectRequest>) -> Result<Response<Verdict>, Status> {
        self.hear("connect");
        let rblsmtpd = request.into_inner().connection.and_then(|it| it.rblsmtpd).unwrap_or_default();
        let refuses = rblsmtpd.starts_with(b"-");
        Ok(Response::new(if refuses { reject() } else { by_words(&rblsmtpd) }))
    }

    async fn helo(&self, request: Request<HeloRequest>) -> Result<Response<Verdict>, Status> {
        self.hear("helo");
        Ok(Response::new(by_words(&request.into_inner().helo.unwrap_or_default().helo)))
    }

    async fn mail(&self, request: Request<MailRequest>) -> Result<Response<Verdict>, Status> {
        self.hear("mail");
        Ok(Response::new(by_words(sender(request.into_inner().mail.as_ref()))))
    }

    async fn rcpt(&self, request: Request<RcptRequest>) -> Result<Response<Verdict>, Status> {
        self.hear("rcpt");
        let request = request.into_inner();
        self.0.heard().rcpt = Some(request.clone());
        let listed = "sorry, your envelope sender is in my badmailfrom list (#5.7.1)";
        let is_listed = has(sender(request.mail.as_ref()), "listed");
        let answer = if is_listed { verdict(Action::Reject, 553, listed) } else { by_words(&request.recipient) };
        Ok(Response::new(answer))
    }

    async fn data(&self, request: Request<DataRequest>) -> Result<Response<Verdict>, Status> {
        self.hear("data");
        let DataRequest { connection, mail, .. } = request.into_inner();
        let said = |word| has(sender(mail.as_ref()), word);
        if said("nodata") {
            return Ok(Response::new(reject()));
        }
        let headers = vec!["X-Fake: one".to_owned(), "X-Fake: two,\n folded".to_owned()];
        let mut verdict = Verdict { headers, ..Verdict::default() };
        if said("judged") && connection.is_some_and(|it| it.removes_forged) {
            verdict.headers.insert(0, OUR_RESULTS.to_owned());
            verdict.authserv_id = "mail.test".to_owned();
        }
        if said("softfail") {
            verdict.spf_result = "softfail".to_owned();
        }
        Ok(Response::new(verdict))
    }

    async fn report(&self, request: Request<ReportRequest>) -> Result<Response<ReportReply>, Status> {
        self.0.heard().reports.push(request.into_inner());
        self.0.reported.notify_all();
        Ok(Response::new(ReportReply {}))
    }
}
