//! Does the rule hold at its edges, and is nobody made to wait for what we do not know?

use super::{fields::*, who::*, *};
use crate::{
    ask::Answered,
    check::Waits,
    clock::Clock,
    config::{Document, Settled},
    dns_lists::Declared,
    session::{Connection, Sender, Tried},
    state::{Digest, Record},
};
use bytes::Bytes;
use std::{cell::RefCell, path::Path, time::Duration};

const NOW: u64 = 1_000_000;
const PATIENCE: Patience = Patience { delay: 300, retry_window: 3_600, proven_after: 2 };

fn built(text: &str) -> Greylist {
    let document = Document::parse("t.toml", text).expect("TOML");
    let faults = RefCell::default();
    let section = Section::new(&document, "check.greylist", &[DEF.fields], DEF.tables, &faults);
    let mut build = Build {
        check: DEF.name,
        mode: Mode::Enforce,
        control: Path::new("/nonexistent"),
        resolvers: &[],
        domains: &["here.example".to_owned(), ".sub.example".to_owned()],
        own_addresses: &[],
        defer_at: i64::MAX,
        files: &mut Default::default(),
        dns_lists: &mut vec![Declared { welcomes: true, ..Declared::new("wl.example") }],
        settled: &mut Settled::default(),
    };
    let check = Greylist::build(&section, &mut build);
    assert!(faults.borrow().is_empty(), "{faults:?}");
    check
}

fn address(text: &str) -> Address {
    Address::new(Bytes::copy_from_slice(text.as_bytes()))
}

fn facts() -> Facts {
    let connection = Connection { client_ip: Some([192, 0, 2, 9].into()), ..Connection::default() };
    let sender = Some(Sender { address: address("ann@client.example"), declared_size: 0 });
    let recipient = Some(Tried { address: address("you@here.example"), rcpthosts: Rcpthosts::Allowed });
    Facts { connection, sender, recipient, ..Facts::default() }
}

fn seen(usage: Use, triplet: Option<Triplet>, proven: Option<Triplet>) -> Seen {
    let identity = Identity { class: Class::Net, name: "192.0.2.0/24".to_owned(), usage };
    Seen { triplet, proven, ..Seen::new(identity, b"s", b"r") }
}

fn came(goes_on: bool, by_me: bool) -> Came {
    Came { goes_on, by_me, rejected_by: "", changed: false, rehearsed: false }
}

fn learnt(seen: &[Seen], came: Came) -> Vec<Effect> {
    let mut effects = Vec::new();
    PATIENCE.learn(seen, PATIENCE.judge(seen, NOW), came, NOW, &mut effects);
    effects
}

#[test]
fn it_waits_until_the_delay_is_over_and_no_longer_than_the_window() {
    for (first, judged) in [
        (NOW, Judged::Waits(EARLY, 300)),
        (NOW - 299, Judged::Waits(EARLY, 1)),
        (NOW - 300, Judged::Passes),
        (NOW - 3_600, Judged::Passes),
        (NOW - 3_601, Judged::Waits(FIRST, 300)),
        // A clock that runs a little ahead, and one that is wrong.
        (NOW + 10, Judged::Waits(EARLY, 300)),
        (NOW + 301, Judged::Passes),
    ] {
        assert_eq!(PATIENCE.judge(&[seen(Use::Main, Some(Triplet::begun(first)), None)], NOW), judged, "{first}");
    }
    assert_eq!(PATIENCE.judge(&[seen(Use::Main, None, None)], NOW), Judged::Waits(FIRST, 300));
}

#[test]
fn what_others_refuse_is_not_remembered() {
    let (unknown, ripe) = ([seen(Use::Main, None, None)], [seen(Use::Main, Some(Triplet::begun(NOW - 400)), None)]);
    for seen in [&unknown, &ripe] {
        assert_eq!(learnt(seen, came(false, false)), [], "another check refuses");
    }
    assert_eq!(learnt(&unknown, came(true, false)), [], "another check allows");
}

#[test]
fn a_forgotten_attempt_begins_anew() {
    let old = Triplet { epoch: 4, ..Triplet::begun(NOW - 5_000) };
    let effects = learnt(&[seen(Use::Main, Some(old), None)], came(false, true));
    let Effect::Tried(_, begun) = effects[0].clone() else { panic!("{effects:?}") };
    assert_eq!(begun, Triplet { epoch: 5, ..Triplet::begun(NOW) });
    assert_eq!(old.newer(begun), begun, "it replaces the old one wherever they meet");
}

