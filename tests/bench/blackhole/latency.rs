//! How long did sessions take, when some were given up before their end?

use std::{fmt, time::Duration};

/// What is less than this is noise: a ratio is taken to it at least.
const NOISE_MS: f64 = 0.01;

/// The time of one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    ms: f64,
    /// It had not ended.
    at_least: bool,
}

impl Took {
    pub(crate) fn whole(time: Duration) -> Self {
        Self { ms: time.as_secs_f64() * 1e3, at_least: false }
    }

    pub(crate) fn given_up(time: Duration) -> Self {
        Self { at_least: true, ..Self::whole(time) }
    }

    /// How much longer than `other`.
    pub(crate) fn beyond(self, other: Self) -> Self {
        Self { ms: self.ms - other.ms, at_least: self.at_least }
    }

    /// How many times `other`.
    pub(crate) fn over(self, other: Self) -> String {
        let sign = if self.at_least { ">= " } else { "" };
        format!("{sign}{:.0}", self.ms / other.ms.max(NOISE_MS))
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.at_least { ">= " } else { "" };
        write!(f, "{sign}{:.2}", self.ms)
    }
}

/// All sessions of one kind.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Took>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Took) {
        let at = self.0.partition_point(|other| other.ms <= took.ms);
        self.0.insert(at, took);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The nearest rank; NaN of nothing.
    pub(crate) fn quantile(&self, share: f64) -> Took {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(Took { ms: f64::NAN, at_least: false })
    }
}
