//! Why is nothing known? The closed set of reasons for which an answer did not come.

/// Why nothing is known. Never "not listed" and never "listed".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No answer in time: ours, or the resolver's.
    Timeout,
    /// SERVFAIL.
    Servfail,
    /// REFUSED.
    Refused,
    /// Any other response code, or an answer that cannot be read.
    Malformed,
    /// The resolver cannot be reached.
    Unreachable,
    /// We did not ask: too many look-ups are under way.
    Overload,
    /// We did not ask: this session, or the client's net, had its share of new look-ups.
    Capped,
    /// We did not ask: the list's daily budget is spent.
    Budget,
}

impl Failure {
    /// All of them, for metrics.
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::Servfail,
        Self::Refused,
        Self::Malformed,
        Self::Unreachable,
        Self::Overload,
        Self::Capped,
        Self::Budget,
    ];

    /// The word in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Servfail => "servfail",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Unreachable => "unreachable",
            Self::Overload => "overload",
            Self::Capped => "capped",
            Self::Budget => "budget",
        }
    }

    /// Nobody was asked: it says nothing about resolver or list.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Overload | Self::Capped | Self::Budget)
    }
}
