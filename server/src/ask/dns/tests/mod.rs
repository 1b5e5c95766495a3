//! The resolver against a server whose every answer the test writes: outcomes by response code, cache, single flight,
//! bounds. `lists` is what questions of lists are besides, `stale` what is said when nobody answers.

mod lists;
pub(in crate::ask) mod server;
mod stale;

use super::{super::*, *};
use hickory_resolver::proto::op::{Query, ResponseCode};
use server::{Over, Server, add_a, add_cname, add_ns, add_soa, add_txt, code, octets, query, reply};
use std::net::SocketAddr;
use tokio::{task::JoinSet, time::timeout};

/// Far more than any answer takes here; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(address: SocketAddr) -> Config {
    Config { servers: vec![address], timeout: Duration::from_secs(5), attempts: 1, ..Config::default() }
}

fn question(kind: RecordType, name: &str) -> Question {
    Question::Dns(DnsQuestion::new(name, kind))
}

/// A resolver with its I/O loop on the test's runtime.
struct Running {
    resolver: Resolver,
    clock: Clock,
    _loop: JoinSet<()>,
}

impl Running {
    fn start(config: &Config) -> Self {
        Self::with_lists(config, Arc::default())
    }

    fn with_lists(config: &Config, lists: Arc<DnsLists>) -> Self {
        let clock = Clock::manual(1_000);
        let (resolver, lookups) = Resolver::with_lists(config, clock.clone(), lists).expect("a resolver");
        let mut tasks = JoinSet::new();
        tasks.spawn(lookups.run());
        Self { resolver, clock, _loop: tasks }
    }

    /// As the engine asks: the cache, else the I/O thread.
    async fn ask(&self, question: &Question) -> Answered {
        self.ask_for(question, Asker::default()).await
    }

    async fn ask_for(&self, question: &Question, asker: Asker) -> Answered {
        if let Some(answered) = self.resolver.cached(question) {
            return answered;
        }
        let receiver = self.resolver.ask(question.clone(), asker);
        timeout(PATIENCE, receiver).await.expect("an answer in time").expect("an answer")
    }

    async fn a(&self, name: &str) -> (DnsAnswer, u64) {
        let answered = self.ask(&question(RecordType::A, name)).await;
        let Answer::Dns(answer) = answered.answer else { panic!("not from the DNS") };
        (answer, answered.ttl.as_secs())
    }
}

fn found_a(lasts: &[u8]) -> DnsAnswer {
    DnsAnswer::Found(lasts.iter().map(|&last| Record::A([127, 0, 0, last].into())).collect())
}

