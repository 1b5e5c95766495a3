//! The embedded store: sled 0.34, which is safe only behind these guards.
//!
//! 1. A snapshot that a crash left half-written (`snap.*.generating`) makes every later open fail: removed before.
//! 2. A damaged snapshot fails the open, though the log holds everything: tried again without snapshots.
//! 3. Damage beyond that: the folder is kept under another name and an empty one takes its place; the caller alarms.
//! 4. Damaged files may panic inside sled, at the opening or later: caught, and treated as damage.
//! 5. Large batches starve its memory reclamation: written in pieces of at most [`BATCH_MAX`].
//! 6. Its cache bound and its flushing are implicit: both are set here, and [`Sled::flush`] is called at shutdown.
//! 7. It never gives space back: [`Sled::tidy`] copies it into a fresh folder once most of a large one is waste.
//! 8. One failed write, as on a full disk, makes it fail for ever: [`Sled::reopen`].
//!
//! A log whose front is damaged reads as empty without any complaint: a mark tells an empty store from an emptied one.
//! It locks its folder on Linux only, so a lock of our own stands in front.

mod compact;
mod lists;
mod opening;
mod shelf;

use super::{KEEP_MAX, StateError, Switches};
use crate::pipeline::SwitchState;
use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

/// Operations in one batch: from 2,000 on sled was measured to lose 720 octets of memory for each update.
const BATCH_MAX: usize = KEEP_MAX;

const SWITCH: &[u8] = b"kill_switch";

/// The store in a folder of its own.
#[derive(Debug)]
pub struct Sled {
    // std lock: for reading while anything is done with the store, for writing while it is opened anew or copied, so that
    // no write goes into a folder that is about to be left behind. Never held over an await.
    db: RwLock<Option<sled::Db>>,
    /// An operation found that the files are not what sled wrote.
    is_damaged: AtomicBool,
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
        let say = |error: String| StateError::Failed(path.display().to_string(), error);
        let lock = opening::lock(&folder.join("sled.lock"))?;
        let (db, set_aside) = opening::whatever_is_there(&path).map_err(say)?;
        let is_damaged = AtomicBool::new(false);
        Ok(Opened { store: Self { db: RwLock::new(Some(db)), is_damaged, folder: path, _lock: lock }, set_aside })
    }

    /// Waits until everything is on disk.
    pub fn flush(&self) -> Result<(), StateError> {
        self.with(|db| db.flush().map(drop))
    }

    /// Opens it anew after a failure: sled remembers one for ever. What was not flushed is lost. Gives the place of the
    /// damaged store if an empty one had to take its place.
    pub fn reopen(&self) -> Result<Option<PathBuf>, StateError> {
        let mut db = self.handle();
        // The old one holds sled's own lock until its last handle is gone, and may not be able to say goodbye.
        let closed = catch_unwind(AssertUnwindSafe(|| drop(db.take())));
        let is_damaged = self.is_damaged.swap(false, Ordering::AcqRel) || closed.is_err();
        let say = |error: String| StateError::Failed(self.folder.display().to_string(), error);
        let opened =
            if is_damaged { opening::empty_beside(&self.folder) } else { opening::whatever_is_there(&self.folder) };
        let (fresh, set_aside) = opened.map_err(say)?;
        *db = Some(fresh);
        Ok(set_aside)
    }

    /// Leaves waste behind, if there is much: sled's file grows with every change, and never shrinks. Whoever asks meanwhile
    /// waits: some tenths of a second for each hundred thousand records. `true` = there was, and it is gone.
    pub fn tidy(&self) -> Result<bool, StateError> {
        self.tidy_from(compact::WASTE_MIN)
    }

    fn tidy_from(&self, waste_min: u64) -> Result<bool, StateError> {
        let mut handle = self.handle();
        let Some(db) = handle.take() else { return Ok(false) };
        let looked = catch_unwind(AssertUnwindSafe(|| compact::is_wasteful(&db, waste_min)));
        if !looked.unwrap_or(false) {
            *handle = Some(db);
            return Ok(false);
        }
        let copied = catch_unwind(AssertUnwindSafe(|| compact::swapped(&self.folder, db)));
        // Whatever went wrong, one whole store is in its place; if it is damaged, `reopen` finds out and says so.
        *handle = opening::in_place(&self.folder).ok();
        match copied {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => Err(self.failed(&format!("its waste could not be left behind: {error}"))),
            Err(_) => Err(self.failed(&"damaged: it panicked while it was copied")),
        }
    }

    /// Writes many entries, in pieces that sled can take.
    pub fn write(&self, entries: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> Result<(), StateError> {
        self.with(|db| write_to(db, entries))
    }

    /// Works with the store; what panics is damage.
    fn with<T>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StateError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let Some(db) = db.as_ref() else { return Err(self.failed(&"it could not be opened anew yet")) };
        match catch_unwind(AssertUnwindSafe(|| work(db))) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                let is_damage = opening::is_damage(&error);
                self.is_damaged.fetch_or(is_damage, Ordering::AcqRel);
                Err(self.failed(&error))
            }
            Err(_) => {
                self.is_damaged.store(true, Ordering::Release);
                Err(self.failed(&"damaged: it panicked"))
            }
        }
    }

    fn handle(&self) -> RwLockWriteGuard<'_, Option<sled::Db>> {
        self.db.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> StateError {
        StateError::Failed(self.folder.display().to_string(), error.to_string())
    }
}

fn write_to(tree: &sled::Tree, entries: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> sled::Result<()> {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut batch = sled::Batch::default();
        for (key, value) in entries.by_ref().take(BATCH_MAX) {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        tree.apply_batch(batch)?;
    }
    Ok(())
}

impl Switches for Sled {
    fn thrown(&self, now: u64) -> Result<Option<SwitchState>, StateError> {
        let stored = self.with(|db| db.get(SWITCH))?;
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

#[cfg(test)]
mod tests;
