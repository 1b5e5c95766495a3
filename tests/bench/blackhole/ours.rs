//! How does a mail server ask Tollgate? A fresh Unix connection for each session, and a call for each stage to RCPT.

use super::latency::Took;
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{net::UnixStream, runtime::Runtime};
use tollgate_proto::v1::{
    ConnectRequest, Connection, Helo, HeloRequest, Mail, MailRequest, RcptRequest, Rcpthosts, Session, Verdict,
    policy_client::PolicyClient,
};
use tollgate_tests::wait;
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

/// The library's deadline for one call.
const CALL: Duration = Duration::from_secs(2);

type Failed = Box<dyn Error>;

/// A mail server whose clients are all different.
pub(crate) struct MailServer {
    socket: PathBuf,
    runtime: Runtime,
    sessions: u32,
}

impl MailServer {
    pub(crate) fn new(socket: &Path) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { socket: socket.to_owned(), runtime, sessions: 0 })
    }

    /// One session up to its recipient, which must be accepted.
    pub(crate) fn session(&mut self) -> Result<Took, Failed> {
        self.sessions += 1;
        // Neighbours lie in different networks: caps on one network's look-ups are not what is measured.
        let [.., high, low] = self.sessions.to_be_bytes();
        let client = format!("198.18.{low}.{}", high + 1);
        let started = wait::now();
        let verdict = self.runtime.block_on(session(self.socket.clone(), self.sessions, client))?;
        let took = Took::whole(started.elapsed());
        if verdict.action == 0 { Ok(took) } else { Err(format!("an unlisted client was refused: {verdict:?}").into()) }
    }
}

async fn session(socket: PathBuf, number: u32, client_ip: String) -> Result<Verdict, Failed> {
    let mut client = PolicyClient::new(channel(socket).await?);
    let mut id = vec![0; 12];
    id.extend(number.to_be_bytes());
    let mut session = Session { session_id: id.into(), seq: 1, session_state: Bytes::new() };
    let connection = Some(Connection { client_ip: client_ip.into(), ..Connection::default() });
    let helo = Some(Helo { helo: "client.example".into(), esmtp: true });
    let mail = Some(Mail { sender: "ann@sender.example".into(), declared_size: 0 });

    let request = ConnectRequest { session: Some(session.clone()), connection: connection.clone() };
    next(&mut session, client.connect(in_time(request)).await?.into_inner());
    let request = HeloRequest { session: Some(session.clone()), connection: connection.clone(), helo: helo.clone() };
    next(&mut session, client.helo(in_time(request)).await?.into_inner());
    let (of_mail, of_rcpt) = (connection.clone(), connection);
    let request =
        MailRequest { session: Some(session.clone()), connection: of_mail, helo: helo.clone(), mail: mail.clone() };
    next(&mut session, client.mail(in_time(request)).await?.into_inner());
    let (recipient, rcpthosts) = ("bob@ours.example".into(), Rcpthosts::Allowed.into());
    let request = RcptRequest { session: Some(session), connection: of_rcpt, helo, mail, recipient, rcpthosts };
    Ok(client.rcpt(in_time(request)).await?.into_inner())
}

fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL);
    request
}

/// What the next call of the session brings along.
fn next(session: &mut Session, verdict: Verdict) {
    session.seq += 1;
    session.session_state = verdict.session_state;
}

async fn channel(socket: PathBuf) -> Result<Channel, Failed> {
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Ok(Endpoint::from_static("http://localhost").connect_with_connector(connector).await?)
}
