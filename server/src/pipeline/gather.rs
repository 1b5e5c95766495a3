//! Which questions do the checks have, and what is known when the time is over? Rounds, one deadline, no look-up lost.

use super::{ROUNDS_MAX, policy::Step};
use crate::{
    ask::{Answer, Answered, Answers, Ask, Asker, DnsAnswer, Failure, Health, ListId, Question},
    dns_lists::Declared,
    session::{Facts, Stage},
};
use std::{pin::Pin, time::Duration};
use tokio::{sync::oneshot, time::Sleep};

/// What came of asking.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) answers: Answers,
    /// The time was over before all answers had come.
    pub(super) out_of_time: bool,
    /// So many of the answers, from the first on, may change the decision; what follows is only rehearsed.
    pub(super) decisive: usize,
    /// Questions were left out: the checks had more than [`Answers::MAX`].
    pub(super) too_many: bool,
}

/// What came of waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited {
    /// All answers that decide were there before the time was over.
    pub(super) in_time: bool,
    /// At least one answer came that had not been there, be it a refusal.
    pub(super) heard: bool,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Patience {
    /// It may decide: as long as there is time.
    Decides,
    /// It may decide, and whoever has it answers soon or not at all: a while.
    Remembered,
    /// It is rehearsed: a while.
    Rehearsed,
    /// It changes no answer, and comes from a list that is not well: not at all. What is there is taken.
    Ailing,
}

/// What the checks asked in one round and the caches could not answer.
struct Round {
    waiting: Vec<(Patience, Question, oneshot::Receiver<Answered>)>,
}

/// Whose questions, at which stage of which session, and who answers.
pub(super) struct Asking<'a> {
    pub(super) steps: &'a [&'a Step],
    pub(super) stage: Stage,
    pub(super) facts: &'a Facts,
    pub(super) ask: &'a dyn Ask,
    /// On whose behalf: new look-ups are rationed.
    pub(super) asker: Asker,
    /// The DNS lists of the policy.
    pub(super) lists: &'a [Declared],
    /// How long what is only rehearsed is waited for.
    pub(super) rehearsal: Duration,
    /// How long the store is waited for.
    pub(super) recall: Duration,
    /// Of what is remembered, the namespace of rehearsals is asked.
    pub(super) is_rehearsal: bool,
}

