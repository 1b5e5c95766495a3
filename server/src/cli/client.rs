//! How is the running daemon asked? One connection to its admin socket, bounded in time, and errors that say what to try.

use super::{Context, Failure, args::Common, exit, text::one_line};
use crate::{
    app,
    config::{Document, Section},
    paths,
};
use hyper_util::rt::TokioIo;
use std::{
    cell::RefCell,
    error::Error,
    future::Future,
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::UnixStream,
    runtime::{Builder, Runtime},
};
use tollgate_proto::v1::admin_client::AdminClient;
use tonic::{
    Code, Response, Status, Streaming,
    transport::{Channel, Endpoint},
};

/// How long the daemon may take to accept the connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take that the daemon only has to look up.
const ANSWER: Duration = Duration::from_secs(10);
/// How long one may take that it has to work for: a reload reads lists of millions of entries, a check asks the DNS.
const WORK: Duration = Duration::from_secs(120);
/// Answers of one stream: a lookup gives one for each list, and a verdict.
const ANSWERS_MAX: usize = 1_000;
/// The same where all that is remembered is sent, in pieces of up to a thousand.
const PIECES_MAX: usize = 1_000_000;
/// How long all of it may take.
const ALL: Duration = Duration::from_secs(3_600);
/// Largest answer, in octets: a check may show many rows.
const ANSWER_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// A connection to a daemon.
pub(super) struct Server {
    runtime: Runtime,
    client: AdminClient<Channel>,
    socket: PathBuf,
}

