//! Which files is a policy built from, and in which version? Each is parsed once, shared with the next policy for as long
//! as it stays as it is, and kept as it was when what stands there now cannot be believed.
//!
//! `take` decides on the version, `seen` looks at a file, `guard` compares a list with the one before it, `settings` is
//! `[lists]`, `forced` remembers what a human took all the same, `shown` says how files are told of, `folders` which folders tell of a change, `watch` notices it.

mod before;
mod folders;
mod forced;
mod guard;
mod loaded;
mod seen;
mod settings;
mod shown;
mod take;
mod watch;

pub use forced::Forced;
pub use guard::Guard;
pub use loaded::LoadedFile;
pub(crate) use seen::Seen;
pub use settings::{FIELDS, Settings};
pub use shown::{FOLDER, PART, shown};
pub(crate) use watch::Watch;

use crate::{clock::Clock, config::Fault};
use before::Before;
use bytes::Bytes;
use std::{any::Any, path::Path, sync::Arc};

/// Largest file that is read: room for ten million networks.
pub const OCTETS_MAX: u64 = 512 * 1024 * 1024;

/// Form of files that hold a secret: nobody is shown what they hold, nor a hash of it.
pub const SECRET: &str = "secret";

/// How a file becomes a list.
pub struct Reader<'r, T> {
    /// What it is read as: the same file may be read as different things. A closed set.
    pub form: &'static str,
    /// What it means if there is no such file.
    pub absence: Absence,
    /// Makes the list. Depends on nothing but the content (and on the name, for what kind of file it is).
    #[expect(clippy::type_complexity, reason = "it is written down here only")]
    pub parse: &'r dyn Fn(&Path, Bytes, &mut Notes) -> Result<T, Vec<Fault>>,
    /// What is asked of it.
    pub demands: Demands<'r, T>,
}

/// What it means that there is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There is nothing in the list.
    IsEmpty,
    /// Something would silently not be refused: the file was named.
    IsAFault,
    /// It is out of reach. What was read of it before stays, unless a human says otherwise.
    IsDoubted,
}

/// What is asked of a list that can be read. `Err` says what is wrong with it.
#[derive(Clone, Copy)]
pub struct Demands<'r, T> {
    /// What must hold, whoever says otherwise: asked of the old version, too, since the configuration may have changed.
    pub always: &'r dyn Fn(&T) -> Result<(), String>,
    /// What must hold unless a human took this very version by force: asked of the old one, too.
    pub unless_forced: &'r dyn Fn(&T) -> Result<(), String>,
    /// What may have changed since the version before, unless a human says otherwise: given that one, and the new one.
    pub since: &'r dyn Fn(&T, &T) -> Result<(), String>,
}

impl<T> Demands<'_, T> {
    /// Nothing.
    pub const NONE: Self = Self { always: &|_| Ok(()), unless_forced: &|_| Ok(()), since: &|_, _| Ok(()) };
}

/// What is told of a list beside the list itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Its entries.
    pub entries: usize,
    warnings: Vec<String>,
    doubts: Vec<Fault>,
}

impl Notes {
    /// Notes an oddity that keeps nothing from being used.
    pub fn warn(&mut self, text: impl Into<String>) {
        loaded::warn(&mut self.warnings, text.into());
    }

    /// Notes what can be read, but hardly be meant: only a human takes it.
    pub fn doubt(&mut self, doubt: Fault) {
        if self.doubts.len() < LoadedFile::WARNINGS_MAX {
            self.doubts.push(doubt);
        }
    }

    /// Faults and doubts in the order of their lines.
    fn with_doubts(&self, mut faults: Vec<Fault>) -> Vec<Fault> {
        faults.extend(self.doubts.iter().cloned());
        Fault::sorted(faults)
    }
}

/// The files of a policy that is being built, beside those of the policy in force.
#[derive(Clone)]
pub struct Files {
    before: Before,
    loaded: Vec<LoadedFile>,
    guard: Guard,
    forced: bool,
    only_lists: bool,
    remembered: Forced,
    held_back: Option<String>,
    clock: Clock,
}

impl Default for Files {
    /// No policy is in force.
    fn default() -> Self {
        Self::after(&[], false)
    }
}

impl Files {
    /// The check whose files say what those of all others are held against: `[policy]` with our domains.
    pub const CONTEXT: &str = "policy";

    /// What comes after the policy that was built from `before`. `forced` = a human takes lists that grew or shrank out of
    /// bounds, that hold all addresses or cover our own.
    pub fn after(before: &[LoadedFile], forced: bool) -> Self {
        Self {
            before: Before::of(before),
            loaded: Vec::new(),
            guard: Guard::default(),
            forced,
            only_lists: false,
            remembered: Forced::default(),
            held_back: None,
            clock: Clock::system(),
        }
    }

    /// The same once more, but for what the context's files say now: with that, these faults were found. `None` = they say
    /// what they said before.
    pub(crate) fn holding_back(mut self, faults: &[Fault]) -> Option<Self> {
        let news = |file: &LoadedFile| file.depends || Seen::at(&file.path) != file.seen;
        let has_news = self.before.iter().any(|file| file.check == Self::CONTEXT && news(file));
        has_news.then(|| {
            self.held_back = faults.first().map(ToString::to_string);
            self
        })
    }

    /// The configuration is that of the policy before: whatever is wrong is so with files that have changed since.
    #[must_use]
    pub fn only_lists(self) -> Self {
        Self { only_lists: true, ..self }
    }

    /// Has this file been looked for before?
    pub(crate) fn knows(&self, check: &str, form: &str, path: &Path) -> bool {
        self.before.find(check, form, path).is_some()
    }

    /// Notes a folder without which there is nothing to read yet: when it comes, that is news.
    pub(crate) fn note_missing(&mut self, check: &'static str, folder: &Path) {
        self.loaded.push(LoadedFile::absent(check, FOLDER, folder, Seen::Missing));
    }

    /// How many have been read.
    pub(crate) fn count(&self) -> usize {
        self.loaded.len()
    }

    /// What those read since `from` hold.
    pub(crate) fn values<T: Any + Send + Sync>(&self, from: usize) -> impl Iterator<Item = Arc<T>> {
        self.loaded.iter().skip(from).filter_map(LoadedFile::value)
    }

    /// What humans have taken by force before.
    pub fn remember(&mut self, forced: Forced) {
        self.remembered = forced;
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
