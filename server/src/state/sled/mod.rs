//! The embedded store: sled 0.34, which is safe only behind these guards.
//!
//! 1. A snapshot that a crash left half-written (`snap.*.generating`) makes every later open fail: removed before.
//! 2. A damaged snapshot fails the open, though the log holds everything: tried again without snapshots.
//! 3. Damage beyond that: the folder is kept under another name and an empty one takes its place; the caller alarms.
//! 4. Opening damaged files may panic inside sled: caught, and treated as damage.
//! 5. Large batches starve its memory reclamation: written in pieces of at most [`BATCH_MAX`].
//! 6. Its cache bound and its flushing are implicit: both are set here, and [`Sled::flush`] is called at shutdown.
//!
//! A log whose front is damaged reads as empty without any complaint: a mark tells an empty store from an emptied one.
//! It locks its folder on Linux only, so a lock of our own stands in front.

mod lists;
mod shelf;

use super::{KEEP_MAX, StateError, Switches};
use crate::pipeline::SwitchState;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// Operations in one batch: from 2,000 on sled was measured to lose 720 octets of memory for each update.
const BATCH_MAX: usize = KEEP_MAX;

/// Memory sled may use for its page cache, in octets (its own default is 1 GiB).
const CACHE_OCTETS: u64 = 16 * 1024 * 1024;

/// How much may be lost in a crash, in milliseconds.
const FLUSH_EVERY_MS: u64 = 1_000;

/// Damaged folders kept beside the store: older ones stay where they are, newer ones replace the last.
const DAMAGED_MAX: u32 = 10;

/// In every store since its first opening.
const MARK: &[u8] = b"tollgate";

const SWITCH: &[u8] = b"kill_switch";

/// The store in a folder of its own.
#[derive(Debug)]
pub struct Sled {
    db: sled::Db,
    folder: PathBuf,
    _lock: File,
}

/// An open store, and what had to be done to open it.
#[derive(Debug)]
pub struct Opened {
    /// Ready for use.
    pub store: Sled,
    /// Where the damaged store lies now, if an empty one had to take its place.
    pub set_aside: Option<PathBuf>,
}

impl Sled {
    /// Opens the store `sled` in `folder`, whatever a crash has left there. Fails only if it is in use or the file
    /// system refuses.
    pub fn open(folder: &Path) -> Result<Opened, StateError> {
        let path = folder.join("sled");
        let failed = |error: &dyn std::fmt::Display| StateError::Failed(path.display().to_string(), error.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| failed(&error))?;
        let lock = lock(&folder.join("sled.lock"))?;
        remove_snapshots(&path, |name| name.ends_with(".generating")).map_err(|error| failed(&error))?;
        let mut set_aside = None;
        let db = match attempt(&path) {
            Ok(db) => db,
            Err(Attempt::Failed(error)) => return Err(failed(&error)),
            Err(Attempt::Damaged) => {
                remove_snapshots(&path, |_| true).map_err(|error| failed(&error))?;
                match attempt(&path) {
                    Ok(db) => db,
                    Err(_) => {
                        set_aside = Some(put_aside(&path).map_err(|error| failed(&error))?);
                        attempt(&path).map_err(|_| failed(&"an empty store cannot be opened"))?
                    }
                }
            }
        };
        Ok(Opened { store: Self { db, folder: path, _lock: lock }, set_aside })
    }

    /// Waits until everything is on disk.
    pub fn flush(&self) -> Result<(), StateError> {
        self.db.flush().map(drop).map_err(|error| self.failed(&error))
    }

    /// Writes many entries, in pieces that sled can take.
    pub fn write(&self, entries: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> Result<(), StateError> {
        self.write_to(&self.db, entries)
    }

    fn write_to(
        &self,
        tree: &sled::Tree,
        entries: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<(), StateError> {
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut batch = sled::Batch::default();
            for (key, value) in entries.by_ref().take(BATCH_MAX) {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
            tree.apply_batch(batch).map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> StateError {
        StateError::Failed(self.folder.display().to_string(), error.to_string())
    }
}

impl Switches for Sled {
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError> {
        let stored = self.db.get(SWITCH).map_err(|error| self.failed(&error))?;
        // What cannot be read was written by another release: not thrown.
        Ok(stored.and_then(|stored| decode(&stored)).filter(|state| state.until > now))
    }

    fn set_thrown(&self, state: Option<&SwitchState>) -> Result<(), StateError> {
        self.write([(SWITCH.to_vec(), state.map(encode))])?;
        self.flush()
    }
}

/// `until` (8 octets, big-endian), length of the reason (4), reason, name.
fn encode(state: &SwitchState) -> Vec<u8> {
    let length = u32::try_from(state.reason.len()).unwrap_or(0);
    let mut out = state.until.to_be_bytes().to_vec();
    out.extend(length.to_be_bytes());
    out.extend(state.reason.as_bytes());
    out.extend(state.by.as_bytes());
    out
}

fn decode(stored: &[u8]) -> Option<SwitchState> {
    let (until, rest) = stored.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (reason, by) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).ok();
    Some(SwitchState { until: u64::from_be_bytes(*until), reason: text(reason)?, by: text(by)? })
}

enum Attempt {
    /// The store's files are not what sled wrote.
    Damaged,
    /// Permissions, space: another folder would fare no better.
    Failed(sled::Error),
}

fn attempt(path: &Path) -> Result<sled::Db, Attempt> {
    let config = sled::Config::new().path(path).cache_capacity(CACHE_OCTETS).flush_every_ms(Some(FLUSH_EVERY_MS));
    let used = fs::metadata(path.join("db")).is_ok_and(|file| file.len() > 0);
    guarded(|| {
        let db = config.open()?;
        if !db.contains_key(MARK)? {
            if used {
                return Err(sled::Error::Corruption { at: None, bt: () });
            }
            db.insert(MARK, &[])?;
            db.flush()?;
        }
        Ok(db)
    })
}

fn guarded(open: impl FnOnce() -> sled::Result<sled::Db>) -> Result<sled::Db, Attempt> {
    use ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(error))) if !matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) => {
            Err(Attempt::Failed(sled::Error::Io(error)))
        }
        Ok(Err(_)) | Err(_) => Err(Attempt::Damaged),
    }
}

fn remove_snapshots(path: &Path, which: impl Fn(&str) -> bool) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with("snap.") && which(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Renames the folder to `sled.damaged-N` and makes an empty one.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    let name = |number| path.with_file_name(format!("sled.damaged-{number}"));
    let free = (1..DAMAGED_MAX).map(name).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| name(DAMAGED_MAX));
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(path, &aside)?;
    DirBuilder::new().mode(0o700).create(path)?;
    Ok(aside)
}

fn lock(path: &Path) -> Result<File, StateError> {
    let name = || path.display().to_string();
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.map_err(|error| StateError::Failed(name(), error.to_string()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StateError::InUse(name())),
        Err(error) => Err(StateError::Failed(name(), error.to_string())),
    }
}

#[cfg(test)]
mod tests;
