//! Does the resolver understand servers that others wrote? unbound with rbldnsd behind it, and rbldnsd itself.
//!
//! In-process: the engine with the real resolver, no daemon. Each test starts its own servers on free ports.

#![allow(clippy::expect_used, reason = "what these helpers cannot have, no test can go on without")]

use std::{
    cell::RefCell,
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::Command,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use tollgate::{
    ask::{
        Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Question, Record, RecordType, Resolver,
        Upstream, dns,
    },
    clock::Clock,
    config::Document,
    decision_log::LogRing,
    pipeline::{Action, Decision, Engine, KillSwitch, Policy},
    session::{Address, Connection, Facts, Helo, Rcpthosts, Sender, Stage, StateKey, Tried},
};
use tollgate_tests::{
    dns::{Dns, List},
    dns_fault::{Fault, Faults},
    ports,
    process::Process,
    scratch::Scratch,
    wait,
};

/// More than any answer takes; who waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The resolver, its I/O thread, and a runtime to ask from.
struct Asking {
    resolver: Resolver,
    runtime: tokio::runtime::Runtime,
    _io: JoinHandle<()>,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Asking {
    fn new(document: &Document) -> Self {
        let faults = RefCell::default();
        let config = dns::Config::read(document, &faults);
        assert!(faults.borrow().is_empty(), "{faults:?}");
        let (resolver, lookups) = Resolver::new(&config, Clock::system()).expect("a resolver");
        let io = thread::spawn(move || runtime().block_on(lookups.run()));
        Self { resolver, runtime: runtime(), _io: io }
    }

    fn ask(&self, kind: RecordType, name: &str) -> Answered {
        self.ask_through(Upstream::default(), kind, name)
    }

    fn ask_through(&self, upstream: Upstream, kind: RecordType, name: &str) -> Answered {
        let question = Question::Dns(DnsQuestion { upstream, ..DnsQuestion::new(name, kind) });
        if let Some(answered) = self.resolver.cached(&question) {
            return answered;
        }
        let receiver = self.resolver.ask(question, Asker::default());
        let waiting = async { tokio::time::timeout(PATIENCE, receiver).await };
        self.runtime.block_on(waiting).expect("an answer in time").expect("an answer")
    }

    fn answer(&self, kind: RecordType, name: &str) -> DnsAnswer {
        let Answer::Dns(answer) = self.ask(kind, name).answer else { panic!("not from the DNS") };
        answer
    }
}

fn document(text: &str) -> Document {
    Document::parse("t.toml", text).expect("TOML")
}

fn found(codes: &[[u8; 4]]) -> DnsAnswer {
    DnsAnswer::Found(codes.iter().map(|&code| Record::A(code.into())).collect())
}

/// A session up to its first recipient.
fn at_rcpt(client: &str) -> Facts {
    let client: IpAddr = client.parse().expect("an address");
    let address = |text: &'static str| Address::new(text.as_bytes().into());
    Facts {
        connection: Connection { client_ip: Some(client), host: "mx".to_owned(), ..Connection::default() },
        helo: Some(Helo { name: "there.example".into(), esmtp: true }),
        sender: Some(Sender { address: address("a@there.example"), declared_size: 0 }),
        recipient: Some(Tried { address: address("b@here.example"), rcpthosts: Rcpthosts::Allowed }),
        ..Facts::default()
    }
}

fn judge(asking: &Asking, engine: &Engine, client: &str) -> Decision {
    asking.runtime.block_on(engine.rehearse(Stage::Rcpt, at_rcpt(client)))
}

fn engine(asking: &Asking, document: &Document) -> Engine {
    let policy = Policy::build(document, 1).unwrap_or_else(|faults| panic!("{faults:?}"));
    let key = StateKey::random().expect("a key");
    let ask: Arc<dyn Ask> = Arc::new(asking.resolver.clone());
    Engine::new(policy, ask, Clock::system(), Arc::new(KillSwitch::default()), key, LogRing::new(16))
}

#[test]
fn lists_of_rbldnsd_are_heard_through_unbound() {
    let scratch = Scratch::new("dns-lists");
    let listed =
        List::new("bl.example", "127.0.0.2:Listed, see http://bl.example/?$").with("192.0.2.9").with("2001:db8:9::/48");
    let refusing = List::new("quota.example", "127.255.255.254:Over quota").with("192.0.2.0/24");
    let servers = Dns::start(&scratch, &[listed, refusing, List::silent("silent.example")]);
    let text = format!(
        "[policy]\ncontrol = \"nowhere\"\nreply_ids = false\nstage_deadline_ms = 700\n\
         [dns]\nservers = [\"{address}\"]\ntimeout_ms = 400\nattempts = 1\n\
         [[check.rbl.list]]\nzone = \"silent.example\"\n[[check.rbl.list]]\nzone = \"quota.example\"\n\
         [[check.rbl.list]]\nzone = \"bl.example\"\n",
        address = servers.address
    );
    let document = document(&text);
    let asking = Asking::new(&document);
    let engine = engine(&asking, &document);
    for (client, said) in [
        ("192.0.2.9", "192.0.2.9 is listed by bl.example: Listed, see http://bl.example/?192.0.2.9 (#5.7.1)"),
        (
            "2001:db8:9::1",
            "2001:db8:9::1 is listed by bl.example: Listed, see http://bl.example/?2001:db8:9::1 (#5.7.1)",
        ),
        ("198.51.100.1", ""),
        ("2001:db8:8::1", ""),
    ] {
        let started = wait::now();
        let decision = judge(&asking, &engine, client);
        let took = started.elapsed();
        assert_eq!(decision.verdict.text, said, "{client}");
        let action = if said.is_empty() { Action::Continue } else { Action::Reject };
        assert_eq!(decision.verdict.action, action, "{client}");
        // The silent list costs its time-out, not the sum of anything, and the deadline holds on a busy machine too.
        assert!(took < Duration::from_secs(3), "{client}: {took:?}");
        let silent = decision.evidence.iter().find(|(question, _)| question.to_string().contains("silent"));
        let Some((_, Answered { answer: Answer::Dns(answer), .. })) = silent else { panic!("{:?}", decision.evidence) };
        assert!(matches!(answer, DnsAnswer::Failed(_)), "{answer:?}");
    }
    let started = wait::now();
    let again = judge(&asking, &engine, "192.0.2.9");
    assert_eq!(again.verdict.action, Action::Reject);
    let from_cache = again.evidence.iter().filter(|(_, answered)| answered.cached).count();
    // The lists' answers are all there; of the failed one at least the others' time has passed.
    assert!(from_cache >= 3, "{from_cache} of {:?} in {:?}", again.evidence, started.elapsed());
}

#[test]
fn rbldnsd_answers_without_a_resolver_between() {
    let scratch = Scratch::new("dns-direct");
    let list = List::new("bl.example", "127.0.0.2:Listed $").with("192.0.2.9").with("2001:db8:9::/48");
    let servers = Dns::start(&scratch, &[list]);
    let lists = servers.lists.expect("rbldnsd");
    let text = format!("[dns]\nservers = [\"{}\"]\n[dns.resolver.lists]\nservers = [\"{lists}\"]\n", servers.address);
    let asking = Asking::new(&document(&text));
    let ask = |kind, name: &str| {
        let Answer::Dns(answer) = asking.ask_through(Upstream::named("lists"), kind, name).answer else {
            panic!("not from the DNS")
        };
        answer
    };
    assert_eq!(ask(RecordType::A, "9.2.0.192.bl.example"), found(&[[127, 0, 0, 2]]));
    let text = DnsAnswer::Found([Record::Txt(b"Listed 192.0.2.9"[..].into())].into());
    assert_eq!(ask(RecordType::Txt, "9.2.0.192.bl.example"), text);
    assert_eq!(ask(RecordType::A, "8.2.0.192.bl.example"), DnsAnswer::NotFound);
    // Another zone: "I do not answer for that".
    assert_eq!(ask(RecordType::A, "9.2.0.192.other.example"), DnsAnswer::Failed(Failure::Refused));
}

/// unbound with answers of its own, and two zones whose servers are no help.
fn unbound(scratch: &Scratch, lists: SocketAddr, silent: SocketAddr) -> (Process, SocketAddr) {
    let port = ports::free();
    let mut config = format!(
        "server:\n interface: 127.0.0.1\n port: {port}\n do-daemonize: no\n use-syslog: no\n chroot: \"\"\n \
         username: \"\"\n pidfile: \"\"\n num-threads: 1\n do-not-query-localhost: no\n do-ip6: no\n \
         module-config: \"iterator\"\n local-zone: \".\" static\n local-data: \". 60 SOA . . 0 1 1 1 45\"\n \
         local-zone: \"refused.example.\" refuse\n local-zone: \"lost.example.\" transparent\n \
         local-zone: \"silent.example.\" transparent\n local-zone: \"bl.example.\" transparent\n \
         local-zone: \"alias.example.\" redirect\n local-data: \"alias.example. CNAME 9.2.0.192.bl.example.\"\n \
         local-data: \"mail.example. 300 MX 10 mx.mail.example.\"\n local-data: \"mail.example. 300 MX 20 Mx2.mail.example.\"\n \
         local-data: \"nomail.example. 300 MX 0 .\"\n local-data: \"1.0.0.127.rev.example. PTR Host.Example.\"\n \
         local-data: \"host.example. AAAA 2001:db8::1\"\n"
    );
    for number in 0..100 {
        let _infallible =
            writeln!(config, " local-data: 'many.example. 300 TXT \"record {number:02}\" \" {:x<200}\"'", "");
    }
    for (zone, server) in [("lost.example.", lists), ("bl.example.", lists), ("silent.example.", silent)] {
        let at = server.port();
        let _infallible = write!(config, "forward-zone:\n name: \"{zone}\"\n forward-addr: 127.0.0.1@{at}\n");
    }
    let config = scratch.write("own.conf", config);
    let mut command = Command::new("unbound");
    let process = Process::start(command.args(["-d", "-p", "-c"]).arg(config), &scratch.path("own.log"));
    (process, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[test]
fn unbounds_answers_make_three_outcomes() {
    let scratch = Scratch::new("dns-outcomes");
    let list = List::new("bl.example", "127.0.0.2:Listed $").with("192.0.2.9");
    let servers = Dns::start(&scratch, &[list]);
    let silence = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let silent = silence.local_addr().expect("an address");
    let (_unbound, address) = unbound(&scratch, servers.lists.expect("rbldnsd"), silent);
    let text = format!("[dns]\nservers = [\"{address}\"]\ntimeout_ms = 1000\nattempts = 2\nfailure_ttl_seconds = 1\n");
    let asking = Asking::new(&document(&text));
    wait::until("unbound to answer", wait::SOON, || {
        matches!(asking.answer(RecordType::Aaaa, "host.example"), DnsAnswer::Found(_))
    });
    let failed = DnsAnswer::Failed;
    assert_eq!(asking.answer(RecordType::A, "9.2.0.192.bl.example"), found(&[[127, 0, 0, 2]]));
    assert_eq!(asking.answer(RecordType::A, "x.alias.example"), found(&[[127, 0, 0, 2]]), "through a CNAME");
    assert_eq!(asking.answer(RecordType::A, "nowhere.example"), DnsAnswer::NotFound, "NXDOMAIN");
    assert_eq!(asking.answer(RecordType::A, "host.example"), DnsAnswer::NotFound, "NODATA");
    assert_eq!(asking.answer(RecordType::A, "x.refused.example"), failed(Failure::Refused));
    assert_eq!(asking.answer(RecordType::A, "x.lost.example"), failed(Failure::Servfail));
    let ttl = asking.ask(RecordType::Mx, "nowhere-else.example").ttl;
    assert!(ttl > Duration::from_secs(35) && ttl <= Duration::from_secs(45), "the SOA's minimum: {ttl:?}");
    let mx = [Record::Mx(10, "mx.mail.example".into()), Record::Mx(20, "mx2.mail.example".into())];
    assert_eq!(asking.answer(RecordType::Mx, "mail.example"), DnsAnswer::Found(mx.into()));
    assert_eq!(asking.answer(RecordType::Mx, "nomail.example"), DnsAnswer::Found([Record::Mx(0, "".into())].into()));
    let ptr = [Record::Ptr("host.example".into())];
    assert_eq!(asking.answer(RecordType::Ptr, "1.0.0.127.rev.example"), DnsAnswer::Found(ptr.into()));
}

#[test]
fn a_hundred_texts_come_over_tcp_and_silence_ends_in_time() {
    let scratch = Scratch::new("dns-tcp");
    let list = List::new("bl.example", "127.0.0.2:Listed $").with("192.0.2.9");
    let servers = Dns::start(&scratch, &[list]);
    let silence = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let silent = silence.local_addr().expect("an address");
    let (_unbound, address) = unbound(&scratch, servers.lists.expect("rbldnsd"), silent);
    let text = format!("[dns]\nservers = [\"{address}\"]\ntimeout_ms = 500\nattempts = 2\nfailure_ttl_seconds = 1\n");
    let asking = Asking::new(&document(&text));
    let records =
        wait::until_some("unbound to answer", wait::SOON, || match asking.answer(RecordType::Txt, "many.example") {
            DnsAnswer::Found(records) => Some(records),
            _ => None,
        });
    // 100 records of 211 octets are more than the 16 KiB that are kept of one answer.
    assert_eq!(records.len(), 16 * 1024 / 210, "{:?}", records.first());
    let expected = format!("record 00 {:x<200}", "");
    assert_eq!(records.first(), Some(&Record::Txt(expected.as_bytes().into())));
    let started = wait::now();
    let answer = asking.answer(RecordType::A, "x.silent.example");
    let took = started.elapsed();
    assert_eq!(answer, DnsAnswer::Failed(Failure::Timeout));
    // Two attempts of 500 ms, and what a busy machine adds.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn made_faults_make_three_outcomes() {
    let scratch = Scratch::new("dns-faults");
    let list = List::new("bl.example", "127.0.0.2:Listed $").with("192.0.2.127-255");
    let servers = Dns::start(&scratch, &[list]);
    let faults = Faults::start(servers.address);
    let text = format!("[dns]\nservers = [\"{}\"]\ntimeout_ms = 800\nattempts = 1\n", faults.address);
    let asking = Asking::new(&document(&text));
    // What comes of a listed and of an unlisted client's question, each asked for the first time.
    let mut number = 0;
    let mut under = |fault| {
        number += 1;
        faults.set("bl.example", fault);
        [127, 0].map(|low: u8| asking.answer(RecordType::A, &format!("{}.2.0.192.bl.example", low + number)))
    };
    let told = || [found(&[[127, 0, 0, 2]]), DnsAnswer::NotFound];
    let failed = |failure| [DnsAnswer::Failed(failure), DnsAnswer::Failed(failure)];
    for (code, failure) in [(2, Failure::Servfail), (5, Failure::Refused), (4, Failure::Malformed)] {
        assert_eq!(under(Fault::Code(code)), failed(failure), "response code {code}");
    }
    for fault in [
        Fault::Silent,
        Fault::WrongId { right_follows: false },
        Fault::Slow(Duration::from_secs(2)),
        Fault::Garbage,
        Fault::Truncated { rest: false, tcp: false },
        Fault::Truncated { rest: true, tcp: false },
    ] {
        let answers = under(fault.clone());
        assert!(answers.iter().all(|answer| matches!(answer, DnsAnswer::Failed(_))), "{fault:?}: {answers:?}");
    }
    for fault in [
        Fault::WrongId { right_follows: true },
        Fault::LosesFirst,
        Fault::Slow(Duration::from_millis(50)),
        Fault::Truncated { rest: false, tcp: true },
        Fault::Truncated { rest: true, tcp: true },
    ] {
        assert_eq!(under(fault.clone()), told(), "{fault:?}");
    }
    let alias = |last: u8| Fault::Alias(format!("{last}.2.0.192.bl.example"));
    assert_eq!(under(alias(200)), [found(&[[127, 0, 0, 2]]), found(&[[127, 0, 0, 2]])]);
    assert_eq!(under(alias(100)), [DnsAnswer::NotFound, DnsAnswer::NotFound]);
    assert_eq!(under(Fault::Rewrites([203, 0, 113, 7].into())), [found(&[[127, 0, 0, 2]]), found(&[[203, 0, 113, 7]])]);
}
