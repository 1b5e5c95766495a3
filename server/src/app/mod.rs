//! Which threads and tasks are there? All of them are started here, and ended in the right order.
//!
//! | thread | runs |
//! |---|---|
//! | `acceptor` | owns the listeners, hands each connection to the core with fewest |
//! | `core-N` | a current-thread runtime that answers calls |
//! | `io` | the runtime of the resolver's sockets and of SPF evaluations |
//! | `log` | escapes and writes what the cores left in the ring |
//! | `recall`, `remember` | read from the store what is not in memory, and write behind |
//! | `exceptions` | reads exceptions from the store, and writes their hits |
//! | `mailbox-N` | ask the file system whether a recipient exists: homes may hang |
//! | `main` | control: signals, reloads, the administrator, `/metrics`, the keeper of DNS lists |

mod acceptor;
mod announce;
mod control;
mod core;
mod group;
mod last_words;
mod listen;
mod memory;
pub mod meters;
mod running;
mod services;
mod settings;
mod tls;

pub use running::Running;
pub use settings::{FIELDS, SECTION, Settings, Socket, Tcp};

use crate::{
    ask::{Ask, MailboxAnswers, SpfAnswers, dns},
    clock::{Clock, Now},
    config::Fault,
    decision_log::{LogHandle, LogRing, Writer},
    decisions,
    dns_lists::{
        self, DnsLists,
        keeper::{self, Keeper, KeeperHandle},
    },
    exceptions, files,
    pipeline::{Engine, KillSwitch, Policy},
    recall::Recall,
    reload::{self, InForce, Loaded, REQUESTS_MAX, Reloader},
    rpc,
    session::StateKey,
    shutdown::Signals,
    state::{Sled, Switches, key},
};
use acceptor::{Acceptor, CoreQueue};
use control::Control;
use listen::SocketFile;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicUsize},
    thread::{self, JoinHandle},
};
use tokio::sync::mpsc;
use tonic::service::Routes;

/// Why the daemon does not run.
#[derive(Debug)]
pub enum Failed {
    /// The configuration has faults.
    Configuration(Vec<Fault>),
    /// Something on this host is in the way: one line.
    Start(String),
}

impl From<String> for Failed {
    fn from(line: String) -> Self {
        Self::Start(line)
    }
}

/// Starts everything, serves until a signal ends it, and drains. `config` = `None`: the embedded defaults; `forced` = lists
/// that hold all addresses or cover our own are taken, and that is remembered.
pub fn run(config: Option<PathBuf>, forced: bool) -> Result<(), Failed> {
    let clock = Clock::system();
    let now = clock.now();
    let metrics = meters::install(now)?;
    raise_file_limit();
    let loaded = reload::load_first(config.as_deref(), forced).map_err(Failed::Configuration)?;
    let control = control::runtime()?;
    let signals = control.block_on(async { Signals::catch() })?;
    let ring = LogRing::default();
    let state = Arc::new(open_state(&loaded.server, &ring, now)?);
    reload::keep_forced(&loaded.policy, &loaded.server.state_folder).map_err(Failed::Configuration)?;
    let sockets = Sockets::bind(&loaded.server)?;
    let decisions = (loaded.server.state_folder.join(decisions::FOLDER), loaded.decisions.clone());
    let (writer, log) = Writer::new(ring.clone(), loaded.log.clone(), decisions, clock.clone())?;
    let log_thread = spawn("log", move || writer.run())?;
    let start = Start { config, clock, now, metrics, ring, log: log.clone(), state: state.clone() };
    let ended = start.serve(loaded, sockets, signals, &control);
    // A second signal does not wait for what may still be running.
    control.shutdown_background();
    log.stop();
    // A panic there has been reported by the panic hook.
    let _ = log_thread.join();
    state.flush().map_err(|error| error.to_string())?;
    ended.map_err(Failed::Start)
}

/// What is there before anything is served.
struct Start {
    config: Option<PathBuf>,
    clock: Clock,
    now: Now,
    metrics: PrometheusHandle,
    ring: LogRing,
    log: LogHandle,
    state: Arc<Sled>,
}

