//! What does an exception do beyond the verdict: to its hits, to what lists and memory learn, to what is recorded? The real
//! checks over answers of the test's making.

use super::*;
use crate::{
    ask::{Answer, Failure, ListId, Record, StateAnswer, StateQuestion},
    check::Memory,
    decision_log::Event,
    decisions::record,
    dns_lists::{DnsLists, ListEvent, card::Contradiction},
    pipeline::{Action, explain},
    state::{Exception, Experience, Hits, Subject},
};

const OFF: &str = "[check.rdns]\nmode = \"off\"\n[check.helo]\nmode = \"off\"\n[check.sender_domain]\nmode = \"off\"\n\
                   [check.spf]\nmode = \"off\"\n";

/// An engine with two lists that hold the client: one that refuses, and one of good clients that does not say so.
struct Excepted {
    engine: Engine,
    lists: Arc<DnsLists>,
    log: LogRing,
}

impl Excepted {
    fn new(settings: &str) -> Self {
        let listed = |zone: &str| {
            let name = format!("9.2.0.192.{zone}");
            let question = DnsQuestion { list: ListId::named(zone), ..DnsQuestion::new(name, RecordType::A) };
            let answer = Answer::Dns(DnsAnswer::Found([Record::A([127, 0, 0, 2].into())].into()));
            (Question::Dns(question), Answered { answer, ..Answered::failed(Failure::Timeout, Duration::ZERO) })
        };
        let lists = "[[check.rbl.list]]\nzone = \"bl\"\nquery = \"a\"\naction = \"reject\"\n\
                     [[check.rbl.list]]\nzone = \"more\"\nquery = \"a\"\nmode = \"monitor\"\n";
        let text = format!("[policy]\ncontrol = \"nowhere\"\n{settings}\n{lists}{OFF}");
        let policy = Policy::build(&Document::parse("t.toml", &text).expect("TOML"), 1).expect("a policy");
        let table = Table { cached: ["bl", "more"].map(listed).into(), ..Table::default() };
        let (lists, log) = (Arc::new(DnsLists::default()), LogRing::new(16));
        let key = StateKey::new(&[1; 32]).expect("long enough");
        let switch = Arc::new(KillSwitch::default());
        let engine = Engine::new(policy, Arc::new(table), Clock::manual(1_000), switch, key, log.clone());
        Self { engine: engine.watching(lists.clone()), lists, log }
    }

    fn make(&self, allows: bool, clients: &str, recipient: &str) {
        let now = self.engine.recall().now();
        let new = Exception {
            allows,
            clients: clients.parse().ok(),
            recipient: recipient.to_owned(),
            made_at: 1_000,
            until: 9_000,
            by: "hans".to_owned(),
            reason: "a relay\nof theirs".to_owned(),
            ..Exception::default()
        };
        self.engine.recall().exceptions.make(new, now).expect("is made");
    }

    fn rcpt(&self, facts: Facts) -> Arc<Decision> {
        self.rcpt_with(facts, &[])
    }

