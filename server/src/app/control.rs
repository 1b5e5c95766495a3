//! What runs on the control thread? Signals, reloads, the administrator's service, `/metrics`, the keeper of DNS lists,
//! failure records, and in the end the drain.

use super::Running;
use crate::{
    admin,
    dns_lists::keeper::Keeper,
    failures::{self, FailureFile},
    files::Watch,
    reload::{Reloader, Request},
    rpc::Gate,
    shutdown::Signals,
};
use std::{
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
    time::{interval, sleep, timeout},
};
use tollgate_proto::v1::policy_server::PolicyServer;
use tonic_health::{ServingStatus, server::HealthReporter};

/// How often the recorder's histograms are emptied into their buckets when nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What a core may take beyond its drain to end.
const END_GRACE: Duration = Duration::from_secs(2);

/// A runtime for the thread that calls.
pub(super) fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| format!("cannot start a runtime: {error}"))
}

/// What the control thread is given.
pub(super) struct Control {
    pub(super) running: Arc<Running>,
    pub(super) signals: Signals,
    pub(super) admin: UnixListener,
    pub(super) metrics: Option<TcpListener>,
    pub(super) reloader: Reloader,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) keeper: Keeper,
    pub(super) failures: FailureFile,
    pub(super) health: HealthReporter,
    pub(super) drain: Duration,
    /// Closing it stops the acceptor.
    pub(super) stop: UnixStream,
    /// Acceptor and cores: they end by themselves once `stop` is closed.
    pub(super) threads: Vec<JoinHandle<()>>,
}

impl Control {
    /// Serves until a signal ends the daemon, then drains. `Err` is one line for the administrator.
    pub(super) async fn run(mut self) -> Result<(), String> {
        let mut tasks = JoinSet::new();
        let running = self.running.clone();
        let admin = tokio::net::UnixListener::from_std(self.admin).map_err(|error| error.to_string())?;
        tasks.spawn(admin::serve(running.clone(), admin));
        if let Some(listener) = self.metrics.take() {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            tasks.spawn(admin::http::serve(running.clone(), listener));
        }
        tasks.spawn(self.reloader.run(self.requests));
        tasks.spawn(self.keeper.run());
        tasks.spawn(watch_lists(running.clone()));
        tasks.spawn(collect_failures(running.clone(), self.failures));
        tasks.spawn(upkeep(running.clone()));
        self.health.set_serving::<PolicyServer<Gate>>().await;
        running.ready.store(true, Ordering::Release);
        let signal = self.signals.end(|| ask_for_reload(&running)).await;
        running.ready.store(false, Ordering::Release);
        running.ring.notice(running.clock.now(), "stop", vec![("signal", signal.to_owned())]);
        self.health.set_not_serving::<PolicyServer<Gate>>().await;
        self.health.set_service_status("", ServingStatus::NotServing).await;
        drop(self.stop);
        let threads = self.threads;
        let ended = spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        tokio::select! {
            _ = timeout(self.drain + END_GRACE, ended) => {}
            _ = self.signals.end(|| ()) => {}
        }
        tasks.shutdown().await;
        Ok(())
    }
}

/// A signal waits for no result: the log and `tollgate status` tell it. A full queue will reload soon anyway.
fn ask_for_reload(running: &Running) {
    let (reply, _) = oneshot::channel();
    let _ = running.reloads.try_send(Request { only_lists: false, forced: false, reply });
}

/// Puts files of lists in force when they change.
async fn watch_lists(running: Arc<Running>) {
    let mut watch = Watch::new();
    loop {
        let engine = running.engine.clone();
        let looked = spawn_blocking(move || {
            let policy = engine.policy();
            let settings = policy.lists();
            watch.set(if settings.watch { policy.files() } else { &[] });
            let news = settings.watch && watch.has_news(policy.files());
            (watch, settings.poll, news)
        });
        // A panic there has been reported by the panic hook; lists are then reloaded by hand.
        let Ok((looked, poll, news)) = looked.await else { return };
        watch = looked;
        if news {
            // The log and `tollgate status` tell what came of it.
            let _ = running.reload(true, false).await;
        } else {
            watch.wait(poll).await;
        }
    }
}

async fn upkeep(running: Arc<Running>) {
    let mut tick = interval(UPKEEP_EVERY);
    loop {
        tick.tick().await;
        running.metrics.run_upkeep();
    }
}

async fn collect_failures(running: Arc<Running>, file: FailureFile) {
    let mut tick = interval(failures::EVERY);
    loop {
        tick.tick().await;
        if let Err(error) = collect_once(&running, &file).await {
            let words = vec![("file", file.path.display().to_string()), ("error", error)];
            running.ring.notice(running.clock.now(), "failure_file", words);
        }
    }
}

async fn collect_once(running: &Running, file: &FailureFile) -> Result<(), String> {
    let Some(taken) = file.take().map_err(|error| error.to_string())? else { return Ok(()) };
    sleep(failures::SETTLE).await;
    let (file, ring, now) = (file.clone(), running.ring.clone(), running.clock.now());
    let collected = spawn_blocking(move || file.collect(&taken, now, &ring)).await;
    collected.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
