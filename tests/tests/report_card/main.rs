//! Are the report card's numbers true? 100,000 connections of a seeded world, counted again from the decision log.
//!
//! In-process: the real engine, check, log writer and card; the world answers in place of the DNS.

#![allow(clippy::expect_used, reason = "what these helpers cannot have, no test can go on without")]

mod recount;
mod world;

use recount::{Line, Recount};
use std::{path::Path, sync::Arc, thread, time::Duration};
use tollgate::{
    ask::ListId,
    clock::Clock,
    config::Document,
    decision_log::{Format, LogHandle, LogRing, Settings, Writer},
    decisions,
    dns_lists::{
        DnsLists, ListEvent,
        card::{self, Card, Contradiction, Known, Window},
    },
    pipeline::{Action, DecisionId, Engine, KillSwitch, Policy},
    session::{Address, Connection, Ending, Facts, Helo, Rcpthosts, Report, Sender, SessionId, Stage, StateKey, Tried},
};
use world::{ALLOWED, LISTS, World};

/// Connections of the run.
const CONNECTIONS: u64 = 100_000;
/// Connections after which log and events are emptied: no ring is full then.
const PIECE: u64 = 1_000;
/// Of so many connections one is looked at by an administrator, who pardons it if it was refused.
const PARDONED: u64 = 97;
/// So that the run stays within an hour.
const BETWEEN: Duration = Duration::from_millis(30);

struct Run {
    engine: Engine,
    world: Arc<World>,
    lists: Arc<DnsLists>,
    clock: Clock,
    card: Card,
    log: LogHandle,
    runtime: tokio::runtime::Runtime,
}

fn policy() -> Policy {
    let list = |(zone, rest, ..): &(&str, &str, u64, u64)| {
        format!("[[check.rbl.list]]\nzone = \"{zone}\"\nquery = \"a\"\n{rest}\n")
    };
    let off = ["rdns", "helo", "sender_domain"].map(|check| format!("[check.{check}]\nmode = \"off\"\n")).concat();
    // Remembered, but without a say: what lists are worth is counted from lists alone.
    let remembered = "[check.reputation]\nweight = 0\npoints_accepted = 10\n";
    let text = format!(
        "[policy]\ncontrol = \"nowhere\"\nscore_mode = \"enforce\"\ndefer_at = 40\nreject_at = 60\n\
         [check.access]\nclients_allow = [\"{ALLOWED}\"]\n{off}{remembered}{}",
        LISTS.iter().map(list).collect::<String>()
    );
    let document = Document::parse("t.toml", &text).expect("TOML");
    Policy::build(&document, 1).unwrap_or_else(|faults| panic!("{faults:?}"))
}

