//! Questions of lists: on an account, by a way of their own, told to the keeper, rationed by who asks, and never with a
//! key in what comes back.

use super::{server::Server, *};
use crate::{
    dns_lists::{Declared, ListEvent, Protocol, Way, tests::declared},
    session::SessionId,
};

fn shared(lists: &[Declared]) -> Arc<DnsLists> {
    let shared = Arc::new(DnsLists::default());
    shared.declare(lists);
    shared
}

fn about(list: &Declared, subject: &str) -> Question {
    Question::Dns(list.about(subject, RecordType::A))
}

fn dns(answered: Answered) -> DnsAnswer {
    let Answer::Dns(answer) = answered.answer else { panic!("not from the DNS") };
    answer
}

/// Lists every name.
fn listing() -> Server {
    Server::answering(|message| {
        let name = query(message).name().to_ascii();
        add_a(message, &name, 60, 2);
    })
}

#[tokio::test]
async fn a_list_whose_budget_is_spent_is_not_asked() {
    let server = listing();
    let (tight, free) = (Declared { budget_per_day: 2, ..declared("tight.example") }, declared("free.example"));
    let lists = shared(&[tight.clone(), free.clone()]);
    let running = Running::with_lists(&config(server.address), lists.clone());
    let ask = async |list: &Declared, subject| dns(running.ask(&about(list, subject)).await);
    assert_eq!(ask(&tight, "1").await, found_a(&[2]));
    assert_eq!(ask(&tight, "1").await, found_a(&[2]), "from the cache, for nothing");
    assert_eq!(ask(&tight, "2").await, found_a(&[2]));
    let asked = server.asked();
    assert_eq!(ask(&tight, "3").await, DnsAnswer::Failed(Failure::Budget));
    assert_eq!(server.asked(), asked);
    let account = lists.account(tight.id).expect("an account");
    assert_eq!((account.spent().lookups, account.refused()), (2, 1));
    assert_eq!(running.resolver.cached(&about(&tight, "3")), None, "what was refused was not learnt");
    assert_eq!(ask(&tight, "1").await, found_a(&[2]), "what is known is still said");
    assert_eq!(ask(&free, "3").await, found_a(&[2]));
    running.clock.advance(Duration::from_secs(86_400));
    assert_eq!(ask(&tight, "3").await, found_a(&[2]), "another day");
}

#[tokio::test]
async fn a_look_up_that_is_joined_costs_its_list_nothing() {
    let server = Server::start(|_, _| Vec::new());
    let list = Declared { budget_per_day: 1, ..declared("bl.example") };
    let settings = Config { timeout: Duration::from_millis(300), ..config(server.address) };
    let running = Running::with_lists(&settings, shared(std::slice::from_ref(&list)));
    let receivers: Vec<_> = (0..10).map(|_| running.resolver.ask(about(&list, "1"), Asker::default())).collect();
    for receiver in receivers {
        let answered = timeout(PATIENCE, receiver).await.expect("in time").expect("an answer");
        assert_eq!(dns(answered), DnsAnswer::Failed(Failure::Timeout));
    }
}

