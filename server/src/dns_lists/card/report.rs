//! What is each list worth? The counts of a window added up, as the administrator gets them.

use super::{Bucket, Counts, Span};
use crate::ask::ListId;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Pairs of lists that a report names.
pub const OVERLAPS_MAX: usize = 20;

/// A stretch that a report is about, up to now. It slides by whole buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 12 x 5 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 30 days.
    Month,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Of which buckets it consists.
    pub const fn span(self) -> Span {
        match self {
            Self::Hour => Span::FiveMinutes,
            Self::Day => Span::Hour,
            Self::Month => Span::Day,
        }
    }
}

/// The report card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The stretch.
    pub window: Window,
    /// Its start, Unix seconds.
    pub from: u64,
    /// Its end: now, Unix seconds.
    pub until: u64,
    /// Connections seen.
    pub connections: u64,
    /// Every list that was heard in it, by name. Lists that are configured no more are among them.
    pub lists: Vec<ListReport>,
    /// The pairs that listed most clients together, at most [`OVERLAPS_MAX`], largest first.
    pub overlaps: Vec<Overlap>,
}

/// One list's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReport {
    /// Which.
    pub list: ListId,
    /// Its name.
    pub name: Arc<str>,
    /// All counts; "without it: `needed` fewer refusals".
    pub counts: Counts,
    /// Half of its look-ups took no longer; `None` = there were none.
    pub p50: Option<Duration>,
    /// 99 of 100 took no longer.
    pub p99: Option<Duration>,
}

/// Two lists that listed the same clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// One of them; the first by name.
    pub first: Arc<str>,
    /// The other.
    pub second: Arc<str>,
    /// Connections whose client both listed.
    pub both: u64,
}

/// Adds up `buckets`, all within the window.
pub(super) fn report<'a>(window: Window, now: u64, buckets: impl Iterator<Item = &'a Bucket>) -> Report {
    let span = window.span();
    let mut lists: BTreeMap<Arc<str>, (ListId, Counts)> = BTreeMap::new();
    let mut pairs: BTreeMap<(Arc<str>, Arc<str>), u64> = BTreeMap::new();
    let mut connections = 0;
    for bucket in buckets {
        connections += bucket.connections;
        for row in &bucket.rows {
            let (_, counts) = lists.entry(row.name.clone()).or_insert_with(|| (row.list, Counts::default()));
            counts.merge(&row.counts);
            for (other, both) in bucket.rows.iter().zip(&row.both).filter(|(_, both)| **both > 0) {
                let (one, two) = (row.name.clone(), other.name.clone());
                let pair = if one < two { (one, two) } else { (two, one) };
                *pairs.entry(pair).or_default() += u64::from(*both);
            }
        }
    }
    let mut overlaps: Vec<Overlap> =
        pairs.into_iter().map(|((first, second), both)| Overlap { first, second, both }).collect();
    overlaps.sort_by(|one, two| two.both.cmp(&one.both).then_with(|| one.first.cmp(&two.first)));
    overlaps.truncate(OVERLAPS_MAX);
    let line = |(name, (list, counts)): (Arc<str>, (ListId, Counts))| ListReport {
        list,
        name,
        p50: counts.latency.quantile(0.5),
        p99: counts.latency.quantile(0.99),
        counts,
    };
    Report {
        window,
        from: span.first(now) * span.seconds(),
        until: now,
        connections,
        lists: lists.into_iter().map(line).collect(),
        overlaps,
    }
}
