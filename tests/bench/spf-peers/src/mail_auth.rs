//! How fast is mail-auth, used as a library by one lasting process? `bench-spf` builds and runs this.
//!
//! `peer-mail-auth answers|records ADDRESS PORT QUERIES RESULTS cold|warm`: after the first, arguments, files and what is
//! printed are those of libspf2.c. With "answers" only its resolver keeps something, as by default; with "records" it is
//! given the caches of parsed records, too, that its users may bring. "cold" empties all of them before each evaluation.

#![allow(clippy::disallowed_methods, reason = "the clocks are what this program is about")]

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use mail_auth::{
    MX, MessageAuthenticator, Parameters, RecordSet, ResolverCache, SpfResult, Txt, spf::verify::SpfParameters,
};
use rustix::time::{ClockId, clock_gettime};
use std::{
    borrow::Borrow,
    cell::RefCell,
    collections::HashMap,
    env,
    error::Error,
    fs,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Instant,
};

/// Warm passes are repeated until so much time has gone by.
const WARM_NS: u128 = 500_000_000;
/// Answers the resolver keeps: more than there are.
const CACHE_ANSWERS: u64 = 100_000;
/// The receiving host.
const HOST: &str = "mx.ours.example";

type Failed = Box<dyn Error>;

/// What a mail server knows.
struct Query {
    ip: IpAddr,
    helo: String,
    sender: String,
}

/// What it took.
#[derive(Default)]
struct Times {
    evaluations: usize,
    wall: u128,
    cpu: u128,
}

/// A cache of parsed records, as mail-auth wants it: one thread, no bound.
struct Kept<K, V>(RefCell<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Eq + Hash, V: Clone> ResolverCache<K, V> for Kept<K, V> {
    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let kept = self.0.borrow();
        kept.get(key).filter(|(_, valid_until)| *valid_until > Instant::now()).map(|(value, _)| value.clone())
    }

    fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.borrow_mut().remove(key).map(|(value, _)| value)
    }

    fn insert(&self, key: K, value: V, valid_until: Instant) {
        self.0.borrow_mut().insert(key, (value, valid_until));
    }
}

/// All of them.
#[derive(Default)]
struct Caches {
    txt: Kept<Box<str>, Txt>,
    mx: Kept<Box<str>, RecordSet<MX>>,
    v4: Kept<Box<str>, RecordSet<Ipv4Addr>>,
    v6: Kept<Box<str>, RecordSet<Ipv6Addr>>,
    ptr: Kept<IpAddr, RecordSet<Box<str>>>,
}

async fn evaluate(peer: &MessageAuthenticator, query: &Query, caches: Option<&Caches>) -> SpfResult {
    let identity = SpfParameters::verify_mail_from(query.ip, &query.helo, HOST, &query.sender);
    let Some(caches) = caches else { return peer.verify_spf(Parameters::new(identity)).await.result() };
    let cached = Parameters::new(identity)
        .with_txt_cache(&caches.txt)
        .with_mx_cache(&caches.mx)
        .with_ipv4_cache(&caches.v4)
        .with_ipv6_cache(&caches.v6)
        .with_ptr_cache(&caches.ptr);
    peer.verify_spf(cached).await.result()
}

async fn pass(
    peer: &MessageAuthenticator,
    queries: &[Query],
    caches: Option<&Caches>,
    times: &mut Times,
) -> Vec<SpfResult> {
    let (wall, cpu) = (Instant::now(), processor_time());
    let mut results = Vec::with_capacity(queries.len());
    for query in queries {
        results.push(evaluate(peer, query, caches).await);
    }
    times.evaluations += queries.len();
    times.wall += wall.elapsed().as_nanos();
    times.cpu += processor_time() - cpu;
    results
}

async fn cold(peer: &MessageAuthenticator, queries: &[Query], records: bool) -> Vec<SpfResult> {
    let (mut times, mut results) = (Times::default(), Vec::new());
    for query in queries {
        peer.resolver().clear_cache();
        let caches = records.then(Caches::default);
        results.extend(pass(peer, std::slice::from_ref(query), caches.as_ref(), &mut times).await);
    }
    print("cold", &times);
    results
}

async fn warm(peer: &MessageAuthenticator, queries: &[Query], records: bool) -> Vec<SpfResult> {
    let (caches, mut first, mut times) = (records.then(Caches::default), Times::default(), Times::default());
    let mut results = pass(peer, queries, caches.as_ref(), &mut first).await;
    print("first", &first);
    while times.wall < WARM_NS {
        results = pass(peer, queries, caches.as_ref(), &mut times).await;
    }
    print("warm", &times);
    results
}

fn print(kind: &str, times: &Times) {
    println!("{kind} {} {} {}", times.evaluations, times.wall, times.cpu);
}

/// Nanoseconds this process has run.
fn processor_time() -> u128 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u128 * 1_000_000_000 + time.tv_nsec as u128
}

fn resolver(address: IpAddr, port: u16) -> Result<MessageAuthenticator, Failed> {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = port;
    }
    let servers = vec![NameServerConfig::new(address, true, connections)];
    let mut options = ResolverOpts::default();
    options.cache_size = CACHE_ANSWERS;
    options.use_hosts_file = ResolveHosts::Never;
    Ok(MessageAuthenticator::new(ResolverConfig::from_name_servers(servers), options)?)
}

fn read(path: &str) -> Result<Vec<Query>, Failed> {
    let text = fs::read_to_string(path)?;
    let query = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut field = || fields.next().ok_or("a query has three fields");
        Ok(Query { ip: field()?.parse()?, helo: field()?, sender: field()? })
    };
    text.lines().map(query).collect()
}

fn main() -> Result<(), Failed> {
    let args: Vec<String> = env::args().collect();
    let [_, kept, address, port, queries, results, mode] = args.as_slice() else {
        return Err("usage: peer-mail-auth answers|records ADDRESS PORT QUERIES RESULTS cold|warm".into());
    };
    let queries = read(queries)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let peer = resolver(address.parse()?, port.parse()?)?;
        let records = kept == "records";
        Ok::<_, Failed>(match mode.as_str() {
            "cold" => cold(&peer, &queries, records).await,
            _ => warm(&peer, &queries, records).await,
        })
    })?;
    let words: Vec<String> = found.iter().map(|result| format!("{result}\n").to_lowercase()).collect();
    fs::write(results, words.concat())?;
    Ok(())
}
