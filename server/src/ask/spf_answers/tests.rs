//! Questions about SPF over the real resolver and a DNS server whose every answer a test writes: who shares a result, who
//! shares an evaluation, and whose fault it is when there is none.

use super::{
    super::{
        dns::{
            Config,
            tests::server::{Server, add_soa, add_txt, code, query},
        },
        spf::{Limits, LocalPolicy, Query},
    },
    *,
};
use crate::session::SessionId;
use hickory_resolver::proto::op::{Message, ResponseCode};
use std::net::{IpAddr, SocketAddr};
use tokio::{task::JoinSet, time::timeout};

/// Far more than any answer takes here; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const BOUNDS: Bounds = Bounds { results: 1_000, octets: 1 << 24, session: 0 };

/// Both I/O loops on the test's runtime.
struct Running {
    answers: SpfAnswers,
    clock: Clock,
    _loops: JoinSet<()>,
}

impl Running {
    fn start(server: SocketAddr, bounds: Bounds) -> Self {
        let clock = Clock::manual(1_000);
        let config =
            Config { servers: vec![server], timeout: Duration::from_secs(5), attempts: 1, ..Config::default() };
        let (resolver, lookups) = Resolver::new(&config, clock.clone()).expect("a resolver");
        let (answers, evaluations) = SpfAnswers::new(resolver, bounds, clock.clone());
        let mut loops = JoinSet::new();
        loops.spawn(lookups.run());
        loops.spawn(evaluations.run());
        Self { answers, clock, _loops: loops }
    }

    async fn ask(&self, ip: [u8; 4], sender: &str, helo: &str) -> Answered {
        self.ask_for(&question(ip, sender, helo), Asker::default()).await
    }

    async fn ask_for(&self, question: &Question, asker: Asker) -> Answered {
        if let Some(answered) = self.answers.cached(question) {
            return answered;
        }
        let receiver = self.answers.ask(question.clone(), asker);
        timeout(PATIENCE, receiver).await.expect("an answer in time").expect("an answer")
    }

    async fn told(&self, ip: [u8; 4], sender: &str, helo: &str) -> (String, bool) {
        let answered = self.ask(ip, sender, helo).await;
        (evaluation(&answered).to_string(), answered.cached)
    }
}

fn question(ip: [u8; 4], sender: &str, helo: &str) -> Question {
    let query = Query::mail_from(IpAddr::from(ip), sender.as_bytes(), helo.as_bytes());
    let terms = Arc::new(SpfTerms::new(Limits::default(), LocalPolicy::default()));
    Question::Spf(Arc::new(SpfQuestion { role: SpfRole::Sender, query, terms }))
}

fn evaluation(answered: &Answered) -> &Evaluation {
    match &answered.answer {
        Answer::Spf(evaluation) => evaluation,
        _ => panic!("no answer about SPF"),
    }
}

/// Records of domains, by name; what has none does not exist, and `dead` is broken.
fn records(message: &mut Message) {
    let asked = query(message).name().to_ascii();
    match &*asked {
        "net.example." => add_txt(message, &asked, &[b"v=spf1 ip4:192.0.2.0/24 -all"]),
        "all.example." => add_txt(message, &asked, &[b"v=spf1 -all exp=why.example"]),
        "why.example." => add_txt(message, &asked, &[b"no %{l}"]),
        "user.example." => add_txt(message, &asked, &[b"v=spf1 exists:%{l}.users.example -all"]),
        "helo.example." => add_txt(message, &asked, &[b"v=spf1 -ip4:192.0.2.9 exists:%{h}.%{l}.users.example ~all"]),
        "plain.example." => add_txt(message, &asked, &[b"nothing about mail"]),
        _ if asked.contains("dead") => code(message, ResponseCode::ServFail),
        _ => {
            add_soa(message, 600, 60);
            code(message, ResponseCode::NXDomain);
        }
    }
}

#[tokio::test]
async fn a_result_is_shared_by_all_for_whom_it_holds() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    let (inside, outside) = ([192, 0, 2, 1], [198, 51, 100, 1]);
    for (ip, sender, helo, result, is_cached) in [
        (inside, "ann@net.example", "a.example", "pass", false),
        (inside, "bob@net.example", "b.example", "pass", true),
        (outside, "ann@net.example", "a.example", "fail", false),
        (inside, "ann@all.example", "a.example", "fail", false),
        (outside, "bob@all.example", "b.example", "fail", true),
        (inside, "ann@plain.example", "a.example", "none", false),
        (outside, "bob@plain.example", "b.example", "none", true),
        (inside, "ann@user.example", "a.example", "fail", false),
        (outside, "ann@user.example", "b.example", "fail", true),
        (inside, "bob@user.example", "a.example", "fail", false),
        ([192, 0, 2, 9], "ann@helo.example", "a.example", "fail", false),
        ([192, 0, 2, 9], "bob@helo.example", "b.example", "fail", true),
        (inside, "ann@helo.example", "a.example", "softfail", false),
        (inside, "ann@helo.example", "b.example", "softfail", false),
        (inside, "ann@helo.example", "a.example", "softfail", true),
    ] {
        let (told, cached) = running.told(ip, sender, helo).await;
        assert!(told.starts_with(result), "{sender} at {ip:?}: {told}");
        assert_eq!(cached, is_cached, "{sender} at {ip:?} with {helo}");
    }
}

