//! What did this connection and this transaction live through so far? Kept by the engine, carried in `session_state`.

use crate::{ask::ListId, mode::Mode};

/// Counts for a transaction or a whole connection. Bounded: names are the closed set of check names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recipients asked about.
    pub recipients: u32,
    /// Of those, exempt ones (postmaster and abuse).
    pub exempt: u32,
    /// Recipients that rcpthosts refused (relay attempts).
    pub rcpthosts_refused: u32,
    /// Recipients refused or deferred, by the step that spoke. At most one entry a step.
    pub refused_by: Vec<(String, u32)>,
}

impl Tally {
    /// Recipients that the step called `name` refused.
    pub fn refused_by(&self, name: &str) -> u32 {
        self.refused_by.iter().find(|(step, _)| step == name).map_or(0, |&(_, count)| count)
    }

    /// Counts one more refusal by the step called `name`.
    pub fn add_refusal(&mut self, name: &str) {
        match self.refused_by.iter_mut().find(|(step, _)| step == name) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.refused_by.push((name.to_owned(), 1)),
        }
    }
}

/// What DNS lists said about this connection: noted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListsNote {
    /// It has been noted.
    pub seen: bool,
    /// Lists that speak against the client, at most [`ListsNote::LISTED_MAX`].
    pub listed: Vec<ListId>,
}

impl ListsNote {
    /// Lists remembered: who is on more of them is on no good one.
    pub const LISTED_MAX: usize = 12;
}

/// Recipients that a check found not to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Since the last MAIL, each time anew; at most [`Missing::IN_TRANSACTION_MAX`].
    pub in_transaction: u32,
    /// Marks of different ones since connect, at most [`Missing::DISTINCT_MAX`]: of those that were meant (not only
    /// rehearsed), for a sender that is not null.
    pub distinct: Vec<u16>,
}

impl Missing {
    /// Marks kept: who asks for so many is harvesting, and more would make the state longer.
    pub const DISTINCT_MAX: usize = 6;
    /// Counted up to here: what matters is whether there is one.
    pub const IN_TRANSACTION_MAX: u32 = 127;

    /// Counts one.
    pub fn count(&mut self) {
        self.in_transaction = Self::IN_TRANSACTION_MAX.min(self.in_transaction.saturating_add(1));
    }

    /// Notes one by its mark.
    pub fn note(&mut self, mark: u16) {
        if self.distinct.len() < Self::DISTINCT_MAX && !self.distinct.contains(&mark) {
            self.distinct.push(mark);
        }
    }
}

/// Both scopes. The transaction's part ends at MAIL and HELO (and so at RSET, after which a MAIL must come).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Since the last MAIL.
    pub transaction: Tally,
    /// Since connect.
    pub connection: Tally,
    /// Mildest mode of the recipients (and their domains) that the transaction has: DATA obeys it.
    pub mildest: Mode,
    /// What DNS lists said, since connect.
    pub lists: ListsNote,
    /// Somebody vouches for the client: an allow list, or a DNS list of good clients. Since connect.
    pub welcomed: bool,
    /// SPF says who sent this: a pass that is an identity. Since the last MAIL.
    pub identified: bool,
    /// How long answers were held back, in milliseconds. Since connect.
    pub delayed_ms: u32,
    /// Recipients that do not exist.
    pub missing: Missing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_step() {
        let mut tally = Tally::default();
        tally.add_refusal("rbl");
        tally.add_refusal("rbl");
        assert_eq!((tally.refused_by("rbl"), tally.refused_by("spf")), (2, 0));
    }
}
