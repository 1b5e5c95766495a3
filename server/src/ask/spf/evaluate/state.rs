//! What has an evaluation done so far, and may it go on? Counts, times and the reasons to stop.

use super::super::{
    dns::{Kind, Looked, Said, Trouble},
    limits::Limits,
    result::{Flaw, Input, SpfResult},
    trace::{Event, Trace},
};
use std::time::Duration;

/// Why an evaluation ends before its record does.
#[derive(Debug)]
pub(super) enum Stop {
    /// A look-up failed.
    Temp(Failed),
    /// The records cannot be understood, or want too much.
    Perm(Flaw, String),
}

/// A look-up that failed.
#[derive(Debug)]
pub(super) struct Failed {
    question: String,
    trouble: Trouble,
}

impl Stop {
    pub(super) fn temp(kind: Kind, name: &str, trouble: Trouble) -> Self {
        Self::Temp(Failed { question: format!("{} {name}", kind.name()), trouble })
    }

    pub(super) fn perm(flaw: Flaw, problem: impl Into<String>) -> Self {
        Self::Perm(flaw, problem.into())
    }

    pub(super) const fn result(&self) -> SpfResult {
        match self {
            Self::Temp(_) => SpfResult::TempError,
            Self::Perm(..) => SpfResult::PermError,
        }
    }

    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Temp(Failed { trouble: Trouble::Ours(_), .. }))
    }

    /// Kind and words.
    pub(super) fn into_problem(self) -> (Option<Flaw>, String) {
        match self {
            Self::Temp(failed) => (None, format!("{}: {}", failed.question, failed.trouble.word())),
            Self::Perm(flaw, problem) => (Some(flaw), problem),
        }
    }
}

/// Counts of one evaluation, over all its records.
pub(super) struct State {
    limits: Limits,
    pub(super) lookups: usize,
    pub(super) voids: usize,
    /// The term under way found nothing for one of its questions.
    is_void: bool,
    pub(super) ttl: Duration,
    pub(super) depends: Vec<Input>,
    pub(super) trace: Option<Trace>,
}

impl State {
    pub(super) fn new(limits: Limits, is_traced: bool) -> Self {
        let trace = is_traced.then(Trace::default);
        Self { limits, lookups: 0, voids: 0, is_void: false, ttl: Duration::MAX, depends: Vec::new(), trace }
    }

    /// One more term that asks the DNS (RFC 7208 §4.6.4).
    pub(super) fn count_lookup(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        if self.lookups > self.limits.lookups {
            return Err(Stop::perm(Flaw::Limit, format!("more than {} terms that ask the DNS", self.limits.lookups)));
        }
        Ok(())
    }

    /// The term under way has found nothing for one of its questions. However many there are, it counts once: the RFC
    /// limits "the number of terms for which DNS queries return" nothing.
    pub(super) fn found_nothing(&mut self) {
        self.is_void = true;
    }

    /// A term has ended.
    pub(super) fn settle_void(&mut self) -> Result<(), Stop> {
        self.voids += usize::from(std::mem::take(&mut self.is_void));
        if self.voids > self.limits.voids {
            return Err(Stop::perm(
                Flaw::Limit,
                format!("more than {} terms that find nothing in the DNS", self.limits.voids),
            ));
        }
        Ok(())
    }

    /// What the result depends on from here on.
    pub(super) fn depends_on(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            if !self.depends.contains(&input) {
                self.depends.push(input);
            }
        }
    }

    /// An answer came.
    pub(super) fn note(&mut self, kind: Kind, name: &str, looked: &Looked) {
        self.ttl = self.ttl.min(looked.ttl);
        if let Some(trace) = &mut self.trace {
            trace.asked(kind, name, looked);
        }
        debug_assert!(!matches!(&looked.said, Said::Found(records) if records.is_empty()), "nothing is NotFound");
    }

    pub(super) fn add(&mut self, event: impl FnOnce() -> Event) {
        if let Some(trace) = &mut self.trace {
            trace.add(event());
        }
    }

    pub(super) fn term(&mut self, text: impl FnOnce() -> String, is_local: bool) {
        self.add(|| Event::Term { text: text(), is_local });
    }

    pub(super) fn deeper(&mut self) {
        if let Some(trace) = &mut self.trace {
            trace.deeper();
        }
    }

    pub(super) fn came(&mut self, to: &str) {
        if let Some(trace) = &mut self.trace {
            trace.came(to);
        }
    }
}
