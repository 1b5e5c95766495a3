//! When is a list probed, and have all answers come? Nobody waits: the keeper looks whether they are there.

use crate::{
    ask::{Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Health, Question},
    clock::Now,
    dns_lists::{
        Declared,
        probe::{self, Expected, Reading},
    },
};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::{Receiver, error::TryRecvError};

/// Between two probes of a list in doubt, and after a probe that showed nothing.
const SOON: Duration = Duration::from_secs(10);
/// A list that is in doubt for longer is probed less often, for its budget's sake.
const DOUBT: Duration = Duration::from_secs(600);
const LATER: Duration = Duration::from_secs(60);
/// Probes in a row that may show nothing before the next one waits its time again.
const UNKNOWN_MAX: u32 = 6;

/// An answer that is on its way.
#[derive(Debug)]
pub(super) struct Awaited {
    receiver: Receiver<Answered>,
    answer: Option<DnsAnswer>,
}

impl Awaited {
    pub(super) fn ask(ask: &dyn Ask, question: DnsQuestion) -> Self {
        Self { receiver: ask.ask(Question::Dns(question), Asker::default()), answer: None }
    }

    /// The answer, if it has come.
    pub(super) fn look(&mut self) -> Option<&DnsAnswer> {
        if self.answer.is_none() {
            self.answer = match self.receiver.try_recv() {
                // One that stands in for an answer that did not come shows nothing.
                Ok(Answered { stale: true, .. }) => Some(DnsAnswer::Failed(Failure::Timeout)),
                Ok(Answered { answer: Answer::Dns(answer), .. }) => Some(answer),
                Err(TryRecvError::Empty) => None,
                // The I/O thread is gone.
                Ok(_) | Err(TryRecvError::Closed) => Some(DnsAnswer::Failed(Failure::Overload)),
            };
        }
        self.answer.as_ref()
    }
}

/// One list's probes.
#[derive(Debug)]
pub(super) struct Probing {
    next: Instant,
    awaited: Vec<(Expected, Awaited)>,
    unknown: u32,
    pub(super) last: Option<(u64, Reading)>,
}

impl Probing {
    /// The first probe is due at once.
    pub(super) fn new(now: Now) -> Self {
        Self { next: now.steady, awaited: Vec::new(), unknown: 0, last: None }
    }

    /// The next probe is due at once.
    pub(super) fn hurry(&mut self, now: Now) {
        self.next = now.steady;
    }

    /// The newest probe was read so long ago, or never.
    pub(super) fn is_older_than(&self, age: Duration, now: Now) -> bool {
        self.last.is_none_or(|(at, _)| now.unix_seconds().saturating_sub(at) >= age.as_secs())
    }

    /// Asks, if it is time and nothing is under way.
    pub(super) fn ask(&mut self, list: &Declared, health: Health, ask: &dyn Ask, now: Now) {
        if health == Health::Off || !self.awaited.is_empty() || now.steady < self.next {
            return;
        }
        let questions = probe::questions(list, probe::random());
        self.awaited =
            questions.into_iter().map(|(expected, question)| (expected, Awaited::ask(ask, question))).collect();
    }

    /// What the probe shows, once all its answers are there. `doubted_since` = since when the list is not healthy.
    pub(super) fn read(
        &mut self,
        list: &Declared,
        doubted_since: Option<u64>,
        every: Duration,
        now: Now,
    ) -> Option<Reading> {
        if self.awaited.is_empty() {
            return None;
        }
        let answers: Vec<(Expected, &DnsAnswer)> =
            self.awaited.iter_mut().filter_map(|(expected, awaited)| Some((*expected, awaited.look()?))).collect();
        let all = answers.len();
        let reading = probe::read(list, answers);
        if all < self.awaited.len() {
            return None;
        }
        self.awaited.clear();
        self.unknown = if reading == Reading::Unknown { self.unknown + 1 } else { 0 };
        let doubted = doubted_since.map(|since| Duration::from_secs(now.unix_seconds().saturating_sub(since)));
        let pause = match doubted {
            Some(doubted) if doubted < DOUBT => SOON,
            Some(_) => LATER,
            None if (1..=UNKNOWN_MAX).contains(&self.unknown) => SOON,
            None => every,
        };
        self.next = now.steady + pause.min(every);
        self.last = Some((now.unix_seconds(), reading));
        Some(reading)
    }
}