impl Run {
    fn new(seed: u64, file: &Path) -> (Self, thread::JoinHandle<()>) {
        let lists = Arc::new(DnsLists::default());
        let world = Arc::new(World::new(seed, lists.clone()));
        let (clock, ring) = (Clock::manual(1_800_000_000), LogRing::default());
        let settings = Settings { format: Format::Json, file: Some(file.to_owned()), all: false, remember: 0 };
        let off = (file.with_extension("decisions"), decisions::Settings::off());
        let (writer, log) = Writer::new(ring.clone(), settings, off, clock.clone()).expect("a log");
        let policy = policy();
        let known = policy.dns_lists().iter().map(|list| (list.id, list.name.clone(), list.welcomes));
        let mut card = Card::default();
        card.declare(Known::new(known));
        let key = StateKey::random().expect("a key");
        let engine = Engine::new(policy, world.clone(), clock.clone(), Arc::new(KillSwitch::default()), key, ring);
        let engine = engine.watching(lists.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let thread = thread::spawn(move || writer.run());
        (Self { engine, world, lists, clock, card, log, runtime }, thread)
    }

    fn connection(&self, number: u64) {
        let address = |text: &'static str| Address::new(text.as_bytes().into());
        let mut session = [0; 16];
        session[..8].copy_from_slice(&number.to_be_bytes());
        let client_ip = Some(self.world.client(number).into());
        let mut facts = Facts {
            session_id: SessionId(session),
            seq: 1,
            connection: Connection { client_ip, host: "mx".to_owned(), ..Connection::default() },
            helo: Some(Helo { name: "there.example".into(), esmtp: true }),
            sender: Some(Sender { address: address("a@there.example"), declared_size: 0 }),
            recipient: Some(Tried { address: address("b@here.example"), rcpthosts: Rcpthosts::Allowed }),
            ..Facts::default()
        };
        let decision = self.runtime.block_on(self.engine.decide(Stage::Rcpt, facts.clone(), &[], None));
        let accepted = decision.verdict.action == Action::Continue && self.world.sends(number);
        if number.is_multiple_of(PARDONED) && decision.verdict.action != Action::Continue {
            self.engine.pardon(&decision, Vec::new());
        }
        facts.recipient = None;
        let over = Report { messages_accepted: u32::from(accepted), quit: true, ..Report::default() };
        let message = accepted.then(|| Report { ending: Ending::Accepted, ..over.clone() });
        for report in message.into_iter().chain([over]) {
            facts.report = Some(report);
            self.engine.report(facts.clone(), &decision.verdict.session_state);
        }
    }

    /// Everything told so far is on the card, everything logged so far in the file.
    fn settle(&mut self) {
        let now = self.clock.now();
        while let Some(event) = self.lists.next() {
            match event {
                ListEvent::Seen(seen) => self.card.seen(&seen, now),
                ListEvent::Contradicted { kind, listed } => self.card.contradicted(kind, &listed, now),
                ListEvent::LookedUp { list, answer, took } => {
                    let failed = matches!(answer, tollgate::ask::DnsAnswer::Failed(_));
                    self.card.looked_up(list, failed, took, now);
                }
            }
        }
        // Commands are taken in order: after an answer everything before it has been written.
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert!(runtime.block_on(self.log.explain(DecisionId::default())).is_ok_and(|found| found.is_none()));
    }
}

fn compare(report: &card::Report, recount: &Recount, world: &World) {
    assert_eq!(report.connections, recount.connections, "{:?}", report.window);
    for (at, (name, ..)) in LISTS.iter().enumerate() {
        let list = report.lists.iter().find(|list| &*list.name == *name).expect("on the card");
        let counts = &list.counts;
        let line = Line {
            heard: counts.heard,
            hits: counts.hits,
            unique: counts.unique,
            failed: counts.failed,
            would_refuse: counts.would_refuse,
            needed: counts.needed,
            accepted: counts.contradicted[Contradiction::Accepted as usize],
            allowed: counts.contradicted[Contradiction::Allowed as usize],
            proven_good: counts.contradicted[Contradiction::ProvenGood as usize],
            pardoned: counts.contradicted[Contradiction::Pardoned as usize],
        };
        assert_eq!(line, recount.lines[at], "{name} over {:?}", report.window);
        assert_eq!(counts.lookups, world.lookups(ListId::named(name)), "{name}: look-ups");
        assert!(list.p50 <= list.p99 && list.p99.is_some(), "{name}: latency");
    }
    for overlap in &report.overlaps {
        let at = |name: &str| LISTS.iter().position(|(list, ..)| *list == name).expect("a list of this world");
        let (one, two) = (at(&overlap.first), at(&overlap.second));
        assert_eq!(Some(&overlap.both), recount.both.get(&(one.min(two), one.max(two))), "{overlap:?}");
    }
    assert_eq!(report.overlaps.len(), recount.both.len(), "every pair is named");
}

#[test]
fn the_report_card_is_what_the_decision_log_says() {
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("decisions");
    let (mut run, thread) = Run::new(0x7011_9a7e, &file);
    for number in 0..CONNECTIONS {
        run.connection(number);
        run.clock.advance(BETWEEN);
        if number % PIECE == PIECE - 1 {
            run.settle();
        }
    }
    run.settle();
    run.log.stop();
    thread.join().expect("the log ends");
    assert_eq!(run.lists.dropped(), 0);
    let recount = Recount::of(&std::fs::read_to_string(&file).expect("the log"));
    assert_eq!(recount.connections, CONNECTIONS, "every connection is in the log");
    // The world is rich enough for every number to mean something.
    for line in &recount.lines[..4] {
        assert!(line.hits > 0 && line.unique > 0 && line.failed > 0 && line.accepted + line.allowed > 0, "{line:?}");
    }
    assert!(recount.lines.iter().any(|line| line.proven_good > 0), "{:?}", recount.lines);
    assert!(recount.lines.iter().filter(|line| line.pardoned > 0).count() > 2, "{:?}", recount.lines);
    assert!(recount.lines[0].needed > 0 && recount.lines[2].needed > 0 && recount.lines[1].needed == 0);
    let now = run.clock.now();
    for window in Window::ALL {
        compare(&run.card.report(window, now), &recount, &run.world);
    }
}
