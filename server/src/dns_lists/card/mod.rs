//! What is each list worth, what does it cost, and how often is it wrong? The report card: counts over the last hour,
//! day and month, in buckets that fall out by themselves.

mod bucket;
mod latency;
mod report;

pub use bucket::{Bucket, Contradiction, Counts, ROWS_MAX, Row};
pub use latency::{BUCKETS as LATENCY_BUCKETS, Latency};
pub use report::{ListReport, OVERLAPS_MAX, Overlap, Report, Window};

use super::{LISTS_MAX, ListsSeen};
use crate::{ask::ListId, clock::Now};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// Twelve of them are kept.
    FiveMinutes,
    /// 24.
    Hour,
    /// 30.
    Day,
}

impl Span {
    /// All of them. Stored by their place: append only.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// Its length.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// Buckets that are kept.
    pub const fn kept(self) -> u64 {
        match self {
            Self::FiveMinutes => 12,
            Self::Hour => 24,
            Self::Day => 30,
        }
    }

    /// The number of the oldest bucket kept at `now` (Unix seconds).
    pub const fn first(self, now: u64) -> u64 {
        (now / self.seconds()).saturating_sub(self.kept() - 1)
    }
}

/// The lists of the policy in force, as far as the card is concerned.
#[derive(Clone, Debug, Default)]
pub struct Known(HashMap<ListId, (Arc<str>, bool)>);

impl Known {
    /// Lists with their names, and whether they hold good clients. More than [`LISTS_MAX`] are not taken.
    pub fn new(lists: impl IntoIterator<Item = (ListId, Arc<str>, bool)>) -> Self {
        let lists = lists.into_iter().take(LISTS_MAX);
        Self(lists.map(|(list, name, welcomes)| (list, (name, welcomes))).collect())
    }

    fn name(&self, list: ListId) -> Option<Arc<str>> {
        self.0.get(&list).map(|(name, _)| name.clone())
    }

    fn welcomes(&self, list: ListId) -> bool {
        self.0.get(&list).is_some_and(|(_, welcomes)| *welcomes)
    }
}

/// Buckets of one span, oldest first, and whether the newest ones have changed since they were kept.
#[derive(Clone, Debug)]
struct Series {
    span: Span,
    /// At most [`Span::kept`], numbers rising.
    buckets: Vec<(Bucket, bool)>,
}

impl Series {
    /// The bucket of this moment. A clock that was set back goes on with the newest.
    fn current(&mut self, now: u64) -> Option<&mut Bucket> {
        let number = now / self.span.seconds();
        if self.buckets.last().is_none_or(|(newest, _)| newest.number < number) {
            self.buckets.push((Bucket::new(self.span, number), true));
            let first = self.span.first(now);
            // Those that have changed and were not kept yet lose their last second at most.
            self.buckets.retain(|(bucket, _)| bucket.number >= first);
        }
        let (bucket, dirty) = self.buckets.last_mut()?;
        *dirty = true;
        Some(bucket)
    }
}

/// The report card of all lists.
#[derive(Clone, Debug)]
pub struct Card {
    known: Known,
    series: [Series; Span::ALL.len()],
}

impl Default for Card {
    fn default() -> Self {
        Self { known: Known::default(), series: Span::ALL.map(|span| Series { span, buckets: Vec::new() }) }
    }
}

impl Card {
    /// A card that goes on where kept buckets end. Those beyond their lifetime at `now` (Unix seconds) are left out.
    pub fn restored(buckets: impl IntoIterator<Item = Bucket>, now: u64) -> Self {
        let mut card = Self::default();
        for bucket in buckets {
            let (span, newest) = (bucket.span, now / bucket.span.seconds());
            let series = &mut card.series[span as usize];
            let new = series.buckets.iter().all(|(known, _)| known.number != bucket.number);
            if new && (span.first(now)..=newest).contains(&bucket.number) {
                series.buckets.push((bucket, false));
            }
        }
        card.series.iter_mut().for_each(|series| series.buckets.sort_by_key(|(bucket, _)| bucket.number));
        card
    }

    /// Other lists are in force. What was counted of the old ones stays until it is 30 days old.
    pub fn declare(&mut self, known: Known) {
        self.known = known;
    }

    /// A connection was judged.
    pub fn seen(&mut self, seen: &ListsSeen, now: Now) {
        self.each(now, |bucket, known| bucket.seen(seen, known));
    }

    /// What came to light after a connection was judged contradicts these lists, which had listed its client.
    pub fn contradicted(&mut self, kind: Contradiction, listed: &[ListId], now: Now) {
        self.each(now, |bucket, known| bucket.contradicted(kind, listed, known));
    }

    /// A look-up ended.
    pub fn looked_up(&mut self, list: ListId, failed: bool, took: Duration, now: Now) {
        self.each(now, |bucket, known| bucket.looked_up(list, failed, took, known));
    }

    fn each(&mut self, now: Now, count: impl Fn(&mut Bucket, &Known)) {
        for series in &mut self.series {
            if let Some(bucket) = series.current(now.unix_seconds()) {
                count(bucket, &self.known);
            }
        }
    }

    /// The counts of a window.
    pub fn report(&self, window: Window, now: Now) -> Report {
        let (span, now) = (window.span(), now.unix_seconds());
        let buckets = self.series[span as usize].buckets.iter().map(|(bucket, _)| bucket);
        report::report(window, now, buckets.filter(|bucket| bucket.number >= span.first(now)))
    }

    /// Buckets that have changed since they were taken last: at most one of each span, and one more at its end.
    pub fn take_changed(&mut self) -> Vec<Bucket> {
        let all = self.series.iter_mut().flat_map(|series| &mut series.buckets);
        all.filter_map(|(bucket, dirty)| std::mem::take(dirty).then(|| bucket.clone())).collect()
    }

    /// What was taken is lost: all buckets count as changed.
    pub fn forget_taken(&mut self) {
        self.series.iter_mut().flat_map(|series| &mut series.buckets).for_each(|(_, dirty)| *dirty = true);
    }
}

#[cfg(test)]
mod tests;
