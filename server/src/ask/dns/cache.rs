//! Which answers are still good? The cache that any thread may read; how it is bounded is the business of `ask/kept.rs`.

use super::{
    super::{
        Answered, DnsAnswer, DnsQuestion, Record,
        kept::{Keep, Kept},
    },
    fetched::Fetched,
};
use std::time::{Duration, Instant};

/// The cache.
pub(super) struct Cache {
    kept: Kept<DnsQuestion, Fetched>,
    stale_max: Duration,
}

impl Keep for Fetched {
    fn is_fresh(&self, now: Instant) -> bool {
        Self::is_fresh(self, now)
    }
}

impl Cache {
    /// Holds at most `entries_max` answers in about `octets_max` bytes. Expired answers stay while there is room: they
    /// may stand in for others for `stale_max`.
    pub(super) fn new(entries_max: usize, octets_max: usize, stale_max: Duration) -> Self {
        Self { kept: Kept::new(entries_max, octets_max), stale_max }
    }

    /// The answer, if it has not expired, or stands in for one that did not come a moment ago.
    pub(super) fn get(&self, question: &DnsQuestion, now: Instant) -> Option<Answered> {
        self.kept.read(question, |fetched| fetched.remembered(now, self.stale_max))
    }

    /// The answer, even if it has expired, as long as it may stand in. Never a failure.
    pub(super) fn stand_in(&self, question: &DnsQuestion, now: Instant) -> Option<Answered> {
        self.kept.look(question, |fetched| fetched.stand_in(now, self.stale_max))
    }

    /// What is to be said after a look-up that failed: an older answer that may stand in, which is kept with the
    /// failure remembered beside it; else the failure.
    pub(super) fn fail(&self, question: &DnsQuestion, failure: Fetched) -> Answered {
        let now = failure.at;
        let stands_in = self.kept.look(question, |fetched| {
            let answered = fetched.stand_in(now, self.stale_max)?;
            fetched.renewal_failed(now, failure.ttl);
            Some(answered)
        });
        stands_in.unwrap_or_else(|| {
            let answered = failure.answered(false, now);
            self.insert(question, failure);
            answered
        })
    }

    /// Keeps an answer in place of an older one.
    pub(super) fn insert(&self, question: &DnsQuestion, fetched: Fetched) {
        let (octets, now) = (octets_owned(question, &fetched.answer), fetched.at);
        self.kept.insert(question.clone(), fetched, octets, now);
    }

    /// Entries and bytes held, expired ones that nobody asked for again included.
    pub(super) fn size(&self) -> (usize, usize) {
        self.kept.size()
    }
}

/// Bytes that name and records own.
fn octets_owned(question: &DnsQuestion, answer: &DnsAnswer) -> usize {
    const COUNTS: usize = 16; // in front of the data behind an Arc
    let records: &[Record] = match answer {
        DnsAnswer::Found(records) => records,
        DnsAnswer::NotFound | DnsAnswer::Failed(_) => &[],
    };
    let own = |record: &Record| {
        size_of::<Record>()
            + match record {
                Record::A(_) | Record::Aaaa(_) => 0,
                Record::Txt(text) => COUNTS + text.len(),
                Record::Mx(_, name) | Record::Ptr(name) => COUNTS + name.len(),
            }
    };
    COUNTS + question.name.len() + COUNTS + records.iter().map(own).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{Answer, Failure, RecordType, Upstream},
        *,
    };
    use crate::clock::Clock;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn question(number: usize) -> DnsQuestion {
        DnsQuestion::new(format!("{number}.example"), RecordType::Txt)
    }

    fn fetched(answer: DnsAnswer, clock: &Clock, ttl_seconds: u64) -> Fetched {
        let ttl = Duration::from_secs(ttl_seconds);
        Fetched::new(answer, ttl, clock.now().steady, Duration::from_millis(7))
    }

    #[test]
    fn an_answer_lives_as_long_as_its_ttl() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        cache.insert(&question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        clock.advance(Duration::from_secs(59));
        let answered = cache.get(&question(1), clock.now().steady).expect("still good");
        assert_eq!(
            (answered.cached, answered.age, answered.ttl, answered.took),
            (true, Duration::from_secs(59), Duration::from_secs(1), Duration::from_millis(7))
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.get(&question(1), clock.now().steady), None);
    }

    #[test]
    fn a_failure_does_not_drive_out_what_may_stand_in() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        let failure = || fetched(DnsAnswer::Failed(Failure::Servfail), &clock, 5);
        let (known, unknown) = (question(1), question(2));
        cache.insert(&known, fetched(DnsAnswer::NotFound, &clock, 60));
        clock.advance(Duration::from_secs(61));
        let said = |answered: Answered| (answered.answer, answered.stale, answered.ttl.as_secs());
        let stale = (Answer::Dns(DnsAnswer::NotFound), true, 0);
        assert_eq!(said(cache.fail(&known, failure())), stale);
        assert_eq!(cache.get(&known, clock.steady()).map(said), Some(stale.clone()));
        assert_eq!(cache.stand_in(&known, clock.steady()).map(said), Some(stale));
        let failed = (Answer::Dns(DnsAnswer::Failed(Failure::Servfail)), false, 5);
        assert_eq!(said(cache.fail(&unknown, failure())), failed);
        assert_eq!(cache.get(&unknown, clock.steady()).map(said), Some(failed.clone()));
        assert_eq!(cache.stand_in(&unknown, clock.steady()), None);
        clock.advance(HOUR);
        assert_eq!(said(cache.fail(&known, failure())), failed, "too old");
    }

    #[test]
    fn kinds_and_resolvers_are_kept_apart() {
        let clock = Clock::manual(1_000);
        let cache = Cache::new(640, 1 << 22, HOUR);
        cache.insert(&question(1), fetched(DnsAnswer::NotFound, &clock, 60));
        let now = clock.now().steady;
        assert_eq!(cache.get(&DnsQuestion { kind: RecordType::A, ..question(1) }, now), None);
        assert_eq!(cache.get(&DnsQuestion { upstream: Upstream::named("x"), ..question(1) }, now), None);
        assert!(cache.get(&question(1), now).is_some());
    }
}
