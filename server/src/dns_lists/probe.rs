//! What is a list asked about itself, and what do the answers prove? RFC 5782 §5's test entries, and a name made up.
//!
//! | list of | must be listed | must not be |
//! |---|---|---|
//! | IPv4 addresses | 127.0.0.2 | 127.0.0.1, `tollgate-RANDOM` |
//! | IPv6 addresses alone | ::FFFF:7F00:2 | ::FFFF:7F00:1, `tollgate-RANDOM` |
//! | names | `TEST` | `INVALID`, `tollgate-RANDOM` |

use super::{
    Declared, Probe, Subject,
    health::{Cause, Outcome},
};
use crate::ask::{DnsAnswer, DnsQuestion, RecordType, reversed};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Questions of one probe.
pub const QUESTIONS_MAX: usize = 3;

/// What an answer ought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The test entry.
    Listed,
    /// What no list may hold.
    NotListed,
}

/// What a probe has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All answers are as they ought to be.
    Good,
    /// One is not.
    Bad(Cause),
    /// An answer is missing, and those that came are in order. The missing look-up counts as every other.
    Unknown,
}

impl Reading {
    /// The word on the command line: `good`, `unknown`, or the cause.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad(cause) => cause.name(),
            Self::Unknown => "unknown",
        }
    }
}

/// A number for the name made up: another one each time, that nobody can foresee.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The questions of one probe; none for a list that is not probed. `random` is a new number each time.
pub fn questions(list: &Declared, random: u64) -> Vec<(Expected, DnsQuestion)> {
    let (test, never) = match (list.subject, list.ipv4) {
        (Subject::Address, true) => (address(Ipv4Addr::new(127, 0, 0, 2)), address(Ipv4Addr::LOCALHOST)),
        (Subject::Address, false) => (mapped(2), mapped(1)),
        (Subject::Domain, _) => ("test".to_owned(), "invalid".to_owned()),
    };
    let all = [
        (Expected::Listed, test),
        (Expected::NotListed, never),
        (Expected::NotListed, format!("tollgate-{random:016x}")),
    ];
    let kind = if list.txt_only { RecordType::Txt } else { RecordType::A };
    let wanted = |expected: Expected| match list.probe {
        Probe::All => true,
        Probe::NotListed => expected == Expected::NotListed,
        Probe::Off => false,
    };
    let asked = all.into_iter().filter(|(expected, _)| wanted(*expected));
    asked.map(|(expected, subject)| (expected, list.about(&subject, kind))).collect()
}

fn address(ip: Ipv4Addr) -> String {
    reversed(IpAddr::V4(ip))
}

fn mapped(last: u16) -> String {
    reversed(IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, last)))
}

/// What the answers of one probe show together. The order in which they came makes no difference.
pub fn read<'a>(list: &Declared, answers: impl IntoIterator<Item = (Expected, &'a DnsAnswer)>) -> Reading {
    let (mut missing, mut wrong) = (false, None);
    for (expected, answer) in answers {
        let cause = match (Outcome::of(list, answer), expected, answer) {
            (Some(Outcome::Wrong(cause)), ..) => Some(cause),
            (_, Expected::Listed, DnsAnswer::NotFound) => Some(Cause::UnlistedTest),
            (_, Expected::NotListed, DnsAnswer::Found(_)) => Some(Cause::Wildcard),
            (_, _, DnsAnswer::Failed(_)) => {
                missing = true;
                None
            }
            _ => None,
        };
        wrong = gravest(wrong, cause);
    }
    match wrong {
        Some(cause) => Reading::Bad(cause),
        None if missing => Reading::Unknown,
        None => Reading::Good,
    }
}

/// A code that says why goes before what is only concluded.
fn gravest(one: Option<Cause>, other: Option<Cause>) -> Option<Cause> {
    let rank = |cause: Option<Cause>| match cause {
        None => 0,
        Some(Cause::UnlistedTest) => 1,
        Some(Cause::Wildcard) => 2,
        Some(Cause::NotAList) => 3,
        Some(_) => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ask::{Failure, Record},
        dns_lists::tests::declared,
    };

    fn names(list: &Declared) -> Vec<(Expected, String)> {
        questions(list, 0xabc).into_iter().map(|(expected, question)| (expected, text(&question))).collect()
    }

    fn text(question: &DnsQuestion) -> String {
        format!("{} {}", question.kind.name(), question.name)
    }

    fn found(code: [u8; 4]) -> DnsAnswer {
        DnsAnswer::Found([Record::A(Ipv4Addr::from(code))].into())
    }

    #[test]
    fn questions_are_those_of_rfc_5782() {
        use Expected::{Listed, NotListed};
        let list = declared("bl.example");
        let random = (NotListed, "A tollgate-0000000000000abc.bl.example".to_owned());
        let v4 = [(Listed, "A 2.0.0.127.bl.example".to_owned()), (NotListed, "A 1.0.0.127.bl.example".to_owned())];
        assert_eq!(names(&list), [v4.as_slice(), std::slice::from_ref(&random)].concat());
        assert!(names(&list).len() <= QUESTIONS_MAX);
        let v6 = Declared { ipv4: false, ..list.clone() };
        let front = "0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
        assert_eq!(names(&v6)[0], (Listed, format!("A 2.{front}.bl.example")));
        assert_eq!(names(&v6)[1], (NotListed, format!("A 1.{front}.bl.example")));
        let domain = Declared { subject: Subject::Domain, txt_only: true, ..list.clone() };
        assert_eq!(names(&domain)[0], (Listed, "TXT test.bl.example".to_owned()));
        assert_eq!(names(&domain)[1], (NotListed, "TXT invalid.bl.example".to_owned()));
        let careful = Declared { probe: Probe::NotListed, ..list.clone() };
        assert_eq!(names(&careful), [v4[1].clone(), random]);
        assert_eq!(names(&Declared { probe: Probe::Off, ..list }), []);
    }

    #[test]
    fn a_reading_needs_all_answers_but_one_bad_one_is_enough() {
        use Expected::{Listed, NotListed};
        let list = declared("bl.example");
        let (yes, no, lost) = (found([127, 0, 0, 2]), DnsAnswer::NotFound, DnsAnswer::Failed(Failure::Timeout));
        let read = |test: &DnsAnswer, never: &DnsAnswer, random: &DnsAnswer| {
            let forth = read(&list, [(Listed, test), (NotListed, never), (NotListed, random)]);
            let back = read(&list, [(NotListed, random), (NotListed, never), (Listed, test)]);
            assert_eq!(forth, back);
            forth
        };
        assert_eq!(read(&yes, &no, &no), Reading::Good);
        assert_eq!(read(&no, &no, &no), Reading::Bad(Cause::UnlistedTest));
        assert_eq!(read(&yes, &yes, &no), Reading::Bad(Cause::Wildcard));
        assert_eq!(read(&yes, &no, &yes), Reading::Bad(Cause::Wildcard));
        assert_eq!(read(&lost, &no, &no), Reading::Unknown);
        assert_eq!(read(&lost, &yes, &lost), Reading::Bad(Cause::Wildcard));
        let refused = found([127, 255, 255, 254]);
        assert_eq!(read(&refused, &yes, &no), Reading::Bad(Cause::Refused));
        let parked = found([192, 0, 2, 80]);
        assert_eq!(read(&parked, &parked, &parked), Reading::Bad(Cause::NotAList));
    }
}
