//! How is a store opened that a crash, a full disk or worse has left behind?

use crate::state::StateError;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

/// Memory sled may use for its page cache, in octets (its own default is 1 GiB).
const CACHE_OCTETS: u64 = 16 * 1024 * 1024;

/// How much may be lost in a crash where nobody flushes, in milliseconds.
const FLUSH_EVERY_MS: u64 = 500;

/// Damaged folders kept beside the store: older ones stay where they are, newer ones replace the last.
const DAMAGED_MAX: u32 = 10;

/// How often sled's own lock is tried, and how long in between: two seconds altogether.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// In every store since its first opening.
const MARK: &[u8] = b"tollgate";

/// An open store, and where the damaged one lies whose place it took.
pub(super) type Opened = (sled::Db, Option<PathBuf>);

/// Opens it, with as much as can be saved. `Err` = what the file system says.
pub(super) fn whatever_is_there(path: &Path) -> Result<Opened, String> {
    super::compact::finish(path).map_err(|error| error.to_string())?;
    make(path)?;
    remove_snapshots(path, |name| name.ends_with(".generating")).map_err(|error| error.to_string())?;
    match attempt(path) {
        Ok(db) => return Ok((db, None)),
        Err(Attempt::Failed(error)) => return Err(error.to_string()),
        Err(Attempt::Damaged) => {}
    }
    remove_snapshots(path, |_| true).map_err(|error| error.to_string())?;
    match attempt(path) {
        Ok(db) => Ok((db, None)),
        Err(_) => empty_beside(path),
    }
}

/// Opens what an interrupted copy has left, as it is: nothing is set aside here.
pub(super) fn in_place(path: &Path) -> Result<sled::Db, Attempt> {
    super::compact::finish(path).map_err(|error| Attempt::Failed(error.into()))?;
    attempt(path)
}

/// Opens an empty one in its place, and keeps it.
pub(super) fn empty_beside(path: &Path) -> Result<Opened, String> {
    let aside = put_aside(path).map_err(|error| error.to_string())?;
    match attempt(path) {
        Ok(db) => Ok((db, Some(aside))),
        Err(_) => Err("an empty store cannot be opened".to_owned()),
    }
}

fn make(path: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| error.to_string())
}

pub(super) enum Attempt {
    /// The store's files are not what sled wrote.
    Damaged,
    /// Permissions, space: another folder would fare no better.
    Failed(sled::Error),
}

/// Opens what is there. sled's own lock may outlive its last handle for a moment, in one of its threads: then it is tried
/// again. No other process can hold it, for ours stands in front.
pub(super) fn attempt(path: &Path) -> Result<sled::Db, Attempt> {
    for _ in 1..LOCK_TRIES {
        match once(path) {
            Err(Attempt::Failed(error)) if error.to_string().contains("could not acquire lock") => sleep(LOCK_WAIT),
            done => return done,
        }
    }
    once(path)
}

fn once(path: &Path) -> Result<sled::Db, Attempt> {
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

pub(super) fn guarded(open: impl FnOnce() -> sled::Result<sled::Db>) -> Result<sled::Db, Attempt> {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error)) if !is_damage(&error) => Err(Attempt::Failed(error)),
        Ok(Err(_)) | Err(_) => Err(Attempt::Damaged),
    }
}

/// Are the files not what sled wrote? Otherwise the file system would not let it.
pub(super) fn is_damage(error: &sled::Error) -> bool {
    use ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error {
        sled::Error::Io(error) => matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof),
        _ => true,
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

/// Locks the store against other processes.
pub(super) fn lock(path: &Path) -> Result<File, StateError> {
    let name = || path.display().to_string();
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.map_err(|error| StateError::Failed(name(), error.to_string()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StateError::InUse(name())),
        Err(error) => Err(StateError::Failed(name(), error.to_string())),
    }
}