impl Start {
    fn serve(
        self,
        loaded: Loaded,
        sockets: Sockets,
        signals: Signals,
        control: &tokio::runtime::Runtime,
    ) -> Result<(), String> {
        let fixed = reload::fixed(&loaded);
        let Loaded { document, policy, server, dns, dns_lists, state: remembering, .. } = loaded;
        let switch = self.switch()?;
        let recall = Arc::new(memory::at_hand(&remembering, &self.clock));
        let (engine, io_thread) = self.engine(policy, &dns, switch.clone(), (&server, recall))?;
        let (keeper, dns_lists) = self.keeper(&engine, &dns, dns_lists)?;
        let keepers = memory::Keepers::start(&remembering, &engine, &self)?;
        let (health, other) = services::other()?;
        let (cores, queues) = start_cores(&server, &engine, &other)?;
        let connections = queues.iter().map(|core| core.load.clone()).collect();
        let listening = announce::listening(&server, sockets.tcp_address(), sockets.metrics_address());
        let announced = announce::lines(self.config.as_deref(), &server, &listening);
        let (stop, acceptor) = start_acceptor(&server, (sockets.unix, sockets.tcp), queues)?;
        let (reloads, requests) = mpsc::channel(REQUESTS_MAX);
        let document = Arc::new(document);
        let in_force = InForce { document, loaded_at: self.now.unix_seconds(), error: None, lists_error: None };
        let in_force = Arc::new(Mutex::new(in_force));
        let reloader = Reloader {
            config: self.config.clone(),
            engine: engine.clone(),
            clock: self.clock.clone(),
            ring: self.ring.clone(),
            log: self.log.clone(),
            fixed,
            in_force: in_force.clone(),
            dns_lists: dns_lists.clone(),
            state_folder: server.state_folder.clone(),
        };
        let parts = Parts {
            engine,
            switch,
            reloads,
            in_force,
            listening,
            connections,
            dns_lists: dns_lists.clone(),
            exceptions: keepers.exception_store.clone(),
        };
        let running = Arc::new(self.running(parts));
        let control_thread = Control {
            running,
            signals,
            admin: sockets.admin,
            metrics: sockets.metrics,
            reloader,
            requests,
            keeper,
            failures: server.failures.clone(),
            health,
            drain: server.drain,
            stop,
            threads: [acceptor].into_iter().chain(cores).collect(),
        };
        // Nobody may be reading standard error.
        let _ = io::stderr().write_all(announced.as_bytes());
        let ended = control.block_on(control_thread.run());
        keepers.stop();
        dns_lists.flush().map_err(|error| error.to_string())?;
        // The look-ups end when nobody can ask any more: that is, with the process.
        drop((io_thread, sockets.files));
        ended
    }

    fn switch(&self) -> Result<Arc<KillSwitch>, String> {
        let switch = KillSwitch::default();
        if let Some(thrown) = self.state.thrown(self.now.unix_seconds()).map_err(|error| error.to_string())? {
            switch.restore(thrown);
        }
        Ok(Arc::new(switch))
    }

    fn engine(
        &self,
        policy: Policy,
        dns: &dns::Config,
        switch: Arc<KillSwitch>,
        (server, recall): (&Settings, Arc<Recall>),
    ) -> Result<(Arc<Engine>, JoinHandle<()>), String> {
        let key = StateKey::new(&key::read_or_make(&server.key_file)?)?;
        let lists = Arc::new(DnsLists::default());
        let (resolver, lookups) = dns::Resolver::with_lists(dns, self.clock.clone(), lists.clone())?;
        let (answers, evaluations) = SpfAnswers::new(resolver, dns.spf, self.clock.clone());
        let io_thread = spawn_runtime("io", async { _ = tokio::join!(lookups.run(), evaluations.run()) })?;
        let answers = self.with_mailboxes(Arc::new(answers))?;
        meters::configuration_loaded();
        meters::policy_in_force(policy.generation(), self.now);
        let words = vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("config", self.config.as_deref().map(|path| path.display().to_string()).unwrap_or_default()),
            ("generation", policy.generation().to_string()),
        ];
        self.ring.notice(self.now, "start", words);
        files::shown(policy.files()).iter().for_each(meters::list_in_force);
        for (file, error) in files::shown(policy.files()).iter().filter_map(|file| Some((file, file.error.as_ref()?))) {
            let words = vec![("check", file.check.to_owned()), ("file", file.path.display().to_string())];
            self.ring.notice(self.now, "list", words.into_iter().chain([("refused", error.clone())]).collect());
        }
        for warning in policy.warnings() {
            self.ring.notice(self.now, "warning", vec![("warning", warning)]);
        }
        let (clock, ring) = (self.clock.clone(), self.ring.clone());
        let engine = Engine::new(policy, answers, clock, switch, key, ring);
        Ok((Arc::new(engine.watching(lists).remembering(recall)), io_thread))
    }

    /// Threads that may hang on somebody's home: they end with the process.
    fn with_mailboxes(&self, others: Arc<dyn Ask>) -> Result<Arc<dyn Ask>, String> {
        let (answers, workers) = MailboxAnswers::new(others, self.clock.clone());
        for (number, worker) in workers.into_iter().enumerate() {
            spawn(&format!("mailbox-{number}"), move || worker.run())?;
        }
        Ok(Arc::new(answers))
    }

    fn keeper(
        &self,
        engine: &Engine,
        dns: &dns::Config,
        settings: dns_lists::Settings,
    ) -> Result<(Keeper, KeeperHandle), String> {
        // Logs and metrics call it so; the configuration has no word for it.
        let name = |name: String| if name.is_empty() { "default".to_owned() } else { name };
        let resolvers = dns.upstreams().into_iter().map(|(known_as, upstream)| (name(known_as), upstream));
        let parts = keeper::Parts {
            lists: engine.lists().clone(),
            ask: engine.asks(),
            store: self.state.clone(),
            clock: self.clock.clone(),
            ring: self.ring.clone(),
            resolvers: resolvers.collect(),
            settings,
        };
        Keeper::new(parts).map_err(|error| error.to_string())
    }

    fn running(self, parts: Parts) -> Running {
        Running {
            engine: parts.engine,
            switch: parts.switch,
            switches: self.state,
            exceptions: parts.exceptions,
            clock: self.clock,
            log: self.log,
            ring: self.ring,
            reloads: parts.reloads,
            in_force: parts.in_force,
            started_at: self.now.unix_seconds(),
            started_at_ms: self.now.unix_millis(),
            listening: parts.listening,
            metrics: self.metrics,
            connections: parts.connections,
            dns_lists: parts.dns_lists,
            ready: false.into(),
        }
    }
}

