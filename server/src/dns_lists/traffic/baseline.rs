//! How much of our traffic does a list list as a rule, and does it still?

use std::time::{Duration, Instant};

/// Clients that make one judgement of a jump, and one step of the baseline.
pub(super) const PERIOD_CLIENTS: u32 = 100;
/// Clients before a baseline is one.
pub(super) const LEARNT: u64 = 500;
/// Hits that a collapse must be missing.
const COLLAPSE_HITS: f64 = 20.0;
/// A collapse: fewer hits than this share of those expected; above the other share it is none any more.
const COLLAPSED: f64 = 0.05;
const RESTORED: f64 = 0.25;
/// A jump: so much of the traffic is listed by this list alone, and so many times the share it used to be.
const ALONE: f64 = 0.5;
const ALONE_FACTOR: f64 = 5.0;
/// A jump by itself: next to everybody is listed, which was not the case before.
const EVERYBODY: f64 = 0.98;
const NOT_EVERYBODY: f64 = 0.9;
/// Listing everybody counts only as far as others do not agree.
const EVERYBODY_ALONE: f64 = 0.25;
/// Another list whose hit rate is so many times its baseline sees what this one sees.
const RISING_FACTOR: f64 = 2.0;
/// The slow average follows a change within half a day, and by a twentieth a step at most.
const FOLLOWS: Duration = Duration::from_secs(12 * 3_600);
const STEP_MAX: f64 = 0.05;

/// Shares of the clients, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Listed.
    pub hits: f64,
    /// Listed by this list alone.
    pub alone: f64,
    /// Clients it was learnt from.
    pub clients: u64,
}

impl Baseline {
    pub(super) fn is_learnt(&self) -> bool {
        self.clients >= LEARNT
    }

    fn learn(&mut self, period: &Period, took: Duration) {
        let Some((hits, alone)) = period.shares() else { return };
        let clients = u64::from(period.clients);
        self.clients = self.clients.saturating_add(clients);
        let mean = clients as f64 / self.clients as f64;
        let slow = (took.as_secs_f64() / FOLLOWS.as_secs_f64()).min(STEP_MAX);
        let step = if self.clients <= LEARNT { mean } else { slow };
        self.hits += (hits - self.hits) * step;
        self.alone += (alone - self.alone) * step;
    }
}

/// A stretch of traffic.
#[derive(Clone, Copy, Debug, Default)]
struct Period {
    clients: u32,
    hits: u32,
    alone: u32,
}

impl Period {
    fn add(&mut self, hit: bool, alone: bool) {
        self.clients += 1;
        self.hits += u32::from(hit);
        self.alone += u32::from(alone);
    }

    fn shares(&self) -> Option<(f64, f64)> {
        let share = |count: u32| f64::from(count) / f64::from(self.clients);
        (self.clients > 0).then(|| (share(self.hits), share(self.alone)))
    }
}

/// What other lists say meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    /// One of them at least says something: only then does it mean anything that it does not agree.
    pub(super) heard: bool,
    /// The rate of one of them goes up too: a wave of bad clients is no fault of a list.
    pub(super) rise: bool,
}

/// What a full period says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Nothing is full yet.
    Nothing,
    /// As ever, as far as this question goes.
    Usual,
    /// Far more is listed.
    Jump,
    /// Next to nothing is.
    Collapse,
}

/// A list's hit rate now and as a rule.
#[derive(Clone, Debug)]
pub(super) struct HitRate {
    pub(super) baseline: Baseline,
    /// For jumps, and where the baseline is learnt from.
    period: Period,
    began: Instant,
    /// For collapses: until so many hits are expected.
    waiting: Period,
    latest: Option<f64>,
}

impl HitRate {
    pub(super) fn new(baseline: Baseline, now: Instant) -> Self {
        Self { baseline, period: Period::default(), began: now, waiting: Period::default(), latest: None }
    }

    /// Another client was asked about.
    pub(super) fn add(&mut self, hit: bool, alone: bool) {
        self.period.add(hit, alone);
        self.waiting.add(hit, alone);
    }

    /// Share of clients listed in the latest full period.
    pub(super) fn latest(&self) -> Option<f64> {
        self.latest
    }

    pub(super) fn is_full(&self) -> bool {
        self.period.clients >= PERIOD_CLIENTS
    }

    /// Its own rate goes up at the moment, as far as the period has got.
    pub(super) fn is_rising(&self) -> bool {
        let enough = self.period.clients >= PERIOD_CLIENTS / 4;
        let now = if enough { self.period.shares().map(|(hits, _)| hits) } else { self.latest };
        self.baseline.is_learnt() && now.is_some_and(|hits| hits >= RISING_FACTOR * self.baseline.hits.max(0.01))
    }

    /// Judges a full period and begins another.
    pub(super) fn judge_jump(&mut self, others: Others, learns: bool, now: Instant) -> Judged {
        if !self.is_full() {
            return Judged::Nothing;
        }
        let period = std::mem::take(&mut self.period);
        let took = now.saturating_duration_since(std::mem::replace(&mut self.began, now));
        let (hits, alone) = period.shares().unwrap_or_default();
        self.latest = Some(hits);
        let base = self.baseline;
        let is_alone = others.heard && alone >= ALONE && alone >= ALONE_FACTOR * base.alone;
        let is_everybody = hits >= EVERYBODY && base.hits < NOT_EVERYBODY && alone >= EVERYBODY_ALONE;
        if base.is_learnt() && !others.rise && (is_alone || is_everybody) {
            return Judged::Jump;
        }
        if learns {
            self.baseline.learn(&period, took);
        }
        Judged::Usual
    }

    /// Judges whether the hits that are due have come.
    pub(super) fn judge_collapse(&mut self) -> Judged {
        let expected = self.baseline.hits * f64::from(self.waiting.clients);
        if !self.baseline.is_learnt() || expected < COLLAPSE_HITS {
            return Judged::Nothing;
        }
        let came = f64::from(std::mem::take(&mut self.waiting).hits);
        if came <= COLLAPSED * expected {
            Judged::Collapse
        } else if came >= RESTORED * expected {
            Judged::Usual
        } else {
            Judged::Nothing
        }
    }
}
