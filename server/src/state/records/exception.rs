//! Who was let through, or kept out, by an administrator? Owned, scoped, expiring.

use super::Digest;
use crate::{
    config::Network,
    state::{
        Record,
        octets::{Reader, Writer},
    },
};
use std::cmp::Ordering;

const VERSION: u8 = 1;

/// An entry. What it says changes with its revision only; hits are counted by each server for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Counts changes, of all exceptions that a server knows: a later one replaces an earlier one.
    pub revision: u32,
    /// Lets through; otherwise keeps out.
    pub allows: bool,
    /// Clients; `None` = any.
    pub clients: Option<Network>,
    /// Sender, lower case: `user@host`, `@host`, `.suffix`, or `<>` for the null sender; empty = any.
    pub sender: String,
    /// Recipient, likewise, but for `<>`.
    pub recipient: String,
    /// When it was made, Unix seconds.
    pub made_at: u64,
    /// When it ends, Unix seconds: at most [`Record::LIFETIME_SECONDS`] after `made_at`.
    pub until: u64,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// An administrator ended it before its time. It stays until then: others must hear of it.
    pub removed: bool,
    /// What it was good for.
    pub hits: Hits,
}

/// How often an exception spoke, and how often that mattered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Decisions in which it spoke.
    pub all: u32,
    /// Of those, decisions that would have been another without it.
    pub changed: u32,
    /// When it spoke last, Unix seconds; 0 = never.
    pub last: u64,
    /// When it changed a decision last, Unix seconds; 0 = never.
    pub last_changed: u64,
}

impl Hits {
    fn newer(self, other: Self) -> Self {
        Self { all: self.all.max(other.all), changed: self.changed.max(other.changed), ..self.latest(other) }
    }

    fn together(self, other: Self) -> Self {
        let (all, changed) = (self.all.saturating_add(other.all), self.changed.saturating_add(other.changed));
        Self { all, changed, ..self.latest(other) }
    }

    fn latest(self, other: Self) -> Self {
        Self { last: self.last.max(other.last), last_changed: self.last_changed.max(other.last_changed), ..self }
    }
}

impl Exception {
    /// Longest text of each kind, in octets.
    pub const TEXT_OCTETS_MAX: usize = 900;

    /// What it says, without its hits.
    fn says(&self) -> Vec<u8> {
        Self { hits: Hits::default(), ..self.clone() }.encode()
    }

    fn merged(self, other: Self, hits: Hits) -> Self {
        let later = match self.revision.cmp(&other.revision).then_with(|| self.says().cmp(&other.says())) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        };
        Self { hits, ..later }
    }
}

impl Record for Exception {
    type Key = Digest;
    const NAME: &'static str = "exceptions";
    const LIFETIME_SECONDS: u64 = 400 * 86_400;

    fn encode(&self) -> Vec<u8> {
        let mut record = Writer::new(VERSION);
        record.number(self.revision.into()).number(self.allows.into());
        record.text(&self.clients.map(|net| net.to_string()).unwrap_or_default());
        record.text(&self.sender).text(&self.recipient).number(self.made_at).number(self.until);
        record.text(&self.by).text(&self.reason).number(self.removed.into());
        let Hits { all, changed, last, last_changed } = self.hits;
        record.number(all.into()).number(changed.into()).number(last).number(last_changed);
        record.finish()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut record = Reader::new(octets, VERSION)?;
        let (revision, allows) = (record.small()?, record.count(1)? == 1);
        let clients = match record.text(Self::TEXT_OCTETS_MAX)? {
            "" => None,
            net => Some(net.parse().ok()?),
        };
        let mut text = || record.text(Self::TEXT_OCTETS_MAX).map(str::to_owned);
        let (sender, recipient) = (text()?, text()?);
        let (made_at, until) = (record.number()?, record.number()?);
        let mut text = || record.text(Self::TEXT_OCTETS_MAX).map(str::to_owned);
        let (by, reason) = (text()?, text()?);
        let removed = record.count(1)? == 1;
        let (all, changed) = (record.small()?, record.small()?);
        let hits = Hits { all, changed, last: record.number()?, last_changed: record.number()? };
        record.end()?;
        Some(Self { revision, allows, clients, sender, recipient, made_at, until, by, reason, removed, hits })
    }

    fn expires_at(&self) -> u64 {
        self.until
    }

    fn newer(self, other: Self) -> Self {
        let hits = self.hits.newer(other.hits);
        self.merged(other, hits)
    }

    fn together(self, other: Self) -> Self {
        let hits = self.hits.together(other.hits);
        self.merged(other, hits)
    }
}