/// What [`Start::serve`] has made for [`Running`].
struct Parts {
    engine: Arc<Engine>,
    switch: Arc<KillSwitch>,
    reloads: mpsc::Sender<reload::Request>,
    in_force: Arc<Mutex<InForce>>,
    listening: Vec<String>,
    connections: Vec<Arc<AtomicUsize>>,
    dns_lists: KeeperHandle,
    exceptions: Arc<dyn exceptions::keeper::Store>,
}

/// Everything that listens.
struct Sockets {
    unix: UnixListener,
    tcp: Option<TcpListener>,
    admin: UnixListener,
    metrics: Option<TcpListener>,
    /// Held until the end; the listeners close as soon as nobody takes from them any more.
    files: [SocketFile; 2],
}

impl Sockets {
    fn bind(server: &Settings) -> Result<Self, String> {
        let (unix, unix_file) = listen::unix(&server.socket)?;
        let (admin, admin_file) = listen::unix(&server.admin)?;
        Ok(Self {
            unix,
            tcp: server.tcp.as_ref().map(|tcp| listen::tcp(tcp.address)).transpose()?,
            admin,
            metrics: server.metrics.map(listen::tcp).transpose()?,
            files: [unix_file, admin_file],
        })
    }

    /// With the port the system chose, if it was to choose one.
    fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref()?.local_addr().ok()
    }

    fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }
}

fn open_state(server: &Settings, ring: &LogRing, now: Now) -> Result<Sled, String> {
    // Mail servers must reach the failure file in a system's folder; everything secret in it has a mode of its own.
    let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    listen::folder(&server.state_folder, mode)?;
    let opened = Sled::open(&server.state_folder).map_err(|error| error.to_string())?;
    if let Some(aside) = opened.set_aside {
        meters::store_damaged();
        ring.notice(now, "store_damaged", vec![("kept_as", aside.display().to_string())]);
    }
    let path = &server.failures.path;
    server.failures.make().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(opened.store)
}

fn start_cores(
    server: &Settings,
    engine: &Arc<Engine>,
    other: &Routes,
) -> Result<(Vec<JoinHandle<()>>, Vec<CoreQueue>), String> {
    let (mut threads, mut queues) = (Vec::new(), Vec::new());
    for number in 0..server.cores {
        let core = core::Core {
            policy: rpc::Gate::service(engine.clone()),
            other: other.clone(),
            calls: Arc::default(),
            calls_max: server.calls_max.div_ceil(server.cores),
            tls: server.tcp.as_ref().and_then(|tcp| tcp.tls.clone()),
            drain: server.drain,
        };
        let (queue, incoming) = mpsc::channel(acceptor::HAND_OVER_MAX);
        threads.push(spawn_runtime(&format!("core-{number}"), core.run(incoming))?);
        queues.push(CoreQueue { queue, load: Arc::default() });
    }
    Ok((threads, queues))
}

/// The stream whose end stops it, and the thread.
fn start_acceptor(
    server: &Settings,
    (unix, tcp): (UnixListener, Option<TcpListener>),
    cores: Vec<CoreQueue>,
) -> Result<(UnixStream, JoinHandle<()>), String> {
    let say = |error: io::Error| format!("cannot start the acceptor: {error}");
    let (stop, stopped) = UnixStream::pair().map_err(say)?;
    let acceptor = Acceptor { unix, tcp, cores, connections_max: server.connections_max };
    Ok((stop, spawn("acceptor", move || acceptor.run(stopped))?))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, String> {
    let named = thread::Builder::new().name(name.to_owned());
    named.spawn(body).map_err(|error| format!("cannot start the thread {name}: {error}"))
}

/// Starts a thread with a runtime of its own, made before the thread so that the caller hears of a failure.
fn spawn_runtime(name: &str, future: impl Future<Output = ()> + Send + 'static) -> Result<JoinHandle<()>, String> {
    let runtime = control::runtime()?;
    spawn(name, move || runtime.block_on(future))
}

/// Every connection and every look-up holds a descriptor: as many as the system lets us have.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Refused: the old limit stays, and the acceptor counts what it cannot take.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
