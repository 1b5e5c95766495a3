//! When does a list's return code say "I do not answer you" instead of "listed"?

use std::net::Ipv4Addr;

/// What a list says by a return code that is no listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Outside 127.0.0.0/8: a parked domain, a resolver that rewrites, not a DNS list (RFC 5782 §2.1).
    NotAList,
    /// 127.0.0.1, which no list may hold (RFC 5782 §5): it answers to everything.
    Wildcard,
    /// "I do not answer you": over quota, asked through a public resolver, misspelt zone.
    Refused,
}

impl Refusal {
    /// Does this code say so? `None` = it is a listing. `named` are the codes that the configuration says are listings,
    /// though most lists refuse with them.
    pub fn of(code: Ipv4Addr, named: &[Ipv4Addr]) -> Option<Self> {
        match code.octets() {
            [127, 0, 0, 1] => Some(Self::Wildcard),
            // Spamhaus and others.
            [127, 255, 255, _] => Some(Self::Refused),
            // dnswl.org; Spamhaus' domain list when asked for an address.
            [127, 0, 0 | 1, 255] => (!named.contains(&code)).then_some(Self::Refused),
            [127, ..] => None,
            _ => Some(Self::NotAList),
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotAList => "no DNS list",
            Self::Wildcard => "lists everybody",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_no_listings() {
        for (code, expected) in [
            ([127, 0, 0, 2], None),
            ([127, 0, 1, 2], None),
            ([127, 0, 0, 1], Some(Refusal::Wildcard)),
            ([127, 255, 255, 252], Some(Refusal::Refused)),
            ([127, 0, 0, 255], Some(Refusal::Refused)),
            ([127, 0, 1, 255], Some(Refusal::Refused)),
            ([192, 0, 2, 1], Some(Refusal::NotAList)),
        ] {
            assert_eq!(Refusal::of(Ipv4Addr::from(code), &[]), expected, "{code:?}");
        }
        let named = [Ipv4Addr::new(127, 0, 0, 255)];
        assert_eq!(Refusal::of(named[0], &named), None);
        assert_eq!(Refusal::of(Ipv4Addr::new(127, 0, 1, 255), &named), Some(Refusal::Refused));
    }
}
