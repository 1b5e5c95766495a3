//! Which threads and tasks are there? All of them are started here, and ended in the right order.
//!
//! | thread | runs |
//! |---|---|
//! | `acceptor` | owns the listeners, hands each connection to the core with fewest |
//! | `core-N` | a current-thread runtime that answers calls |
//! | `io` | the runtime of the resolver's sockets |
//! | `log` | escapes and writes what the cores left in the ring |
//! | `main` | control: signals, reloads, the administrator, `/metrics` |

mod acceptor;
mod control;
mod core;
mod group;
mod listen;
pub mod meters;
mod settings;
mod tls;

pub use settings::{FIELDS, SECTION, Settings};

use crate::{
    ask::dns,
    clock::Clock,
    config::Fault,
    decision_log::LogRing,
    pipeline::{Engine, KillSwitch},
    reload::{self, Loaded},
    rpc,
    session::StateKey,
    state::{Sled, Switches, key},
};
use acceptor::{Acceptor, CoreQueue};
use std::{
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

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

/// Starts everything, serves until a signal ends it, and drains. `config` = `None`: the embedded defaults.
pub fn run(config: Option<PathBuf>) -> Result<(), Failed> {
    let clock = Clock::system();
    let metrics = meters::install(clock.now())?;
    raise_file_limit();
    let loaded = reload::load(config.as_deref(), 1).map_err(Failed::Configuration)?;
    let Loaded { document, policy, server, log: log_settings, dns } = loaded;
    let state = open_state(&server)?;
    let switch = Arc::new(KillSwitch::default());
    let now = clock.now();
    if let Some(thrown) = state.thrown(now.unix_seconds()).map_err(|error| error.to_string())? {
        switch.restore(thrown);
    }
    let key = StateKey::new(&key::read_or_make(&server.key_file)?)?;
    let (resolver, lookups) = dns::Resolver::new(&dns, clock.clone())?;
    let ring = LogRing::default();
    let engine = Arc::new(Engine::new(policy, Arc::new(resolver), clock.clone(), switch.clone(), key, ring.clone()));
    let _ = (&metrics, &document, log_settings);
    let unix = listen::unix(&server.socket)?;
    let tcp = server.tcp.as_ref().map(|tcp| listen::tcp(tcp.address)).transpose()?;
    let io_thread = spawn_runtime("io", lookups.run())?;
    let (health, other) = other_services();
    let (cores, queues) = start_cores(&server, &engine, &other)?;
    let (stop, stopped) = UnixStream::pair().map_err(|error| error.to_string())?;
    let acceptor = start_acceptor(&server, &unix, tcp, queues, stopped)?;
    let _ = (io_thread, health);
    control::serve_until_told()?;
    drop(stop);
    for thread in [acceptor].into_iter().chain(cores) {
        let _ = thread.join();
    }
    state.flush().map_err(|error| error.to_string())?;
    Ok(())
}

fn open_state(server: &Settings) -> Result<Sled, Failed> {
    listen::folder(&server.state_folder, 0o700)?;
    let opened = Sled::open(&server.state_folder).map_err(|error| error.to_string())?;
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

fn start_acceptor(
    server: &Settings,
    unix: &listen::Listening,
    tcp: Option<TcpListener>,
    cores: Vec<CoreQueue>,
    stopped: UnixStream,
) -> Result<JoinHandle<()>, String> {
    let listener = unix.listener.try_clone().map_err(|error| error.to_string())?;
    let acceptor = Acceptor { unix: listener, tcp, cores, connections_max: server.connections_max };
    spawn("acceptor", move || acceptor.run(stopped))
}

/// What the policy socket serves besides the policy: health and reflection.
fn other_services() -> (HealthReporter, Routes) {
    let (reporter, health) = tonic_health::server::health_reporter();
    (reporter, Routes::new(health).prepare())
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
