//! Who is having the same thing evaluated right now? One evaluation for all of them, on the I/O thread; evaluations of one
//! domain share their look-ups there.
//!
//! An evaluation is a task of this loop, never a caller's future: a caller whose deadline ends stops nothing, and the
//! result serves the next one who asks.

use super::{
    super::spf::Evaluation,
    super::{Answered, Asker, Resolver, sessions::Sessions},
    Bounds, OverAsk, Shared, SpfQuestion, undecided,
};
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    task::{Id, JoinError, JoinSet},
};

/// Evaluations under way: each may have one look-up under way at a time.
const UNDER_WAY_MAX: usize = 2_000;
/// Callers that wait for them, all together.
const WAITERS_MAX: usize = 65_536;

/// A question, on whose behalf it is asked, and who waits for its answer.
pub(super) struct Asked {
    pub(super) question: Arc<SpfQuestion>,
    pub(super) asker: Asker,
    pub(super) reply: oneshot::Sender<Answered>,
}

/// What evaluations work with.
pub(super) struct Under {
    pub(super) shared: Arc<Shared>,
    pub(super) resolver: Resolver,
}

/// The I/O thread's half: run it there until nobody can ask any more.
#[must_use = "without it no question is answered"]
pub struct Evaluations {
    queue: mpsc::Receiver<Asked>,
    under: Under,
    sessions: Sessions,
    tasks: JoinSet<Evaluation>,
    questions: HashMap<Id, Arc<SpfQuestion>>,
    waiting: HashMap<Arc<SpfQuestion>, Waiting>,
    waiters: usize,
}

struct Waiting {
    since: Instant,
    replies: Vec<oneshot::Sender<Answered>>,
}

impl Evaluations {
    pub(super) fn new(queue: mpsc::Receiver<Asked>, under: Under, bounds: Bounds) -> Self {
        Self {
            queue,
            under,
            sessions: Sessions::new(bounds.session),
            tasks: JoinSet::new(),
            questions: HashMap::new(),
            waiting: HashMap::new(),
            waiters: 0,
        }
    }

    /// Answers questions until nobody can ask any more; what is under way then is dropped.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                asked = self.queue.recv() => match asked {
                    Some(asked) => self.begin(asked),
                    None => return,
                },
                Some(ended) = self.tasks.join_next_with_id() => self.end(ended),
            }
        }
    }

    fn begin(&mut self, asked: Asked) {
        let Asked { question, asker, reply } = asked;
        let now = self.under.shared.clock.steady();
        // It may have ended while this question stood in the queue.
        if let Some(answered) = self.under.shared.results.get(&question, now) {
            let _ = reply.send(answered);
            return;
        }
        if self.waiters >= WAITERS_MAX {
            return self.refuse("overload", reply);
        }
        // Joining an evaluation costs nothing.
        if let Some(waiting) = self.waiting.get_mut(&question) {
            waiting.replies.push(reply);
            self.waiters += 1;
            return;
        }
        if self.tasks.len() >= UNDER_WAY_MAX {
            return self.refuse("overload", reply);
        }
        if asker.session.is_some_and(|session| !self.sessions.allows(session)) {
            return self.refuse("capped", reply);
        }
        if let Some(session) = asker.session {
            self.sessions.charge(session);
        }
        self.start(question, asker, reply, now);
    }

    fn start(&mut self, question: Arc<SpfQuestion>, asker: Asker, reply: oneshot::Sender<Answered>, since: Instant) {
        let (resolver, asked) = (self.under.resolver.clone(), question.clone());
        let task = self.tasks.spawn(async move {
            let dns = OverAsk::new(&resolver, asker);
            asked.terms.evaluate(&dns, &asked.query, false).await
        });
        self.questions.insert(task.id(), question.clone());
        self.waiting.insert(question, Waiting { since, replies: vec![reply] });
        self.waiters += 1;
        self.under.shared.metrics.under_way(self.tasks.len());
    }

    fn refuse(&self, why: &'static str, reply: oneshot::Sender<Answered>) {
        self.under.shared.metrics.undecided(1);
        let _ = reply.send(undecided(why));
    }

    fn end(&mut self, ended: Result<(Id, Evaluation), JoinError>) {
        // An evaluation that panicked would be a fault of ours.
        let (id, evaluation) = ended.unwrap_or_else(|error| (error.id(), Evaluation::undecided("evaluation failed")));
        let shared = &self.under.shared;
        let Some(question) = self.questions.remove(&id) else { return };
        let Some(waiting) = self.waiting.remove(&question) else { return };
        self.waiters -= waiting.replies.len();
        let now = shared.clock.steady();
        let took = now.saturating_duration_since(waiting.since);
        let evaluation = Arc::new(evaluation);
        shared.metrics.ended(&evaluation, took);
        // Kept before it is told: who hears it may look for it at once.
        shared.results.keep(&question, &evaluation, now, took);
        for reply in waiting.replies {
            let _ = reply.send(Answered::spf(evaluation.clone(), took));
        }
        shared.metrics.under_way(self.tasks.len());
        shared.metrics.size(shared.results.size());
    }
}
