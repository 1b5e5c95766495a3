//! Why is a list not believed? A closed set: the words stand in logs, metrics and on the command line.

/// Why a list is not healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It answers with a code that means "I do not answer you", or with REFUSED.
    Refused,
    /// It lists what no list may hold: 127.0.0.1, `INVALID`, a name made up (RFC 5782 §5).
    Wildcard,
    /// It answers with addresses outside 127.0.0.0/8: a parked domain, a rewriting resolver (RFC 5782 §2.1).
    NotAList,
    /// Time-outs, or its resolver cannot be reached.
    Silent,
    /// SERVFAIL.
    Servfail,
    /// Answers that cannot be read.
    Malformed,
    /// Its test entry is gone: it lists nothing any more (RFC 5782 §5).
    UnlistedTest,
    /// It lists far more of our clients than it used to, and no other list agrees.
    HitRateJump,
    /// It lists next to none of our clients any more.
    HitRateCollapse,
    /// It lists clients that we know to be good.
    ListsGoodClients,
    /// Its resolver invents answers.
    Resolver,
    /// Its look-ups of the day are spent.
    Budget,
}

impl Cause {
    /// All of them. Stored by their place: append only.
    pub const ALL: [Self; 12] = [
        Self::Refused,
        Self::Wildcard,
        Self::NotAList,
        Self::Silent,
        Self::Servfail,
        Self::Malformed,
        Self::UnlistedTest,
        Self::HitRateJump,
        Self::HitRateCollapse,
        Self::ListsGoodClients,
        Self::Resolver,
        Self::Budget,
    ];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Wildcard => "wildcard",
            Self::NotAList => "not_a_list",
            Self::Silent => "silent",
            Self::Servfail => "servfail",
            Self::Malformed => "malformed",
            Self::UnlistedTest => "unlisted_test",
            Self::HitRateJump => "hit_rate_jump",
            Self::HitRateCollapse => "hit_rate_collapse",
            Self::ListsGoodClients => "lists_good_clients",
            Self::Resolver => "resolver",
            Self::Budget => "budget",
        }
    }

    /// May it end in the list not being asked at all? Not where only its answers can show that the cause has gone.
    pub const fn turns_off(self) -> bool {
        !matches!(self, Self::HitRateJump | Self::HitRateCollapse | Self::ListsGoodClients | Self::Resolver)
    }
}