#[tokio::test]
async fn response_codes_make_three_outcomes() {
    let server = Server::answering(|message| {
        let asked = query(message).name().to_ascii();
        match &*asked {
            "found.example." => add_a(message, "found.example.", 120, 2),
            "nodata.example." => add_soa(message, 600, 70),
            "nodata-without-soa.example." => {}
            "referral.example." => add_ns(message),
            "other-name.example." => add_a(message, "innocent.example.", 120, 2),
            "other-type.example." => add_txt(message, "other-type.example.", &[b"x"]),
            "nxdomain.example." => {
                add_soa(message, 50, 900);
                code(message, ResponseCode::NXDomain);
            }
            "nxdomain-with-records.example." => {
                add_a(message, "nxdomain-with-records.example.", 120, 2);
                code(message, ResponseCode::NXDomain);
            }
            "servfail.example." => code(message, ResponseCode::ServFail),
            "servfail-with-records.example." => {
                add_a(message, "servfail-with-records.example.", 120, 2);
                code(message, ResponseCode::ServFail);
            }
            "refused.example." => code(message, ResponseCode::Refused),
            "formerr.example." => code(message, ResponseCode::FormErr),
            "notimp.example." => code(message, ResponseCode::NotImp),
            "unknown.example." => {
                add_a(message, "unknown.example.", 120, 2);
                code(message, ResponseCode::Unknown(12));
            }
            _ => code(message, ResponseCode::NotAuth),
        }
    });
    let running = Running::start(&config(server.address));
    let failed = |failure| (DnsAnswer::Failed(failure), 5);
    for (name, expected) in [
        ("found.example", (found_a(&[2]), 120)),
        ("nodata.example", (DnsAnswer::NotFound, 70)),
        ("nodata-without-soa.example", (DnsAnswer::NotFound, 30)),
        ("referral.example", failed(Failure::Malformed)),
        ("other-name.example", (DnsAnswer::NotFound, 30)),
        ("other-type.example", (DnsAnswer::NotFound, 30)),
        ("nxdomain.example", (DnsAnswer::NotFound, 50)),
        ("nxdomain-with-records.example", (DnsAnswer::NotFound, 30)),
        ("servfail.example", failed(Failure::Servfail)),
        ("servfail-with-records.example", failed(Failure::Servfail)),
        ("refused.example", failed(Failure::Refused)),
        ("formerr.example", failed(Failure::Malformed)),
        ("notimp.example", failed(Failure::Malformed)),
        ("unknown.example", failed(Failure::Malformed)),
        ("notauth.example", failed(Failure::Malformed)),
        // Names the DNS cannot hold do not exist, and nobody is asked.
        ("a..example", (DnsAnswer::NotFound, 30)),
        ("", (DnsAnswer::NotFound, 30)),
    ] {
        assert_eq!(running.a(name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn cnames_are_followed_and_loops_are_failures() {
    let server = Server::answering(|message| match &*query(message).name().to_ascii() {
        "whole.example." => {
            add_a(message, "stranger.example.", 300, 9);
            add_cname(message, "whole.example.", 200, "middle.example.");
            add_cname(message, "middle.example.", 90, "end.example.");
            add_a(message, "end.example.", 300, 3);
        }
        // Out of order: the library asks on from where it lost the chain.
        "mixed.example." | "inner.example." => {
            add_a(message, "last.example.", 300, 5);
            add_cname(message, "inner.example.", 90, "last.example.");
            add_cname(message, "mixed.example.", 200, "inner.example.");
        }
        "last.example." => add_a(message, "last.example.", 300, 5),
        "half.example." => add_cname(message, "half.example.", 80, "target.example."),
        "target.example." => add_a(message, "target.example.", 300, 4),
        "nowhere.example." => add_cname(message, "nowhere.example.", 80, "gone.example."),
        "gone.example." => {
            add_soa(message, 60, 60);
            code(message, ResponseCode::NXDomain);
        }
        "loop.example." => add_cname(message, "loop.example.", 80, "pool.example."),
        _ => add_cname(message, "pool.example.", 80, "loop.example."),
    });
    let running = Running::start(&config(server.address));
    assert_eq!(running.a("whole.example").await, (found_a(&[3]), 90));
    assert_eq!(running.a("mixed.example").await.0, found_a(&[5]));
    assert_eq!(running.a("half.example").await.0, found_a(&[4]));
    assert_eq!(running.a("nowhere.example").await.0, DnsAnswer::NotFound);
    assert_eq!(running.a("loop.example").await.0, DnsAnswer::Failed(Failure::Malformed));
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp_and_bounded() {
    let server = Server::start(|question, over| {
        let mut message = reply(question);
        if over == Over::Udp {
            message.metadata.truncation = true;
        } else {
            for number in (0..120).rev() {
                let text = format!("record {number:03}");
                add_txt(&mut message, "many.example.", &[text.as_bytes(), b" of ", b"many\xff"]);
            }
        }
        vec![octets(&message)]
    });
    let running = Running::start(&config(server.address));
    let Answer::Dns(answer) = running.ask(&question(RecordType::Txt, "many.example")).await.answer else {
        panic!("not from the DNS")
    };
    let DnsAnswer::Found(records) = answer else { panic!("{answer:?}") };
    assert_eq!(records.len(), outcome::RECORDS_MAX);
    // The same hundred in the same order, however they came.
    assert_eq!(records[0], Record::Txt(b"record 000 of many\xff"[..].into()));
    assert_eq!(records[99], Record::Txt(b"record 099 of many\xff"[..].into()));
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn half_an_answer_is_a_failure_where_the_whole_cannot_be_had() {
    let server = Server::start(|question, over| {
        let mut message = reply(question);
        message.metadata.truncation = true;
        add_a(&mut message, "half.example.", 300, 2);
        // Over TCP the server hangs up, or cuts its answer again.
        let again = query(&message).name().to_ascii() == "half.example.";
        if over == Over::Udp || again { vec![octets(&message)] } else { Vec::new() }
    });
    let settings = Config { timeout: Duration::from_millis(500), ..config(server.address) };
    let running = Running::start(&settings);
    for name in ["half.example", "silent.example"] {
        let (answer, _) = running.a(name).await;
        assert!(matches!(answer, DnsAnswer::Failed(_)), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn texts_are_cut_to_their_limits() {
    let server = Server::start(|question, over| {
        let mut message = reply(question);
        message.metadata.truncation = over == Over::Udp;
        let letters: &[u8] = if over == Over::Udp { b"" } else { b"edcba" };
        for &letter in letters {
            add_txt(&mut message, "long.example.", &[&[letter; 250][..]; 30]);
        }
        vec![octets(&message)]
    });
    let running = Running::start(&config(server.address));
    let Answer::Dns(answer) = running.ask(&question(RecordType::Txt, "long.example")).await.answer else {
        panic!("not from the DNS")
    };
    let DnsAnswer::Found(records) = answer else { panic!("{answer:?}") };
    let lengths: Vec<usize> =
        records.iter().map(|record| if let Record::Txt(text) = record { text.len() } else { 0 }).collect();
    assert_eq!(lengths, [outcome::TEXT_OCTETS_MAX; outcome::ANSWER_OCTETS_MAX / outcome::TEXT_OCTETS_MAX]);
}

#[tokio::test]
async fn forged_answers_are_passed_over() {
    let server = Server::start(|question, _| {
        let mut forged = reply(question);
        forged.metadata.id = question.id.wrapping_add(1);
        add_a(&mut forged, "mail.example.", 300, 66);
        let mut other_question = reply(question);
        other_question.queries.clear();
        add_a(&mut other_question, "mail.example.", 300, 67);
        let mut elsewhere = reply(question);
        elsewhere.queries = vec![Query::query(server::name("other.example."), query(question).query_type())];
        add_a(&mut elsewhere, "mail.example.", 300, 68);
        let mut right = reply(question);
        add_a(&mut right, "mail.example.", 300, 2);
        vec![octets(&forged), octets(&other_question), octets(&elsewhere), b"".to_vec(), b"\0".to_vec(), octets(&right)]
    });
    let running = Running::start(&config(server.address));
    assert_eq!(running.a("mail.example").await.0, found_a(&[2]));
}

#[tokio::test]
async fn garbage_is_a_failure_and_never_an_answer() {
    let server = Server::start(|question, _| {
        let whole = octets(&{
            let mut message = reply(question);
            add_a(&mut message, "x.example.", 300, 2);
            message
        });
        // Cut in mid-record, and with counts that promise more than there is.
        let mut cut = whole[..whole.len() - 3].to_vec();
        cut[7] = 200;
        vec![cut]
    });
    let settings = Config { timeout: Duration::from_millis(200), ..config(server.address) };
    let (answer, _) = Running::start(&settings).a("x.example").await;
    assert_eq!(answer, DnsAnswer::Failed(Failure::Malformed));
}

#[tokio::test]
async fn a_silent_server_ends_at_the_resolvers_own_limit() {
    let server = Server::start(|_, _| Vec::new());
    let settings = Config { timeout: Duration::from_millis(150), attempts: 2, ..config(server.address) };
    let running = Running::start(&settings);
    let started = tokio::time::Instant::now();
    assert_eq!(running.a("silent.example").await.0, DnsAnswer::Failed(Failure::Timeout));
    let took = started.elapsed();
    // The limit, and what a busy machine may add.
    let limit = settings.timeout * settings.attempts;
    assert!(took >= limit.mul_f32(0.9) && took < limit + Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn many_askers_cost_one_query() {
    // The server holds its answer back until every question has left the queue.
    let (all_asked, go) = std::sync::mpsc::channel::<()>();
    let go = std::sync::Mutex::new(go);
    let server = Server::start(move |question, _| {
        let _ = go.lock().expect("a lock").recv_timeout(PATIENCE);
        let mut message = reply(question);
        add_a(&mut message, "busy.example.", 300, 2);
        vec![octets(&message)]
    });
    let running = Running::start(&config(server.address));
    let asked = question(RecordType::A, "busy.example");
    let receivers: Vec<_> = (0..200).map(|_| running.resolver.ask(asked.clone(), Asker::default())).collect();
    while running.resolver.queue.capacity() < QUEUE_MAX {
        tokio::task::yield_now().await;
    }
    drop(all_asked);
    for receiver in receivers {
        let answered = timeout(PATIENCE, receiver).await.expect("in time").expect("an answer");
        assert_eq!((answered.answer, answered.cached), (Answer::Dns(found_a(&[2])), false));
    }
    let later = running.resolver.cached(&asked).expect("in the cache");
    assert!(later.cached);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn an_asker_who_left_still_fills_the_cache() {
    let server = Server::answering(|message| add_a(message, "left.example.", 300, 2));
    let running = Running::start(&config(server.address));
    let asked = question(RecordType::A, "left.example");
    drop(running.resolver.ask(asked.clone(), Asker::default()));
    let arrives = async {
        while running.resolver.cached(&asked).is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, arrives).await.expect("the answer in the cache");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn answers_are_kept_by_ttl_within_bounds() {
    let server = Server::answering(|message| match &*query(message).name().to_ascii() {
        "short.example." => add_a(message, "short.example.", 0, 2),
        "long.example." => add_a(message, "long.example.", 1_000_000, 2),
        "gone.example." => {
            add_soa(message, 1_000_000, 1_000_000);
            code(message, ResponseCode::NXDomain);
        }
        _ => code(message, ResponseCode::ServFail),
    });
    let running = Running::start(&config(server.address));
    // The defaults of [dns].
    for (name, kept) in [("short.example", 30), ("long.example", 3_600), ("gone.example", 900), ("bad.example", 5)] {
        let asked = question(RecordType::A, name);
        let before = server.asked();
        assert_eq!(running.a(name).await.1, kept, "{name}");
        running.clock.advance(Duration::from_secs(kept) - Duration::from_millis(1));
        let again = running.ask(&asked).await;
        assert!(again.cached && again.age > Duration::ZERO, "{name}");
        assert_eq!(server.asked(), before + 1, "{name}");
        running.clock.advance(Duration::from_millis(1));
        assert!(!running.ask(&asked).await.cached, "{name}");
        assert_eq!(server.asked(), before + 2, "{name}");
    }
}

#[tokio::test]
async fn look_ups_under_way_are_bounded() {
    let server = Server::start(|_, _| Vec::new());
    let settings = Config { in_flight_max: 2, timeout: Duration::from_millis(300), ..config(server.address) };
    let running = Running::start(&settings);
    let asked =
        |number: usize| running.resolver.ask(question(RecordType::A, &format!("{number}.example")), Asker::default());
    let waiting = [asked(0), asked(1)];
    let refused = timeout(PATIENCE, asked(2)).await.expect("at once").expect("an answer");
    assert_eq!(refused.answer, Answer::Dns(DnsAnswer::Failed(Failure::Overload)));
    // What was refused was not learnt.
    assert_eq!(running.resolver.cached(&question(RecordType::A, "2.example")), None);
    // Joining one that is under way is no new look-up.
    for receiver in waiting.into_iter().chain([asked(1)]) {
        let answered = timeout(PATIENCE, receiver).await.expect("in time").expect("an answer");
        assert_eq!(answered.answer, Answer::Dns(DnsAnswer::Failed(Failure::Timeout)));
    }
}

#[test]
fn a_full_queue_and_a_stopped_thread_answer_at_once() {
    let nowhere = "127.0.0.1:9".parse().expect("an address");
    let (resolver, lookups) = Resolver::new(&config(nowhere), Clock::manual(1_000)).expect("a resolver");
    let ask = |number: usize| resolver.ask(question(RecordType::A, &format!("{number}.example")), Asker::default());
    let queued: Vec<_> = (0..QUEUE_MAX).map(ask).collect();
    let failure = |mut receiver: oneshot::Receiver<Answered>| receiver.try_recv().map(|answered| answered.answer).ok();
    let failed = |failure| Some(Answer::Dns(DnsAnswer::Failed(failure)));
    assert_eq!(failure(ask(QUEUE_MAX)), failed(Failure::Overload));
    drop(lookups);
    assert_eq!(failure(ask(0)), failed(Failure::Unreachable));
    // Nobody waits for ever: what stood in the queue has lost its sender.
    assert!(queued.into_iter().all(|mut receiver| receiver.try_recv().is_err()));
}

#[tokio::test]
async fn each_question_goes_to_its_own_resolver() {
    let (one, two) = (
        Server::answering(|message| add_a(message, "x.example.", 300, 1)),
        Server::answering(|message| add_a(message, "x.example.", 300, 2)),
    );
    let mut settings = config(one.address);
    settings.named.push(Named { name: "two".to_owned(), servers: vec![two.address] });
    let running = Running::start(&settings);
    for (upstream, expected) in
        [("", found_a(&[1])), ("two", found_a(&[2])), ("three", DnsAnswer::Failed(Failure::Unreachable))]
    {
        let dns = DnsQuestion { upstream: Upstream::named(upstream), ..DnsQuestion::new("x.example", RecordType::A) };
        assert_eq!(running.ask(&Question::Dns(dns)).await.answer, Answer::Dns(expected), "{upstream}");
    }
}

#[tokio::test]
async fn a_dead_server_beside_a_live_one_costs_nothing() {
    let dead = Server::start(|_, _| Vec::new());
    let live = Server::answering(|message| add_a(message, "x.example.", 300, 2));
    let mut settings = config(dead.address);
    settings.servers.push(live.address);
    let started = tokio::time::Instant::now();
    assert_eq!(Running::start(&settings).a("x.example").await.0, found_a(&[2]));
    assert!(started.elapsed() < settings.timeout, "{:?}", started.elapsed());
}
