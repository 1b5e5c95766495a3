//! Which version of a file was in force before?

use super::LoadedFile;
use std::{collections::HashMap, path::Path, path::PathBuf, sync::Arc};

/// The files of the policy in force, by their paths: ezmlm's may be tens of thousands. Cloning shares them.
#[derive(Clone, Default)]
pub(super) struct Before(Arc<HashMap<PathBuf, Vec<LoadedFile>>>);

impl Before {
    pub(super) fn of(files: &[LoadedFile]) -> Self {
        let mut by_path: HashMap<PathBuf, Vec<LoadedFile>> = HashMap::with_capacity(files.len());
        for file in files {
            by_path.entry(file.path.clone()).or_default().push(file.clone());
        }
        Self(Arc::new(by_path))
    }

    /// What a check has read it as.
    pub(super) fn find(&self, check: &str, form: &str, path: &Path) -> Option<&LoadedFile> {
        self.0.get(path)?.iter().find(|file| file.is(check, form, path))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LoadedFile> {
        self.0.values().flatten()
    }

    /// There is no policy before.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
