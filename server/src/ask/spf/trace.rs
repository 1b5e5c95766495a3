//! What was looked up, in which order, and what came of it? A tree, as a list with depths.

use super::dns::{Kind, Looked, Said};
use std::{fmt, time::Duration};

/// Events kept: an evaluation within its limits has fewer.
const EVENTS_MAX: usize = 512;
/// Records shown of one answer.
const RECORDS_SHOWN_MAX: usize = 12;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A domain's record was read.
    Record {
        /// Whose.
        domain: String,
        /// As published.
        text: String,
    },
    /// A term was looked at.
    Term {
        /// As in the record, with its macros filled in behind it where it has any.
        text: String,
        /// It is of local policy.
        is_local: bool,
    },
    /// The DNS was asked.
    Asked {
        /// For what.
        kind: Kind,
        /// Of whom.
        name: String,
        /// What it said.
        answer: String,
        /// It was known before.
        is_cached: bool,
        /// How long that took.
        took: Duration,
    },
    /// What the events before this one, at greater depth, came to.
    Came {
        /// A word: a result, `match`, `no match`.
        to: String,
    },
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    events: Vec<(usize, Event)>,
    depth: usize,
}

impl Trace {
    /// The events with their depth in the tree, in order.
    pub fn events(&self) -> &[(usize, Event)] {
        &self.events
    }

    pub(super) fn add(&mut self, event: Event) {
        if self.events.len() < EVENTS_MAX {
            self.events.push((self.depth, event));
        }
    }

    pub(super) fn asked(&mut self, kind: Kind, name: &str, looked: &Looked) {
        let answer = match &looked.said {
            Said::Found(records) => {
                let mut shown: Vec<_> = records.iter().take(RECORDS_SHOWN_MAX).map(ToString::to_string).collect();
                if records.len() > RECORDS_SHOWN_MAX {
                    shown.push(format!("and {} more", records.len() - RECORDS_SHOWN_MAX));
                }
                shown.join(", ")
            }
            Said::NotFound => "not found".to_owned(),
            Said::Failed(trouble) => format!("failed: {}", trouble.word()),
        };
        let (is_cached, took) = (looked.is_cached, looked.took);
        self.add(Event::Asked { kind, name: name.to_owned(), answer, is_cached, took });
    }

    pub(super) fn deeper(&mut self) {
        self.depth += 1;
    }

    pub(super) fn came(&mut self, to: impl Into<String>) {
        self.depth = self.depth.saturating_sub(1);
        self.add(Event::Came { to: to.into() });
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { domain, text } => write!(f, "record of {domain}: {text}"),
            Self::Term { text, is_local: false } => f.write_str(text),
            Self::Term { text, is_local: true } => write!(f, "{text} (local policy)"),
            Self::Asked { kind, name, answer, is_cached, took } => {
                write!(f, "{} {name}: {answer}", kind.name())?;
                if *is_cached { f.write_str(" [cached]") } else { write!(f, " [{:.1} ms]", took.as_secs_f64() * 1e3) }
            }
            Self::Came { to } => write!(f, "= {to}"),
        }
    }
}

/// Indented by depth, a line each.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|(depth, event)| writeln!(f, "{:indent$}{event}", "", indent = depth * 2))
    }
}