    fn rcpt_with(&self, facts: Facts, state: &[u8]) -> Arc<Decision> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.engine.decide(Stage::Rcpt, facts, state, None))
    }

    fn hits(&self) -> Vec<Hits> {
        let all = self.engine.recall().exceptions.all(self.engine.recall().now());
        all.into_iter().map(|(_, said)| said.hits).collect()
    }

    fn knows_as_good(&self) -> bool {
        match self.lists.next() {
            Some(ListEvent::Seen(seen)) => seen.known_good,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_allowed_client_is_a_good_one_an_open_recipient_makes_nobody_good() {
    for (clients, recipient, good) in
        [("192.0.2.9", "", true), ("192.0.2.9", "@here.example", true), ("", "@here.example", false)]
    {
        let scene = Excepted::new("");
        scene.make(true, clients, recipient);
        let decision = scene.rcpt(facts());
        assert_eq!((decision.verdict.action, decision.decided_by), (Action::Continue, "exceptions"));
        assert_eq!((scene.knows_as_good(), decision.facts.history.welcomed), (good, good), "{clients} {recipient}");
        assert_eq!(scene.hits(), [Hits { all: 1, changed: 1, last: 1_000, last_changed: 1_000 }]);
    }
}

#[test]
fn a_repeated_call_and_an_imagined_one_count_nothing() {
    let scene = Excepted::new("");
    scene.make(false, "192.0.2.0/24", "");
    let first = scene.rcpt(facts());
    let again = scene.rcpt_with(facts(), &first.verdict.session_state);
    assert_eq!((first.decided_by, again.decided_by), ("exceptions", "exceptions"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let imagined = runtime.block_on(scene.engine.rehearse(Stage::Rcpt, facts()));
    assert_eq!(imagined.decided_by, "exceptions", "but it says what would happen");
    assert_eq!(scene.hits()[0].all, 1);
}

#[test]
fn a_recorded_decision_tells_its_exception_and_is_made_again_without_the_board() {
    let scene = Excepted::new("");
    scene.make(true, "192.0.2.0/24", "");
    let decision = scene.rcpt(facts());
    let octets = Bytes::from(record::encode(&decision));
    let recorded = record::decode(&octets, decision.at.steady).expect("it can be read").decision;
    let told: Vec<String> = recorded.findings.iter().map(|judged| judged.detail.clone()).collect();
    assert!(told[0].contains("allow clients 192.0.2.0/24 by hans: a relay\nof theirs"), "{told:?}");
    assert_eq!(recorded.evidence.exceptions().len(), 1);
    scene.engine.recall().exceptions.all(scene.engine.recall().now()).iter().for_each(|(id, _)| {
        scene.engine.recall().exceptions.remove(*id, scene.engine.recall().now()).expect("is removed");
    });
    let again = scene.engine.policy().decide_again(&recorded);
    assert_eq!((again.verdict.action, again.decided_by), (Action::Continue, "exceptions"));
    assert_eq!(scene.rcpt(facts()).decided_by, "rbl", "and today it is refused");
}

/// What is told of a step, and that it decided.
fn told(decision: &Decision, step: &str) -> (String, bool) {
    let octets = Bytes::from(record::encode(decision));
    let recorded = record::decode(&octets, decision.at.steady).expect("it can be read").decision;
    let path = explain(&recorded).path;
    let step = path.into_iter().find(|one| one.step == step).expect("it is on the path");
    (step.detail, step.won)
}

#[test]
fn where_an_exception_and_a_list_of_ours_speak_it_is_told_which_held() {
    let scene =
        Excepted::new("[check.access]\nclients_deny = [\"192.0.2.9\"]\nrecipients_deny = [\"shut@here.example\"]");
    scene.make(true, "192.0.2.0/24", "");
    let decision = scene.rcpt(to("shut@here.example", Rcpthosts::Allowed));
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Reject, "access"));
    assert_eq!(
        told(&decision, "exceptions"),
        ("allowed: allow, but access refuses whoever is allowed".to_owned(), false)
    );
    let denied = "client_denied: reject, passed over: an earlier step allowed; recipient_denied: reject";
    assert_eq!(told(&decision, "access"), (denied.to_owned(), true));
    let changes = explain(&decision).changes;
    let then: Vec<_> = changes.iter().map(|change| (change.without.as_str(), change.action, change.by)).collect();
    assert_eq!(then, [("access.recipient_denied (shut@here.example)", Action::Continue, "exceptions")]);
    let decision = scene.rcpt(facts());
    assert_eq!(told(&decision, "exceptions"), ("allowed: allow".to_owned(), true));
    assert_eq!(told(&decision, "access").0, "client_denied: reject, passed over: an earlier step allowed");
    // The other way round: a list allows whom an exception denies.
    let scene = Excepted::new("[check.access]\nclients_allow = [\"192.0.2.9\"]");
    scene.make(false, "192.0.2.0/24", "");
    let decision = scene.rcpt(facts());
    assert_eq!(told(&decision, "exceptions"), ("denied: reject".to_owned(), true));
    assert_eq!(told(&decision, "access"), ("client_allowed: allow, not heard: exceptions spoke".to_owned(), false));
}

#[test]
fn a_pardon_speaks_against_the_lists_and_for_those_who_were_refused() {
    let scene = Excepted::new("");
    let decision = scene.rcpt(facts());
    assert_eq!((decision.verdict.action, decision.decided_by), (Action::Reject, "rbl"));
    scene.knows_as_good();
    while scene.log.pop().is_some() {}
    let client = StateQuestion::Standing(Subject::Ip([192, 0, 2, 9].into()));
    let reputation = || match scene.engine.recall().look(&client) {
        StateAnswer::Standing(standing) => standing.reputation(1_000),
        other => panic!("{other:?}"),
    };
    let before = reputation();
    assert!(before < 0.0, "the refusal is remembered: {before}");
    scene.engine.pardon(&decision, vec![("by", "hans".to_owned())]);
    let Some(ListEvent::Contradicted { kind: Contradiction::Pardoned, listed }) = scene.lists.next() else {
        panic!("not told")
    };
    assert_eq!(listed, ["bl", "more"].map(ListId::named));
    assert!(reputation() > 0.0, "the pardon outweighs it: {}", reputation());
    let StateAnswer::Standing(standing) = scene.engine.recall().look(&client) else { panic!("is remembered") };
    assert!(
        standing.counts[Experience::ALL.iter().position(|one| *one == Experience::Pardoned).expect("a kind")] > 0.0
    );
    let Some(Event::Notice(notice)) = scene.log.pop() else { panic!("not logged") };
    assert_eq!((notice.event, notice.words[0].1.as_str()), ("pardon", &*decision.verdict.decision_id.to_string()));
    assert!(notice.words.contains(&("by", "hans".to_owned())));
}

#[test]
fn a_pardon_of_what_no_list_had_a_part_in_is_no_lists_business() {
    let scene = Excepted::new("[check.badmailfrom]\nentries = [\"@there.example\"]");
    let mut facts = facts();
    facts.connection.client_ip = Some([198, 51, 100, 7].into());
    let decision = scene.rcpt(facts);
    assert_eq!(decision.decided_by, "badmailfrom");
    while scene.lists.next().is_some() {}
    scene.engine.pardon(&decision, Vec::new());
    assert!(scene.lists.next().is_none());
}
