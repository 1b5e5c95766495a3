//! What is counted in one stretch of time? Lists in rows, and how often two of them listed the same client.

use super::{Latency, Span};
use crate::{
    ask::ListId,
    dns_lists::{Heard, LISTS_MAX, ListsSeen},
};
use std::{sync::Arc, time::Duration};

/// Lists in one bucket: all of a policy, and those that a reload replaced meanwhile.
pub const ROWS_MAX: usize = LISTS_MAX + 16;

/// Ways in which what came of a connection contradicts a list that had listed its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Messages were accepted, and no recipient was refused.
    Accepted,
    /// An allow list, or a list of good clients, knows the client.
    Allowed,
    /// The client has a good reputation, and SPF says whose mail it brings.
    ProvenGood,
    /// An administrator took the refusal of a listed client back.
    Pardoned,
}

impl Contradiction {
    /// All of them. Stored by their place: append only.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Allowed, Self::ProvenGood, Self::Pardoned];

    /// The word in metrics and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Allowed => "allowed",
            Self::ProvenGood => "proven_good",
            Self::Pardoned => "pardoned",
        }
    }
}

/// One list's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections about which it said something: clean or listed.
    pub heard: u64,
    /// Connections whose client it listed.
    pub hits: u64,
    /// Of those, the ones that no other list listed.
    pub unique: u64,
    /// Connections about which it said nothing usable.
    pub failed: u64,
    /// Connections it would refuse by itself, if all it says were enforced.
    pub would_refuse: u64,
    /// Refusals that would not have been without it.
    pub needed: u64,
    /// By [`Contradiction`].
    pub contradicted: [u64; Contradiction::ALL.len()],
    /// Look-ups it cost; answers from the cache cost none.
    pub lookups: u64,
    /// Of those, the ones that failed.
    pub lookups_failed: u64,
    /// How long they took.
    pub latency: Latency,
}

impl Counts {
    /// Adds another stretch's.
    pub fn merge(&mut self, other: &Self) {
        self.heard += other.heard;
        self.hits += other.hits;
        self.unique += other.unique;
        self.failed += other.failed;
        self.would_refuse += other.would_refuse;
        self.needed += other.needed;
        for (here, there) in self.contradicted.iter_mut().zip(other.contradicted) {
            *here += there;
        }
        self.lookups += other.lookups;
        self.lookups_failed += other.lookups_failed;
        self.latency.merge(&other.latency);
    }
}

/// A list in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub list: ListId,
    /// Its name.
    pub name: Arc<str>,
    /// What it did.
    pub counts: Counts,
    /// For each row before this one: clients that both listed.
    pub both: Vec<u32>,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How long it is.
    pub span: Span,
    /// Which one: Unix seconds of its start, divided by its length.
    pub number: u64,
    /// Connections seen.
    pub connections: u64,
    /// At most [`ROWS_MAX`].
    pub rows: Vec<Row>,
}

impl Bucket {
    /// An empty one.
    pub fn new(span: Span, number: u64) -> Self {
        Self { span, number, connections: 0, rows: Vec::new() }
    }

    /// The row of a list, made if there is room; `name` is asked then only.
    fn row(&mut self, list: ListId, name: impl FnOnce() -> Option<Arc<str>>) -> Option<usize> {
        if let Some(at) = self.rows.iter().position(|row| row.list == list) {
            return Some(at);
        }
        if self.rows.len() >= ROWS_MAX {
            return None;
        }
        let both = vec![0; self.rows.len()];
        self.rows.push(Row { list, name: name()?, counts: Counts::default(), both });
        Some(self.rows.len() - 1)
    }

    fn counts(&mut self, list: ListId, name: impl FnOnce() -> Option<Arc<str>>) -> Option<&mut Counts> {
        let at = self.row(list, name)?;
        self.rows.get_mut(at).map(|row| &mut row.counts)
    }

    pub(super) fn seen(&mut self, seen: &ListsSeen, known: &super::Known) {
        self.connections += 1;
        let only = seen.only_listing();
        let mut listed = [0; LISTS_MAX];
        let mut hits = 0;
        for (list, heard) in seen.heard.iter().take(LISTS_MAX) {
            let Some(at) = self.row(*list, || known.name(*list)) else { continue };
            let counts = &mut self.rows[at].counts;
            match heard {
                Heard::Failed => counts.failed += 1,
                Heard::Clean => counts.heard += 1,
                Heard::Listed => {
                    counts.heard += 1;
                    counts.hits += 1;
                    counts.unique += u64::from(only == Some(*list));
                    for kind in seen.contradictions().filter(|_| !known.welcomes(*list)) {
                        counts.contradicted[kind as usize] += 1;
                    }
                    listed[hits] = at;
                    hits += 1;
                }
            }
        }
        self.overlap(&mut listed[..hits]);
        self.refusals(seen, known);
    }

    fn refusals(&mut self, seen: &ListsSeen, known: &super::Known) {
        for list in seen.would_refuse.iter().take(LISTS_MAX) {
            if let Some(counts) = self.counts(*list, || known.name(*list)) {
                counts.would_refuse += 1;
            }
        }
        for list in seen.needed.iter().take(LISTS_MAX) {
            if let Some(counts) = self.counts(*list, || known.name(*list)) {
                counts.needed += 1;
            }
        }
    }

    /// Every pair of rows has listed the same client.
    fn overlap(&mut self, listed: &mut [usize]) {
        listed.sort_unstable();
        for (place, at) in listed.iter().enumerate() {
            for before in &listed[..place] {
                if let Some(count) = self.rows.get_mut(*at).and_then(|row| row.both.get_mut(*before)) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Something that came to light later contradicts these lists.
    pub(super) fn contradicted(&mut self, kind: Contradiction, listed: &[ListId], known: &super::Known) {
        for list in listed.iter().take(LISTS_MAX).filter(|list| !known.welcomes(**list)) {
            if let Some(counts) = self.counts(*list, || known.name(*list)) {
                counts.contradicted[kind as usize] += 1;
            }
        }
    }

    pub(super) fn looked_up(&mut self, list: ListId, failed: bool, took: Duration, known: &super::Known) {
        if let Some(counts) = self.counts(list, || known.name(list)) {
            counts.lookups += 1;
            counts.lookups_failed += u64::from(failed);
            counts.latency.add(took);
        }
    }
}
