//! What is the answer to "may this client send for this domain"? The seven results, and what stands behind one.

use super::{explanation::Explanation, trace::Trace};
use std::{fmt, sync::Arc, time::Duration};

/// The results of check_host() (RFC 7208 §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpfResult {
    /// No record, or no domain to look one up for.
    None,
    /// The domain says nothing about the client.
    Neutral,
    /// The client may.
    Pass,
    /// The client may not.
    Fail,
    /// The client probably may not.
    SoftFail,
    /// The DNS could not be read for now.
    TempError,
    /// The domain's records cannot be understood.
    PermError,
}

impl SpfResult {
    /// All of them, for metrics.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Neutral, Self::Pass, Self::Fail, Self::SoftFail, Self::TempError, Self::PermError];

    /// The word of RFC 7208 and RFC 8601.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The mechanism that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// As in the record, with its qualifier where that is not `+`: `-all`, `include:spf.example`.
    pub mechanism: Arc<str>,
    /// The domain whose record holds it: the one asked about, or the one it redirects to.
    pub domain: Arc<str>,
    /// It is none of the domain's own, but of [`super::LocalPolicy`].
    pub is_local: bool,
}

/// What a result depends on besides domain and limits. Whatever is not used is shared by all who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The client's address.
    Ip,
    /// The sender's local part.
    LocalPart,
    /// The HELO argument.
    Helo,
}

/// What is wrong with a domain's records, of a permerror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A record is not as RFC 7208 §12 says.
    Syntax,
    /// A record has a mechanism that there is not; as written.
    UnknownMechanism(String),
    /// A domain has more than one record.
    SeveralRecords,
    /// The records want more than RFC 7208 §4.6.4 allows.
    Limit,
    /// `include` or `redirect` leads to a domain without a record.
    NoRecord,
}

/// A result with what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// The mechanism that decided; `None` = none matched, or no record was read to its end.
    pub matched: Option<Matched>,
    /// Of a pass: it says who sent the mail. Not so if it came by `all`, by `ptr` or by a range wider than /16 (IPv6 /32):
    /// there anybody may be meant.
    pub is_identity: bool,
    /// Terms that asked the DNS (RFC 7208 §4.6.4).
    pub lookups: usize,
    /// Of these, terms that found nothing.
    pub voids: usize,
    /// How long this holds: the shortest time to live of what was read.
    pub ttl: Duration,
    /// What went wrong, of a temperror or permerror; one line.
    pub problem: Option<String>,
    /// What kind of thing that is, of a permerror.
    pub flaw: Option<Flaw>,
    /// The error is ours: we did not ask, or our resolver is not well. It says nothing about the domain.
    pub is_ours: bool,
    /// The domain's own explanation of a fail.
    pub explanation: Option<Explanation>,
    /// What the result depends on, in the order in which it was first needed.
    pub depends: Vec<Input>,
    /// All that was looked up, if that was asked for.
    pub trace: Option<Trace>,
}

impl Evaluation {
    /// A result of which nothing else is known.
    pub const fn bare(result: SpfResult) -> Self {
        Self {
            result,
            matched: None,
            is_identity: false,
            lookups: 0,
            voids: 0,
            ttl: Duration::MAX,
            problem: None,
            flaw: None,
            is_ours: false,
            explanation: None,
            depends: Vec::new(),
            trace: None,
        }
    }

    /// Nothing could be said, for a reason that is ours.
    pub fn undecided(problem: impl Into<String>) -> Self {
        let bare = Self::bare(SpfResult::TempError);
        Self { problem: Some(problem.into()), is_ours: true, ttl: Duration::ZERO, ..bare }
    }
}

/// One line, as `tollgate explain` shows it.
impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result)?;
        if let Some(matched) = &self.matched {
            let of = if matched.is_local { "local policy" } else { &matched.domain };
            write!(f, " by {} of {of}", matched.mechanism)?;
        }
        if let Some(problem) = &self.problem {
            write!(f, ": {problem}")?;
        }
        write!(f, " ({} look-ups, {} void)", self.lookups, self.voids)
    }
}
