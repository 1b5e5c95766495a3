//! Which version of a file is to be in force: what stands there, or the one before?

use super::{Absence, Demands, Files, LoadedFile, Notes, OCTETS_MAX, PART, Reader, Seen, seen};
use crate::config::Fault;
use bytes::Bytes;
use ring::digest;
use std::{any::Any, fmt::Write as _, path::Path, sync::Arc, thread::sleep};

impl Files {
    /// The version that is to be in force: what stands there, or the one before if that cannot be used. `Ok(None)` = there
    /// is no such file, and there need not be. `Err` = it cannot be used, and there is none before.
    pub(crate) fn take<T: Any + Send + Sync>(
        &mut self,
        check: &'static str,
        path: &Path,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Arc<T>>, Vec<Fault>> {
        self.take_any(check, path, reader, self.only_lists)
    }

    /// The same, of a file of which nothing is a fault. `Err` = why nothing is known of it.
    pub(crate) fn take_or_tell<T: Any + Send + Sync>(
        &mut self,
        check: &'static str,
        path: &Path,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Arc<T>>, String> {
        let sayable = |faults: Vec<Fault>| faults.first().map(ToString::to_string).unwrap_or_default();
        let value = self.take_any(check, path, reader, true).map_err(sayable)?;
        match self.loaded.last().and_then(|file| file.error.clone()) {
            Some(error) if value.is_none() => Err(error),
            _ => Ok(value),
        }
    }

    fn take_any<T: Any + Send + Sync>(
        &mut self,
        check: &'static str,
        path: &Path,
        reader: &Reader<'_, T>,
        nothing_is_a_fault: bool,
    ) -> Result<Option<Arc<T>>, Vec<Fault>> {
        let before = self.before.find(check, reader.form, path).cloned();
        let mut taken = match before {
            None => match self.look(check, path, reader, None) {
                Ok(file) => file,
                // As with one that has come up since: it keeps nothing else from its news.
                Err(refused) if nothing_is_a_fault => {
                    LoadedFile::absent(check, reader.form, path, refused.seen).kept(refused)
                }
                Err(refused) => return Err(refused.faults),
            },
            Some(before) if !self.is_worth_a_look(&before) => before,
            Some(before) => match self.held_back(check, &before) {
                Some(refused) => before.kept(refused),
                None => match self.look(check, path, reader, Some(&before)) {
                    Ok(file) => file,
                    Err(refused) => before.kept(refused),
                },
            },
        };
        taken.warnings.truncate(taken.noted);
        let value = taken.value::<T>();
        if let Some(value) = &value {
            self.holds_still(value.as_ref(), &reader.demands, &mut taken)
                .map_err(|wrong| vec![Fault::of_file(path, wrong)])?;
        }
        self.loaded.push(taken);
        Ok(value)
    }

    /// Has it changed since it was looked at, or may what was refused then be taken now?
    fn is_worth_a_look(&self, before: &LoadedFile) -> bool {
        before.depends || (self.forced && before.error.is_some()) || Seen::at(&before.path) != before.seen
    }

    /// What stands there is left alone, since with it the rest cannot be built.
    fn held_back(&self, check: &str, before: &LoadedFile) -> Option<Refused> {
        let reason = self.held_back.as_ref().filter(|_| check == Self::CONTEXT)?;
        let faults = vec![Fault::of_file(&before.path, format!("not in force beside {reason}"))];
        Some(Refused { seen: Seen::at(&before.path), faults, depends: true })
    }

    /// Does what is in force still hold with the configuration as it is?
    fn holds_still<T>(&self, value: &T, demands: &Demands<'_, T>, taken: &mut LoadedFile) -> Result<(), String> {
        (demands.always)(value)?;
        match (demands.unless_forced)(value) {
            Err(wrong) if self.forced && !taken.forced => taken.take_by_force(&wrong),
            Err(wrong) if !taken.forced => return Err(format!("{wrong}; {}", self.force_takes_it())),
            Ok(()) | Err(_) => {}
        }
        Ok(())
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
        let (mut content, mut seen) = seen::read(path, OCTETS_MAX, settled);
        let was_there = before.is_some_and(|before| before.value.is_some()) && reader.form != PART;
        if was_there && reader.absence != Absence::IsDoubted && matches!(content, Ok(None)) {
            // Some editors take a file away before they put it back.
            sleep(seen::REST);
            (content, seen) = seen::read(path, OCTETS_MAX, settled);
        }
        let cannot_be_read = |faults| Refused { seen, faults, depends: false };
        let not_wanted = |faults| Refused { seen, faults, depends: true };
        let one = |text: String| vec![Fault::of_file(path, text)];
        let mut fresh = LoadedFile::absent(check, reader.form, path, seen);
        let Some(content) = content.map_err(|error| cannot_be_read(one(error.to_string())))? else {
            self.guard_gone(reader.absence, before).map_err(|wrong| not_wanted(one(wrong)))?;
            return Ok(fresh);
        };
        fresh.checksum = checksum(&content);
        if let Some(same) = before.filter(|before| before.is_content(&fresh.checksum)) {
            return Ok(same.unchanged(seen));
        }
        let mut notes = Notes::default();
        let parsed = (reader.parse)(path, Bytes::from(content), &mut notes);
        let value = parsed.map_err(|faults| cannot_be_read(notes.with_doubts(faults)))?;
        self.judge(&value, (&reader.demands, &notes), &mut fresh, before).map_err(not_wanted)?;
        notes.warnings.into_iter().for_each(|warning| fresh.warn(warning));
        fresh.noted = fresh.warnings.len();
        fresh.entries = notes.entries;
        fresh.generation = before.map_or(0, |before| before.generation) + 1;
        fresh.loaded_at = self.clock.now().unix_seconds();
        fresh.value = Some(Arc::new(value));
        Ok(fresh)
    }

    /// Is what was read something that anybody would want?
    fn judge<T: Any + Send + Sync>(
        &self,
        value: &T,
        (demands, notes): (&Demands<'_, T>, &Notes),
        fresh: &mut LoadedFile,
        before: Option<&LoadedFile>,
    ) -> Result<(), Vec<Fault>> {
        let path = fresh.path.clone();
        let fault = |wrong: String| Fault::of_file(&path, wrong);
        (demands.always)(value).map_err(|wrong| vec![fault(wrong)])?;
        let mut doubts = notes.doubts.clone();
        doubts.extend((demands.unless_forced)(value).err().map(fault));
        if self.forced || self.remembered.has(&fresh.checksum, &path) {
            doubts.drain(..).for_each(|doubt| fresh.take_by_force(&doubt.text));
        }
        if let Some(before) = before.filter(|_| !self.forced) {
            // Parts are held to bounds as a whole (`guard_whole`).
            let bounds = if fresh.form == PART { Ok(()) } else { self.guard.compare(before.entries, notes.entries) };
            doubts.extend(bounds.err().map(fault));
            let old = before.value::<T>();
            doubts.extend(old.and_then(|old| (demands.since)(&old, value).err()).map(fault));
        }
        let say_more = |doubt: Fault| Fault { text: format!("{}; {}", doubt.text, self.force_takes_it()), ..doubt };
        if doubts.is_empty() { Ok(()) } else { Err(doubts.into_iter().map(say_more).collect()) }
    }

    fn guard_gone(&self, absence: Absence, before: Option<&LoadedFile>) -> Result<(), String> {
        if absence == Absence::IsAFault {
            return Err("no such file: expected one, if only an empty one".to_owned());
        }
        let Some(before) = before.filter(|before| before.value.is_some() && !self.forced) else { return Ok(()) };
        let bounds = match absence {
            Absence::IsDoubted => Err("out of reach: expected it where it was".to_owned()),
            Absence::IsEmpty | Absence::IsAFault => self.guard.gone(before.entries),
        };
        bounds.map_err(|wrong| format!("the file is gone: {wrong}; {}", self.force_takes_it()))
    }

    /// Holds what was read since `from` to the bounds of a list: it is one, in parts. Out of bounds all of them stay as they
    /// were.
    pub(crate) fn guard_whole(&mut self, from: usize) {
        let parts = self.loaded.get(from..).unwrap_or_default();
        let before_of = |part: &LoadedFile| self.before.find(part.check, part.form, &part.path).cloned();
        let before: Vec<Option<LoadedFile>> = parts.iter().map(before_of).collect();
        let was = before.iter().flatten().map(|part| part.entries).sum();
        let Err(wrong) = self.guard.compare(was, parts.iter().map(|part| part.entries).sum()) else { return };
        if self.forced {
            return;
        }
        let wrong = format!("{wrong}; {}", self.force_takes_it());
        for (part, before) in self.loaded.iter_mut().skip(from).zip(before) {
            if let Some(before) = before.filter(|before| before.differs_from(part)) {
                let folder = part.path.parent().unwrap_or(&part.path);
                let faults = vec![Fault::of_file(folder, wrong.clone())];
                *part = before.kept(Refused { seen: part.seen, faults, depends: true });
            }
        }
    }

    /// What a human may do who wants it all the same.
    fn force_takes_it(&self) -> &'static str {
        if self.before.is_empty() { "`tollgated --force` takes it" } else { "`tollgate reload --force` takes it" }
    }
}

/// Why a file is not taken, and how it looked.
pub(super) struct Refused {
    pub(super) seen: Seen,
    pub(super) faults: Vec<Fault>,
    /// Another file, or the configuration, may mend it.
    pub(super) depends: bool,
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
