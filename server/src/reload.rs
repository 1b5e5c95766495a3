//! How does the configuration come into force? Start and reload are one path: read, build, put in force. On any fault
//! the old policy stays, and every fault is named. A list that cannot be believed stays as it was, and the others change.
//!
//! `[policy]`, all checks with their lists, `[lists]`, `[dns_lists]`, `[log]` and `[decisions]` change with a reload;
//! `[server]`, `[dns]` and `[state]` with a restart. When files of lists change, only they are loaded again: half a
//! configuration that somebody is writing at that moment stays where it is.

use crate::{
    app::{self, meters},
    ask::dns,
    clock::{Clock, Now},
    config::{Document, Fault},
    decision_log::{self, LogHandle, LogRing},
    decisions,
    dns_lists::{self, keeper::KeeperHandle},
    files::{self, Files, Forced, LoadedFile},
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
    task::{JoinError, JoinSet, spawn_blocking},
    time::sleep,
};

/// Reloads that may be asked for while one is under way.
pub const REQUESTS_MAX: usize = 16;

/// Faults that are logged one by one; a reply has all of them.
const FAULTS_LOGGED_MAX: usize = 50;

/// Policies that are no longer in force, but not yet freed; with more, the next reload waits.
const RETIRING_MAX: usize = 8;

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
    load_after(config, generation, Files::default())
}

/// What the daemon starts with. `forced` = lists that hold all addresses or cover our own, too.
pub fn load_first(config: Option<&Path>, forced: bool) -> Result<Loaded, Vec<Fault>> {
    load_after(config, 1, Files::after(&[], forced))
}

/// The same, sharing what has not changed with the policy that `files` comes after.
fn load_after(config: Option<&Path>, generation: u64, mut files: Files) -> Result<Loaded, Vec<Fault>> {
    let document = Document::read(config)?;
    let faults = RefCell::new(Vec::new());
    let server = app::Settings::read(&document, &faults);
    let log = decision_log::Settings::read(&document, &faults);
    let decisions = decisions::Settings::read(&document, &faults);
    let dns = dns::Config::read(&document, &faults);
    let dns_lists = dns_lists::Settings::read(&document, &faults);
    let state = state::Settings::read(&document, &faults);
    let mut faults = faults.into_inner();
    // Who may not read it learns so only where it would have mattered.
    let unknown = Forced::read(&server.state_folder).map(|forced| files.remember(forced)).err();
    let policy = Policy::build_from(&document, generation, files);
    match policy {
        Ok(policy) if faults.is_empty() => {
            return Ok(Loaded { policy, document, server, log, decisions, dns, dns_lists, state });
        }
        Ok(_) => {}
        Err(more) => faults.extend(more.into_iter().chain(unknown.map(Fault::of_nothing))),
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
    /// Unix time in seconds at which the configuration was loaded.
    pub loaded_at: u64,
    /// Why the newest reload of the configuration failed; `None` = it did not.
    pub error: Option<String>,
    /// Why lists that have changed since cannot be put in force with it; `None` = they are.
    pub lists_error: Option<String>,
}

impl InForce {
    /// Whatever has failed and not been mended, a line each; empty = nothing.
    pub fn failed(&self) -> String {
        let lines: Vec<&str> = self.error.iter().chain(&self.lists_error).map(String::as_str).collect();
        lines.join("\n")
    }
}

/// What a reload came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Generation of the policy in force.
    pub generation: u64,
    /// Files of which the version before stays in force, and why, a line each.
    pub refused: Vec<String>,
}

/// Where the result of a reload goes.
pub type Reply = oneshot::Sender<Result<Reloaded, Vec<Fault>>>;

/// A wish for a reload.
#[derive(Debug)]
pub struct Request {
    /// Only the lists, because a file has changed; otherwise the configuration, too.
    pub only_lists: bool,
    /// Take lists that grew or shrank out of bounds, that hold all addresses or cover our own.
    pub forced: bool,
    /// Who wants to know.
    pub reply: Reply,
}

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
    /// Where lists that were taken by force are remembered.
    pub state_folder: PathBuf,
}