impl Asking<'_> {
    /// What the caches know, all of it; `None` = an answer is missing. Asks nobody.
    pub(super) fn known(&self) -> Option<Answers> {
        let mut answers = self.given();
        for _ in 0..ROUNDS_MAX {
            let mut questions = Vec::new();
            for step in self.steps {
                step.check.needs(self.stage, self.facts, &answers, &mut questions);
            }
            questions.retain(|question| answers.get(question).is_none());
            if questions.is_empty() {
                break;
            }
            for question in questions {
                let put = self.as_put(&question);
                let answered = self.ask.cached(put.as_ref().unwrap_or(&question))?;
                answers.insert(question, answered);
            }
        }
        Some(answers)
    }

    /// What is recorded before anything is asked: the lists that are not to be believed, and the exceptions that are about
    /// this mail, if there are any.
    pub(super) fn given(&self) -> Answers {
        let mut answers = Answers::default();
        let health = self.ask.cached(&Question::ListHealth);
        let ails =
            |answered: &Answered| matches!(&answered.answer, Answer::ListHealth(board) if !board.ailing().is_empty());
        if let Some(health) = health.filter(ails) {
            answers.insert(Question::ListHealth, health);
        }
        let excepted = self.ask.exceptions(self.facts);
        if !excepted.is_empty() {
            answers.insert(Question::Exceptions, Answered::exceptions(excepted.into()));
        }
        answers
    }

    /// Starts the look-ups that later stages will need, and waits for none: dropping the receivers stops nothing, the
    /// answers go into the cache. One round: what depends on answers is asked when they have come.
    pub(super) fn prefetch(&self) {
        let mut gathered = Gathered { answers: self.given(), ..Gathered::default() };
        self.round(&mut self.steps.to_vec(), &mut gathered);
    }

    /// Asks all that the checks want to know, in each round all at once, and waits at most `budget` over all rounds.
    /// What is not answered by then is stale or counts as failed; its look-up goes on for the next one who asks. May be
    /// dropped at any time. `meanwhile` asks ahead as soon as there is something to wait for.
    pub(super) async fn gather(
        &self,
        gathered: &mut Gathered,
        budget: Duration,
        mut meanwhile: Option<&Asking<'_>>,
    ) -> Waited {
        let mut waited = Waited { in_time: true, heard: false };
        // Made by the first round that has to wait: a decision from the cache needs no timer.
        let (mut timer, mut recall, mut rehearsal) = (None, None, None);
        let mut open = self.steps.to_vec();
        for _ in 0..ROUNDS_MAX {
            let mut round = self.round(&mut open, gathered);
            if open.is_empty() {
                break;
            }
            if !round.waiting.is_empty()
                && let Some(meanwhile) = meanwhile.take()
            {
                meanwhile.prefetch();
            }
            // What decides is waited for first; the rest comes meanwhile, or does not.
            round.waiting.sort_by_key(|(patience, ..)| *patience);
            for (patience, question, receiver) in round.waiting {
                let answered = match patience {
                    _ if budget.is_zero() => taken(receiver, &question),
                    // The time is over already: what is there is taken.
                    Patience::Remembered if !waited.in_time => taken(receiver, &question),
                    Patience::Decides => wait(receiver, &question, timer_of(&mut timer, budget)).await,
                    Patience::Remembered => {
                        wait(receiver, &question, timer_of(&mut recall, budget.min(self.recall))).await
                    }
                    Patience::Rehearsed => {
                        wait(receiver, &question, timer_of(&mut rehearsal, budget.min(self.rehearsal))).await
                    }
                    Patience::Ailing => taken(receiver, &question),
                };
                waited.in_time &= answered.is_some() || patience != Patience::Decides;
                waited.heard |= answered.as_ref().is_some_and(|answered| answered.answer != SILENCE);
                let nothing = || Answered::nothing(&question, Failure::Timeout, budget);
                let instead = || self.ask.stale(&question).unwrap_or_else(nothing);
                let answered = answered.unwrap_or_else(instead);
                gathered.answers.insert(question, answered);
            }
            if !waited.in_time {
                break;
            }
        }
        waited
    }

    fn patience(&self, question: &Question, answers: &Answers) -> Patience {
        let dns = match question {
            Question::Dns(dns) => dns,
            Question::State(_) => return Patience::Remembered,
            Question::ListHealth | Question::Spf(_) | Question::Mailbox(_) | Question::Exceptions => {
                return Patience::Decides;
            }
        };
        if dns.list == ListId::NONE {
            return Patience::Decides;
        }
        if answers.list_health(dns.list) != Health::Healthy {
            return Patience::Ailing;
        }
        let rehearsed = self.lists.iter().any(|list| list.id == dns.list && list.monitored);
        if rehearsed { Patience::Rehearsed } else { Patience::Decides }
    }

    /// Lets the checks ask; what the caches know is recorded, the rest is asked. Who has nothing new to ask is done: what a
    /// check asks depends on answers to its own questions only, and it has them.
    fn round(&self, open: &mut Vec<&Step>, gathered: &mut Gathered) -> Round {
        let (mut round, mut questions) = (Round { waiting: Vec::new() }, Vec::new());
        open.retain(|step| {
            step.check.needs(self.stage, self.facts, &gathered.answers, &mut questions);
            let mut new = false;
            for question in questions.drain(..) {
                new |= self.put(question, gathered, &mut round);
            }
            new
        });
        round
    }

    /// `false` = it was answered before, or there is no room for it.
    fn put(&self, question: Question, gathered: &mut Gathered, round: &mut Round) -> bool {
        if gathered.answers.get(&question).is_some() {
            return false;
        }
        if round.waiting.iter().any(|(_, asked, _)| *asked == question) {
            return true;
        }
        if gathered.answers.len() + round.waiting.len() >= Answers::MAX {
            gathered.too_many = true;
            return false;
        }
        let put = self.as_put(&question);
        let put = put.as_ref().unwrap_or(&question);
        match self.ask.cached(put) {
            Some(answered) => gathered.answers.insert(question, answered),
            None => {
                let patience = self.patience(&question, &gathered.answers);
                let receiver = self.ask.ask(put.clone(), self.asker);
                round.waiting.push((patience, question, receiver));
            }
        }
        true
    }

    /// As the question is put where it is not put as it stands: a check does not know whether it is only rehearsed.
    fn as_put(&self, question: &Question) -> Option<Question> {
        match question {
            Question::State(state) if self.is_rehearsal => Some(Question::State(state.rehearsed())),
            _ => None,
        }
    }
}

/// The answer if it has come by now.
fn taken(mut receiver: oneshot::Receiver<Answered>, question: &Question) -> Option<Answered> {
    match receiver.try_recv() {
        Ok(answered) => Some(answered),
        Err(oneshot::error::TryRecvError::Empty) => None,
        Err(oneshot::error::TryRecvError::Closed) => Some(gone(question)),
    }
}

fn timer_of(timer: &mut Option<Pin<Box<Sleep>>>, budget: Duration) -> Pin<&mut Sleep> {
    timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(budget))).as_mut()
}

/// What a look-up of which nothing came ends with.
const SILENCE: Answer = Answer::Dns(DnsAnswer::Failed(Failure::Timeout));

/// What is known when the thread that answers is gone.
fn gone(question: &Question) -> Answered {
    Answered::nothing(question, Failure::Unreachable, Duration::ZERO)
}

/// The answer, `None` once the timer has gone off; what has come by then is taken all the same.
async fn wait(receiver: oneshot::Receiver<Answered>, question: &Question, timer: Pin<&mut Sleep>) -> Option<Answered> {
    tokio::select! {
        biased;
        // A sender that went away without an answer.
        answer = receiver => Some(answer.unwrap_or_else(|_| gone(question))),
        () = timer => None,
    }
}
