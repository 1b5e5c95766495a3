//! Which files is a policy built from, and in which version? Each is parsed once, shared with the next policy for as long
//! as it stays as it is, and kept as it was when what stands there now cannot be believed.
//!
//! `seen` looks at a file, `guard` compares a list with the one before it, `settings` is `[lists]`, `shown` says
//! how files are told of, `folders` which folders tell of a change, `watch` notices it.

mod folders;
mod guard;
mod loaded;
mod seen;
mod settings;
mod shown;
mod watch;

pub use guard::Guard;
pub use loaded::LoadedFile;
pub(crate) use seen::Seen;
pub use settings::{FIELDS, Settings};
pub use shown::{PART, shown};
pub(crate) use watch::Watch;

use crate::{clock::Clock, config::Fault};
use bytes::Bytes;
use ring::digest;
use std::{any::Any, fmt::Write as _, path::Path, sync::Arc};

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

    /// The version that is to be in force: what stands there, or the one before if that cannot be used. `Ok(None)` = there
    /// is no such file, and there need not be. `Err` = it cannot be used, and there is none before.
    pub(crate) fn take<T: Any + Send + Sync>(
        &mut self,
        check: &'static str,
        path: &Path,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Arc<T>>, Vec<Fault>> {
        let before = self.before.iter().find(|file| file.is(check, reader.form, path)).cloned();
        let taken = match before {
            None => self.look(check, path, reader, None).map_err(|refused| refused.faults)?,
            Some(before) if !self.is_worth_a_look(&before) => before,
            Some(before) => match self.look(check, path, reader, Some(&before)) {
                Ok(file) => file,
                Err(refused) => before.kept(refused.seen, &refused.faults),
            },
        };
        let value = taken.value::<T>();
        if let Some(wrong) = value.as_ref().and_then(|value| (reader.demands.always)(value).err()) {
            return Err(vec![Fault::of_file(path, wrong)]);
        }
        self.loaded.push(taken);
        Ok(value)
    }

    /// Has it changed since it was looked at, or is what was refused then taken now?
    fn is_worth_a_look(&self, before: &LoadedFile) -> bool {
        (self.forced && before.error.is_some()) || Seen::at(&before.path) != before.seen
    }

    fn look<T: Any + Send + Sync>(
        &self,
        check: &'static str,
        path: &Path,
        reader: &Reader<'_, T>,
        before: Option<&LoadedFile>,
    ) -> Result<LoadedFile, Refused> {
        // Who starts has nothing better than what stands there.
        let settled = before.map(|_| &self.clock);
        let (content, seen) = seen::read(path, OCTETS_MAX, settled);
        let refused = |faults| Refused { seen, faults };
        let one = |text: String| refused(vec![Fault::of_file(path, text)]);
        let Some(content) = content.map_err(|error| one(error.to_string()))? else {
            self.guard_gone(reader.must_exist, before).map_err(one)?;
            return Ok(LoadedFile::absent(check, reader.form, path, seen));
        };
        let checksum = checksum(&content);
        if let Some(same) = before.filter(|before| before.is_content(&checksum)) {
            return Ok(same.unchanged(seen));
        }
        let mut notes = Notes::default();
        let value = (reader.parse)(path, Bytes::from(content), &mut notes).map_err(refused)?;
        (reader.demands.always)(&value).map_err(one)?;
        if let Some(before) = before.filter(|_| !self.forced) {
            self.guard.compare(before.entries, notes.entries).map_err(one)?;
            if let Some(old) = before.value::<T>() {
                (reader.demands.since)(&old, &value).map_err(one)?;
            }
        }
        let Notes { entries, warnings } = notes;
        let fresh = LoadedFile::absent(check, reader.form, path, seen);
        Ok(LoadedFile {
            entries,
            warnings,
            generation: before.map_or(0, |before| before.generation) + 1,
            checksum,
            loaded_at: self.clock.now().unix_seconds(),
            value: Some(Arc::new(value)),
            ..fresh
        })
    }

    fn guard_gone(&self, must_exist: bool, before: Option<&LoadedFile>) -> Result<(), String> {
        match before {
            _ if must_exist => Err("no such file: expected one, if only an empty one".to_owned()),
            Some(before) if !self.forced => {
                self.guard.compare(before.entries, 0).map_err(|wrong| format!("the file is gone: {wrong}"))
            }
            _ => Ok(()),
        }
    }
}

/// Why a file is not taken, and how it looked.
struct Refused {
    seen: Seen,
    faults: Vec<Fault>,
}

/// SHA-256 in hexadecimal digits, as `sha256sum` prints it.
fn checksum(content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    hash.as_ref().iter().fold(String::new(), |mut text, octet| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
