//! Which results are at hand, and for whom do they hold? Each is kept under just those inputs that it depends on: a record
//! without macros about the sender serves all senders of its domain, and "no record" serves all clients.
//!
//! What a result depends on is known only when it is there. So under what is known at first, the domain, lies either the
//! result or the name of the next input to be looked at, and so on: a record is read in the same order every time.

use super::{
    super::{
        Answer, Answered,
        kept::{Keep, Kept},
        spf::{Evaluation, Input, Matched},
    },
    SpfQuestion, without_domain,
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long nobody asks again while the resolver is out of reach.
const UNDECIDED_TTL: Duration = Duration::from_secs(1);
/// Inputs there are: the steps from a domain to its result.
const INPUTS_MAX: usize = 3;

/// Terms, domain and the inputs that count so far, one behind the other.
struct Key(Vec<u8>);

impl Key {
    fn of_domain(question: &SpfQuestion, domain: &str) -> Self {
        let mut octets = Vec::with_capacity(128);
        octets.extend_from_slice(&question.terms.fingerprint().to_le_bytes());
        octets.extend_from_slice(domain.as_bytes());
        Self(octets)
    }

    /// No octet of a domain is a mark. Lengths keep apart what may hold any octets.
    fn add(&mut self, input: Input, question: &SpfQuestion) {
        let query = &question.query;
        let mut put = |mark: u8, value: &[u8]| {
            self.0.push(mark);
            self.0.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
            self.0.extend_from_slice(value);
        };
        match (input, query.ip) {
            (Input::Ip, IpAddr::V4(v4)) => put(0x80, &v4.octets()),
            (Input::Ip, IpAddr::V6(v6)) => put(0x80, &v6.octets()),
            (Input::LocalPart, _) => put(0x81, query.local_part()),
            (Input::Helo, _) => put(0x82, query.helo()),
        }
    }
}

#[derive(Clone)]
enum Found {
    Result(Arc<Evaluation>),
    Wants(Input),
}

struct Entry {
    found: Found,
    at: Instant,
    ttl: Duration,
    took: Duration,
}

impl Keep for Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < self.ttl
    }
}

/// The results.
pub(super) struct Results(Kept<Box<[u8]>, Entry>);

impl Results {
    pub(super) fn new(entries_max: usize, octets_max: usize) -> Self {
        Self(Kept::new(entries_max, octets_max))
    }

    /// The result for a question, while it holds.
    pub(super) fn get(&self, question: &SpfQuestion, now: Instant) -> Option<Answered> {
        let Some(domain) = question.query.domain() else { return Some(without_domain()) };
        let mut key = Key::of_domain(question, domain);
        for _ in 0..=INPUTS_MAX {
            let fresh = |entry: &Entry| entry.is_fresh(now).then(|| (entry.found.clone(), entry.answered(now)));
            match self.0.read(key.0.as_slice(), fresh)? {
                (Found::Result(_), answered) => return answered,
                (Found::Wants(input), _) => key.add(input, question),
            }
        }
        None
    }

    /// Keeps a result for all for whom it holds. What could not be found out for our own reasons is kept a moment only, and
    /// what was not even asked, not at all: its time to live is none.
    pub(super) fn keep(&self, question: &SpfQuestion, evaluation: &Arc<Evaluation>, now: Instant, took: Duration) {
        let Some(domain) = question.query.domain() else { return };
        let ttl = if evaluation.is_ours { evaluation.ttl.min(UNDECIDED_TTL) } else { evaluation.ttl };
        if ttl.is_zero() {
            return;
        }
        let mut key = Key::of_domain(question, domain);
        let put = |key: &Key, found: Found, octets: usize| {
            self.0.insert(key.0.as_slice().into(), Entry { found, at: now, ttl, took }, key.0.len() + octets, now);
        };
        for &input in &evaluation.depends {
            put(&key, Found::Wants(input), 0);
            key.add(input, question);
        }
        put(&key, Found::Result(evaluation.clone()), octets_owned(evaluation));
    }

    /// Entries and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        self.0.size()
    }
}

impl Entry {
    fn answered(&self, now: Instant) -> Option<Answered> {
        let Found::Result(evaluation) = &self.found else { return None };
        let age = now.saturating_duration_since(self.at);
        let ttl = self.ttl.saturating_sub(age);
        let answer = Answer::Spf(evaluation.clone());
        Some(Answered { answer, cached: true, stale: false, age, ttl, took: self.took })
    }
}

/// In front of the data behind an Arc.
const COUNTS: usize = 16;

fn octets_owned(evaluation: &Evaluation) -> usize {
    let matched = |matched: &Matched| 2 * COUNTS + matched.mechanism.len() + matched.domain.len();
    let explanation = evaluation.explanation.as_ref().map_or(0, super::super::spf::Explanation::octets);
    COUNTS
        + size_of::<Evaluation>()
        + evaluation.matched.as_ref().map_or(0, matched)
        + evaluation.problem.as_ref().map_or(0, String::len)
        + explanation
        + evaluation.depends.capacity() * size_of::<Input>()
}
