//! Is an exception still good for anything? Read from its hits: those that changed a decision, and those that did not.

use crate::state::Hits;

/// So long an exception may speak without changing anything before it counts as needed no more, in seconds: a day.
const IDLE_SECONDS: u64 = 86_400;

/// What its hits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It has not spoken yet.
    Unknown,
    /// It changed a decision within a day before it spoke last.
    Needed,
    /// It spoke, and never changed anything: the mail would have been treated alike without it.
    Never,
    /// It spoke a day and more after it changed a decision last, and changed nothing since this time (Unix seconds).
    Since(u64),
}

impl Need {
    /// Of these hits.
    pub const fn of(hits: Hits) -> Self {
        match hits {
            Hits { all: 0, .. } => Self::Unknown,
            Hits { changed: 0, .. } => Self::Never,
            Hits { last, last_changed, .. } if last.saturating_sub(last_changed) >= IDLE_SECONDS => {
                Self::Since(last_changed)
            }
            Hits { .. } => Self::Needed,
        }
    }

    /// The word in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Needed => "needed",
            Self::Never => "never_needed",
            Self::Since(_) => "not_needed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_needed_while_it_changes_something() {
        let of = |all, changed, last, last_changed| Need::of(Hits { all, changed, last, last_changed });
        assert_eq!(of(0, 0, 0, 0), Need::Unknown);
        assert_eq!(of(9, 0, 500_000, 0), Need::Never);
        assert_eq!(of(9, 1, 100_000, 100_000), Need::Needed);
        assert_eq!(of(9, 1, 186_399, 100_000), Need::Needed);
        assert_eq!(of(9, 1, 186_400, 100_000), Need::Since(100_000));
    }
}