#[test]
fn an_identity_is_proven_by_as_many_successes() {
    let ripe = Some(Triplet::begun(NOW - 400));
    let proof = |proven| {
        let seen = seen(Use::Main, ripe, proven);
        let proof_of = |effect| match effect {
            Effect::Tried(key, proof) if key == seen.proven_key => Some(proof),
            _ => None,
        };
        learnt(std::slice::from_ref(&seen), came(true, false)).into_iter().find_map(proof_of)
    };
    let one = Triplet { epoch: 0, first: NOW, last: NOW, passed: 0 };
    assert_eq!(proof(None), Some(one));
    assert_eq!(proof(Some(Triplet { last: NOW - 59, ..one })), None, "the same mail for another recipient");
    let two = Triplet { epoch: 1, passed: NOW, ..one };
    assert_eq!(proof(Some(Triplet { last: NOW - 60, ..one })), Some(two));
    assert_eq!(proof(Some(Triplet { last: NOW - 3_599, ..two })), None, "it is noted well enough");
    assert_eq!(proof(Some(Triplet { last: NOW - 3_600, ..two })), Some(two));
}

#[test]
fn what_is_doubtful_counts_and_proves_nothing() {
    let ripe = Some(Triplet::begun(NOW - 400));
    let both = [seen(Use::Doubtful, ripe, None), seen(Use::Main, None, None)];
    let proven = both[1].proven_key;
    let effects = learnt(&both, came(true, false));
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Tried(key, _) if *key == proven)), "{effects:?}");
    assert!(effects.contains(&Effect::Waited { class: "net", seconds: Some(400) }));
    let begun = learnt(&[seen(Use::Doubtful, None, None), seen(Use::Main, None, None)], came(false, true));
    assert_eq!(begun.iter().filter(|effect| matches!(effect, Effect::Tried(..))).count(), 2, "under both");
    let fallback = learnt(&[seen(Use::Main, None, None), seen(Use::Fallback, None, None)], came(false, true));
    assert_eq!(fallback.iter().filter(|effect| matches!(effect, Effect::Tried(..))).count(), 1);
}

#[test]
fn what_is_rehearsed_is_counted_apart_and_never_waited() {
    let rehearsed = |goes_on, by_me| Came { goes_on, by_me, rejected_by: "", changed: false, rehearsed: true };
    let begun = learnt(&[seen(Use::Main, None, None)], rehearsed(false, true));
    assert!(begun.contains(&Effect::Waited { class: "net_rehearsed", seconds: None }));
    let ripe = [seen(Use::Main, Some(Triplet::begun(NOW - 400)), None)];
    let passed = learnt(&ripe, rehearsed(true, false));
    assert!(passed.iter().all(|effect| !matches!(effect, Effect::Waited { .. })));
    assert_eq!(passed.len(), 2, "it came through, and proves something");
}

/// Answers to all that is asked, round by round: from the DNS nothing, from memory what is given.
fn answered(check: &Greylist, facts: &Facts, memory: &StateAnswer) -> (Answers, usize) {
    let (mut answers, mut rounds) = (Answers::default(), 0);
    loop {
        let mut asked = Vec::new();
        check.needs(Stage::Rcpt, facts, &answers, &mut asked);
        asked.retain(|question| answers.get(question).is_none());
        if asked.is_empty() {
            return (answers, rounds);
        }
        rounds += 1;
        for question in asked {
            let answer = match &question {
                Question::State(_) => Answered::state(memory.clone(), Duration::ZERO),
                other => Answered::nothing(other, crate::ask::Failure::Timeout, Duration::ZERO),
            };
            answers.insert(question, answer);
        }
    }
}

fn found(check: &Greylist, facts: &Facts, answers: &Answers) -> Vec<Finding> {
    let mut found = Vec::new();
    check.decide(Stage::Rcpt, facts, answers, Clock::manual(NOW).now(), &mut found);
    found
}

#[test]
fn nobody_waits_for_what_memory_cannot_say() {
    let check = built("");
    let (answers, rounds) = answered(&check, &facts(), &StateAnswer::Unknown);
    assert!(rounds <= crate::pipeline::ROUNDS_MAX, "{rounds}");
    assert_eq!(found(&check, &facts(), &answers).len(), 0);
    assert_eq!(found(&check, &facts(), &Answers::default()).len(), 0, "nor for what was not asked in time");
    let (answers, _) = answered(&check, &facts(), &StateAnswer::Nothing);
    assert_eq!(found(&check, &facts(), &answers).len(), 1);
}

#[test]
fn good_clients_and_nobodies_do_not_wait() {
    let check = built("[check.greylist]\nreputation_skip = 30\n");
    let (mut answers, _) = answered(&check, &facts(), &StateAnswer::Nothing);
    let mut standing = crate::state::Standing::default();
    (0..4).for_each(|_| standing.learn(crate::state::Experience::Accepted, 1.0, NOW));
    let of_client = Question::State(standing_question([192, 0, 2, 9].into()));
    answers.insert(of_client, Answered::state(StateAnswer::Standing(Box::new(standing)), Duration::ZERO));
    assert_eq!(found(&check, &facts(), &answers).len(), 0);
    assert_eq!(found(&built(""), &Facts { sender: None, ..facts() }, &answers).len(), 0);
    assert_eq!(found(&built("[check.greylist]\nreputation_skip = 100\n"), &facts(), &answers).len(), 1);
}

