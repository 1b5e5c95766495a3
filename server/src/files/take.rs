//! Which version of a file is to be in force: what stands there, or the one before?

use super::{Files, LoadedFile, Notes, OCTETS_MAX, Reader, Seen, seen};
use crate::config::Fault;
use bytes::Bytes;
use ring::digest;
use std::{any::Any, fmt::Write as _, path::Path, sync::Arc};

impl Files {
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
pub(super) fn checksum(content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    hash.as_ref().iter().fold(String::new(), |mut text, octet| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
