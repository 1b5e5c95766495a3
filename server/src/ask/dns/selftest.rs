//! Does a resolver tell the truth? It is asked for a name that cannot exist: one that invents an answer, for a search
//! page or an advertisement, would put every client on every list.

use super::super::{Answer, Answered, Ask, Asker, DnsAnswer, DnsQuestion, Failure, Question, RecordType, Upstream};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// What a resolver is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It says that what does not exist does not.
    Honest,
    /// It answers for a name that does not exist: nothing it says can be believed.
    Invents,
    /// It does not answer.
    Silent(Failure),
}

/// A question for a name that nobody has, never the same twice: no cache knows it. The domain is reserved (RFC 2606),
/// and asked for nevertheless; names in `.invalid` would be answered by the library itself.
pub fn question(upstream: Upstream) -> DnsQuestion {
    // Keyed at random by the system, other keys each time.
    let random = || RandomState::new().build_hasher().finish();
    let name = format!("{:016x}{:016x}.example", random(), random());
    DnsQuestion { upstream, ..DnsQuestion::new(name, RecordType::A) }
}

/// What the answer to [`question`] tells of the resolver.
pub const fn reading(answer: &DnsAnswer) -> Reading {
    match answer {
        DnsAnswer::NotFound => Reading::Honest,
        DnsAnswer::Found(_) => Reading::Invents,
        DnsAnswer::Failed(failure) => Reading::Silent(*failure),
    }
}

/// Asks for a name that does not exist. It ends within the resolver's own time-out.
pub async fn examine(ask: &impl Ask, upstream: Upstream) -> (DnsQuestion, Reading) {
    let question = question(upstream);
    let reading = match ask.ask(Question::Dns(question.clone()), Asker::default()).await {
        Ok(Answered { answer: Answer::Dns(answer), .. }) => reading(&answer),
        // The I/O thread has stopped.
        _ => Reading::Silent(Failure::Unreachable),
    };
    (question, reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_is_asked_for_twice() {
        let names: HashSet<_> = (0..1_000).map(|_| question(Upstream::default()).name).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| super::super::outcome::wire_name(name.expose()).is_some()));
    }

    #[test]
    fn only_not_found_is_the_truth() {
        assert_eq!(reading(&DnsAnswer::NotFound), Reading::Honest);
        assert_eq!(reading(&DnsAnswer::Found([].into())), Reading::Invents);
        assert_eq!(reading(&DnsAnswer::Failed(Failure::Refused)), Reading::Silent(Failure::Refused));
    }
}