impl Reloader {
    /// Works until nobody can ask any more.
    pub async fn run(self, mut requests: mpsc::Receiver<Request>) {
        let mut retiring = JoinSet::new();
        while let Some(Request { only_lists, forced, reply }) = requests.recv().await {
            let (result, old) = if only_lists { self.lists(forced).await } else { self.everything(forced).await };
            // Who asked may have gone; signals do not wait at all.
            let _ = reply.send(result);
            if let Some(old) = old {
                retiring.spawn(retire(old));
            }
            while retiring.try_join_next().is_some() {}
            if retiring.len() >= RETIRING_MAX {
                retiring.join_next().await;
            }
        }
    }

    async fn everything(&self, forced: bool) -> Done {
        let config = self.config.clone();
        let (generation, files) = self.next(forced);
        let state = self.state_folder.clone();
        // Millions of list entries take seconds: the administrator and Prometheus are served meanwhile.
        let load = move || {
            let loaded = load_after(config.as_deref(), generation, files)?;
            keep_forced(&loaded.policy, &state).map(|()| loaded)
        };
        let loaded = spawn_blocking(load).await;
        match self.told(loaded, false) {
            Ok(loaded) => self.put_in_force(loaded),
            Err(faults) => (Err(faults), None),
        }
    }

    async fn lists(&self, forced: bool) -> Done {
        let document = self.lock().document.clone();
        let (generation, files) = self.next(forced);
        let state = self.state_folder.clone();
        let build = move || {
            let policy = Policy::build_from(&document, generation, files.only_lists())?;
            keep_forced(&policy, &state).map(|()| policy)
        };
        let policy = match self.told(spawn_blocking(build).await, true) {
            Ok(policy) => policy,
            Err(faults) => return (Err(faults), None),
        };
        self.lists_are_well();
        let before = self.engine.policy();
        if !has_news(before.files(), policy.files()) {
            // Somebody has touched a file, no more.
            return (Ok(Reloaded { generation: before.generation(), refused: refused(before.files()) }), None);
        }
        drop(before);
        self.swap(policy, self.clock.now(), Vec::new())
    }

    /// The next generation, and what it comes after.
    fn next(&self, forced: bool) -> (u64, Files) {
        let policy = self.engine.policy();
        (policy.generation() + 1, Files::after(policy.files(), forced))
    }

    /// Lists can be put in force again; what is wrong with the configuration, if anything, stays.
    fn lists_are_well(&self) {
        let mut in_force = self.lock();
        if in_force.lists_error.take().is_some() && in_force.error.is_none() {
            meters::reload_mended();
        }
    }

    /// Tells the log of what could not be built.
    fn told<T>(&self, built: Result<Result<T, Vec<Fault>>, JoinError>, only_lists: bool) -> Result<T, Vec<Fault>> {
        let built =
            built.unwrap_or_else(|panic| Err(vec![Fault::of_nothing(format!("building the policy failed: {panic}"))]));
        built.inspect_err(|faults| self.refuse(faults, only_lists))
    }

    fn put_in_force(&self, loaded: Loaded) -> Done {
        meters::configuration_loaded();
        let mut words = Vec::new();
        if fixed(&loaded) != self.fixed {
            words.push(("restart_needed", "[server], [dns] or [state] has changed".to_owned()));
        }
        let now = self.clock.now();
        self.log.set(loaded.log, loaded.decisions);
        self.dns_lists.set(loaded.dns_lists);
        let document = Arc::new(loaded.document);
        *self.lock() = InForce { document, loaded_at: now.unix_seconds(), error: None, lists_error: None };
        self.swap(loaded.policy, now, words)
    }

