//! How fast is our own evaluator? Asked as the peers are: a program with their arguments that prints and writes what they do.
//!
//! One thread, as the I/O thread of the daemon: evaluations and the resolver's look-ups run side by side. "cold" keeps no
//! answer of the DNS beyond the moment; "first" and "warm" evaluate over the cache of DNS answers. Only "kept" reads
//! results at hand, as a session does whose question was asked before.

use super::Failed;
use rustix::time::{ClockId, clock_gettime};
use std::{env, ffi::OsString, fs, net::IpAddr, net::SocketAddr, slice, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tollgate::{
    ask::{
        Answer, Ask, Asker, Question, Resolver, SpfAnswers, SpfQuestion, SpfRole, SpfTerms, dns,
        spf::{Query, SpfResult},
        spf_answers::{Bounds, OverAsk},
    },
    clock::Clock,
};
use tollgate_tests::wait;

/// The first argument that makes this program a peer.
pub(crate) const NAME: &str = "tollgate";
/// Passes that fill nothing are repeated until so much time has gone by, as with the peers.
const REPEATED: Duration = Duration::from_millis(500);
/// All answers live so long, but in "cold".
const HOUR: Duration = Duration::from_secs(3_600);
/// Answers and results kept: more than there are.
const ENTRIES: usize = 200_000;
const OCTETS: usize = 256 << 20;

/// How this program is started as a peer.
pub(crate) fn command() -> Result<Vec<OsString>, Failed> {
    Ok(vec![env::current_exe()?.into(), NAME.into()])
}

/// Is one, with the arguments after the first.
pub(crate) fn run(args: &[String]) -> Result<(), Failed> {
    let [address, port, queries, results, mode] = args else {
        return Err("usage: bench-spf tollgate ADDRESS PORT QUERIES RESULTS cold|warm".into());
    };
    let server = SocketAddr::new(address.parse()?, port.parse()?);
    let text = fs::read_to_string(queries)?;
    let clients = text.lines().map(Client::read).collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        match mode.as_str() {
            "cold" => Ours::start(server, Duration::ZERO)?.cold(&clients).await,
            _ => Ours::start(server, HOUR)?.warm(&clients).await,
        }
    })?;
    let words: Vec<String> = found.iter().map(|result| format!("{result}\n")).collect();
    Ok(fs::write(results, words.concat())?)
}

/// What a mail server knows.
struct Client<'a> {
    ip: IpAddr,
    helo: &'a str,
    sender: &'a str,
}

impl<'a> Client<'a> {
    fn read(line: &'a str) -> Result<Self, Failed> {
        let [ip, helo, sender] = line.split('\t').collect::<Vec<_>>()[..] else { return Err("no query".into()) };
        Ok(Self { ip: ip.parse()?, helo, sender })
    }

    fn query(&self) -> Query {
        Query::mail_from(self.ip, self.sender.as_bytes(), self.helo.as_bytes())
    }
}

/// What it took.
#[derive(Default)]
struct Times {
    evaluations: usize,
    wall: Duration,
    cpu: Duration,
}

impl Times {
    fn add(&mut self, other: &Self) {
        self.evaluations += other.evaluations;
        self.wall += other.wall;
        self.cpu += other.cpu;
    }

    fn print(&self, kind: &str) {
        println!("{kind} {} {} {}", self.evaluations, self.wall.as_nanos(), self.cpu.as_nanos());
    }
}

/// An evaluator with its resolver.
struct Ours {
    resolver: Resolver,
    terms: Arc<SpfTerms>,
    tasks: JoinSet<()>,
}

impl Ours {
    /// Answers of the DNS are kept for `lifetime`.
    fn start(server: SocketAddr, lifetime: Duration) -> Result<Self, Failed> {
        let bounds = (lifetime, lifetime);
        let config = dns::Config {
            servers: vec![server],
            cache_entries: ENTRIES,
            cache_octets: OCTETS,
            lifetimes: dns::Lifetimes { found: bounds, not_found: bounds, failed: lifetime },
            stale_max: Duration::ZERO,
            ..dns::Config::default()
        };
        let (resolver, lookups) = Resolver::new(&config, Clock::system())?;
        let mut tasks = JoinSet::new();
        tasks.spawn(lookups.run());
        Ok(Self { resolver, terms: Arc::default(), tasks })
    }

    async fn cold(&self, clients: &[Client<'_>]) -> Result<Vec<SpfResult>, Failed> {
        let (mut sum, mut results) = (Times::default(), Vec::new());
        for client in clients {
            let (result, times) = self.evaluate(slice::from_ref(client)).await;
            results.extend(result);
            sum.add(&times);
        }
        sum.print("cold");
        Ok(results)
    }

    async fn warm(&mut self, clients: &[Client<'_>]) -> Result<Vec<SpfResult>, Failed> {
        let (mut results, first) = self.evaluate(clients).await;
        first.print("first");
        let mut sum = Times::default();
        while sum.wall < REPEATED {
            let times;
            (results, times) = self.evaluate(clients).await;
            sum.add(&times);
        }
        sum.print("warm");
        if self.kept(clients).await? == results { Ok(results) } else { Err("results that were kept differ".into()) }
    }

    /// One pass of evaluations.
    async fn evaluate(&self, clients: &[Client<'_>]) -> (Vec<SpfResult>, Times) {
        let dns = OverAsk::new(&self.resolver, Asker::default());
        let (wall, cpu) = (wait::now(), processor_time());
        let mut results = Vec::with_capacity(clients.len());
        for client in clients {
            results.push(self.terms.evaluate(&dns, &client.query(), false).await.result);
        }
        (results, Times { evaluations: clients.len(), wall: wall.elapsed(), cpu: processor_time() - cpu })
    }

    /// Has everything evaluated once, and then reads what was kept.
    async fn kept(&mut self, clients: &[Client<'_>]) -> Result<Vec<SpfResult>, Failed> {
        let bounds = Bounds { results: ENTRIES, octets: OCTETS, session: 0 };
        let (answers, evaluations) = SpfAnswers::new(self.resolver.clone(), bounds, Clock::system());
        self.tasks.spawn(evaluations.run());
        for client in clients {
            answers.ask(self.question(client), Asker::default()).await?;
        }
        let (mut sum, mut results) = (Times::default(), Vec::new());
        while sum.wall < REPEATED {
            let (wall, cpu) = (wait::now(), processor_time());
            results = clients.iter().filter_map(|client| at_hand(&answers, &self.question(client))).collect();
            sum.add(&Times { evaluations: clients.len(), wall: wall.elapsed(), cpu: processor_time() - cpu });
        }
        sum.print("kept");
        Ok(results)
    }

    fn question(&self, client: &Client<'_>) -> Question {
        Question::Spf(Arc::new(SpfQuestion { role: SpfRole::Sender, query: client.query(), terms: self.terms.clone() }))
    }
}

fn at_hand(answers: &SpfAnswers, question: &Question) -> Option<SpfResult> {
    match answers.cached(question)?.answer {
        Answer::Spf(evaluation) => Some(evaluation.result),
        _ => None,
    }
}

/// How long this process has run.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
