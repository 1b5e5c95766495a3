//! Which files is a policy built from, and in which version? Each is parsed once, shared with the next policy for as long
//! as it stays as it is, and kept as it was when what stands there now cannot be believed.
//!
//! `take` decides on the version, `seen` looks at a file, `guard` compares a list with the one before it, `settings` is
//! `[lists]`, `shown` says how files are told of, `folders` which folders tell of a change, `watch` notices it.

mod folders;
mod guard;
mod loaded;
mod seen;
mod settings;
mod shown;
mod take;
mod watch;

pub use guard::Guard;
pub use loaded::LoadedFile;
pub(crate) use seen::Seen;
pub use settings::{FIELDS, Settings};
pub use shown::{PART, shown};
pub(crate) use watch::Watch;

use crate::{clock::Clock, config::Fault};
use bytes::Bytes;
use std::path::Path;

/// Largest file that is read: room for ten million networks.
pub const OCTETS_MAX: u64 = 512 * 1024 * 1024;

/// Form of files that hold a secret: nobody is shown what they hold, nor a hash of it.
pub const SECRET: &str = "secret";

/// How a file becomes a list.
pub struct Reader<'r, T> {
    /// What it is read as: the same file may be read as different things. A closed set.
    pub form: &'static str,
    /// Without it something would silently not be refused: it was named.
    pub must_exist: bool,
    /// Makes the list. Depends on nothing but the content (and on the name, for what kind of file it is).
    #[expect(clippy::type_complexity, reason = "it is written down here only")]
    pub parse: &'r dyn Fn(&Path, Bytes, &mut Notes) -> Result<T, Vec<Fault>>,
    /// What is asked of it.
    pub demands: Demands<'r, T>,
}

/// What is asked of a list that can be read. `Err` says what is wrong with it.
#[derive(Clone, Copy)]
pub struct Demands<'r, T> {
    /// What must hold always: asked of the old version, too, since the configuration may have changed.
    pub always: &'r dyn Fn(&T) -> Result<(), String>,
    /// What may have changed since the version before, unless a human says otherwise: given that one, and the new one.
    pub since: &'r dyn Fn(&T, &T) -> Result<(), String>,
}

impl<T> Demands<'_, T> {
    /// Nothing.
    pub const NONE: Self = Self { always: &|_| Ok(()), since: &|_, _| Ok(()) };
}

/// What is told of a list beside the list itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Its entries.
    pub entries: usize,
    warnings: Vec<String>,
}

impl Notes {
    /// Notes an oddity that keeps nothing from being used.
    pub fn warn(&mut self, text: impl Into<String>) {
        loaded::warn(&mut self.warnings, text.into());
    }
}

/// The files of a policy that is being built, beside those of the policy in force.
pub struct Files {
    before: Vec<LoadedFile>,
    loaded: Vec<LoadedFile>,
    guard: Guard,
    forced: bool,
    clock: Clock,
}

impl Default for Files {
    /// No policy is in force.
    fn default() -> Self {
        Self::after(&[], false)
    }
}

impl Files {
    /// What comes after the policy that was built from `before`. `forced` = a human takes lists that grew or shrank out of
    /// bounds.
    pub fn after(before: &[LoadedFile], forced: bool) -> Self {
        Self { before: before.to_vec(), loaded: Vec::new(), guard: Guard::default(), forced, clock: Clock::system() }
    }

    /// Says how much a list may change.
    pub fn set_guard(&mut self, guard: Guard) {
        self.guard = guard;
    }

    /// The files read so far become those of a policy.
    pub fn into_loaded(self) -> Vec<LoadedFile> {
        self.loaded
    }

    /// The file read last.
    pub(crate) fn last(&mut self) -> Option<&mut LoadedFile> {
        self.loaded.last_mut()
    }
}

#[cfg(test)]
mod tests;