    fn swap(&self, policy: Policy, now: Now, more: Vec<(&'static str, String)>) -> Done {
        let generation = policy.generation();
        let mut words = vec![("result", "ok".to_owned()), ("generation", generation.to_string())];
        words.extend(more);
        let warnings = policy.warnings();
        meters::policy_in_force(generation, now);
        let old = self.engine.swap(policy);
        self.ring.notice(now, "reload", words);
        for warning in warnings.into_iter().take(FAULTS_LOGGED_MAX) {
            self.ring.notice(now, "warning", vec![("warning", warning)]);
        }
        let policy = self.engine.policy();
        self.tell_lists(&files::shown(old.files()), &files::shown(policy.files()), now);
        (Ok(Reloaded { generation, refused: refused(policy.files()) }), Some(old))
    }

    /// Says which lists have changed, and which have not although their files have.
    fn tell_lists(&self, before: &[LoadedFile], now: &[LoadedFile], at: Now) {
        for (file, was) in now.iter().map(|file| (file, counterpart(before, file))) {
            meters::list_in_force(file);
            if was.is_some_and(|was| !file.differs_from(was)) {
                continue;
            }
            let mut words = vec![("check", file.check.to_owned()), ("file", file.path.display().to_string())];
            words.push(("generation", file.generation.to_string()));
            words.push(("entries", file.entries.to_string()));
            words.push(("checksum", file.shown_checksum().to_owned()));
            words.extend(file.error.iter().map(|error| ("refused", error.clone())));
            self.ring.notice(at, "list", words);
        }
        // A file nobody names any more holds nothing.
        let gone = before.iter().filter(|file| counterpart(now, file).is_none());
        gone.for_each(meters::list_gone);
    }

    fn refuse(&self, faults: &[Fault], only_lists: bool) {
        let now = self.clock.now();
        meters::reload_failed();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        self.ring.notice(now, "reload", vec![("result", "failed".to_owned()), ("faults", lines.len().to_string())]);
        for line in lines.iter().take(FAULTS_LOGGED_MAX) {
            self.ring.notice(now, "fault", vec![("fault", line.clone())]);
        }
        let mut in_force = self.lock();
        let error = if only_lists { &mut in_force.lists_error } else { &mut in_force.error };
        *error = Some(lines.join("\n"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a reload came to, and the policy that is to be freed.
type Done = (Result<Reloaded, Vec<Fault>>, Option<Arc<Policy>>);

fn counterpart<'a>(files: &'a [LoadedFile], file: &LoadedFile) -> Option<&'a LoadedFile> {
    files.iter().find(|other| is_counterpart(other, file))
}

fn is_counterpart(one: &LoadedFile, other: &LoadedFile) -> bool {
    (one.check, one.form, &one.path) == (other.check, other.form, &other.path)
}

/// Is anything in these files another version, or refused since? The configuration is the same.
fn has_news(before: &[LoadedFile], now: &[LoadedFile]) -> bool {
    let is_same = |was: &LoadedFile, file: &LoadedFile| is_counterpart(was, file) && !file.differs_from(was);
    before.len() != now.len() || !before.iter().zip(now).all(|(was, file)| is_same(was, file))
}

fn refused(files: &[LoadedFile]) -> Vec<String> {
    let line = |file: &LoadedFile| {
        let error = file.error.as_ref()?;
        Some(format!("{error}; its {} entries stay in force", file.entries))
    };
    files.iter().filter_map(line).take(FAULTS_LOGGED_MAX).collect()
}

/// Remembers which lists of a policy were taken by force, before it is in force: otherwise the daemon would not start with
/// it the next time.
pub fn keep_forced(policy: &Policy, state_folder: &Path) -> Result<(), Vec<Fault>> {
    let kept = Forced::among(policy.files()).keep(state_folder);
    kept.map_err(|error| vec![Fault::of_nothing(format!("cannot be remembered, and is not taken: {error}"))])
}

/// What only a restart changes, in a form that can be compared.
pub fn fixed(loaded: &Loaded) -> String {
    format!("{:?} {:?} {:?}", loaded.server, loaded.dns, loaded.state)
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
