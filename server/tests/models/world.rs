//! What do models play against? An engine over a policy, and a DNS in which names say what they are.

use bytes::Bytes;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::oneshot};
use tollgate::{
    ask::{
        Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Question, Record, RecordType,
        spf::{Evaluation, SpfResult},
    },
    check::Outcome,
    clock::Clock,
    config::Document,
    decision_log::LogRing,
    pipeline::{Decision, Engine, KillSwitch, Policy},
    session::{Address, Facts, Helo, Rcpthosts, Sender, SessionId, Stage, StateKey, Tried},
};

/// SPF passes for senders at `pass.*`; clients in 198.51.100.0/24 are hosts of `hoster.example`; nothing else exists.
struct Names;

impl Names {
    fn dns(question: &DnsQuestion) -> DnsAnswer {
        let name = question.name.expose();
        let host = name.strip_suffix(".100.51.198.in-addr.arpa").map(|last| format!("mx{last}.hoster.example"));
        let last = name.strip_suffix(".hoster.example").and_then(|label| label.strip_prefix("mx")?.parse().ok());
        match (question.kind, host, last) {
            (RecordType::Ptr, Some(host), _) => DnsAnswer::Found([Record::Ptr(host.into())].into()),
            (RecordType::A, _, Some(last)) => DnsAnswer::Found([Record::A([198, 51, 100, last].into())].into()),
            _ => DnsAnswer::NotFound,
        }
    }
}

impl Ask for Names {
    fn cached(&self, question: &Question) -> Option<Answered> {
        let took = Duration::ZERO;
        match question {
            Question::Dns(dns) => {
                Some(Answered { answer: Answer::Dns(Self::dns(dns)), ..Answered::failed(Failure::Timeout, took) })
            }
            Question::Spf(spf) => {
                let passes = spf.query.domain().is_some_and(|domain| domain.starts_with("pass."));
                let result = if passes { SpfResult::Pass } else { SpfResult::None };
                let evaluation = Evaluation { is_identity: passes, ..Evaluation::bare(result) };
                Some(Answered::spf(Arc::new(evaluation), took))
            }
            Question::ListHealth | Question::State(_) | Question::Mailbox(_) | Question::Exceptions => None,
        }
    }

    fn ask(&self, _: Question, _: Asker) -> oneshot::Receiver<Answered> {
        oneshot::channel().1
    }
}

/// An engine, and how to talk to it.
pub(crate) struct World {
    engine: Engine,
    clock: Clock,
    runtime: Runtime,
    log: LogRing,
    sessions: u64,
}

impl World {
    pub(crate) fn new(policy: &str) -> Self {
        const OTHERS_OFF: [&str; 4] = ["rdns", "helo", "sender_domain", "spf"];
        let off: String = OTHERS_OFF.iter().map(|name| format!("[check.{name}]\nmode = \"off\"\n")).collect();
        let text = format!("[policy]\ncontrol = \"/nonexistent\"\nsleepers_max = 100000\n{policy}\n{off}");
        let document = Document::parse("t.toml", &text).expect("TOML");
        let policy = Policy::build(&document, 1).unwrap_or_else(|faults| panic!("{faults:?}"));
        let (clock, log) = (Clock::manual(1_700_000_000), LogRing::new(4));
        let key = StateKey::random().expect("random numbers");
        let engine =
            Engine::new(policy, Arc::new(Names), clock.clone(), Arc::new(KillSwitch::default()), key, log.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { engine, clock, runtime, log, sessions: 0 }
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().unix_seconds()
    }

    /// One call of a session of its own.
    pub(crate) fn decide(&mut self, stage: Stage, mut facts: Facts) -> Arc<Decision> {
        self.sessions += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.sessions.to_le_bytes());
        (facts.session_id, facts.seq) = (SessionId(id), 1);
        let decision = self.runtime.block_on(self.engine.decide(stage, facts, &[], None));
        self.log.pop();
        decision
    }
}

/// Somebody writes to somebody here.
pub(crate) fn mail(ip: [u8; 4], sender: &str, recipient: &str) -> Facts {
    let address = |text: &str| Address::new(Bytes::copy_from_slice(text.as_bytes()));
    let mut facts = Facts {
        helo: Some(Helo { name: Bytes::from_static(b"mx.example"), esmtp: true }),
        sender: Some(Sender { address: address(sender), declared_size: 0 }),
        recipient: Some(Tried { address: address(recipient), rcpthosts: Rcpthosts::Allowed }),
        ..Facts::default()
    };
    facts.connection.host = "mx1".into();
    facts.connection.client_ip = Some(IpAddr::from(ip));
    facts
}

/// The rule of a check that found something, and what it wants.
pub(crate) fn found(decision: &Decision, check: &str) -> Option<(&'static str, Outcome)> {
    let finding = decision.findings.iter().find(|judged| judged.check == check);
    finding.map(|judged| (judged.rule, judged.outcome))
}
