//! Which segments are there, how are they called, how large and how old are they?

use super::{index::Index, segment::OCTETS_READ_MAX};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Files looked at in the folder: far more than there are segments of the largest configuration.
const FILES_MAX: usize = 1 << 20;

const SEGMENT: &str = "seg";
const INDEX: &str = "idx";

/// One segment, as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Later ones have greater numbers.
    pub(super) number: u64,
    /// Of segment and index.
    pub(super) octets: u64,
    /// When it was last written to, Unix time in milliseconds.
    pub(super) written_ms: u64,
}

/// The folder of segments.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it, for nobody but us: evidence holds addresses of people.
    pub(super) fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        fs::set_permissions(&self.0, Permissions::from_mode(0o700))
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:012}.{SEGMENT}"))
    }

    pub(super) fn index(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:012}.{INDEX}"))
    }

    /// All segments, oldest first. A folder that is not there has none.
    pub(super) fn list(&self) -> io::Result<Vec<Listed>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut listed = Vec::new();
        for entry in entries.take(FILES_MAX) {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            // What vanishes meanwhile is not there.
            if let (Some(number), true) = (number, path.extension().is_some_and(|found| found == SEGMENT))
                && let Ok(about) = path.metadata()
            {
                let of_index = self.index(number).metadata().map_or(0, |index| index.len());
                let written = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let written_ms = u64::try_from(written).unwrap_or(u64::MAX);
                listed.push(Listed { number, octets: about.len() + of_index, written_ms });
            }
        }
        listed.sort_unstable_by_key(|segment| segment.number);
        Ok(listed)
    }

    /// A segment's octets; `None` = it is gone, or no segment of ours is so long.
    pub(super) fn read(&self, number: u64) -> io::Result<Option<Vec<u8>>> {
        self.read_into(number, Vec::new())
    }

    /// The same, into memory that is there already.
    pub(super) fn read_into(&self, number: u64, mut octets: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.segment(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.metadata()?.len();
        if length > OCTETS_READ_MAX {
            return Ok(None);
        }
        octets.clear();
        octets.reserve(usize::try_from(length).unwrap_or(0));
        file.take(OCTETS_READ_MAX).read_to_end(&mut octets)?;
        Ok(Some(octets))
    }

    /// The index of a segment as it is now, if it has one.
    pub(super) fn read_index(&self, number: u64) -> Option<Index> {
        let segment_octets = self.segment(number).metadata().ok()?.len();
        let file = File::open(self.index(number)).ok()?;
        let mut octets = Vec::new();
        file.take(OCTETS_READ_MAX).read_to_end(&mut octets).ok()?;
        Index::decode(&octets, segment_octets)
    }

    /// Writes an index, all of it or nothing.
    pub(super) fn write_index(&self, number: u64, index: &mut Index, segment_octets: u64) -> io::Result<()> {
        let (path, new) = (self.index(number), self.0.join(format!("{number:012}.new")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let written = file.write_all(&index.encode(segment_octets)).and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            // What is left of it would only take room.
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Deletes a segment with its index.
    pub(super) fn delete(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.index(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::remove_file(self.segment(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
