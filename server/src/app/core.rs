//! How does a core serve its connections? One thread, one runtime, HTTP/2 by hyper, services by tonic.
//!
//! hyper is driven directly: tonic's own server costs a router, a boxed service and several layers on every call, and
//! what they give (time-outs, limits) the engine and this file do with less.

use super::{
    acceptor::{Held, Incoming},
    last_words::LastWords,
    meters,
};
use http::{Request, Response};
use hyper::{body::Incoming as RequestBody, server::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::{mpsc::Receiver, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tonic::{Status, body::Body, codegen::Service};

/// Calls under way on one connection: a relay multiplexes, a mail server makes one at a time.
const STREAMS_MAX: u32 = 256;

/// What one connection may send ahead of being read, in octets: HTTP/2's own default, so that a fresh connection needs
/// no frame about it, and 16,384 connections buffer 1 GiB at the very most.
const WINDOW_OCTETS: u32 = 65_535;

/// Header octets of one call: ours are some hundred.
const HEADER_OCTETS_MAX: u32 = 16 * 1024;

/// A client that has not finished its TLS handshake by then is not coming.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// How often a draining connection is looked at. Two looks in a row without a call: it is closed. (A mail server
/// between two calls does not read, so it cannot acknowledge the GOAWAY; it connects anew for its next call.)
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// What a core needs to serve.
#[derive(Clone)]
pub(super) struct Core<P, O> {
    /// The service of almost every call.
    pub policy: P,
    /// Everything else: health, reflection.
    pub other: O,
    /// Calls under way on this core.
    pub calls: Arc<AtomicUsize>,
    /// Bound of `calls`.
    pub calls_max: usize,
    /// For connections from TCP; `None` = plain.
    pub tls: Option<Arc<ServerConfig>>,
    /// How long a drain may take.
    pub drain: Duration,
}

/// A service of tonic's making.
pub(super) trait Answer:
    Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<S> Answer for S where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}

impl<P: Answer, O: Answer> Core<P, O> {
    /// Serves what the acceptor hands over until it hangs up, then drains within the bound.
    pub(super) async fn run(self, mut queue: Receiver<(Incoming, Held)>) {
        let (drain, draining) = watch::channel(false);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                handed = queue.recv() => match handed {
                    Some((incoming, held)) => {
                        connections.spawn(self.clone().connection(incoming, held, draining.clone()));
                    }
                    None => break,
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
        // Nobody may be listening: all connections have ended then.
        let _ = drain.send(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(self.drain, all).await.is_err() {
            meters::call_refused("drain");
        }
    }

    async fn connection(self, incoming: Incoming, _held: Held, draining: watch::Receiver<bool>) {
        // An error here is a client that went away or does not speak HTTP/2: its own affair.
        let _ = match incoming {
            Incoming::Unix(stream) => match UnixStream::from_std(stream) {
                Ok(stream) => self.serve(stream, draining).await,
                Err(error) => Err(error),
            },
            Incoming::Tcp(stream) => self.serve_tcp(stream, draining).await,
        };
    }

    async fn serve_tcp(self, stream: std::net::TcpStream, draining: watch::Receiver<bool>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
        let stream = TcpStream::from_std(stream)?;
        let Some(tls) = self.tls.clone() else { return self.serve(stream, draining).await };
        match timeout(HANDSHAKE_MAX, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream, draining).await,
            Ok(Err(_)) | Err(_) => {
                meters::connection_refused("tls");
                Ok(())
            }
        }
    }

    async fn serve<S>(self, stream: S, mut draining: watch::Receiver<bool>) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let here = Arc::new(AtomicUsize::new(0));
        let gate = Gate { core: self, here: here.clone() };
        let mut connection = pin!(
            http2::Builder::new(TokioExecutor::new())
                .auto_date_header(false)
                .initial_stream_window_size(WINDOW_OCTETS)
                .initial_connection_window_size(WINDOW_OCTETS)
                .max_concurrent_streams(STREAMS_MAX)
                .max_header_list_size(HEADER_OCTETS_MAX)
                .serve_connection(TokioIo::new(LastWords::new(stream)), gate)
        );
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(io::Error::other),
            _ = draining.wait_for(|&draining| draining) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended.map_err(io::Error::other),
            () = idle(&here) => Ok(()),
        }
    }
}

/// Waits until no call was under way at two looks in a row.
async fn idle(calls: &AtomicUsize) {
    let mut idle = false;
    loop {
        sleep(DRAIN_LOOK).await;
        let now = calls.load(Ordering::Relaxed) == 0;
        if idle && now {
            return;
        }
        idle = now;
    }
}

/// What hyper calls for each request of one connection.
struct Gate<P, O> {
    core: Core<P, O>,
    here: Arc<AtomicUsize>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<P: Answer, O: Answer> hyper::service::Service<Request<RequestBody>> for Gate<P, O> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<RequestBody>) -> Answering {
        if !request.uri().path().starts_with("/tollgate.v1.Policy/") {
            return Box::pin(self.core.other.clone().call(request));
        }
        // The newest calls go first: nothing queues here, so memory stays bounded, and those under way finish.
        if self.core.calls.load(Ordering::Relaxed) >= self.core.calls_max {
            meters::call_refused("overload");
            let refusal = Status::resource_exhausted("overload").into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let counted = (Counted::new(&self.core.calls), Counted::new(&self.here));
        let answer = self.core.policy.clone().call(request);
        Box::pin(async move {
            let response = answer.await;
            drop(counted);
            response
        })
    }
}

/// One call's place in a count.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
