//! Do we evaluate as the suite of openspf.org for RFC 7208 says? Over its zones in memory, and over a DNS server that others
//! wrote: unbound, asked by our resolver.
//!
//! The suite is not part of this repository: TOLLGATE_SPF_SUITE names it, else it lies beside the repository in `shared`,
//! else `tests/run` has fetched it into `target`.

#![allow(clippy::expect_used, reason = "what these helpers cannot have, no test can go on without")]

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    net::{SocketAddr, TcpStream, UdpSocket},
    path::PathBuf,
    process::Command,
    sync::Mutex,
};
use tollgate::{
    ask::{
        Asker, Resolver, dns,
        spf::{
            Data, Dns, Evaluation, Kind, Looked, Said, SpfResult,
            lint::{Level, lint},
            suite::{self, Case, Scenario},
            zone::{Entry, Zone},
        },
        spf_answers::OverAsk,
    },
    clock::Clock,
    config::Document,
};
use tollgate_tests::{ports, process::Process, program, scratch::Scratch, skip, wait};

/// Cases of the suite, as pyspf 2.0.14 brings it.
const CASES: usize = 203;
/// Of these, the cases that no DNS server can serve: two equal records of one name.
const LEFT_OUT: [&str; 1] = [TWICE];
const TWICE: &str = "a record stands twice, but the DNS has sets (RFC 2181 5)";
/// Octets of a string of a TXT record (RFC 1035 §3.3.14).
const STRING_OCTETS_MAX: usize = 255;

