//! Is one look made for all who ask the same, and does a home that hangs hold up nobody but those who ask for it?

use super::*;
use crate::{
    ask::{Existence, MailboxQuestion, mailbox},
    lists::qmail::Account,
};
use mailbox::{Accounts, Kind, Live, Places, Said, Source};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

/// Nothing here takes as long as that.
const PATIENCE: Duration = Duration::from_secs(20);

/// A host without accounts, which can be made to hang.
#[derive(Clone, Default)]
struct Slow {
    looks: Arc<AtomicUsize>,
    /// Held by a test as long as everything is to hang.
    gate: Arc<Mutex<()>>,
    hanging: Arc<AtomicUsize>,
}

impl Accounts for Slow {
    fn by_name(&self, name: &[u8]) -> Result<Option<Account>, String> {
        // The last thing that is asked of a look.
        if name == b"alias" {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            drop(self.gate.lock().expect("no panic while it was held"));
            self.hanging.fetch_sub(1, Ordering::SeqCst);
            self.looks.fetch_add(1, Ordering::SeqCst);
        }
        Ok(None)
    }
}

struct Nobody;

impl Ask for Nobody {
    fn cached(&self, _question: &Question) -> Option<Answered> {
        None
    }

    fn ask(&self, _question: Question, _asker: Asker) -> oneshot::Receiver<Answered> {
        oneshot::channel().1
    }
}

struct Running {
    answers: MailboxAnswers,
    workers: Vec<JoinHandle<()>>,
    source: Arc<Source>,
    slow: Slow,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("locals"), "here.example\n").expect("written");
        let places = Places { control: folder.path().to_owned(), users: folder.path().join("users") };
        let slow = Slow::default();
        let kind = Kind::Live(Arc::new(Live::new(places.clone(), Box::new(slow.clone()), Said::read(&places))));
        let source = Arc::new(Source { name: "live".to_owned(), lists: Arc::default(), kind });
        let clock = Clock::manual(1_000);
        let (answers, workers) = MailboxAnswers::new(Arc::new(Nobody), clock.clone());
        let workers = workers.into_iter().map(|worker| std::thread::spawn(move || worker.run())).collect();
        Self { answers, workers, source, slow, clock, _folder: folder }
    }

    fn question(&self, local: impl std::fmt::Display) -> Question {
        let address = format!("{local}@here.example").into();
        Question::Mailbox(Arc::new(MailboxQuestion { address, source: self.source.clone() }))
    }

    fn ask(&self, local: impl std::fmt::Display) -> oneshot::Receiver<Answered> {
        self.answers.ask(self.question(local), Asker::default())
    }

    fn looks(&self) -> usize {
        self.slow.looks.load(Ordering::SeqCst)
    }

    /// Asks so much that every worker hangs.
    async fn hang(&self) -> Vec<oneshot::Receiver<Answered>> {
        let asked = (0..WORKERS).map(|number| self.ask(format!("hangs{number}"))).collect();
        while self.slow.hanging.load(Ordering::SeqCst) < WORKERS {
            tokio::task::yield_now().await;
        }
        asked
    }
}

fn looked(answered: Answered) -> Arc<Looked> {
    match answered.answer {
        Answer::Mailbox(looked) => looked,
        other => panic!("{other:?}"),
    }
}

async fn told(receiver: oneshot::Receiver<Answered>) -> Arc<Looked> {
    looked(tokio::time::timeout(PATIENCE, receiver).await.expect("an answer in time").expect("an answer"))
}

#[tokio::test]
async fn one_look_serves_all_who_ask_the_same_and_is_kept_for_a_moment() {
    let running = Running::start();
    let gate = running.slow.gate.clone();
    let closed = gate.lock().expect("open");
    let both = [running.ask("ann"), running.ask("ann")];
    drop(closed);
    for asked in both {
        assert_eq!(told(asked).await.existence, Existence::Missing);
    }
    assert_eq!(running.looks(), 1);
    assert!(running.answers.cached(&running.question("ann")).is_some_and(|answered| answered.cached));
    assert!(running.answers.cached(&running.question("bob")).is_none());
    running.clock.advance(Duration::from_millis(1_000));
    assert!(running.answers.cached(&running.question("ann")).is_none(), "a new .qmail file counts at once");
    told(running.ask("ann")).await;
    assert_eq!(running.looks(), 2);
}

#[tokio::test]
#[allow(clippy::await_holding_lock, reason = "the lock is what makes the others hang")]
async fn while_homes_hang_nobody_waits_for_them() {
    let running = Running::start();
    let gate = running.slow.gate.clone();
    let closed = gate.lock().expect("open");
    let hanging = running.hang().await;
    let patient = running.ask("patient");
    running.clock.advance(Duration::from_millis(1_001));
    let refused = told(running.ask("late")).await;
    assert!(refused.is_ours && refused.why.contains("do not answer"), "{refused}");
    drop(closed);
    for asked in hanging.into_iter().chain([patient]) {
        assert_eq!(told(asked).await.existence, Existence::Missing);
    }
    assert_eq!(told(running.ask("late")).await.existence, Existence::Missing);
}

#[tokio::test]
#[allow(clippy::await_holding_lock, reason = "the lock is what makes the others hang")]
async fn the_queue_is_bounded_and_what_waited_too_long_is_not_looked_for() {
    let running = Running::start();
    let gate = running.slow.gate.clone();
    let closed = gate.lock().expect("open");
    let hanging = running.hang().await;
    let mut queued: Vec<_> = (0..1_025).map(|number| running.ask(number)).collect();
    let beyond = told(queued.pop().expect("the last")).await;
    assert!(beyond.is_ours && beyond.why.contains("too many"), "{beyond}");
    running.clock.advance(Duration::from_secs(6));
    drop(closed);
    for asked in hanging {
        told(asked).await;
    }
    let mut reasons = BTreeSet::new();
    for asked in queued {
        reasons.insert(told(asked).await.why.clone());
    }
    assert_eq!(reasons, BTreeSet::from(["homes or accounts do not answer".to_owned()]));
    assert_eq!(running.looks(), WORKERS);
}

#[tokio::test]
async fn what_others_know_is_asked_of_others() {
    let running = Running::start();
    assert!(running.answers.cached(&Question::ListHealth).is_none());
    assert!(running.answers.ask(Question::ListHealth, Asker::default()).await.is_err());
    let Running { answers, workers, .. } = running;
    drop(answers);
    workers.into_iter().for_each(|worker| worker.join().expect("it ends when nobody can ask"));
}
