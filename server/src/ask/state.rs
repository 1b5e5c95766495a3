//! What is asked of our memory, and what comes back?

use crate::state::{Digest, Standing, Subject, Tokens, Triplet};
use std::fmt;

/// A question to what is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StateQuestion {
    /// How has somebody behaved?
    Standing(Subject),
    /// Has this been tried before?
    Triplet(Digest),
    /// What is left of this limit?
    Tokens(Digest),
}

impl StateQuestion {
    /// The same of what is only rehearsed. How somebody behaved is no rehearsal.
    #[must_use]
    pub fn rehearsed(&self) -> Self {
        match self {
            Self::Standing(subject) => Self::Standing(subject.clone()),
            Self::Triplet(key) => Self::Triplet(key.rehearsed()),
            Self::Tokens(key) => Self::Tokens(key.rehearsed()),
        }
    }
}

impl fmt::Display for StateQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standing(subject) => write!(f, "reputation of {subject}"),
            Self::Triplet(key) => write!(f, "triplet {key}"),
            Self::Tokens(key) => write!(f, "limit {key}"),
        }
    }
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq)]
pub enum StateAnswer {
    /// The store could not say in time: what would be decided by it is left undecided.
    Unknown,
    /// Nothing.
    Nothing,
    /// Of a subject.
    Standing(Box<Standing>),
    /// Of an attempt; it may have expired, see [`crate::state::Record::expires_at`].
    Triplet(Triplet),
    /// Of a limit.
    Tokens(Tokens),
}

// Points are never NaN.
impl Eq for StateAnswer {}

impl fmt::Display for StateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not known in time"),
            Self::Nothing => f.write_str("nothing"),
            Self::Standing(standing) => write!(f, "{standing}"),
            Self::Triplet(triplet) => write!(f, "{triplet}"),
            Self::Tokens(tokens) => write!(f, "{tokens}"),
        }
    }
}
