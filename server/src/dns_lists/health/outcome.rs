//! What does one answer say about the list that gave it?

use super::Cause;
use crate::{
    ask::{DnsAnswer, Failure, Record},
    dns_lists::{Declared, Refusal},
};

/// One look-up, as far as the list's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer as a list gives it: listed or not.
    Good,
    /// No answer. A few of them happen to everybody: their share counts.
    Failed(Cause),
    /// An answer that no list in order gives: one is enough.
    Wrong(Cause),
}

impl Outcome {
    /// `None` = nobody was asked, so it says nothing.
    pub fn of(list: &Declared, answer: &DnsAnswer) -> Option<Self> {
        match answer {
            DnsAnswer::NotFound => Some(Self::Good),
            DnsAnswer::Found(records) => {
                let mut wrong = records.iter().filter_map(|record| match record {
                    Record::A(code) => Refusal::of(*code, &list.named_codes).map(cause),
                    _ => None,
                });
                Some(wrong.next().map_or(Self::Good, Self::Wrong))
            }
            DnsAnswer::Failed(failure) => failed(*failure).map(Self::Failed),
        }
    }
}

fn cause(refusal: Refusal) -> Cause {
    match refusal {
        Refusal::NotAList => Cause::NotAList,
        Refusal::Wildcard => Cause::Wildcard,
        Refusal::Refused => Cause::Refused,
    }
}

fn failed(failure: Failure) -> Option<Cause> {
    match failure {
        Failure::Timeout | Failure::Unreachable => Some(Cause::Silent),
        Failure::Servfail => Some(Cause::Servfail),
        Failure::Refused => Some(Cause::Refused),
        Failure::Malformed => Some(Cause::Malformed),
        Failure::Overload | Failure::Capped | Failure::Budget => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns_lists::tests::declared;
    use std::net::Ipv4Addr;

    fn found(codes: &[[u8; 4]]) -> DnsAnswer {
        DnsAnswer::Found(codes.iter().map(|code| Record::A(Ipv4Addr::from(*code))).collect())
    }

    #[test]
    fn answers_are_told_apart() {
        let list = declared("bl.example");
        let of = |answer| Outcome::of(&list, &answer);
        assert_eq!(of(DnsAnswer::NotFound), Some(Outcome::Good));
        assert_eq!(of(found(&[[127, 0, 0, 2], [127, 0, 0, 4]])), Some(Outcome::Good));
        assert_eq!(of(DnsAnswer::Found([Record::Txt(b"x"[..].into())].into())), Some(Outcome::Good));
        for (code, cause) in [
            ([127, 255, 255, 252], Cause::Refused),
            ([127, 0, 0, 255], Cause::Refused),
            ([127, 0, 1, 255], Cause::Refused),
            ([127, 0, 0, 1], Cause::Wildcard),
            ([192, 0, 2, 1], Cause::NotAList),
            ([128, 0, 0, 2], Cause::NotAList),
        ] {
            assert_eq!(of(found(&[[127, 0, 0, 2], code])), Some(Outcome::Wrong(cause)), "{code:?}");
        }
        let named = Declared { named_codes: vec![Ipv4Addr::new(127, 0, 0, 255)], ..list };
        assert_eq!(Outcome::of(&named, &found(&[[127, 0, 0, 255]])), Some(Outcome::Good));
    }

    #[test]
    fn our_own_failures_say_nothing() {
        let list = declared("bl.example");
        for failure in Failure::ALL {
            let outcome = Outcome::of(&list, &DnsAnswer::Failed(failure));
            assert_eq!(outcome.is_none(), failure.is_ours(), "{failure:?}");
        }
    }
}
