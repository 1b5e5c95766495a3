//! How does the configuration come into force? Start and reload are one path: read, build, put in force. On any fault
//! the old policy stays, and every fault is named.
//!
//! `[policy]`, all checks with their lists, `[dns_lists]`, `[log]` and `[decisions]` change with a reload; `[server]`,
//! `[dns]` and `[state]` with a restart.

use crate::{
    app::{self, meters},
    ask::dns,
    clock::Clock,
    config::{Document, Fault},
    decision_log::{self, LogHandle, LogRing},
    decisions,
    dns_lists::{self, keeper::KeeperHandle},
    pipeline::{Engine, Policy},
    state,
};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::sleep,
};

/// Reloads that may be asked for while one is under way.
pub const REQUESTS_MAX: usize = 16;

/// Faults that are logged one by one; a reply has all of them.
const FAULTS_LOGGED_MAX: usize = 50;

/// How often a policy that is no longer in force is looked at, and how often at most: decisions under way end within
/// their deadlines.
const RETIRE_LOOK: Duration = Duration::from_millis(50);
const RETIRE_LOOKS_MAX: usize = 1_200;

/// A configuration without faults.
pub struct Loaded {
    /// As written.
    pub document: Document,
    /// `[policy]` and all checks.
    pub policy: Policy,
    /// `[server]`.
    pub server: app::Settings,
    /// `[log]`.
    pub log: decision_log::Settings,
    /// `[decisions]`.
    pub decisions: decisions::Settings,
    /// `[dns]`.
    pub dns: dns::Config,
    /// `[dns_lists]`.
    pub dns_lists: dns_lists::Settings,
    /// `[state]`.
    pub state: state::Settings,
}

/// Reads and builds everything. `None` = the embedded defaults. Gives all faults at once, in file order.
pub fn load(config: Option<&Path>, generation: u64) -> Result<Loaded, Vec<Fault>> {
    let document = Document::read(config)?;
    let faults = RefCell::new(Vec::new());
    let server = app::Settings::read(&document, &faults);
    let log = decision_log::Settings::read(&document, &faults);
    let decisions = decisions::Settings::read(&document, &faults);
    let dns = dns::Config::read(&document, &faults);
    let dns_lists = dns_lists::Settings::read(&document, &faults);
    let state = state::Settings::read(&document, &faults);
    let mut faults = faults.into_inner();
    let policy = Policy::build(&document, generation);
    match policy {
        Ok(policy) if faults.is_empty() => {
            return Ok(Loaded { policy, document, server, log, decisions, dns, dns_lists, state });
        }
        Ok(_) => {}
        Err(more) => faults.extend(more),
    }
    // Sections that two parts read have their faults twice.
    let mut faults = Fault::sorted(faults);
    faults.dedup();
    Err(faults)
}

/// What is in force, for `tollgate status` and `config --effective`.
#[derive(Clone, Debug)]
pub struct InForce {
    /// As written.
    pub document: Arc<Document>,
    /// Unix time in seconds at which it was loaded.
    pub loaded_at: u64,
    /// Why the newest reload failed; `None` = it did not.
    pub error: Option<String>,
}

/// A wish for a reload, and where its result goes.
pub type Request = oneshot::Sender<Result<u64, Vec<Fault>>>;

/// Does one reload after the other.
pub struct Reloader {
    /// The file; `None` = the embedded defaults, of which only lists can have changed.
    pub config: Option<PathBuf>,
    /// Judges by what is in force.
    pub engine: Arc<Engine>,
    /// For the time at which a policy came into force.
    pub clock: Clock,
    /// Where the result is told.
    pub ring: LogRing,
    /// Takes `[log]` and `[decisions]`.
    pub log: LogHandle,
    /// The sections that stay until a restart, as they were at the start.
    pub fixed: String,
    /// What is in force.
    pub in_force: Arc<Mutex<InForce>>,
    /// Takes `[dns_lists]`.
    pub dns_lists: KeeperHandle,
}

