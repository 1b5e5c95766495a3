//! To whom does `users/cdb` give a local part? `qmail-lspawn`'s look-up: the address itself, else the longest prefix.

use super::Assign;
use crate::lists::Cdb;
use std::borrow::Cow;

/// Why the file says nothing at all: `qmail-lspawn` defers all mail then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersError {
    /// It has no record under the empty key, which `qmail-newu` always writes.
    #[error("there is no record of wildcards: expected a file that qmail-newu made")]
    NoWildcards,
    /// It could not be read: one line.
    #[error("{0}")]
    Unreadable(String),
}

/// The records of `users/cdb`, wherever they are kept.
pub trait Users {
    /// The value under a key.
    ///
    /// # Errors
    /// The file cannot be read.
    fn value(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, UsersError>;
}

impl Users for Cdb {
    fn value(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, UsersError> {
        Ok(self.find(key).map(Cow::Borrowed))
    }
}

impl Users for Assign {
    fn value(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, UsersError> {
        Ok(self.find(key).map(Cow::Borrowed))
    }
}

/// An assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// To a user's address.
    To {
        /// What was found: `=local` or `+prefix`.
        by: Vec<u8>,
        /// The user's name.
        user: Vec<u8>,
        /// The home folder.
        home: Vec<u8>,
        /// What stands between `.qmail` and the extension; empty = the user's own address.
        dash: Vec<u8>,
        /// The extension, in the letters of the address.
        ext: Vec<u8>,
    },
    /// There is a record, but with fewer fields than it needs: nothing can be said.
    Malformed {
        /// What was found.
        by: Vec<u8>,
    },
}

/// Who has this local part; `None` = the file gives it to nobody. `local` has no NUL.
///
/// # Errors
/// The file cannot be read, or is none of `qmail-newu`'s.
pub fn assigned(users: &dyn Users, local: &[u8]) -> Result<Option<Assigned>, UsersError> {
    let last_octets = users.value(b"")?.ok_or(UsersError::NoWildcards)?;
    let mut key = Vec::with_capacity(local.len() + 2);
    key.push(b'!');
    key.extend(local.iter().map(u8::to_ascii_lowercase));
    key.push(0);
    if let Some(value) = users.value(&key)? {
        return Ok(Some(read(value.into_owned(), [b"=", local].concat())));
    }
    for length in (0..=local.len()).rev() {
        // Without its NUL: `!`, and so many octets of the local part.
        let prefix = &key[..=length];
        let is_worth_it = length == 0 || last_octets.contains(&prefix[length]);
        if is_worth_it && let Some(value) = users.value(prefix)? {
            let value = [&value, &local[length..]].concat();
            return Ok(Some(read(value, [b"+", &local[..length]].concat())));
        }
    }
    Ok(None)
}

/// `user NUL uid NUL gid NUL home NUL dash NUL ext`, up to the next NUL.
fn read(value: Vec<u8>, by: Vec<u8>) -> Assigned {
    let mut fields = value.split(|&octet| octet == 0);
    let mut next = || fields.next().map(<[u8]>::to_owned);
    let (user, _uid, _gid, home, dash, ext) = (next(), next(), next(), next(), next(), next());
    match (user, home, dash, ext) {
        (Some(user), Some(home), Some(dash), Some(ext)) => Assigned::To { by, user, home, dash, ext },
        _ => Assigned::Malformed { by },
    }
}
