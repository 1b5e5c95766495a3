//! Does the engine do what ARCHITECTURE.md promises? Checks that find what the configuration says, questions that are
//! answered as the test says.

mod again;
mod asking;
mod excepted;
mod exemptions;
mod lists;
mod sessions;
mod verdicts;

use super::{Decision, Engine, KillSwitch, Policy};
use crate::{
    ask::{Answered, Answers, Ask, Asker, DnsAnswer, DnsQuestion, Question, RecordType},
    check::{Check, Def, Exemption, Finding, Outcome, Rule},
    clock::{Clock, Now},
    config::{Document, Field, Kind, Section},
    decision_log::LogRing,
    mode::Mode,
    session::{Address, Facts, Helo, Rcpthosts, Sender, SessionId, Stage, StateKey, Tried},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::oneshot;

const RULES: &[Rule] = &[
    Rule::policy("first", "first of %{detail}", "for tests"),
    Rule { code: 550, ..Rule::policy("second", "second", "for tests") },
];
const FIELDS: &[Field] = &[
    Field { name: "says", kind: Kind::Choice(&["nothing", "allow", "defer", "reject", "score"]), doc: "for tests" },
    Field { name: "points", kind: Kind::Integer { default: 60, min: -1000, max: 1000 }, doc: "for tests" },
    Field { name: "list_mode", kind: Kind::Mode("enforce"), doc: "for tests" },
    Field { name: "asks", kind: Kind::Texts(&[]), doc: "Names; each is asked once the one before it is answered." },
];

const fn def(name: &'static str, stages: &'static [Stage], despite: &'static [Exemption]) -> Def {
    Def {
        name,
        doc: "for tests",
        stages,
        rules: RULES,
        fields: FIELDS,
        tables: &[],
        mode: Mode::Enforce,
        despite,
        build: |section, _| Box::new(Scripted::build(section)),
    }
}

static ALPHA: Def = def("alpha", &[Stage::Connect], &[]);
static BETA: Def = def("beta", &[Stage::Helo, Stage::Mail], &[Exemption::Relay, Exemption::TrustedClient]);
static GAMMA: Def = def("gamma", &[Stage::Rcpt], &[Exemption::Allowed, Exemption::ExemptRecipient]);
static DELTA: Def = def("delta", &[Stage::Data], &[]);
static CHECKS: &[&Def] = &[&ALPHA, &BETA, &GAMMA, &DELTA];

/// Says what it was told to say, once all it asked was answered.
struct Scripted {
    says: Option<Outcome>,
    list_mode: Mode,
    asks: Vec<Question>,
}

impl Scripted {
    fn build(section: &Section<'_>) -> Self {
        let points = i32::try_from(section.integer("points")).expect("bounded");
        let says = match section.choice("says") {
            "allow" => Some(Outcome::Allow),
            "defer" => Some(Outcome::Defer),
            "reject" => Some(Outcome::Reject),
            "score" => Some(Outcome::Score(points)),
            _ => None,
        };
        let asks = section.texts("asks").iter().map(|name| question(name)).collect();
        Self { says, list_mode: section.mode("list_mode"), asks }
    }
}

impl Check for Scripted {
    fn needs(&self, _stage: Stage, _facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        ask.extend(self.asks.iter().find(|question| answers.get(question).is_none()).cloned());
    }

    fn decide(&self, _stage: Stage, _facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let failed = self
            .asks
            .iter()
            .any(|question| matches!(question, Question::Dns(dns) if matches!(answers.dns(dns), DnsAnswer::Failed(_))));
        if let Some(outcome) = self.says.filter(|_| !failed) {
            let finding = Finding::new(0, outcome, "it");
            found.push(Finding { mode: self.list_mode, vars: vec![("detail", "it".to_owned())], ..finding });
        }
    }
}

fn question(name: &str) -> Question {
    Question::Dns(DnsQuestion::new(name, RecordType::A))
}

/// Answers from a table; what is not in it is never answered, but the asking is remembered.
#[derive(Default)]
struct Table {
    cached: HashMap<Question, Answered>,
    slow: HashMap<Question, Answered>,
    asked: Mutex<Vec<(Question, Option<oneshot::Sender<Answered>>)>>,
}

impl Table {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").iter().map(|(question, _)| question.to_string()).collect()
    }
}

impl Ask for Table {
    fn cached(&self, question: &Question) -> Option<Answered> {
        self.cached.get(question).cloned()
    }

    fn ask(&self, question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        let (sender, receiver) = oneshot::channel();
        let kept = match self.slow.get(&question) {
            Some(answered) => {
                sender.send(answered.clone()).expect("the receiver is here");
                None
            }
            None => Some(sender),
        };
        self.asked.lock().expect("no panic").push((question, kept));
        receiver
    }
}

/// An engine with the scripted checks.
struct Scene {
    engine: Engine,
    table: Arc<Table>,
    clock: Clock,
    switch: Arc<KillSwitch>,
    log: LogRing,
}

fn policy(config: &str) -> Result<Policy, Vec<String>> {
    let document = Document::parse("t.toml", config).expect("TOML");
    Policy::assemble(CHECKS, &document, (1, Default::default()), Default::default())
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

impl Scene {
    fn new(config: &str) -> Self {
        Self::asking(config, Table::default())
    }

    fn asking(config: &str, table: Table) -> Self {
        let policy = policy(config).expect("a policy");
        let (table, clock, switch, log) =
            (Arc::new(table), Clock::manual(1_000), Arc::new(KillSwitch::default()), LogRing::new(16));
        let key = StateKey::new(&[1; 32]).expect("long enough");
        let engine = Engine::new(policy, table.clone(), clock.clone(), switch.clone(), key, log.clone());
        Self { engine, table, clock, switch, log }
    }

    fn decide(&self, stage: Stage, facts: Facts, state: &[u8]) -> Arc<Decision> {
        self.decide_within(stage, facts, state, None)
    }

    fn decide_within(&self, stage: Stage, facts: Facts, state: &[u8], left: Option<Duration>) -> Arc<Decision> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.engine.decide(stage, facts, state, left))
    }

    /// A first recipient of an ordinary client.
    fn rcpt(&self) -> Arc<Decision> {
        self.decide(Stage::Rcpt, facts(), &[])
    }
}

/// A transaction at RCPT: a stranger writes to ann@here.example, which is ours.
fn facts() -> Facts {
    let mut facts = Facts {
        session_id: SessionId([9; 16]),
        seq: 4,
        helo: Some(Helo { name: Bytes::from_static(b"mx.example"), esmtp: true }),
        sender: Some(Sender { address: address("bob@there.example"), declared_size: 0 }),
        recipient: Some(Tried { address: address("ann@here.example"), rcpthosts: Rcpthosts::Allowed }),
        ..Facts::default()
    };
    facts.connection.host = "mx1".into();
    facts.connection.client_ip = Some([192, 0, 2, 9].into());
    facts
}

fn to(recipient: &str, rcpthosts: Rcpthosts) -> Facts {
    Facts { recipient: Some(Tried { address: address(recipient), rcpthosts }), ..facts() }
}

fn address(text: &str) -> Address {
    Address::new(Bytes::copy_from_slice(text.as_bytes()))
}
