//! Would qmail deliver this address to somebody here? Paul Jarc's qmail-realrcptto: the way of an address through
//! `qmail-send`, `qmail-lspawn`, `qmail-getpw` and `qmail-local`, up to the question whether there is a `.qmail` file.
//!
//! It never looks into a file, at mail folders, quotas or what a program in a `.qmail` file would do. Three answers: it
//! exists, it is missing, and nothing is known. Whatever is unexpected is the third, and the third refuses nobody.
//!
//! [`Host`] is what is asked of a mail host; `live` asks this one, `snapshot` what another one exported. `rewrite`, `owner`
//! and `dot_qmail` are the three parts of the way, `trace` keeps what was seen on it, `lists` knows addresses that exist
//! whatever qmail says, `source` is who is asked about which host.

mod dot_qmail;
mod lists;
mod live;
mod owner;
mod rewrite;
mod snapshot;
mod source;
mod trace;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod tests;

pub use lists::{KnownAddresses, Named};
pub use live::{Accounts, Live, Places, Said, System};
pub use snapshot::{Collected, Snapshot, SnapshotError, collect, write};
pub use source::{Kind, MailboxQuestion, Source};
pub use trace::{Step, Trace};

use crate::lists::qmail::{Account, Users, UsersError};
use std::{borrow::Cow, fmt};

/// Octets of an explanation; a path and an address fit.
const WHY_OCTETS_MAX: usize = 400;

/// Is there such a mailbox?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Existence {
    /// qmail would find where to deliver.
    Exists,
    /// qmail would bounce it: `Sorry, no mailbox here by that name.`
    Missing,
    /// Nobody can say. The mail is taken.
    Unknown,
}

impl Existence {
    /// All of them; records are written in this order: only ever append.
    pub const ALL: [Self; 3] = [Self::Exists, Self::Missing, Self::Unknown];

    /// The word in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// The answer, and on what it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The answer.
    pub existence: Existence,
    /// Nothing is known because of trouble of our own (a file that cannot be read, a snapshot too old, no answer in
    /// time), not because the address is none of this host's.
    pub is_ours: bool,
    /// Why, in one line: printable, bounded.
    pub why: String,
}

impl Looked {
    /// An answer with its reason; octets that are not printable come out escaped.
    pub fn new(existence: Existence, why: impl AsRef<str>) -> Self {
        let mut why = why.as_ref().to_owned();
        why.truncate(why.floor_char_boundary(WHY_OCTETS_MAX));
        Self { existence, is_ours: false, why }
    }

    /// Nothing is known, and it is our own fault.
    pub fn trouble(why: impl AsRef<str>) -> Self {
        Self { is_ours: true, ..Self::new(Existence::Unknown, why) }
    }

    fn exists(why: impl AsRef<str>) -> Self {
        Self::new(Existence::Exists, why)
    }

    fn missing(why: impl AsRef<str>) -> Self {
        Self::new(Existence::Missing, why)
    }

    fn unknown(why: impl AsRef<str>) -> Self {
        Self::new(Existence::Unknown, why)
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.existence.name(), self.why)
    }
}

/// What comes of asking a host about a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stat {
    /// Something is there, whatever it is.
    There,
    /// Nothing is (ENOENT): a symbolic link that leads nowhere counts so, too.
    NotThere,
    /// Something else came: in words.
    Other(String),
}

/// Whose a home folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This user's.
    Uid(u32),
    /// It cannot be looked at, and will not be in a minute: its user gets no mail. In words.
    Unseen(String),
    /// It cannot be looked at for the moment: in words.
    Trouble(String),
}

/// What is asked of a mail host. Names of domains are given in lower case. An `Err` is trouble in one line: qmail-smtpd
/// would answer 421 and close.
pub trait Host {
    /// `control/envnoathost`.
    fn envnoathost(&self) -> Cow<'_, [u8]>;

    /// Does `control/percenthack` name this domain?
    fn is_percent_hacked(&self, domain: &[u8]) -> bool;

    /// Does `control/locals` name this domain?
    ///
    /// # Errors
    /// There is neither `locals` nor `me`.
    fn is_local(&self, domain: &[u8]) -> Result<bool, String>;

    /// What `control/virtualdomains` has under this key.
    fn virtualdomain(&self, key: &[u8]) -> Option<Cow<'_, [u8]>>;

    /// The records of `users/cdb`; `None` = there is no such file.
    ///
    /// # Errors
    /// It cannot be read.
    fn users(&self) -> Result<Option<&dyn Users>, UsersError>;

    /// The account of this name.
    ///
    /// # Errors
    /// Whether there is one cannot be said.
    fn account(&self, name: &[u8]) -> Result<Option<Account>, String>;

    /// Whose is this folder?
    fn owner(&self, home: &[u8]) -> Owner;

    /// Is there anything of this name in this folder? The name may have slashes in it.
    fn stat(&self, home: &[u8], name: &[u8]) -> Stat;
}

/// Looks for a mailbox. The address is as it came, without brackets; what stands behind a NUL is not looked at.
pub fn look(host: &dyn Host, address: &[u8], trace: &mut Trace) -> Looked {
    let walk = |trace: &mut Trace| {
        let local = rewrite::local(host, until_nul(address), trace)?;
        // Control files may hold anything; to qmail-lspawn a local part ends at a NUL.
        let delivery = owner::find(host, until_nul(&local), trace)?;
        dot_qmail::search(host, &delivery, trace)
    };
    let looked: Result<Looked, Looked> = walk(trace);
    let looked = looked.unwrap_or_else(|early| early);
    trace.note("answer", || looked.to_string());
    looked
}

fn until_nul(octets: &[u8]) -> &[u8] {
    octets.split(|&octet| octet == 0).next().unwrap_or_default()
}

/// Octets as a line can show them.
fn shown(octets: &[u8]) -> std::slice::EscapeAscii<'_> {
    octets.escape_ascii()
}
