//! What does the control thread know of the running daemon? The parts that administrator and `/metrics` look at.

use super::meters;
use crate::{
    clock::Clock,
    config::Fault,
    decision_log::{LogHandle, LogRing},
    dns_lists::keeper::KeeperHandle,
    exceptions::keeper::Store,
    pipeline::{Engine, KillSwitch, SwitchState},
    reload::{InForce, Reloaded, Request},
    state::{StateError, Switches},
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

/// Shared by everything that runs on the control thread.
pub struct Running {
    /// Judges.
    pub engine: Arc<Engine>,
    /// The kill switch on the hot path.
    pub switch: Arc<KillSwitch>,
    /// The kill switch over a restart.
    pub switches: Arc<dyn Switches>,
    /// Exceptions over a restart.
    pub exceptions: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
    /// Remembers decisions.
    pub log: LogHandle,
    /// Takes notices.
    pub ring: LogRing,
    /// Takes wishes for a reload.
    pub reloads: mpsc::Sender<Request>,
    /// What was loaded last.
    pub in_force: Arc<Mutex<InForce>>,
    /// Unix time in seconds.
    pub started_at: u64,
    /// The same in milliseconds: what was decided before, another process decided.
    pub started_at_ms: u64,
    /// Addresses and paths.
    pub listening: Vec<String>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Connections of each core.
    pub connections: Vec<Arc<AtomicUsize>>,
    /// Watches the DNS lists.
    pub dns_lists: KeeperHandle,
    /// Serving: not before everything listens, not while draining.
    pub ready: AtomicBool,
}

impl Running {
    /// What was loaded last.
    pub fn in_force(&self) -> InForce {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All metrics in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let connections = self.connections.iter().map(|core| core.load(Ordering::Relaxed)).sum();
        meters::state(connections, self.switch.is_off(self.clock.now()));
        self.metrics.render()
    }

    /// Loads the configuration again, or only the lists, and waits for the result. `forced` = take lists that grew or
    /// shrank out of bounds, that hold all addresses or cover our own.
    pub async fn reload(&self, only_lists: bool, forced: bool) -> Result<Reloaded, Vec<Fault>> {
        let failed = |text: &str| Err(vec![Fault::of_nothing(text)]);
        let (reply, result) = oneshot::channel();
        if self.reloads.try_send(Request { only_lists, forced, reply }).is_err() {
            return failed("too many reloads are under way");
        }
        result.await.unwrap_or_else(|_| failed("the daemon is ending"))
    }

    /// Throws the kill switch for `lasting`, or switches on again (`None`). It holds at once; `Err` = but not over a
    /// restart.
    pub async fn throw(
        &self,
        lasting: Option<Duration>,
        reason: &str,
        by: &str,
    ) -> Result<Option<SwitchState>, StateError> {
        let now = self.clock.now();
        let thrown = lasting.map(|lasting| self.switch.throw(now, lasting, reason, by));
        if thrown.is_none() {
            self.switch.clear();
        }
        let mut words = vec![("by", by.to_owned()), ("reason", reason.to_owned())];
        words.push(match &thrown {
            Some(state) => ("until", state.until.to_string()),
            None => ("until", "now".to_owned()),
        });
        self.ring.notice(now, "switch", words);
        let (switches, state) = (self.switches.clone(), thrown.clone());
        let stored = spawn_blocking(move || switches.set_thrown(state.as_ref())).await;
        stored.map_err(|error| StateError::Failed("kill switch".to_owned(), error.to_string()))??;
        Ok(thrown)
    }
}