#[test]
fn a_message_teaches_few_correspondents() {
    let check = built("");
    let learnt = |recipients, recipient: &str| {
        let mut facts = facts();
        facts.connection.relayclient = Some(Bytes::new());
        facts.history.transaction.recipients = recipients;
        facts.recipient = Some(Tried { address: address(recipient), ..Tried::default() });
        let mut effects = Vec::new();
        let now = Clock::manual(NOW).now();
        check.learn(Stage::Rcpt, &facts, &Answers::default(), came(true, false), now, &mut effects);
        effects.len()
    };
    assert_eq!(learnt(CORRESPONDENTS_MAX, "bob@there.example"), 1);
    assert_eq!(learnt(CORRESPONDENTS_MAX + 1, "bob@there.example"), 0);
    for ours in ["you@here.example", "you@a.sub.example", "you"] {
        assert_eq!(learnt(1, ours), 0, "{ours}");
    }
    assert_eq!(learnt(1, "you@sub.example"), 1, "the suffix is not meant");
}

#[test]
fn only_lists_of_addresses_that_are_in_force_welcome() {
    let good = Declared { welcomes: true, ..Declared::new("wl.example") };
    assert!(Welcoming::of(&good).is_some());
    let domains = crate::dns_lists::Subject::Domain;
    for other in [
        Declared::new("bl.example"),
        Declared { monitored: true, ..good.clone() },
        // Whose domain it is, anybody can say.
        Declared { subject: domains, ..good.clone() },
    ] {
        assert!(Welcoming::of(&other).is_none(), "{other:?}");
    }
}

/// Memory with one triplet under every key.
struct Fake(StateAnswer);

impl Memory for Fake {
    fn look(&self, _: &StateQuestion) -> StateAnswer {
        self.0.clone()
    }

    fn waits(&self) -> Vec<Waits> {
        let waits = |class, begun, passed, p50_p95| Waits { class, begun, passed, p50_p95 };
        vec![
            waits("net_rehearsed", 7, 0, (0, 0)),
            waits("net", 200, 50, (511, 2_047)),
            waits("spf", 0, 0, (0, 0)),
            waits("of another check", 1, 1, (1, 1)),
        ]
    }

    fn now(&self) -> Now {
        Clock::manual(NOW).now()
    }
}

#[test]
fn an_administrator_sees_what_it_costs_and_what_is_remembered() {
    let check = built("");
    let shown = |memory: StateAnswer, op: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let rows = check.inspect_memory(op, &args, &Fake(memory));
        rows.map(|rows| rows.rows.iter().map(|row| row.join("|")).collect::<Vec<_>>())
    };
    let report = shown(StateAnswer::Nothing, "report", &[]).expect("rows");
    assert_eq!(report, ["spf|0|0|||", "net|200|50|75 %|511|2047", "net_rehearsed|7|0|100 %||"]);
    let arguments = ["192.0.2.9", "Ann@Client.example", "you@here.example", "mx1.farm.example"];
    let waits = shown(StateAnswer::Triplet(Triplet::begun(NOW - 70)), "show", &arguments).expect("rows");
    assert_eq!(waits.len(), 7);
    assert_eq!(waits[0], "spf|client.example|this mail|first 70 s ago, last 70 s ago, waits");
    assert!(waits[2].starts_with("rdns|farm.example|") && waits[4].starts_with("net|192.0.2.0/24|"), "{waits:?}");
    let passed = Triplet { passed: NOW - 5, ..Triplet::begun(NOW - 400) };
    let passed = shown(StateAnswer::Triplet(passed), "show", &["192.0.2.9", "", "you@here.example"]).expect("rows");
    assert_eq!(passed[0], "net|192.0.2.0/24|this mail|yes, for 5 s, last 400 s ago");
    for (op, args) in [("show", &["x", "a@b", "c@d"][..]), ("show", &[]), ("report", &["x"]), ("all", &[])] {
        assert!(shown(StateAnswer::Nothing, op, args).is_err(), "{op}");
    }
}

#[test]
fn keys_are_kept_apart() {
    let identity = |class, name: &str| Identity { class, name: name.to_owned(), usage: Use::Main };
    let keys = [
        identity(Class::Spf, "a.example").triplet_key(b"s", b"r"),
        identity(Class::Rdns, "a.example").triplet_key(b"s", b"r"),
        identity(Class::Rdns, "a.example").triplet_key(b"", b"r"),
        identity(Class::Rdns, "a.example").proven_key(),
        correspondent_key(b"s", b"r"),
        correspondent_key(b"r", b"s"),
    ];
    let distinct: std::collections::HashSet<Digest> = keys.into_iter().collect();
    assert_eq!(distinct.len(), keys.len());
}