impl Server {
    /// Connects to the daemon that the command line means.
    pub(super) fn connect(context: &Context<'_>) -> Result<Self, Failure> {
        let socket = socket(&context.common);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let stream = runtime
            .block_on(async { tokio::time::timeout(CONNECT, UnixStream::connect(&socket)).await })
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| unreachable(&socket, &error))?;
        let channel = runtime.block_on(channel(stream)).map_err(|error| {
            Failure::new(exit::UNREACHABLE, format!("{}: no gRPC server answers: {error}", socket.display()))
        })?;
        let client = AdminClient::new(channel).max_decoding_message_size(ANSWER_OCTETS_MAX);
        Ok(Self { runtime, client, socket })
    }

    /// Asks what the daemon knows.
    pub(super) fn ask<T, F>(&self, call: impl FnOnce(AdminClient<Channel>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.ask_within(ANSWER, call)
    }

    /// Asks for something that takes its time.
    pub(super) fn ask_to_work<T, F>(&self, call: impl FnOnce(AdminClient<Channel>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.ask_within(WORK, call)
    }

    fn ask_within<T, F>(&self, limit: Duration, call: impl FnOnce(AdminClient<Channel>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let bounded = async { tokio::time::timeout(limit, call(self.client.clone())).await };
        match self.runtime.block_on(bounded) {
            Ok(Ok(reply)) => Ok(reply.into_inner()),
            Ok(Err(status)) => Err(self.refused(&status)),
            Err(_) => Err(self.silent(limit)),
        }
    }

    /// Asks for answers that come one after the other; `take` is given each as it comes. All of them together may take
    /// as long as one that the daemon has to work for.
    pub(super) fn ask_for_each<T, F>(
        &self,
        call: impl FnOnce(AdminClient<Channel>) -> F,
        take: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Response<Streaming<T>>, Status>>,
    {
        self.ask_for_at_most((ANSWERS_MAX, WORK), call, take)
    }

    /// The same for as many answers as it takes to tell everything.
    pub(super) fn ask_for_all<T, F>(
        &self,
        call: impl FnOnce(AdminClient<Channel>) -> F,
        take: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Response<Streaming<T>>, Status>>,
    {
        self.ask_for_at_most((PIECES_MAX, ALL), call, take)
    }

    fn ask_for_at_most<T, F>(
        &self,
        (most, limit): (usize, Duration),
        call: impl FnOnce(AdminClient<Channel>) -> F,
        mut take: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Response<Streaming<T>>, Status>>,
    {
        let all = async {
            let refused = |status: Status| self.refused(&status);
            let mut answers = call(self.client.clone()).await.map_err(refused)?.into_inner();
            for _ in 0..most {
                let Some(answer) = answers.message().await.map_err(refused)? else { return Ok(()) };
                take(answer)?;
            }
            Err(Failure::new(exit::SERVER, format!("{}: more than {most} answers", self.socket.display())))
        };
        let bounded = async { tokio::time::timeout(limit, all).await };
        self.runtime.block_on(bounded).unwrap_or_else(|_| Err(self.silent(limit)))
    }

    fn silent(&self, limit: Duration) -> Failure {
        let line = format!("{}: no answer within {} s", self.socket.display(), limit.as_secs());
        Failure::new(exit::UNREACHABLE, format!("{line}: is the daemon stopped or overloaded?"))
    }

    fn refused(&self, status: &Status) -> Failure {
        let text = one_line(status.message());
        let socket = self.socket.display();
        // A status with a cause was made here, of a connection that broke; one that came over the wire has none.
        let broke = status.source().is_some();
        match status.code() {
            _ if broke => Failure::new(exit::UNREACHABLE, format!("{socket}: the daemon went away: {text}")),
            Code::InvalidArgument => Failure::new(exit::USAGE, text),
            Code::NotFound | Code::FailedPrecondition => Failure::new(exit::NO, text),
            Code::PermissionDenied => Failure::new(exit::FORBIDDEN, text),
            Code::Unavailable => Failure::new(exit::UNREACHABLE, format!("{socket}: the daemon went away: {text}")),
            Code::Unimplemented => {
                let line = format!(
                    "{socket}: this daemon does not know the question: is it another version, or not the admin socket?"
                );
                Failure::new(exit::SERVER, line)
            }
            code => Failure::new(exit::SERVER, format!("{socket}: {code}: {text}")),
        }
    }
}

/// The flag, else the configuration's, else the likeliest default that is there.
///
/// A configuration with mistakes is passed over: the daemon that has to be switched off may run with an older one.
pub(super) fn socket(common: &Common) -> PathBuf {
    if let Some(path) = &common.socket {
        return path.clone();
    }
    if let Some(path) = configured(common) {
        return path;
    }
    let [own, system] = paths::admin_sockets();
    // A folder we may not look into counts as there: "permission denied" says more than "no such socket".
    if own.try_exists().unwrap_or(true) { own } else { system }
}

/// The admin socket, if the configuration says where a socket is.
fn configured(common: &Common) -> Option<PathBuf> {
    let document = Document::read(paths::config_file(common.config.as_deref()).as_deref()).ok()?;
    let faults = RefCell::default();
    let section = Section::new(&document, app::SECTION, &[app::FIELDS], &[], &faults);
    let says = section.is_set("socket") || section.is_set("admin_socket");
    says.then(|| app::Settings::read(&document, &faults).admin.path)
}

/// Speaks gRPC over a stream that is there already; a second connection is never made.
async fn channel(stream: UnixStream) -> Result<Channel, tonic::transport::Error> {
    let mut stream = Some(stream);
    let connector = tower::service_fn(move |_| {
        let stream = stream.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
        async { stream.map(TokioIo::new) }
    });
    // The authority is never resolved: HTTP/2 wants one.
    Endpoint::from_static("http://localhost").connect_timeout(CONNECT).connect_with_connector(connector).await
}

/// One line: the socket, and what to try.
fn unreachable(socket: &Path, error: &io::Error) -> Failure {
    let try_this = match error.kind() {
        io::ErrorKind::NotFound => {
            "no such socket: is tollgated running? Start it, or name its admin socket with --socket".to_owned()
        }
        io::ErrorKind::ConnectionRefused => {
            "nobody listens there any more: tollgated has ended. Start it, and look at the end of its log".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: run this as root, or as a member of its group".to_owned()
        }
        io::ErrorKind::TimedOut => {
            format!("no connection within {} s: is the daemon stopped or overloaded?", CONNECT.as_secs())
        }
        _ => error.to_string(),
    };
    let code = if error.kind() == io::ErrorKind::PermissionDenied { exit::FORBIDDEN } else { exit::UNREACHABLE };
    Failure::new(code, format!("{}: {try_this}", socket.display()))
}
