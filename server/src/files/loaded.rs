//! What is known of one file that a policy was built from?

use super::{SECRET, Seen, take::Refused};
use std::{
    any::Any,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that a policy was built from, in the version that is in force. Cloning shares what was made of it.
#[derive(Clone)]
pub struct LoadedFile {
    /// The check that reads it, or `policy`.
    pub check: &'static str,
    /// What it is read as.
    pub form: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Entries in force.
    pub entries: usize,
    /// Number of this version since the start, from 1; 0 = there is no such file.
    pub generation: u64,
    /// SHA-256 of the version in force, in hexadecimal digits; empty = there is none.
    pub checksum: String,
    /// Unix time in seconds at which the version in force was read.
    pub loaded_at: u64,
    /// Unix time in seconds of the last change of what stands there now; 0 = nothing does.
    pub modified_at: u64,
    /// Oddities that do not keep it from being used, a line each, at most [`LoadedFile::WARNINGS_MAX`].
    pub warnings: Vec<String>,
    /// Why what stands there now is not in force, but the version before it; `None` = it is.
    pub error: Option<String>,
    /// A human took this version although it cannot be right.
    pub forced: bool,
    /// What the error says is no fault of the content: another file or the configuration may mend it.
    pub(super) depends: bool,
    /// So many of the warnings follow from the file alone; the others are made anew with each policy.
    pub(super) noted: usize,
    pub(super) seen: Seen,
    pub(super) value: Option<Arc<dyn Any + Send + Sync>>,
}

impl LoadedFile {
    /// Warnings kept for one file.
    pub const WARNINGS_MAX: usize = 16;

    /// Nothing is there.
    pub(super) fn absent(check: &'static str, form: &'static str, path: &Path, seen: Seen) -> Self {
        Self {
            check,
            form,
            path: path.to_owned(),
            entries: 0,
            generation: 0,
            checksum: String::new(),
            loaded_at: 0,
            modified_at: seen.modified_at(),
            warnings: Vec::new(),
            error: None,
            forced: false,
            depends: false,
            noted: 0,
            seen,
            value: None,
        }
    }

    /// The first 16 digits of the checksum; none for what is secret.
    pub fn shown_checksum(&self) -> &str {
        if self.form == SECRET { "" } else { self.checksum.get(..16).unwrap_or_default() }
    }

    /// Is another version in force than in `other`, or has it been refused since?
    pub fn differs_from(&self, other: &Self) -> bool {
        (self.generation, &self.checksum, &self.error) != (other.generation, &other.checksum, &other.error)
    }

    /// Notes an oddity, once.
    pub(crate) fn warn(&mut self, text: String) {
        warn(&mut self.warnings, text);
    }

    /// Is it this one?
    pub(super) fn is(&self, check: &str, form: &str, path: &Path) -> bool {
        self.check == check && self.form == form && self.path == path
    }

    pub(super) fn is_content(&self, checksum: &str) -> bool {
        self.value.is_some() && self.checksum == checksum
    }

    /// The same content under another date or inode.
    pub(super) fn unchanged(&self, seen: Seen) -> Self {
        Self { seen, modified_at: seen.modified_at(), error: None, depends: false, ..self.clone() }
    }

    /// What is there now is refused: this version stays.
    pub(super) fn kept(mut self, Refused { seen, faults, depends }: Refused) -> Self {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        let more = if faults.len() > 1 { format!(" (and {} more)", faults.len() - 1) } else { String::new() };
        self.error = Some(format!("{first}{more}"));
        (self.seen, self.modified_at, self.depends) = (seen, seen.modified_at(), depends);
        self
    }

    /// A human takes this version all the same.
    pub(super) fn take_by_force(&mut self, wrong: &str) {
        self.forced = true;
        self.warn(format!("taken by force: {wrong}"));
        self.noted = self.warnings.len();
    }

    /// What was made of it.
    pub(super) fn value<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.value.clone().and_then(|value| value.downcast().ok())
    }
}

/// Adds a warning, once, within the bound.
pub(super) fn warn(warnings: &mut Vec<String>, text: String) {
    if warnings.len() < LoadedFile::WARNINGS_MAX && !warnings.contains(&text) {
        warnings.push(text);
    }
}

impl fmt::Debug for LoadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedFile")
            .field("check", &self.check)
            .field("path", &self.path)
            .field("entries", &self.entries)
            .field("generation", &self.generation)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
