//! What is wrong with a store? A closed set of words, for metrics and for whoever decides when to try again.

use super::StateError;
use std::fmt;

/// Why a store did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No answer in time.
    Timeout,
    /// Nobody is there, hangs up, or is not ready yet.
    Refused,
    /// A replica: it can be read but not written.
    ReadOnly,
    /// Wrong user or password, or a right is missing.
    Auth,
    /// No room, or the server cannot save what it has: it takes nothing more.
    Full,
    /// The cluster is being rearranged, or a part of it is down.
    Moved,
    /// The answer makes no sense: no Redis, no TLS, a certificate that nobody vouches for.
    Protocol,
    /// Anything else, such as trouble with the file system.
    Other,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::Refused,
        Self::ReadOnly,
        Self::Auth,
        Self::Full,
        Self::Moved,
        Self::Protocol,
        Self::Other,
    ];

    /// The word in metrics, logs and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::ReadOnly => "readonly",
            Self::Auth => "auth",
            Self::Full => "full",
            Self::Moved => "moved",
            Self::Protocol => "protocol",
            Self::Other => "other",
        }
    }

    /// Does it usually pass by itself? The rest waits for an administrator: worth a louder alarm, and fewer tries.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Timeout | Self::Refused | Self::ReadOnly | Self::Moved)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl StateError {
    /// What is wrong, in a word.
    pub const fn trouble(&self) -> Trouble {
        match self {
            Self::InUse(_) | Self::Failed(..) => Trouble::Other,
            Self::Shared { trouble, .. } => *trouble,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_and_errors_have_one() {
        for (at, one) in Trouble::ALL.iter().enumerate() {
            assert!(Trouble::ALL[..at].iter().all(|other| other.name() != one.name()), "{one}");
        }
        let error = StateError::Shared {
            at: "192.0.2.1:6379".to_owned(),
            trouble: Trouble::ReadOnly,
            text: "READONLY You can't write against a read only replica.".to_owned(),
        };
        assert_eq!(error.trouble(), Trouble::ReadOnly);
        assert!(error.to_string().starts_with("192.0.2.1:6379: readonly: READONLY"), "{error}");
        assert_eq!(StateError::InUse("here".to_owned()).trouble(), Trouble::Other);
    }
}
