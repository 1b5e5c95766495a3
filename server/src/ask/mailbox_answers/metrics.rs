//! What is counted of looks for mailboxes? Handles are resolved once; labels are closed sets.

use super::super::{Existence, Looked};
use metrics::{Counter, Histogram};
use std::time::Duration;

/// Answers about mailboxes, by `answer`: `exists`, `missing`, `unknown`; `trouble` = unknown for a reason of our own.
pub const ANSWERS: &str = "tollgate_mailbox_answers_total";
/// Looks that were not made: too many were under way, or homes did not answer.
pub const REFUSED: &str = "tollgate_mailbox_refused_total";
/// How long looks into the file system took, in seconds.
pub const SECONDS: &str = "tollgate_mailbox_duration_seconds";

pub(super) struct Metrics {
    answers: [Counter; Existence::ALL.len()],
    trouble: Counter,
    refused: Counter,
    seconds: Histogram,
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe();
        let answer = |name: &'static str| metrics::counter!(ANSWERS, "answer" => name);
        Self {
            answers: Existence::ALL.map(|existence| answer(existence.name())),
            trouble: answer("trouble"),
            refused: metrics::counter!(REFUSED),
            seconds: metrics::histogram!(SECONDS),
        }
    }

    pub(super) fn answered(&self, looked: &Looked) {
        let of_kind = Existence::ALL.iter().zip(&self.answers).find(|(known, _)| **known == looked.existence);
        match of_kind {
            Some((_, counter)) if !looked.is_ours => counter.increment(1),
            _ => self.trouble.increment(1),
        }
    }

    pub(super) fn refused(&self) {
        self.refused.increment(1);
        self.trouble.increment(1);
    }

    pub(super) fn took(&self, took: Duration) {
        self.seconds.record(took.as_secs_f64());
    }
}

/// Says what each is.
pub fn describe() {
    metrics::describe_counter!(
        ANSWERS,
        "Answers about mailboxes, by answer; trouble = not known for a reason of our own."
    );
    metrics::describe_counter!(
        REFUSED,
        "Looks for mailboxes that were not made: too many under way, or homes that do not answer."
    );
    metrics::describe_histogram!(
        SECONDS,
        metrics::Unit::Seconds,
        "How long looks for mailboxes in the file system took."
    );
}
