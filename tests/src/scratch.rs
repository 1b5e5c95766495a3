//! Where may a test write? A folder of its own, removed when the test passes and kept when it fails.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};
use tempfile::TempDir;

/// A folder under the system's temporary folder. Its path is short: a Unix socket's path has 107 bytes at most.
#[derive(Debug)]
pub struct Scratch(Option<TempDir>);

impl Scratch {
    /// A new folder whose name contains `name`. Everybody may enter it: Exim and rbldnsd change their user.
    ///
    /// # Panics
    /// When the folder cannot be made.
    #[expect(clippy::expect_used, reason = "no test can go on without its folder")]
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("tg-{name}-")).tempdir().expect("a scratch folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("an open scratch folder");
        Self(Some(folder))
    }

    /// The folder itself.
    ///
    /// # Panics
    /// Never: the folder is there until drop.
    pub fn folder(&self) -> &Path {
        self.0.as_ref().map_or(Path::new("/nonexistent"), TempDir::path)
    }

    /// A path within the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file (and the folders above it) and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    #[expect(clippy::expect_used, reason = "no test can go on without its files")]
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a folder within the scratch folder");
        }
        fs::write(&path, content).expect("a file in the scratch folder");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(folder) = self.0.take()
        {
            eprintln!("the test's files and logs are kept in {}", folder.keep().display());
        }
    }
}
