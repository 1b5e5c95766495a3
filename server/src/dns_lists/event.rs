//! What do cores and the I/O thread tell the keeper of lists?

use super::card::Contradiction;
use crate::{
    ask::{DnsAnswer, ListId},
    session::SessionId,
};
use std::{net::IpAddr, time::Duration};

/// What a list said about one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Not there.
    Clean,
    /// There.
    Listed,
    /// No answer, or one that is none: refusals too.
    Failed,
}

/// What all lists said about one connection, and what came of it. One a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListsSeen {
    /// Of which session: a repeated call tells it again.
    pub session: SessionId,
    /// Whom it was about.
    pub client_ip: Option<IpAddr>,
    /// Each list that was asked, or would have been but for its health.
    pub heard: Vec<(ListId, Heard)>,
    /// Lists that would refuse by themselves, if all they say were enforced.
    pub would_refuse: Vec<ListId>,
    /// Something was refused, and without this list it would not have been.
    pub needed: Vec<ListId>,
    /// An allow list, or a list of good clients, knows the client.
    pub known_good: bool,
    /// What is remembered of the client.
    pub remembered: Remembered,
}

/// What memory says for a client, as far as it was among the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// It has behaved well, and often.
    pub good_history: bool,
    /// It has behaved well, and SPF says whose mail it brings.
    pub proven_good: bool,
}

impl ListsSeen {
    /// In which ways it contradicts a list that listed the client, as far as that is known already.
    pub fn contradictions(&self) -> impl Iterator<Item = Contradiction> {
        let kinds =
            [(Contradiction::Allowed, self.known_good), (Contradiction::ProvenGood, self.remembered.proven_good)];
        kinds.into_iter().filter_map(|(kind, holds)| holds.then_some(kind))
    }

    /// Is the client known to be a good one: to an allow list, or by what is remembered of it?
    pub fn is_good_client(&self) -> bool {
        self.known_good || self.remembered.good_history
    }

    /// The list that listed the client, if it was the only one.
    pub fn only_listing(&self) -> Option<ListId> {
        let mut listed = self.heard.iter().filter(|(_, heard)| *heard == Heard::Listed);
        match (listed.next(), listed.next()) {
            (Some((list, _)), None) => Some(*list),
            _ => None,
        }
    }
}

/// Something the keeper ought to know.
#[derive(Clone, Debug)]
pub enum ListEvent {
    /// A look-up on a list's account ended; cached answers are not told.
    LookedUp {
        /// Whose.
        list: ListId,
        /// What came.
        answer: DnsAnswer,
        /// How long it took.
        took: Duration,
    },
    /// A connection was judged.
    Seen(ListsSeen),
    /// After a connection was judged something came to light that contradicts the lists that had listed its client: it
    /// ended well (messages accepted, no recipient refused), or an administrator took the refusal back.
    Contradicted {
        /// In which way.
        kind: Contradiction,
        /// Those that listed it.
        listed: Vec<ListId>,
    },
}
