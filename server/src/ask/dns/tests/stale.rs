//! When nobody answers: may an answer that has expired stand in, and for how long (RFC 8767)?

use super::{server::Server, *};
use std::sync::atomic::{AtomicU16, Ordering};

/// The TTL of everything the server says.
const TTL: Duration = Duration::from_secs(60);

/// A server that says, for every question, what was last put into it.
struct Moody {
    server: Server,
    code: Arc<AtomicU16>,
}

/// Instead of a response code: no answer at all.
const SILENCE: u16 = 999;

impl Moody {
    fn start() -> Self {
        let code = Arc::new(AtomicU16::new(ResponseCode::NoError.into()));
        let mood = code.clone();
        let server = Server::start(move |question, _| {
            let mut message = reply(question);
            let name = query(question).name().to_ascii();
            match mood.load(Ordering::SeqCst) {
                SILENCE => return Vec::new(),
                0 if name == "gone.example." => {
                    add_soa(&mut message, 60, 60);
                    super::code(&mut message, ResponseCode::NXDomain);
                }
                0 => add_a(&mut message, &name, 60, 2),
                code => super::code(&mut message, code.into()),
            }
            vec![octets(&message)]
        });
        Self { server, code }
    }

    fn is(&self, code: ResponseCode) {
        self.code.store(code.into(), Ordering::SeqCst);
    }

    fn config(&self) -> Config {
        let timeout = Duration::from_millis(300);
        Config { timeout, stale_max: Duration::from_secs(600), ..config(self.server.address) }
    }
}

fn said(answered: &Answered) -> (DnsAnswer, bool, u64) {
    let Answer::Dns(answer) = answered.answer.clone() else { panic!("not from the DNS") };
    (answer, answered.stale, answered.ttl.as_secs())
}

#[tokio::test]
async fn an_expired_answer_stands_in_whatever_the_failure() {
    for failure in [Some(ResponseCode::ServFail), Some(ResponseCode::Refused), Some(ResponseCode::FormErr), None] {
        let moody = Moody::start();
        let running = Running::start(&moody.config());
        for (name, answer) in [("found.example", found_a(&[2])), ("gone.example", DnsAnswer::NotFound)] {
            moody.is(ResponseCode::NoError);
            let question = question(RecordType::A, name);
            assert_eq!(said(&running.ask(&question).await), (answer.clone(), false, 60));
            failure.map_or_else(|| moody.code.store(SILENCE, Ordering::SeqCst), |code| moody.is(code));
            running.clock.advance(TTL);
            let answered = running.ask(&question).await;
            assert_eq!(said(&answered), (answer, true, 0), "{name}: {failure:?}");
            assert_eq!((answered.age, answered.cached), (TTL, true));
        }
    }
}

#[tokio::test]
async fn a_failure_is_remembered_beside_what_stands_in() {
    let moody = Moody::start();
    let running = Running::start(&moody.config());
    let question = question(RecordType::A, "found.example");
    running.ask(&question).await;
    moody.is(ResponseCode::ServFail);
    running.clock.advance(TTL);
    assert_eq!(running.resolver.cached(&question), None, "somebody has to be asked first");
    assert!(running.ask(&question).await.stale);
    let asked = moody.server.asked();
    // failure_ttl is 5 s.
    running.clock.advance(Duration::from_secs(4));
    assert!(running.ask(&question).await.stale);
    assert_eq!(moody.server.asked(), asked, "nobody is asked again so soon");
    running.clock.advance(Duration::from_secs(1));
    assert!(running.ask(&question).await.stale);
    assert_eq!(moody.server.asked(), asked + 1);
    // It is well again.
    moody.is(ResponseCode::NoError);
    running.clock.advance(Duration::from_secs(5));
    assert_eq!(said(&running.ask(&question).await), (found_a(&[2]), false, 60));
}

#[tokio::test]
async fn what_stands_in_is_counted() {
    let moody = Moody::start();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let running = ::metrics::with_local_recorder(&recorder, || Running::start(&moody.config()));
    let question = question(RecordType::A, "found.example");
    running.ask(&question).await;
    moody.is(ResponseCode::ServFail);
    running.clock.advance(TTL);
    let counted = || recorder.handle().render().lines().any(|line| line == format!("{} 3", metrics::STALE));
    running.ask(&question).await;
    running.ask(&question).await;
    assert!(!counted());
    assert!(running.resolver.stale(&question).is_some());
    assert!(counted(), "{}", recorder.handle().render());
}

#[tokio::test]
async fn nothing_stands_in_beyond_the_bound_or_for_what_was_never_known() {
    let moody = Moody::start();
    let running = Running::start(&moody.config());
    let failed = (DnsAnswer::Failed(Failure::Servfail), false, 5);
    let known = question(RecordType::A, "found.example");
    running.ask(&known).await;
    moody.is(ResponseCode::ServFail);
    assert_eq!(said(&running.ask(&question(RecordType::A, "unknown.example")).await), failed);
    running.clock.advance(TTL + Duration::from_secs(600));
    assert_eq!(said(&running.ask(&known).await), failed);
    assert_eq!(running.resolver.stale(&known), None);
}

#[tokio::test]
async fn zero_lets_nothing_stand_in() {
    let moody = Moody::start();
    let running = Running::start(&Config { stale_max: Duration::ZERO, ..moody.config() });
    let question = question(RecordType::A, "found.example");
    running.ask(&question).await;
    moody.is(ResponseCode::ServFail);
    running.clock.advance(TTL);
    assert_eq!(said(&running.ask(&question).await), (DnsAnswer::Failed(Failure::Servfail), false, 5));
}

/// What the engine does when its deadline comes before any answer.
#[tokio::test]
async fn an_expired_answer_can_be_had_before_the_look_up_ends() {
    let moody = Moody::start();
    let running = Running::start(&moody.config());
    let question = question(RecordType::A, "found.example");
    assert_eq!(running.resolver.stale(&question), None);
    running.ask(&question).await;
    moody.code.store(SILENCE, Ordering::SeqCst);
    running.clock.advance(TTL);
    let _waiting = running.resolver.ask(question.clone(), Asker::default());
    let answered = running.resolver.stale(&question).expect("an answer that stands in");
    assert_eq!(said(&answered), (found_a(&[2]), true, 0));
    assert_eq!(running.resolver.stale(&Question::ListHealth), None);
}

/// What was refused by ourselves is told as it is: nobody was asked.
#[tokio::test]
async fn nothing_stands_in_for_what_we_did_not_ask() {
    let moody = Moody::start();
    let settings = Config { rations: Rations { session: 1, ..Config::default().rations }, ..moody.config() };
    let running = Running::start(&settings);
    let question = question(RecordType::A, "found.example");
    let asker = Asker { session: Some(crate::session::SessionId([7; 16])), client_ip: None };
    running.ask_for(&question, asker).await;
    running.clock.advance(TTL);
    assert_eq!(said(&running.ask_for(&question, asker).await).0, DnsAnswer::Failed(Failure::Capped));
}
