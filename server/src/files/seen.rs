//! What does a file look like, and what stands in it once nobody writes to it any more?

use crate::{clock::Clock, config::read_regular};
use rustix::fs::{FileType, Stat, stat};
use std::{io, path::Path, thread::sleep, time::Duration};

/// A file that was changed so lately may be in the middle of being written.
pub(super) const REST: Duration = Duration::from_millis(300);

/// How often we wait for it to come to rest: who writes for longer does so elsewhere and renames.
const LOOKS_MAX: usize = 10;

/// By what a change is told: whoever writes to a file, or puts another in its place, changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No such file.
    Missing,
    /// It cannot be looked at; the number is the system's error.
    Hidden(i32),
    /// A directory, FIFO or device, whatever goes on in it.
    NoFile(u64, u64),
    /// A regular file: what it is, its size, and when content and attributes changed, in nanoseconds.
    File {
        /// Device and inode.
        place: (u64, u64),
        /// Size.
        octets: i64,
        /// Time of the last change of the content, since the epoch.
        modified_ns: i128,
        /// Time of the last change of anything.
        changed_ns: i128,
    },
}

impl Seen {
    /// Looks, through symbolic links.
    pub(crate) fn at(path: &Path) -> Self {
        match stat(path) {
            Ok(found) => Self::of(&found),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Self::Missing,
            Err(error) => Self::Hidden(error.raw_os_error()),
        }
    }

    // Widths and signs of these fields differ between systems.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast, clippy::cast_sign_loss)]
    fn of(found: &Stat) -> Self {
        let place = (found.st_dev as u64, found.st_ino as u64);
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Self::NoFile(place.0, place.1);
        }
        let nanoseconds = |seconds: i64, more: i128| i128::from(seconds) * 1_000_000_000 + more;
        Self::File {
            place,
            octets: found.st_size as i64,
            modified_ns: nanoseconds(found.st_mtime as i64, found.st_mtime_nsec as i128),
            changed_ns: nanoseconds(found.st_ctime as i64, found.st_ctime_nsec as i128),
        }
    }

    /// Unix time in seconds of its last change; 0 = nothing is there.
    pub(super) fn modified_at(self) -> u64 {
        match self {
            Self::File { modified_ns, .. } => u64::try_from(modified_ns / 1_000_000_000).unwrap_or(0),
            Self::Missing | Self::Hidden(_) | Self::NoFile(..) => 0,
        }
    }

    /// How long to wait until it has rested; a date that lies ahead says nothing about that.
    fn unrest(self, clock: &Clock) -> Option<Duration> {
        let Self::File { modified_ns, .. } = self else { return None };
        let age = i128::try_from(clock.now().wall.as_nanos()).ok()?.checked_sub(modified_ns)?;
        let age = Duration::from_nanos(u64::try_from(age).ok()?);
        REST.checked_sub(age).filter(|left| !left.is_zero())
    }
}

/// The content, and how the file looked; `Ok(None)` = there is none. With a clock, waits until the file has rested; what
/// still changes then is an error. For threads that may block.
pub(super) fn read(path: &Path, octets_max: u64, settled: Option<&Clock>) -> (io::Result<Option<Vec<u8>>>, Seen) {
    let mut seen = Seen::at(path);
    for _ in 0..LOOKS_MAX {
        if let Some(left) = settled.and_then(|clock| seen.unrest(clock)) {
            sleep(left);
        }
        let content = match read_regular(path, octets_max) {
            Ok((content, _)) => Ok(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let after = Seen::at(path);
        if after == seen || settled.is_none() {
            return (content, after);
        }
        seen = after;
    }
    (Err(io::Error::other("it is being written to all the time: expected a file that is renamed into place")), seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_change_shows() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        assert_eq!(Seen::at(&path), Seen::Missing);
        fs::write(&path, "a").expect("written");
        let first = Seen::at(&path);
        assert_eq!(first, Seen::at(&path));
        assert!(first.modified_at() > 1_600_000_000);
        fs::write(&path, "ab").expect("written");
        let second = Seen::at(&path);
        assert_ne!(first, second);
        // The same size and date, but another file.
        let other = folder.path().join("other");
        fs::write(&other, "cd").expect("written");
        fs::rename(&other, &path).expect("renamed");
        assert_ne!(Seen::at(&path), second);
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a folder");
        let folder_seen = Seen::at(&path);
        fs::write(path.join("in it"), "").expect("written");
        assert_eq!(Seen::at(&path), folder_seen, "what goes on in a folder is none of our business");
        assert_eq!(Seen::at(&path.join("in it/below")), Seen::Missing);
    }

    #[test]
    fn a_file_is_left_to_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        fs::write(&path, "a").expect("written");
        let clock = Clock::system();
        assert!(Seen::at(&path).unrest(&clock).is_some_and(|left| left <= REST));
        let (content, seen) = read(&path, 10, Some(&clock));
        assert_eq!(content.expect("read"), Some(b"a".to_vec()));
        assert_eq!(seen.unrest(&clock), None, "it has rested");
        let ahead = Seen::File { place: (0, 0), octets: 0, modified_ns: i128::MAX, changed_ns: 0 };
        assert_eq!(ahead.unrest(&clock), None);
    }
}