#[tokio::test]
async fn the_keeper_hears_how_look_ups_ended_and_only_those() {
    let server = Server::answering(|message| match &*query(message).name().to_ascii() {
        "listed.bl.example." => add_a(message, "listed.bl.example.", 60, 2),
        "clean.bl.example." => code(message, ResponseCode::NXDomain),
        _ => code(message, ResponseCode::ServFail),
    });
    let list = Declared { budget_per_day: 3, ..declared("bl.example") };
    let lists = shared(std::slice::from_ref(&list));
    let running = Running::with_lists(&config(server.address), lists.clone());
    for subject in ["listed", "listed", "clean", "broken", "over-budget"] {
        running.ask(&about(&list, subject)).await;
    }
    running.a("no-list.example").await;
    let heard: Vec<_> = std::iter::from_fn(|| lists.next())
        .map(|event| match event {
            ListEvent::LookedUp { list, answer, .. } => (list, answer),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [found_a(&[2]), DnsAnswer::NotFound, DnsAnswer::Failed(Failure::Servfail)];
    assert_eq!(heard, expected.map(|answer| (list.id, answer)));
}

#[tokio::test]
async fn the_keeper_hears_the_failure_and_not_what_stands_in_for_it() {
    let fails = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mood = fails.clone();
    let server = Server::answering(move |message| {
        add_a(message, "1.bl.example.", 60, 2);
        if mood.load(std::sync::atomic::Ordering::SeqCst) {
            code(message, ResponseCode::ServFail);
        }
    });
    let list = declared("bl.example");
    let lists = shared(std::slice::from_ref(&list));
    let running = Running::with_lists(&config(server.address), lists.clone());
    running.ask(&about(&list, "1")).await;
    fails.store(true, std::sync::atomic::Ordering::SeqCst);
    running.clock.advance(Duration::from_secs(60));
    assert!(running.ask(&about(&list, "1")).await.stale);
    let heard = std::iter::from_fn(|| lists.next()).last();
    let Some(ListEvent::LookedUp { answer, .. }) = heard else { panic!("{heard:?}") };
    assert_eq!(answer, DnsAnswer::Failed(Failure::Servfail));
}

/// As when the library has too much to do.
#[test]
fn what_nobody_was_asked_is_neither_told_nor_learnt() {
    let list = declared("bl.example");
    let lists = shared(std::slice::from_ref(&list));
    let nowhere = config("127.0.0.1:9".parse().expect("an address"));
    let (resolver, lookups) = Resolver::with_lists(&nowhere, Clock::manual(1_000), lists.clone()).expect("a resolver");
    let question = list.about("1", RecordType::A);
    for failure in Failure::ALL {
        let answer = DnsAnswer::Failed(failure);
        lookups.tell(list.id, &answer, Duration::ZERO);
        assert_eq!(lists.next().is_none(), failure.is_ours(), "{failure:?}");
        let at = resolver.shared.clock.steady();
        resolver.shared.learn(&question, Fetched::new(answer, Duration::from_secs(5), at, Duration::ZERO));
        assert_eq!(resolver.shared.cached(&question, at).is_none(), failure.is_ours(), "{failure:?}");
        resolver.shared.clock.advance(Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_list_is_asked_by_its_own_way() {
    let server = Server::start(|question, over| {
        let name = query(question).name().to_ascii();
        let mut message = reply(question);
        add_a(&mut message, &name, 60, if over == Over::Tcp { 6 } else { 17 });
        if name.contains("silent") { Vec::new() } else { vec![octets(&message)] }
    });
    let tcp = Declared { way: Way { protocol: Protocol::Tcp, ..Way::default() }, ..declared("tcp.example") };
    let short = Way { timeout: Some(Duration::from_millis(150)), attempts: Some(1), protocol: Protocol::Udp };
    let hasty = Declared { way: short, ..declared("silent.example") };
    // The section's own time-out would outlast the test.
    let settings = Config { timeout: PATIENCE * 2, attempts: 5, ..config(server.address) };
    let lists = shared(&[tcp.clone(), hasty.clone()]);
    let running = Running::with_lists(&settings, lists.clone());
    assert_eq!(dns(running.ask(&about(&tcp, "1")).await), found_a(&[6]));
    assert_eq!(dns(running.ask(&about(&hasty, "1")).await), DnsAnswer::Failed(Failure::Timeout));
    lists.declare(&[]);
    assert_eq!(dns(running.ask(&about(&tcp, "2")).await), found_a(&[17]), "no list of the policy any more");
}

#[tokio::test]
async fn a_session_and_a_net_have_a_share_of_new_look_ups() {
    let server = listing();
    let rations = Rations { session: 2, net_per_minute: 3, net6_per_minute: 4 };
    let list = Declared { budget_per_day: 9, ..declared("bl.example") };
    let lists = shared(std::slice::from_ref(&list));
    let running = Running::with_lists(&Config { rations, ..config(server.address) }, lists.clone());
    let from = |session: u8, ip: &str| Asker {
        session: Some(SessionId([session; 16])),
        client_ip: Some(ip.parse().expect("an address")),
    };
    let capped = DnsAnswer::Failed(Failure::Capped);
    for (subject, asker, expected) in [
        ("1", from(1, "192.0.2.1"), &found_a(&[2])),
        ("2", from(1, "192.0.2.1"), &found_a(&[2])),
        ("3", from(1, "192.0.2.1"), &capped),
        ("1", from(1, "192.0.2.1"), &found_a(&[2])),
        ("4", from(2, "192.0.2.200"), &found_a(&[2])),
        ("5", from(2, "192.0.2.200"), &capped),
        ("5", from(3, "192.0.3.1"), &found_a(&[2])),
        ("6", from(4, "2001:db8:1::1"), &found_a(&[2])),
        ("7", from(5, "2001:db8:1:2::1"), &found_a(&[2])),
        ("8", from(6, "2001:db8:1:3::1"), &found_a(&[2])),
        ("9", from(7, "2001:db8:1:ffff::1"), &found_a(&[2])),
        ("10", from(8, "2001:db8:1:4::1"), &capped),
        ("10", from(8, "2001:db8:2::1"), &found_a(&[2])),
        ("11", from(9, "2001:db8:2::1"), &DnsAnswer::Failed(Failure::Budget)),
        ("12", from(9, "2001:db8:2::1"), &DnsAnswer::Failed(Failure::Budget)),
        ("13", from(9, "2001:db8:2::1"), &DnsAnswer::Failed(Failure::Budget)),
    ] {
        let answered = running.ask_for(&about(&list, subject), asker).await;
        assert_eq!(&dns(answered), expected, "{subject} {asker:?}");
    }
    assert_eq!(lists.account(list.id).expect("an account").spent().lookups, 9, "what is capped costs nothing");
    // We ourselves are not rationed, and what the budget refused cost the session nothing.
    lists.declare(&[Declared { budget_per_day: 0, ..list.clone() }]);
    assert_eq!(dns(running.ask(&about(&list, "14")).await), found_a(&[2]));
    assert_eq!(dns(running.ask_for(&about(&list, "11"), from(9, "2001:db8:2::1")).await), found_a(&[2]));
}

#[tokio::test]
async fn a_key_in_a_lists_text_is_not_passed_on() {
    let server = Server::answering(|message| {
        let name = query(message).name().to_ascii();
        assert_eq!(name, "1.s3cret.bl.example.", "the key goes over the wire");
        add_txt(message, &name, &[b"listed: see 1.S3CRET.bl.example"]);
    });
    let list = Declared { zone: DnsName::with_secret("s3cret.bl.example", 0..6), ..declared("bl") };
    let running = Running::with_lists(&config(server.address), shared(std::slice::from_ref(&list)));
    let question = Question::Dns(list.about("1", RecordType::Txt));
    let answered = running.ask(&question).await;
    let shown = Record::Txt(b"listed: see 1.[key].bl.example"[..].into());
    assert_eq!(dns(answered.clone()), DnsAnswer::Found([shown].into()));
    let all = format!("{question} {question:?} {answered:?}");
    assert!(!all.to_ascii_lowercase().contains("s3cret"), "{all}");
}

#[tokio::test]
async fn the_health_of_lists_is_known_at_once() {
    let nobody = Server::start(|_, _| Vec::new());
    let lists = shared(&[]);
    let running = Running::with_lists(&config(nobody.address), lists.clone());
    let bad =
        Ailing { list: ListId::named("bl.example"), name: "bl.example".into(), health: Health::Off, cause: "probe" };
    lists.show(HealthBoard::new([bad]));
    let expected = Answer::ListHealth(lists.board());
    assert_eq!(running.resolver.cached(&Question::ListHealth).map(|answered| answered.answer), Some(expected.clone()));
    let asked = running.resolver.ask(Question::ListHealth, Asker::default());
    assert_eq!(timeout(PATIENCE, asked).await.expect("in time").expect("an answer").answer, expected);
}

#[tokio::test]
async fn a_resolver_is_seen_through_when_it_invents() {
    let rewriting = listing();
    let honest = Server::answering(|message| code(message, ResponseCode::NXDomain));
    let silent = Server::answering(|message| code(message, ResponseCode::Refused));
    for (server, expected) in [
        (rewriting, selftest::Reading::Invents),
        (honest, selftest::Reading::Honest),
        (silent, selftest::Reading::Silent(Failure::Refused)),
    ] {
        let running = Running::start(&config(server.address));
        let examined = selftest::examine(&running.resolver, Upstream::default());
        assert_eq!(timeout(PATIENCE, examined).await.expect("in time").1, expected);
    }
}
