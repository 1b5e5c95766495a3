//! Who is asked about a mail host's addresses, and what is asked?

use super::{KnownAddresses, Live, Looked, Snapshot, Trace};
use bytes::Bytes;
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

/// Where the answer comes from.
pub enum Kind {
    /// This host's own files.
    Live(Arc<Live>),
    /// What the host exported; too old after so long.
    Snapshot(Arc<Snapshot>, Duration),
    /// A host whose snapshot we lack: why.
    Lacking(String),
    /// Nobody but lists of addresses.
    ListsAlone,
    /// A recorded question: who was asked can be asked no more.
    Recorded,
}

/// Who knows the addresses of a mail host: lists of those that exist, then qmail's files.
pub struct Source {
    /// Tells sources apart, for people too: `live`, or the host's label.
    pub name: String,
    /// Addresses that exist in any case.
    pub lists: Arc<KnownAddresses>,
    /// Whoever knows the rest.
    pub kind: Kind,
}

impl Source {
    /// A source that is known by name only.
    pub fn recorded(name: &str) -> Self {
        Self { name: name.to_owned(), lists: Arc::default(), kind: Kind::Recorded }
    }

    /// The answer, if nobody has to be waited for; `now` in Unix seconds.
    pub fn at_hand(&self, address: &[u8], now: u64, trace: &mut Trace) -> Option<Looked> {
        if let Some(listed) = self.lists.find(address, trace) {
            trace.note("answer", || listed.to_string());
            return Some(listed);
        }
        Some(match &self.kind {
            Kind::Live(_) => return None,
            Kind::Snapshot(snapshot, age_max) => snapshot.look(address, (now, *age_max), trace),
            Kind::Lacking(why) => Looked::trouble(why),
            Kind::ListsAlone => Looked::unknown("no list has it"),
            Kind::Recorded => Looked::trouble("nobody can be asked any more"),
        })
    }

    /// The answer, even if the file system has to be waited for.
    pub fn look(&self, address: &[u8], now: u64, trace: &mut Trace) -> Looked {
        match (self.at_hand(address, now, trace), &self.kind) {
            (Some(looked), _) => looked,
            (None, Kind::Live(live)) => live.look(address, trace),
            (None, _) => Looked::trouble("nobody is asked"),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

/// Is there such a mailbox on a mail host?
#[derive(Clone, Debug)]
pub struct MailboxQuestion {
    /// As qmail-smtpd would test it: unquoted, with the suffix that RELAYCLIENT may have.
    pub address: Bytes,
    /// Who knows.
    pub source: Arc<Source>,
}

impl PartialEq for MailboxQuestion {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && self.source.name == other.source.name
    }
}

impl Eq for MailboxQuestion {}

impl Hash for MailboxQuestion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
        self.source.name.hash(state);
    }
}

impl fmt::Display for MailboxQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mailbox {} ({})", self.address.escape_ascii(), self.source.name)
    }
}
