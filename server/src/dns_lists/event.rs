//! What do cores and the I/O thread tell the keeper of lists?

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
}

impl ListsSeen {
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
    /// A connection ended well: messages accepted, no recipient refused. These lists had listed its client.
    EndedWell {
        /// Those that listed it.
        listed: Vec<ListId>,
    },
}
