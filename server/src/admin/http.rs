//! What do Prometheus and a supervisor ask, over plain HTTP?
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | all metrics, Prometheus' text format |
//! | `/ready` | 200 while mail servers are served; 503 before and while draining |
//! | `/alive` | 200: the control thread runs |
//!
//! Read only, and nothing secret: everything that changes something is on the admin socket.

use crate::app::Running;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

/// Connections at once; further ones wait in the listener's queue.
const CONNECTIONS_MAX: usize = 64;

/// A client that has not sent its request by then is cut off.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// Pause when no connection can be taken (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped.
pub async fn serve(running: Arc<Running>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    let running = running.clone();
                    connections.spawn(async move {
                        let answer = service_fn(|request| {
                            let response = answer(&running, &request);
                            async move { Ok::<_, Infallible>(response) }
                        });
                        let mut builder = http1::Builder::new();
                        builder.timer(TokioTimer::new()).header_read_timeout(REQUEST_MAX);
                        // A client that breaks off is its own affair.
                        let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

fn answer(running: &Running, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match request.uri().path() {
        "/metrics" => text(StatusCode::OK, running.metrics()),
        "/ready" if running.ready.load(Ordering::Acquire) => text(StatusCode::OK, "ready\n"),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        "/alive" => text(StatusCode::OK, "alive\n"),
        _ => text(StatusCode::NOT_FOUND, "there are /metrics, /ready and /alive\n"),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
