//! What did a mail host say of itself when it was exported? One cdb file with everything that decides whether a mailbox
//! exists, read from memory.
//!
//! The first octet of a key says what stands under it:
//!
//! | key | value |
//! |---|---|
//! | `t` | `tollgate recipients` NUL version NUL host's label NUL Unix time in seconds |
//! | `e` | envnoathost |
//! | `L` | nothing: `locals` or `me` exists |
//! | `l` domain, `p` domain | nothing: it stands in `locals`, in `percenthack` |
//! | `v` key | what virtualdomains puts in front |
//! | `A` | nothing: `users/cdb` exists |
//! | `a` key | the value of `users/cdb` |
//! | `u` name | uid NUL home, of an account |
//! | `o` home | whose a home is: `u` uid, or `n` or `t` and why it could not be seen, for good or for the moment |
//! | `d` home | what a home holds is known (`y`), nothing (`n`: there is none), or not known (`x` and why) |
//! | `q` home NUL name | there is a `.qmail` file (`f`), a folder (`d`), or something that cannot be looked at (`x` and why) |

mod collect;
mod write;

pub use collect::{Collected, collect};
pub use write::write;

use super::{Host, Looked, Owner, Stat, Trace, look};
use crate::lists::{
    Cdb,
    qmail::{Account, Users, UsersError},
};
use std::{borrow::Cow, time::Duration};

/// What the file is.
const TITLE: &str = "tollgate recipients";
/// The version that is written and read.
const VERSION: &str = "1";
/// Clocks of two hosts may differ by so much, in seconds.
const AHEAD_MAX: u64 = 300;
/// Longest name of a file (NAME_MAX), and of a path with its NUL (PATH_MAX), in octets.
const NAME_OCTETS_MAX: usize = 255;
const PATH_OCTETS_MAX: usize = 4_096;

/// Why a file is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It says nothing of itself.
    #[error("no snapshot of recipients: expected a file that `tollgate recipients export` wrote")]
    Untitled,
    /// Another release wrote it.
    #[error("version \"{0}\" of the format: expected {VERSION}; export it with this release")]
    Version(String),
}

/// A host's snapshot in memory.
#[derive(Clone, Debug)]
pub struct Snapshot {
    cdb: Cdb,
    /// The host's label, as the exporter named it.
    pub host: String,
    /// Unix time in seconds.
    pub made_at: u64,
}

impl Snapshot {
    /// Takes a file that is a cdb.
    ///
    /// # Errors
    /// It is not a snapshot, or not of this version.
    pub fn new(cdb: Cdb) -> Result<Self, SnapshotError> {
        let title = cdb.find(b"t").map(|title| String::from_utf8_lossy(title).into_owned());
        let title = title.ok_or(SnapshotError::Untitled)?;
        let mut fields = title.split('\0');
        if fields.next() != Some(TITLE) {
            return Err(SnapshotError::Untitled);
        }
        let version = fields.next().unwrap_or_default();
        if version != VERSION {
            return Err(SnapshotError::Version(version.escape_default().to_string()));
        }
        let host = fields.next().ok_or(SnapshotError::Untitled)?.to_owned();
        let made_at = fields.next().and_then(|time| time.parse().ok()).ok_or(SnapshotError::Untitled)?;
        Ok(Self { cdb, host, made_at })
    }

    /// Looks for a mailbox. `now` is Unix time in seconds; after `age_max` nothing that the snapshot says counts any more.
    pub(super) fn look(&self, address: &[u8], (now, age_max): (u64, Duration), trace: &mut Trace) -> Looked {
        trace.note("snapshot", || format!("of {}, {}", self.host.escape_default(), self.age(now)));
        match self.doubt(now, age_max) {
            Some(doubt) => Looked::trouble(format!("the snapshot is {doubt}")),
            None => look(self, address, trace),
        }
    }

    /// When it was made, for people.
    pub fn age(&self, now: u64) -> String {
        match now.checked_sub(self.made_at) {
            Some(age) => format!("made {} minutes ago", age / 60),
            None => format!("dated {} minutes ahead", (self.made_at - now).div_ceil(60)),
        }
    }

