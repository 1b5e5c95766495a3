//! What is a daemon asked, what does it answer, and how long does that take?

use crate::change::Change;
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use std::{error::Error, path::Path, time::Duration};
use tokio::net::UnixStream;
use tollgate_proto::v1::{self, policy_client::PolicyClient};
use tonic::transport::{Channel, Endpoint};

/// A connection to the daemon.
pub(crate) struct Client {
    client: PolicyClient<Channel>,
    number: u64,
}

/// What came back.
pub(crate) struct Said {
    pub(crate) refuses: bool,
    pub(crate) degraded: bool,
}

impl Client {
    pub(crate) async fn connect(socket: &Path) -> Result<Self, Box<dyn Error>> {
        let mut stream = Some(TokioIo::new(UnixStream::connect(socket).await?));
        let connector = tower::service_fn(move |_| {
            let stream = stream.take().ok_or_else(|| std::io::Error::other("one connection only"));
            async move { stream }
        });
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
        Ok(Self { client: PolicyClient::new(channel), number: 0 })
    }

    /// One recipient of a session of its own; `None` = no answer.
    pub(crate) async fn ask(&mut self, client_ip: &str, sender: &str, recipient: &str) -> Option<Said> {
        self.ask_with(client_ip, sender, (recipient, v1::Rcpthosts::Allowed)).await
    }

    /// The same about somebody whom a change makes a difference to.
    pub(crate) async fn ask_about(&mut self, change: &Change) -> Option<Said> {
        let rcpthosts = if change.rcpthosts_unknown { v1::Rcpthosts::Unknown } else { v1::Rcpthosts::Allowed };
        self.ask_with(&change.client_ip, &change.sender, (&change.recipient, rcpthosts)).await
    }

    async fn ask_with(
        &mut self,
        client_ip: &str,
        sender: &str,
        (recipient, rcpthosts): (&str, v1::Rcpthosts),
    ) -> Option<Said> {
        self.number += 1;
        let mut id = [7; 16];
        id[..8].copy_from_slice(&self.number.to_be_bytes());
        let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let request = v1::RcptRequest {
            session: Some(v1::Session { session_id: Bytes::copy_from_slice(&id), seq: 1, ..v1::Session::default() }),
            connection: Some(v1::Connection {
                client_ip: text(client_ip),
                host: text("mx1"),
                ..v1::Connection::default()
            }),
            helo: Some(v1::Helo { helo: text("client.example"), esmtp: true }),
            mail: Some(v1::Mail { sender: text(sender), declared_size: 0 }),
            recipient: text(recipient),
            rcpthosts: rcpthosts.into(),
        };
        let verdict = self.client.rcpt(request).await.ok()?.into_inner();
        Some(Said { refuses: verdict.action() != v1::Action::Continue, degraded: !verdict.degraded.is_empty() })
    }
}

/// How long answers took, and how many went wrong.
#[derive(Default)]
pub(crate) struct Tally {
    times: Vec<Duration>,
    failed: u64,
    wrong: u64,
    degraded: u64,
}

impl Tally {
    /// Notes an answer that should let pass.
    pub(crate) fn note(&mut self, said: Option<Said>, took: Duration) {
        self.times.push(took);
        self.failed += u64::from(said.is_none());
        self.wrong += u64::from(said.as_ref().is_some_and(|said| said.refuses));
        self.degraded += u64::from(said.is_some_and(|said| said.degraded));
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.degraded += other.degraded;
    }

    /// Prints a row, with its ratio to another one.
    pub(crate) fn print(&self, name: &str, to: Option<&Self>) {
        let (count, Self { failed, wrong, degraded, .. }) = (self.times.len(), self);
        println!("  {name:<26} {count} answers: {failed} failed, {wrong} wrong, {degraded} degraded");
        for (label, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("most", 1.0)] {
            let own = self.quantile(share);
            let ratio = to.map(|to| format!("  {:.2} times", own.as_secs_f64() / to.quantile(share).as_secs_f64()));
            println!("    {label:<6} {:>8.3} ms{}", own.as_secs_f64() * 1e3, ratio.unwrap_or_default());
        }
    }

    fn quantile(&self, share: f64) -> Duration {
        let mut times = self.times.clone();
        times.sort();
        let at = (times.len() as f64 * share) as usize;
        times.get(at.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}