impl Reloader {
    /// Works until nobody can ask any more.
    pub async fn run(self, mut requests: mpsc::Receiver<Request>) {
        while let Some(reply) = requests.recv().await {
            let (result, old) = self.reload().await;
            // Who asked may have gone; signals do not wait at all.
            let _ = reply.send(result);
            if let Some(old) = old {
                retire(old).await;
            }
        }
    }

    async fn reload(&self) -> (Result<u64, Vec<Fault>>, Option<Arc<Policy>>) {
        let (config, generation) = (self.config.clone(), self.engine.policy().generation() + 1);
        // Millions of list entries take seconds: the administrator and Prometheus are served meanwhile.
        let loaded = spawn_blocking(move || load(config.as_deref(), generation)).await;
        match loaded {
            Ok(Ok(loaded)) => (Ok(generation), Some(self.put_in_force(loaded))),
            Ok(Err(faults)) => {
                self.refuse(&faults);
                (Err(faults), None)
            }
            Err(panic) => {
                let fault =
                    Fault { file: String::new(), line: 0, text: format!("building the policy failed: {panic}") };
                self.refuse(std::slice::from_ref(&fault));
                (Err(vec![fault]), None)
            }
        }
    }

    fn put_in_force(&self, loaded: Loaded) -> Arc<Policy> {
        let now = self.clock.now();
        let mut words = vec![("result", "ok".to_owned()), ("generation", loaded.policy.generation().to_string())];
        if fixed(&loaded) != self.fixed {
            words.push(("restart_needed", "[server] or [dns] has changed".to_owned()));
        }
        let warnings = loaded.policy.warnings();
        meters::policy_loaded(loaded.policy.generation(), now);
        let old = self.engine.swap(loaded.policy);
        self.log.set(loaded.log, loaded.decisions);
        self.dns_lists.set(loaded.dns_lists);
        *self.lock() = InForce { document: Arc::new(loaded.document), loaded_at: now.unix_seconds(), error: None };
        self.ring.notice(now, "reload", words);
        for warning in warnings.into_iter().take(FAULTS_LOGGED_MAX) {
            self.ring.notice(now, "warning", vec![("warning", warning)]);
        }
        old
    }

    fn refuse(&self, faults: &[Fault]) {
        let now = self.clock.now();
        meters::reload_failed();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        self.ring.notice(now, "reload", vec![("result", "failed".to_owned()), ("faults", lines.len().to_string())]);
        for line in lines.iter().take(FAULTS_LOGGED_MAX) {
            self.ring.notice(now, "fault", vec![("fault", line.clone())]);
        }
        self.lock().error = Some(lines.join("\n"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What only a restart changes, in a form that can be compared.
pub fn fixed(loaded: &Loaded) -> String {
    format!("{:?} {:?}", loaded.server, loaded.dns)
}

/// Frees a policy here rather than on a core: waits until the decisions that began with it have ended.
async fn retire(old: Arc<Policy>) {
    for _ in 0..RETIRE_LOOKS_MAX {
        if Arc::strong_count(&old) == 1 {
            break;
        }
        sleep(RETIRE_LOOK).await;
    }
    // A panic in a destructor has been reported by the panic hook.
    let _ = spawn_blocking(move || drop(old)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_once_and_in_order() {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("tollgate.toml");
        std::fs::write(
            &path,
            "[dns]\nattempts = 0\n[log]\nformat = 'xml'\n[server]\ncores = -1\nsokket = 'x'\n[nonsense]\n",
        )
        .expect("writes");
        let Err(faults) = load(Some(&path), 1) else { panic!("has faults") };
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 4, 6, 7, 8], "{faults:?}");
    }

    #[test]
    fn no_file_is_a_working_default() {
        assert!(load(None, 1).is_ok_and(|loaded| loaded.policy.generation() == 1));
    }
}