    /// Why it does not count; `None` = it does. One that is dated ahead would never grow old.
    pub fn doubt(&self, now: u64, age_max: Duration) -> Option<String> {
        let (age, ahead) = (now.saturating_sub(self.made_at), self.made_at.saturating_sub(now));
        if ahead > AHEAD_MAX {
            let (ahead, max) = (ahead.div_ceil(60), AHEAD_MAX / 60);
            return Some(format!("dated {ahead} minutes ahead: expected at most {max}; set the clocks of both hosts"));
        }
        let (hours, max) = (age / 3_600, age_max.as_secs() / 3_600);
        (age > age_max.as_secs()).then(|| format!("{hours} hours old: expected at most {max}"))
    }

    /// Entries of all kinds.
    pub fn len(&self) -> usize {
        self.cdb.len()
    }

    /// Never: a snapshot says at least what it is.
    pub fn is_empty(&self) -> bool {
        self.cdb.is_empty()
    }

    fn find(&self, kind: u8, key: &[u8]) -> Option<&[u8]> {
        self.cdb.find(&keyed(kind, key))
    }
}

fn keyed(kind: u8, key: &[u8]) -> Vec<u8> {
    [&[kind], key].concat()
}

fn named(home: &[u8], name: &[u8]) -> Vec<u8> {
    [home, &[0], name].concat()
}

fn text(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}

impl Users for Snapshot {
    fn value(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, UsersError> {
        Ok(self.find(b'a', key).map(Cow::Borrowed))
    }
}

impl Host for Snapshot {
    fn envnoathost(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.find(b'e', b"").unwrap_or(b"envnoathost"))
    }

    fn is_percent_hacked(&self, domain: &[u8]) -> bool {
        self.find(b'p', domain).is_some()
    }

    fn is_local(&self, domain: &[u8]) -> Result<bool, String> {
        match self.find(b'L', b"") {
            Some(_) => Ok(self.find(b'l', domain).is_some()),
            None => Err("the host has neither locals nor me".to_owned()),
        }
    }

    fn virtualdomain(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.find(b'v', key).map(Cow::Borrowed)
    }

    fn users(&self) -> Result<Option<&dyn Users>, UsersError> {
        Ok(self.find(b'A', b"").map(|_| self as &dyn Users))
    }

    fn account(&self, name: &[u8]) -> Result<Option<Account>, String> {
        let Some(value) = self.find(b'u', name) else { return Ok(None) };
        let account = || {
            let end = value.iter().position(|&octet| octet == 0)?;
            let uid = str::from_utf8(&value[..end]).ok()?.parse().ok()?;
            Some(Account { uid, home: value[end + 1..].to_owned() })
        };
        account().map(Some).ok_or_else(|| format!("the snapshot's account {} cannot be read", text(name)))
    }

    fn owner(&self, home: &[u8]) -> Owner {
        let read = || Owner::Trouble("the snapshot does not say whose it is".to_owned());
        match self.find(b'o', home).and_then(<[u8]>::split_first) {
            Some((b'u', uid)) => match str::from_utf8(uid).ok().and_then(|uid| uid.parse().ok()) {
                Some(uid) => Owner::Uid(uid),
                None => read(),
            },
            Some((b'n', why)) => Owner::Unseen(text(why)),
            Some((b't', why)) => Owner::Trouble(text(why)),
            _ => read(),
        }
    }

    fn stat(&self, home: &[u8], name: &[u8]) -> Stat {
        if home.len() + 1 + name.len() >= PATH_OCTETS_MAX {
            return Stat::Other("File name too long".to_owned());
        }
        match self.find(b'd', home).and_then(<[u8]>::split_first) {
            Some((b'y', _)) => self.entry(home, name),
            Some((b'n', _)) => Stat::NotThere,
            Some((b'x', why)) => Stat::Other(text(why)),
            _ => Stat::Other("the snapshot does not have this home".to_owned()),
        }
    }
}

impl Snapshot {
    /// As the file system walks: one part of the name after the other.
    fn entry(&self, home: &[u8], name: &[u8]) -> Stat {
        let mut parts = name.splitn(2, |&octet| octet == b'/');
        let first = parts.next().unwrap_or_default();
        if first.len() > NAME_OCTETS_MAX {
            return Stat::Other("File name too long".to_owned());
        }
        match (self.find(b'q', &named(home, first)).and_then(<[u8]>::split_first), parts.next()) {
            (None, _) => Stat::NotThere,
            (Some((b'f' | b'd', _)), None) => Stat::There,
            (Some((b'f', _)), Some(_)) => Stat::Other("Not a directory".to_owned()),
            (Some((b'd', _)), Some(_)) => Stat::Other("a folder, into which the snapshot does not look".to_owned()),
            (Some((_, why)), _) => Stat::Other(text(why)),
        }
    }
}
