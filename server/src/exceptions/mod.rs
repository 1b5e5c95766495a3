//! Whom has an administrator let through, or kept out? Exceptions: scoped, owned, expiring, counted. One board a process,
//! which every core reads without a lock.
//!
//! `typed` reads what people write, `scope` says whom an exception is about, `precedence` which of several is heard, `board`
//! finds those that are about a mail, `need` whether one is still good for anything, `keeper` keeps them in a store. What
//! they do to a mail is `checks/exceptions.rs`.

mod board;
pub mod keeper;
mod kept;
mod need;
mod precedence;
pub mod scope;
#[cfg(test)]
mod tests;
mod typed;

pub use board::MATCHES_MAX;
pub use need::Need;

use crate::{
    clock::Now,
    session::Facts,
    state::{Digest, Exception},
};
use arc_swap::ArcSwap;
use board::{About, Board};
use kept::Kept;
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

/// Exceptions that hold at one time: far more than anybody looks after. Who needs more wants a list of `check.access`.
pub const EXCEPTIONS_MAX: usize = 10_000;

/// Letters of an id that people see and type.
pub const ID_LETTERS: usize = 12;

/// Longest reason and name, in octets.
pub const WORDS_OCTETS_MAX: usize = 200;

/// An exception that is about a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    /// Its name.
    pub id: Digest,
    /// What it says; its hits are counted elsewhere.
    pub said: Arc<Exception>,
}

impl Excepted {
    /// The id as people see it.
    pub fn shown(id: Digest) -> String {
        id.to_string()[..ID_LETTERS].to_owned()
    }
}

impl fmt::Display for Excepted {
    /// `3f2a91c07be4 allow clients 192.0.2.0/24 by hans: their new relay`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exception { by, reason, .. } = &*self.said;
        let id = Self::shown(self.id);
        write!(f, "{id} {} {} by {by}: {reason}", action(&self.said), scope::told(&self.said))
    }
}

/// The word for what it does.
pub const fn action(said: &Exception) -> &'static str {
    if said.allows { "allow" } else { "deny" }
}

/// What became of a new exception.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its name.
    pub id: Digest,
    /// As it holds now.
    pub said: Exception,
    /// The same scope had one that held: that was renewed, and keeps its id and its hits.
    pub renewed: bool,
}

/// All of them. One a process.
pub struct Exceptions {
    board: ArcSwap<Board>,
    // std mutex: held to change or list, never over an await, and by no core.
    kept: Mutex<Kept>,
    /// Held while the store is written to: an older state must not come behind a newer one.
    writing: Mutex<()>,
    /// What the store holds is here.
    loaded: AtomicBool,
    /// Allowing and denying; mere hits, and those that changed the decision.
    hits: [[Counter; 2]; 2],
}

impl Default for Exceptions {
    /// None. Install the metrics recorder before.
    fn default() -> Self {
        describe_gauge!("tollgate_exceptions", Unit::Count, "exceptions that hold, by what they do");
        describe_counter!(
            "tollgate_exception_hits_total",
            "decisions in which an exception spoke, by what it does and whether it changed the decision"
        );
        let of = |action: &'static str| {
            ["no", "yes"]
                .map(|changed| counter!("tollgate_exception_hits_total", "action" => action, "changed" => changed))
        };
        show(0, 0);
        Self {
            board: ArcSwap::default(),
            kept: Mutex::default(),
            writing: Mutex::default(),
            loaded: AtomicBool::new(false),
            hits: [of("deny"), of("allow")],
        }
    }
}

impl fmt::Debug for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exceptions({:?})", self.board)
    }
}

fn show(allow: usize, deny: usize) {
    gauge!("tollgate_exceptions", "action" => "allow").set(allow as f64);
    gauge!("tollgate_exceptions", "action" => "deny").set(deny as f64);
}

impl Exceptions {
    /// Those that are about this mail, as far as it is known: the first that holds is heard. At most [`MATCHES_MAX`].
    pub fn about(&self, facts: &Facts, now: Now) -> Vec<Excepted> {
        let board = self.board.load();
        if board.is_empty() {
            return Vec::new();
        }
        let about = About {
            client: facts.connection.client_ip,
            sender: facts.sender.as_ref().map(|sender| &sender.address),
            recipient: facts.recipient.as_ref().map(|tried| &tried.address),
        };
        board.about(&about, now.unix_seconds())
    }

    /// Counts that it spoke. Never waits.
    pub fn hit(&self, id: Digest, changed: bool, now: Now) {
        let board = self.board.load();
        if let Some(entry) = board.entry(id) {
            entry.counted.hit(changed, now.unix_seconds());
            self.hits[usize::from(entry.excepted.said.allows)][usize::from(changed)].increment(1);
        }
    }

    /// Makes one, or renews the one of the same scope. Who, why, scope and end have been looked at. `Err` is one line.
    pub fn make(&self, new: Exception, now: Now) -> Result<Made, String> {
        let mut kept = self.kept();
        let made = kept.make(new, now.unix_seconds())?;
        self.show(&kept, now);
        Ok(made)
    }

    /// Ends one before its time; `None` = there is none of that name that holds.
    pub fn remove(&self, id: Digest, now: Now) -> Option<Exception> {
        let mut kept = self.kept();
        let removed = kept.remove(id, now.unix_seconds())?;
        self.show(&kept, now);
        Some(removed)
    }

    /// All that hold, with their hits, in the order in which they were made.
    pub fn all(&self, now: Now) -> Vec<(Digest, Exception)> {
        let mut all = self.kept().holding(now.unix_seconds());
        all.sort_by_key(|(id, said)| (said.made_at, said.revision, *id));
        all
    }

    /// The one whose id begins so. `Err` is one line.
    pub fn find(&self, id: &str, now: Now) -> Result<(Digest, Exception), String> {
        let wanted = id.trim().to_ascii_lowercase();
        let shown: String = wanted.escape_default().take(2 * ID_LETTERS).collect();
        let mut found = self.all(now);
        found.retain(|(id, _)| !wanted.is_empty() && id.to_string().starts_with(&wanted));
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(format!("there is no exception \"{shown}\": `tollgate exceptions list` shows them")),
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(format!("several exceptions begin with \"{shown}\": expected more of the id")),
        }
    }

    /// Puts up what holds now.
    fn show(&self, kept: &Kept, now: Now) {
        let entries = kept.entries(now.unix_seconds());
        let allow = entries.iter().filter(|entry| entry.excepted.said.allows).count();
        show(allow, entries.len() - allow);
        self.board.store(Arc::new(Board::new(entries)));
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