#[tokio::test]
async fn explanations_are_each_senders_own() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    for sender in ["ann", "bob"] {
        let Question::Spf(question) = question([192, 0, 2, 1], &format!("{sender}@all.example"), "a.example") else {
            panic!("a question about SPF")
        };
        let answered = running.ask_for(&Question::Spf(question.clone()), Asker::default()).await;
        let explanation = evaluation(&answered).explanation.clone().expect("an explanation");
        assert_eq!(explanation.written(&question.query, "mx.example", 0), format!("no {sender}"));
    }
}

#[tokio::test]
async fn a_result_holds_as_long_as_what_was_read() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    assert_eq!(running.ask([192, 0, 2, 1], "a@net.example", "x").await.ttl, Duration::from_secs(300));
    running.clock.advance(Duration::from_secs(299));
    assert!(running.told([192, 0, 2, 1], "a@net.example", "x").await.1);
    running.clock.advance(Duration::from_secs(1));
    assert!(!running.told([192, 0, 2, 1], "a@net.example", "x").await.1);
}

#[tokio::test]
async fn who_asks_the_same_at_once_shares_one_evaluation() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    let question = question([192, 0, 2, 1], "ann@net.example", "a.example");
    let waiting: Vec<_> = (0..50).map(|_| running.answers.ask(question.clone(), Asker::default())).collect();
    for receiver in waiting {
        let answered = timeout(PATIENCE, receiver).await.expect("in time").expect("an answer");
        assert_eq!(evaluation(&answered).result, SpfResult::Pass);
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn evaluations_of_one_domain_share_their_look_ups() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    let ask = |last| running.answers.ask(question([192, 0, 2, last], "ann@net.example", "a.example"), Asker::default());
    let waiting: Vec<_> = (1..50).map(ask).collect();
    for receiver in waiting {
        timeout(PATIENCE, receiver).await.expect("in time").expect("an answer");
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_dead_domain_is_its_own_fault_and_dead_domains_all_around_are_ours() {
    let server = Server::answering(records);
    let running = Running::start(server.address, BOUNDS);
    let (told, _) = running.told([192, 0, 2, 1], "a@dead.example", "x").await;
    assert_eq!(told, "temperror: TXT dead.example: servfail (0 look-ups, 0 void)");
    // It is remembered for as long as the failed look-up is.
    assert!(running.told([192, 0, 2, 1], "a@dead.example", "x").await.1);
    running.ask([192, 0, 2, 1], "a@dead1.example", "x").await;
    let answered = running.ask([192, 0, 2, 1], "a@dead2.example", "x").await;
    assert!(evaluation(&answered).is_ours);
    // What is our fault is remembered for a moment, and ends with the first answer that comes.
    assert!(running.told([192, 0, 2, 1], "a@dead2.example", "x").await.1);
    running.clock.advance(Duration::from_secs(1));
    assert!(!running.told([192, 0, 2, 1], "a@dead2.example", "x").await.1);
    running.ask([192, 0, 2, 1], "a@net.example", "x").await;
    // What had failed by then is remembered still, and stays ours.
    running.clock.advance(Duration::from_secs(2));
    assert!(evaluation(&running.ask([192, 0, 2, 1], "a@dead2.example", "x").await).is_ours);
    running.clock.advance(Duration::from_secs(6));
    let answered = running.ask([192, 0, 2, 1], "a@dead2.example", "x").await;
    assert!(!evaluation(&answered).is_ours && !answered.cached);
}

#[tokio::test]
async fn a_session_may_cause_so_many_evaluations() {
    let server = Server::answering(records);
    let running = Running::start(server.address, Bounds { session: 2, ..BOUNDS });
    let asker = |number| Asker { session: Some(SessionId([number; 16])), client_ip: None };
    for (sender, session, is_capped) in [
        ("a@net.example", 1, false),
        ("a@plain.example", 1, false),
        ("a@all.example", 1, true),
        ("a@net.example", 1, false),
        ("a@all.example", 2, false),
        ("a@all.example", 1, false),
    ] {
        let answered = running.ask_for(&question([192, 0, 2, 1], sender, "x"), asker(session)).await;
        assert_eq!(evaluation(&answered).is_ours, is_capped, "{sender} in session {session}");
    }
}

#[tokio::test]
async fn where_no_domain_is_nobody_is_asked() {
    let running = Running::start(SocketAddr::from(([127, 0, 0, 1], 9)), BOUNDS);
    let (told, is_cached) = running.told([192, 0, 2, 1], "", "[192.0.2.1]").await;
    assert_eq!((&*told, is_cached), ("none: no domain that could have a record (0 look-ups, 0 void)", true));
}
