//! What does an owner get to read? Findings: how bad, where, and one line.

use std::{fmt, sync::Arc};

/// How bad is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Receivers cannot use the record, or it lets the wrong ones pass.
    Error,
    /// It does not do what is written there, or soon will not.
    Warning,
    /// Good to know.
    Note,
}

impl Level {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record, an ASCII character for each octet; `?` for those that cannot be shown.
    pub record: Arc<str>,
    /// Characters before the place.
    pub at: usize,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Whose record.
    pub domain: Arc<str>,
    /// Which term of it; empty = all of it.
    pub term: String,
    /// What; one line.
    pub text: String,
    /// Where it cannot be read, if that is it.
    pub place: Option<Place>,
}

impl Finding {
    pub(super) fn new(level: Level, domain: &Arc<str>, term: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level, domain: domain.clone(), term: term.into(), text: text.into(), place: None }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.domain)?;
        if !self.term.is_empty() {
            write!(f, "{}: ", self.term)?;
        }
        f.write_str(&self.text)
    }
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The worst first, else in the order of the records.
    pub findings: Vec<Finding>,
    /// Terms that ask the DNS when none matches.
    pub lookups: usize,
    /// Terms that find nothing, for clients of the family for which there are more of them.
    pub voids: usize,
    /// What each term of the domain's own record costs of the look-ups, in its order; only those that cost any.
    pub costs: Vec<(String, usize)>,
    /// Something could not be read, or depends on who asks: there may be more.
    pub is_incomplete: bool,
    /// A look-up failed: another time there may be more to say.
    pub has_failed: bool,
}

impl Report {
    /// How many findings of a level there are.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}
