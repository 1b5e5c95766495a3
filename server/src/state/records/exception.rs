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
    /// Counts its changes: a later one replaces an earlier one.
    pub revision: u32,
    /// Lets through; otherwise keeps out.
    pub allows: bool,
    /// Clients; `None` = any.
    pub clients: Option<Network>,
    /// Sender, an address or `@domain`, lower case; empty = any.
    pub sender: String,
    /// Recipient, likewise.
    pub recipient: String,
    /// When it was made, Unix seconds.
    pub made_at: u64,
    /// When it ends, Unix seconds: at most [`Record::LIFETIME_SECONDS`] after `made_at`.
    pub until: u64,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Decisions it changed.
    pub hits: u32,
    /// When it changed one last, Unix seconds; 0 = never.
    pub last_hit: u64,
}

impl Exception {
    /// Longest text of each kind, in octets.
    pub const TEXT_OCTETS_MAX: usize = 900;

    /// What it says, without its hits.
    fn says(&self) -> Vec<u8> {
        Self { hits: 0, last_hit: 0, ..self.clone() }.encode()
    }

    fn merged(self, other: Self, hits: u32) -> Self {
        let last_hit = self.last_hit.max(other.last_hit);
        let later = match self.revision.cmp(&other.revision).then_with(|| self.says().cmp(&other.says())) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        };
        Self { hits, last_hit, ..later }
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
        record.text(&self.by).text(&self.reason).number(self.hits.into()).number(self.last_hit);
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
        let (hits, last_hit) = (record.small()?, record.number()?);
        record.end()?;
        Some(Self { revision, allows, clients, sender, recipient, made_at, until, by, reason, hits, last_hit })
    }

    fn expires_at(&self) -> u64 {
        self.until
    }

    fn newer(self, other: Self) -> Self {
        let hits = self.hits.max(other.hits);
        self.merged(other, hits)
    }

    fn together(self, other: Self) -> Self {
        let hits = self.hits.saturating_add(other.hits);
        self.merged(other, hits)
    }
}
