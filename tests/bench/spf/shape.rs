//! Which kinds of SPF records are there, how often, and what must come out of each?

/// What a domain publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Ip4,
    Include,
    Mx,
    AMxInclude,
    TwoIncludes,
    Redirect,
    None,
    ManyLookups,
    VoidLookups,
    Exists,
    Neutral,
    Duplicate,
    SyntaxError,
}

impl Shape {
    /// All of them with their shares in percent.
    pub(crate) const ALL: [(Self, usize); 13] = [
        (Self::Ip4, 34),
        (Self::Include, 20),
        (Self::Mx, 9),
        (Self::AMxInclude, 9),
        (Self::TwoIncludes, 5),
        (Self::Redirect, 5),
        (Self::None, 6),
        (Self::ManyLookups, 3),
        (Self::VoidLookups, 3),
        (Self::Exists, 2),
        (Self::Neutral, 2),
        (Self::Duplicate, 1),
        (Self::SyntaxError, 1),
    ];

    /// The shape of a number: exact shares in every hundred.
    pub(crate) fn of(number: usize) -> Self {
        let mut rest = number % 100;
        for (shape, share) in Self::ALL {
            if rest < share {
                return shape;
            }
            rest -= share;
        }
        Self::Ip4
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ip4 => "ip4, ip6",
            Self::Include => "include chain",
            Self::Mx => "mx",
            Self::AMxInclude => "a, mx, include",
            Self::TwoIncludes => "a, mx, ip4, two includes",
            Self::Redirect => "redirect",
            Self::None => "no record",
            Self::ManyLookups => "over 10 look-ups",
            Self::VoidLookups => "3 void look-ups",
            Self::Exists => "exists with macros",
            Self::Neutral => "?all",
            Self::Duplicate => "two records",
            Self::SyntaxError => "syntax error",
        }
    }

    /// Whose hosts may send: those of a provider, or the domain's own (then also, in part, a provider's).
    pub(crate) const fn by_provider(self) -> bool {
        matches!(self, Self::Include | Self::Redirect)
    }

    /// What RFC 7208 says of a client that is one of the domain's (`known`), or of a stranger.
    pub(crate) const fn result(self, known: bool) -> &'static str {
        match (self, known) {
            (Self::None, _) => "none",
            // A third void look-up, a second record, and a term nobody knows end it whoever asks (§4.6.4, §4.5, §4.6).
            (Self::VoidLookups | Self::Duplicate | Self::SyntaxError, _) | (Self::ManyLookups, false) => "permerror",
            (_, true) => "pass",
            (Self::Include | Self::Redirect, false) => "softfail",
            (Self::Neutral, false) => "neutral",
            (_, false) => "fail",
        }
    }
}
