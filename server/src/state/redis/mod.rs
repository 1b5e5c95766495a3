//! A Redis or Valkey that several servers share: one server, or a cluster.
//!
//! Each record is one hash, `PREFIX:SHELF:KEY` with the key in hexadecimal. Each start of a tollgated (its incarnation)
//! writes one field of it, named by 64 random bits, and no other: nothing is counted up in the store, a write that is
//! repeated changes nothing, and what was told before a restart goes on to count as another server's. There are no
//! scripts, and no KEYS; SCAN is for walks only. A key expires with the last of its fields.
//!
//! Reading and writing have a connection each, so that a slow write delays no read. Both are made when they are first
//! used and again after every failure; each request ends within the time-out, connecting included.
//!
//! Of the `redis` crate this uses the protocol (packing commands, parsing answers). Connections are our own (`socket`,
//! `wire`, `link`), because the crate's have no bound over a whole request: its time-outs hold for each read, names are
//! looked up without any, and its cluster client connects, sleeps and retries in between.

mod failure;
mod fields;
mod link;
mod lists;
mod node;
mod shelf;
mod slots;
mod socket;
pub(super) mod tls;
mod wire;

pub use node::Node;

use super::{RedisSettings, StateError};
use crate::clock::Clock;
use link::{Answers, Link, Unit};
use redis::{Cmd, cmd};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use wire::Access;

/// Fields of dead incarnations that wait to be removed, in keys: more are found again when they are next read.
const DEAD_MAX: usize = 1_000;

/// Keys whose dead fields are removed with one write.
const DEAD_AT_ONCE: usize = 100;

/// The store.
pub struct Redis {
    reading: Mutex<Link>,
    writing: Mutex<Link>,
    /// Removals of fields of the dead: they go with the next write.
    dead: Mutex<VecDeque<Unit>>,
    /// Name of our field.
    incarnation: String,
    prefix: String,
    server_name: String,
    timeout: Duration,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({}, {})", self.prefix, self.incarnation)
    }
}

impl Redis {
    /// A store that is connected to when it is first used. Fails only if the system gives no random numbers.
    pub fn new(settings: &RedisSettings, clock: Clock) -> Result<Self, StateError> {
        let mut random = [0; 8];
        let fill = SystemRandom::new().fill(&mut random);
        fill.map_err(|_| StateError::Failed("redis".to_owned(), "the system gives no random numbers".to_owned()))?;
        let link = || Mutex::new(Link::new(settings, Access::new(settings, clock.clone())));
        Ok(Self {
            reading: link(),
            writing: link(),
            dead: Mutex::default(),
            incarnation: hex(&random),
            prefix: settings.prefix.clone(),
            server_name: settings.server_name.clone(),
            timeout: settings.timeout,
        })
    }

    /// Asks about what is there.
    fn ask(&self, units: &[Unit]) -> Result<Vec<Answers>, StateError> {
        let mut link = locked(&self.reading);
        let end = link.end(self.timeout);
        link.ask(units, end)
    }

    /// Changes something, and removes some fields of the dead.
    fn write(&self, mut units: Vec<Unit>) -> Result<Vec<Answers>, StateError> {
        let wanted = units.len();
        let mut dead = locked(&self.dead);
        let removed = dead.len().min(DEAD_AT_ONCE);
        units.extend(dead.drain(..removed));
        drop(dead);
        let mut link = locked(&self.writing);
        let end = link.end(self.timeout);
        let mut answers = link.ask(&units, end)?;
        answers.truncate(wanted);
        Ok(answers)
    }

    fn bury(&self, units: impl IntoIterator<Item = Unit>) {
        let mut dead = locked(&self.dead);
        let room = DEAD_MAX.saturating_sub(dead.len());
        dead.extend(units.into_iter().take(room));
    }
}

// std mutex: a link is held for a request, by the one thread that reads or the one that writes.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Commands about one key, as they go over the wire.
fn unit(key: &str, commands: &[Cmd]) -> Unit {
    let packed = commands.iter().flat_map(Cmd::get_packed_command).collect();
    Unit { slot: slots::slot(key.as_bytes()), packed, answers: commands.len() }
}

/// All fields of a key.
fn reading(key: &str) -> Unit {
    unit(key, &[cmd("HGETALL").arg(key).to_owned()])
}

/// Removes fields of a key.
fn removing(key: &str, fields: &[impl AsRef<[u8]>]) -> Unit {
    let mut removal = cmd("HDEL");
    removal.arg(key);
    for field in fields {
        removal.arg(field.as_ref());
    }
    unit(key, &[removal])
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |four: u8| char::from(DIGITS[usize::from(four & 15)]);
    octets.iter().flat_map(|&octet| [digit(octet >> 4), digit(octet)]).collect()
}

/// What `hex` made; `None` = it did not.
fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let four = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    pairs.iter().map(|pair| Some(four(pair[0])? << 4 | four(pair[1])?)).collect()
}

#[cfg(test)]
mod tests;