/// The suite, if it is there. What is named explicitly must be.
fn suite() -> Option<Vec<Scenario>> {
    let root = program::root();
    let kept = ["../shared/spf/rfc7208-tests.yml", "target/spf/rfc7208-tests.yml"].map(|path| root.join(path));
    let named = env::var_os("TOLLGATE_SPF_SUITE").map(PathBuf::from);
    let path = named.or_else(|| kept.into_iter().find(|path| path.exists()));
    let Some(path) = path else {
        skip::say("the suite of RFC 7208", "there is no rfc7208-tests.yml: tests/run fetches it");
        return None;
    };
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenarios = suite::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(scenarios.iter().map(|scenario| scenario.cases.len()).sum::<usize>(), CASES, "{}", path.display());
    Some(scenarios)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn every_case_comes_out_right_over_its_zone_in_memory() {
    let Some(scenarios) = suite() else { return };
    let mut wrong = Vec::new();
    runtime().block_on(async {
        for scenario in &scenarios {
            for case in &scenario.cases {
                if let Err(why) = case.judge(&case.run(&scenario.zone).await) {
                    wrong.push(format!("{}: {}: {why}", scenario.description, case.name));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{} of {CASES}\n{}", CASES - wrong.len(), wrong.join("\n"));
}

/// Where a receiver gives up, the owner is told why: `tollgate spf lint`.
#[test]
fn every_record_that_is_a_permerror_has_an_error_for_its_owner() {
    let Some(scenarios) = suite() else { return };
    let mut wrong = Vec::new();
    for scenario in &scenarios {
        for case in &scenario.cases {
            let evaluation = runtime().block_on(case.run(&scenario.zone));
            let query = case.query();
            let Some(domain) = query.domain().filter(|_| evaluation.result == SpfResult::PermError) else {
                continue;
            };
            let report = runtime().block_on(lint(&scenario.zone, &domain.into(), &[]));
            if report.count(Level::Error) == 0 {
                wrong.push(format!("{}: {}: {evaluation}: {report:?}", scenario.description, case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The zone in memory, and the names for which it was asked. The DNS knows no order: its answers are sorted, as our
/// resolver does.
struct Listening<'a>(&'a Zone, Mutex<Vec<String>>);

impl Dns for Listening<'_> {
    async fn look_up(&self, name: &str, kind: Kind) -> Looked {
        self.1.lock().expect("no thread has panicked").push(name.to_owned());
        let mut looked = self.0.look_up(name, kind).await;
        if let Said::Found(records) = &mut looked.said {
            records.sort();
        }
        looked
    }
}

/// A scenario's zone as files of unbound.
#[derive(Default)]
struct Served {
    /// The zone file of the root.
    zone: String,
    /// What stands beside it in the configuration: names that are silent, and what they say before.
    server: String,
    forwards: String,
    /// Names that no server can have, with the reason.
    left_out: BTreeMap<String, &'static str>,
}

impl Served {
    fn new(zone: &Zone, silent: SocketAddr) -> Self {
        let mut served =
            Self { zone: "$TTL 300\n. SOA ns. root. 1 600 300 86400 60\n. NS ns.\n".into(), ..Self::default() };
        let silence: Vec<&str> = zone.names().filter(|(_, entries)| is_silent(entries)).map(|(name, _)| name).collect();
        for name in &silence {
            // What has no data here goes to a server that never answers.
            let (owner, port) = (escaped(name), silent.port());
            let forward = format!("forward-zone:\n name: '{owner}'\n forward-addr: 127.0.0.1@{port}\n");
            served.forwards.push_str(&forward);
            let _infallible = writeln!(served.server, " local-zone: '{owner}' typetransparent");
        }
        for (name, entries) in zone.names() {
            let is_below = silence.iter().any(|above| name.strip_suffix(above).is_some_and(is_end_of_label));
            match why_not(name, entries) {
                Some(why) => _ = served.left_out.insert(name.to_owned(), why),
                None => served.add(name, entries, is_below),
            }
        }
        served
    }

    /// What stands behind the first silence is never heard. What is silent, or below such a name, is served before the
    /// question is sent on.
    fn add(&mut self, name: &str, entries: &[Entry], is_below: bool) {
        let owner = escaped(name);
        if is_below && !is_silent(entries) {
            let _infallible = writeln!(self.server, " local-zone: '{owner}' static");
        }
        for entry in entries {
            let line = match entry {
                Entry::Record(data) => format!("{owner} 300 {}", written(data)),
                Entry::Cname(to) => format!("{owner} 300 CNAME {}", escaped(to)),
                Entry::Silence => return,
            };
            let _infallible =
                if is_below { writeln!(self.server, " local-data: '{line}'") } else { writeln!(self.zone, "{line}") };
        }
    }

    fn start(&self, scratch: &Scratch) -> (Process, SocketAddr) {
        let port = ports::free();
        let zone = scratch.write("root.zone", &self.zone);
        let config = format!(
            "server:\n interface: 127.0.0.1\n port: {port}\n do-daemonize: no\n use-syslog: no\n chroot: \"\"\n \
             username: \"\"\n pidfile: \"\"\n num-threads: 1\n do-not-query-localhost: no\n do-ip6: no\n \
             module-config: \"iterator\"\n qname-minimisation: no\n unblock-lan-zones: yes\n{}\
             auth-zone:\n name: \".\"\n zonefile: \"{}\"\n for-downstream: no\n for-upstream: yes\n fallback-enabled: no\n{}",
            self.server,
            zone.display(),
            self.forwards
        );
        let config = scratch.write("unbound.conf", config);
        let mut command = Command::new("unbound");
        let process = Process::start(command.args(["-d", "-p", "-c"]).arg(config), &scratch.path("unbound.log"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait::until("unbound to listen", wait::SOON, || TcpStream::connect(address).is_ok());
        (process, address)
    }
}

fn is_silent(entries: &[Entry]) -> bool {
    entries.contains(&Entry::Silence)
}

fn is_end_of_label(front: &str) -> bool {
    front.is_empty() || front.ends_with('.')
}

/// Why can no DNS server have this?
fn why_not(name: &str, entries: &[Entry]) -> Option<&'static str> {
    let is_twice = |number: usize| entries[..number].contains(&entries[number]);
    if name.split('.').any(|label| label.is_empty() || label.len() > 63) || name.len() > 253 {
        Some("no name of the DNS")
    } else if (0..entries.len()).any(is_twice) {
        Some(TWICE)
    } else {
        None
    }
}

/// A name as zone files have it: absolute, all but the plainest octets as \DDD (RFC 1035 §5.1).
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for octet in name.bytes() {
        let _infallible = match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => write!(out, "{}", char::from(octet)),
            _ => write!(out, "\\{octet:03}"),
        };
    }
    out.push('.');
    out
}

/// Type and data of a record.
fn written(data: &Data) -> String {
    match data {
        Data::A(ip) => format!("A {ip}"),
        Data::Aaaa(ip) => format!("AAAA {ip}"),
        Data::Mx(preference, exchange) => format!("MX {preference} {}", escaped(exchange)),
        Data::Ptr(name) => format!("PTR {}", escaped(name)),
        Data::Txt(text) if text.is_empty() => "TXT \"\"".to_owned(),
        Data::Txt(text) => text.chunks(STRING_OCTETS_MAX).fold("TXT".to_owned(), |mut out, string| {
            out.push_str(" \"");
            string.iter().for_each(|octet| {
                let _infallible = match octet {
                    b' ' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(out, "{}", char::from(*octet)),
                    _ => write!(out, "\\{octet:03}"),
                };
            });
            out.push('"');
            out
        }),
    }
}

/// What must be the same over both ways.
fn told(case: &Case, evaluation: &Evaluation) -> String {
    let explained = evaluation.explanation.as_ref().map(|explanation| explanation.written(&case.query(), "", 0));
    format!("{evaluation}, identity {}, explained {explained:?}", evaluation.is_identity)
}

/// Asks every case of a scenario that can be served; gives why the others cannot.
async fn compare(scenario: &Scenario, served: &Served, dns: &impl Dns, wrong: &mut Vec<String>) -> Vec<&'static str> {
    let mut left_out = Vec::new();
    for case in &scenario.cases {
        let listening = Listening(&scenario.zone, Mutex::default());
        let in_memory = case.run(&listening).await;
        let asked = listening.1.into_inner().expect("no thread has panicked");
        if let Some(why) = asked.iter().find_map(|name| served.left_out.get(name)) {
            left_out.push(*why);
            continue;
        }
        let over_unbound = case.run(dns).await;
        let (expected, found) = (told(case, &in_memory), told(case, &over_unbound));
        if expected != found || case.judge(&over_unbound).is_err() {
            wrong.push(format!("{}: {}: {found}, in memory {expected}", scenario.description, case.name));
        }
    }
    left_out
}

#[test]
fn every_case_comes_out_the_same_over_unbound() {
    let Some(scenarios) = suite() else { return };
    let silence = UdpSocket::bind(("127.0.0.1", 0)).expect("a socket");
    let silent = silence.local_addr().expect("an address");
    let (mut wrong, mut left_out) = (Vec::new(), Vec::new());
    for scenario in &scenarios {
        let scratch = Scratch::new("spf-suite");
        let served = Served::new(&scenario.zone, silent);
        let (_unbound, address) = served.start(&scratch);
        let text = format!("[dns]\nservers = [\"{address}\"]\ntimeout_ms = 1500\nattempts = 1\n");
        let config = dns::Config::read(&Document::parse("t.toml", &text).expect("TOML"), &RefCell::default());
        let (resolver, lookups) = Resolver::new(&config, Clock::system()).expect("a resolver");
        let dns = OverAsk::new(&resolver, Asker::default());
        runtime().block_on(async {
            tokio::select! {
                without = compare(scenario, &served, &dns, &mut wrong) => left_out.extend(without),
                () = lookups.run() => panic!("the resolver has ended"),
            }
        });
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(left_out, LEFT_OUT, "cases left out");
}
