//! Has a file of the policy changed? The system's notices are hints, and looking at all files every few seconds catches what
//! it does not report; either way the files themselves are looked at, and a reload of lists is asked for only if one differs.

use super::{LoadedFile, Seen, folders};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

/// Who writes several files, or one in several pieces, is given so long between two of them...
const QUIET: Duration = Duration::from_millis(50);
/// ...but not much longer altogether: a file shall be in force within a second.
const PIECES_MAX: u32 = 6;

/// Notices changes of files, as far as the system reports them.
pub(crate) struct Watch {
    changed: Arc<Notify>,
    /// `None` = the system cannot: then only looking helps.
    watcher: Option<RecommendedWatcher>,
    /// Folders that are watched, with what stood under that name when it began.
    folders: BTreeMap<PathBuf, Seen>,
    /// What was reported last, so that a change is reported once even if it leads to nothing.
    told: Vec<Watched>,
}

/// A file, and how it looks.
type Watched = (PathBuf, Seen);

impl Watch {
    /// Watches nothing yet.
    pub(crate) fn new() -> Self {
        let changed = Arc::new(Notify::new());
        let hint = changed.clone();
        let watcher = notify::recommended_watcher(move |_| hint.notify_one()).ok();
        Self { changed, watcher, folders: BTreeMap::new(), told: Vec::new() }
    }

    /// Watches the folders of these files, and no others. Folders that cannot be watched are looked at all the same.
    pub(crate) fn set(&mut self, files: &[LoadedFile]) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeMap<PathBuf, Seen> = files
            .iter()
            .flat_map(|file| folders::of(&file.path))
            .map(|folder| (folder.clone(), Seen::at(&folder)))
            .collect();
        for (folder, seen) in &self.folders {
            if wanted.get(folder) != Some(seen) {
                // It may be gone, and its watch with it.
                let _ = watcher.unwatch(folder);
            }
        }
        let is_watched = |folder: &Path, seen: &Seen| self.folders.get(folder) == Some(seen);
        let mut watched = BTreeMap::new();
        for (folder, seen) in wanted {
            if is_watched(&folder, &seen) || watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok() {
                watched.insert(folder, seen);
            }
        }
        self.folders = watched;
    }

    /// Waits for a hint and for what may follow it, at most so long.
    pub(crate) async fn wait(&self, at_most: Duration) {
        if timeout(at_most, self.changed.notified()).await.is_err() {
            return;
        }
        for _ in 0..PIECES_MAX {
            if timeout(QUIET, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }

    /// Does one of these files look other than when it was loaded, and other than when this was said last?
    pub(crate) fn has_news(&mut self, files: &[LoadedFile]) -> bool {
        let changed: Vec<Watched> = files
            .iter()
            .map(|file| (file, Seen::at(&file.path)))
            .filter(|(file, seen)| file.seen != *seen)
            .map(|(file, seen)| (file.path.clone(), seen))
            .collect();
        let news = changed.iter().any(|change| !self.told.contains(change));
        self.told = changed;
        news
    }
}
