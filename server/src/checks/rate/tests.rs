//! Whose bucket is it, what is spent, and who is spared?

use super::*;
use crate::{
    ask::Answered,
    check::Waits,
    clock::Clock,
    config::{Document, Settled},
    session::{Address, Connection, Sender, Tried},
    state::{Experience, Standing},
};
use bytes::Bytes;
use std::{cell::RefCell, path::Path, time::Duration};

const NOW: u64 = 1_000_000;

const LIMITS: &str = "\
[[check.rate.limit]]
name = \"clients\"
count = 100
per_s = 1000
action = \"defer\"
[[check.rate.limit]]
name = \"mailboxes\"
by = \"recipient\"
count = 100
per_s = 1000
[[check.rate.limit]]
name = \"nets\"
by = \"net\"
counts = \"messages\"
count = 2
[[check.rate.shape]]
start_ms = 500
";

fn built(text: &str) -> Rate {
    let document = Document::parse("t.toml", text).expect("TOML");
    let faults = RefCell::default();
    let section = Section::new(&document, "check.rate", &[DEF.fields], DEF.tables, &faults);
    let mut build = Build {
        check: DEF.name,
        mode: Mode::Enforce,
        control: Path::new("/nonexistent"),
        resolvers: &[],
        domains: &[],
        own_addresses: &[],
        defer_at: i64::MAX,
        files: &mut Default::default(),
        dns_lists: &mut Vec::new(),
        settled: &mut Settled::default(),
    };
    let check = Rate::build(&section, &mut build);
    assert!(faults.borrow().is_empty(), "{faults:?}");
    check
}

fn facts() -> Facts {
    let address = |text: &str| Address::new(Bytes::copy_from_slice(text.as_bytes()));
    let connection = Connection { client_ip: Some([192, 0, 2, 9].into()), ..Connection::default() };
    let sender = Some(Sender { address: address("ann@client.example"), declared_size: 0 });
    let recipient = Some(Tried { address: address("you@here.example"), rcpthosts: Rcpthosts::Allowed });
    Facts { connection, sender, recipient, ..Facts::default() }
}

/// Answers to what is asked: every bucket and every reputation is as given.
fn answered(check: &Rate, stage: Stage, tokens: &StateAnswer, standing: &StateAnswer) -> Answers {
    let (mut answers, mut asked) = (Answers::default(), Vec::new());
    check.needs(stage, &facts(), &answers, &mut asked);
    for question in asked {
        let answer = if matches!(question, Question::State(StateQuestion::Tokens(_))) { tokens } else { standing };
        answers.insert(question, Answered::state(answer.clone(), Duration::ZERO));
    }
    answers
}

/// The details of what is found at RCPT.
fn found(check: &Rate, answers: &Answers) -> Vec<String> {
    let mut found = Vec::new();
    check.decide(Stage::Rcpt, &facts(), answers, Clock::manual(NOW).now(), &mut found);
    found.into_iter().map(|finding| finding.detail).collect()
}

fn learnt(check: &Rate, stage: Stage, answers: &Answers, goes_on: bool) -> Vec<u32> {
    let (mut effects, came) =
        (Vec::new(), Came { goes_on, by_me: false, rejected_by: "", changed: false, rehearsed: false });
    let facts = Facts { recipients: (stage == Stage::Data).then_some((7, 1)), ..facts() };
    check.learn(stage, &facts, answers, came, Clock::manual(NOW).now(), &mut effects);
    let tokens = |effect: &Effect| if let Effect::Spent { tokens, .. } = effect { Some(*tokens) } else { None };
    effects.iter().filter_map(tokens).collect()
}

fn used_up() -> StateAnswer {
    StateAnswer::Tokens(Tokens { full_at_ms: NOW * 1_000 + 2_000_000, spent: 100, every_ms: 10_000 })
}

fn good() -> StateAnswer {
    let mut standing = Standing::default();
    (0..9).for_each(|_| standing.learn(Experience::Accepted, 1.0, NOW));
    StateAnswer::Standing(Box::new(standing))
}

#[test]
fn clients_of_good_reputation_are_not_held_up_by_a_full_mailbox() {
    let check = built(LIMITS);
    for (standing, limits) in [(StateAnswer::Nothing, 2), (good(), 1), (StateAnswer::Unknown, 1)] {
        let answers = answered(&check, Stage::Rcpt, &used_up(), &standing);
        let found = found(&check, &answers);
        assert_eq!(found.len(), limits, "{found:?}");
        assert!(found[0].starts_with("clients: "));
    }
}

#[test]
fn what_memory_cannot_say_limits_nobody() {
    let check = built(LIMITS);
    let answers = answered(&check, Stage::Rcpt, &StateAnswer::Unknown, &StateAnswer::Nothing);
    assert_eq!(found(&check, &answers), [""; 0]);
    assert_eq!(found(&check, &Answers::default()), [""; 0]);
    assert_eq!(found(&check, &answered(&check, Stage::Rcpt, &StateAnswer::Nothing, &StateAnswer::Nothing)), [""; 0]);
}

#[test]
fn only_what_goes_on_and_was_asked_for_is_spent() {
    let check = built(LIMITS);
    for stage in [Stage::Rcpt, Stage::Data] {
        let answers = answered(&check, stage, &StateAnswer::Nothing, &StateAnswer::Nothing);
        // At DATA a message, and what its seven recipients claim.
        let spent: &[u32] = if stage == Stage::Data { &[1, 7] } else { &[1, 1] };
        assert_eq!(learnt(&check, stage, &answers, true), spent);
        assert_eq!(learnt(&check, stage, &answers, false), [0; 0]);
        assert_eq!(learnt(&check, stage, &Answers::default(), true), [0; 0], "the engine passed the client over");
    }
}

/// Memory with one answer.
struct Fake(StateAnswer);

impl Memory for Fake {
    fn look(&self, _: &StateQuestion) -> StateAnswer {
        self.0.clone()
    }

    fn waits(&self) -> Vec<Waits> {
        Vec::new()
    }

    fn now(&self) -> Now {
        Clock::manual(NOW).now()
    }
}

#[test]
fn an_administrator_sees_limits_and_buckets() {
    let check = built(LIMITS);
    let shown = |memory: StateAnswer, op: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let rows = check.inspect_memory(op, &args, &Fake(memory));
        rows.map(|rows| rows.rows.iter().map(|row| row.join("|")).collect::<Vec<_>>())
    };
    let limits = shown(StateAnswer::Nothing, "limits", &[]).expect("rows");
    assert_eq!(limits[0], "clients|ip|recipients|100|10000|defer");
    assert_eq!(limits[2], "nets|net|messages|2|1800000|delay, at most 10000 ms");
    let left = |memory, args: &[&str]| shown(memory, "left", args);
    assert_eq!(left(StateAnswer::Nothing, &["clients", "192.0.2.9"]).expect("rows"), ["clients|192.0.2.9|100|100|0"]);
    let empty = left(used_up(), &["clients", "192.0.2.9"]).expect("rows");
    assert_eq!(empty, ["clients|192.0.2.9|0|100|1010000"]);
    for args in [&["client", "192.0.2.9"][..], &["clients", "mx"], &["clients"]] {
        assert!(left(StateAnswer::Nothing, args).is_err(), "{args:?}");
    }
    assert!(left(StateAnswer::Unknown, &["clients", "192.0.2.9"]).is_err());
    assert!(shown(StateAnswer::Nothing, "all", &[]).is_err());
}
