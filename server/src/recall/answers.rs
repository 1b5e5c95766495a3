//! Who answers a check? Memory what is remembered, another answerer everything else.

use super::Recall;
use crate::{
    ask::{Answered, Ask, Asker, Question},
    exceptions::Excepted,
    session::Facts,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// An answerer with a memory.
pub struct WithMemory {
    /// Answers everything else.
    pub others: Arc<dyn Ask>,
    /// What is remembered.
    pub recall: Arc<Recall>,
}

impl Ask for WithMemory {
    fn cached(&self, question: &Question) -> Option<Answered> {
        match question {
            Question::State(question) => self.recall.at_hand(question),
            Question::Dns(_)
            | Question::ListHealth
            | Question::Spf(_)
            | Question::Mailbox(_)
            | Question::Exceptions => self.others.cached(question),
        }
    }

    fn ask(&self, question: Question, asker: Asker) -> oneshot::Receiver<Answered> {
        match question {
            Question::State(question) => self.recall.ask(question),
            Question::Dns(_)
            | Question::ListHealth
            | Question::Spf(_)
            | Question::Mailbox(_)
            | Question::Exceptions => self.others.ask(question, asker),
        }
    }

    fn stale(&self, question: &Question) -> Option<Answered> {
        self.others.stale(question)
    }

    fn exceptions(&self, facts: &Facts) -> Vec<Excepted> {
        self.recall.exceptions.about(facts, self.recall.clock.now())
    }

    fn was_well(&self, ago: Duration) -> bool {
        self.others.was_well(ago)
    }
}
