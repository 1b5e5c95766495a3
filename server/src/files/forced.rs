//! Which versions of lists has a human taken although they cannot be right? They are remembered in the state folder: a list
//! that was taken once must not keep the daemon from starting the next time.
//!
//! The file is as `sha256sum` prints it, checksum and path, so that anybody can see what was taken, and check it.

use super::LoadedFile;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Largest file that is read, in octets: several thousand lists.
const FILE_OCTETS_MAX: u64 = 1024 * 1024;

/// Versions that were taken by force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forced {
    /// The file's lines.
    lines: BTreeSet<String>,
}

impl Forced {
    /// Name within the state folder.
    pub const FILE: &str = "forced-lists";

    /// Those among these files.
    pub fn among(files: &[LoadedFile]) -> Self {
        let forced = files.iter().filter(|file| file.forced);
        Self { lines: forced.map(|file| line(&file.checksum, &file.path)).collect() }
    }

    /// What is remembered. No file is nothing; `Err` is one line.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(Self::FILE);
        let say = |error: io::Error| format!("{}: {error}", path.display());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(say(error)),
        };
        let mut text = String::new();
        file.take(FILE_OCTETS_MAX).read_to_string(&mut text).map_err(say)?;
        Ok(Self { lines: text.lines().map(str::to_owned).collect() })
    }

    /// Remembers these and no others, if it is not so already. `Err` is one line: some would be forgotten.
    pub fn keep(&self, folder: &Path) -> Result<(), String> {
        let path = folder.join(Self::FILE);
        let known = Self::read(folder).unwrap_or_default();
        if known == *self {
            return Ok(());
        }
        match self.write(&path) {
            // What is remembered in vain does no harm.
            Err(_) if self.lines.is_subset(&known.lines) => Ok(()),
            written => written.map_err(|error| format!("{}: {error}", path.display())),
        }
    }

    /// Whole or not at all: half a line would refuse the next start.
    fn write(&self, path: &Path) -> io::Result<()> {
        if self.lines.is_empty() {
            return fs::remove_file(path);
        }
        let fresh = path.with_extension("new");
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o644).open(&fresh)?;
        for line in &self.lines {
            writeln!(file, "{line}")?;
        }
        file.sync_all()?;
        fs::rename(&fresh, path)
    }

    /// Was this version taken?
    pub(super) fn has(&self, checksum: &str, path: &Path) -> bool {
        !self.lines.is_empty() && self.lines.contains(&line(checksum, path))
    }
}

/// Two blanks, as for text. A path of several lines is remembered in a form that is one.
fn line(checksum: &str, path: &Path) -> String {
    format!("{checksum}  {}", path.display().to_string().replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::{super::Seen, *};

    fn file(path: &str, checksum: &str, forced: bool) -> LoadedFile {
        let absent = LoadedFile::absent("access", "networks", Path::new(path), Seen::Missing);
        LoadedFile { checksum: checksum.to_owned(), forced, ..absent }
    }

    #[test]
    fn what_was_forced_is_remembered_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(Forced::FILE);
        assert_eq!(Forced::read(folder.path()), Ok(Forced::default()));
        let forced = Forced::among(&[file("/a", "1a", true), file("/b", "2b", false), file("/c\nd", "3c", true)]);
        forced.keep(folder.path()).expect("kept");
        assert_eq!(fs::read_to_string(&path).expect("the file"), "1a  /a\n3c  /c\\nd\n");
        let read = Forced::read(folder.path()).expect("read");
        assert_eq!(read, forced);
        assert!(read.has("1a", Path::new("/a")) && read.has("3c", Path::new("/c\nd")));
        assert!(!read.has("1a", Path::new("/b")) && !read.has("2b", Path::new("/a")));
        Forced::default().keep(folder.path()).expect("kept");
        assert!(!path.exists(), "nothing to remember leaves nothing behind");
        Forced::default().keep(folder.path()).expect("nothing to do");
    }

    #[test]
    fn what_cannot_be_read_or_written_is_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(Forced::FILE);
        fs::create_dir(&path).expect("a folder in its place");
        let told = Forced::read(folder.path()).expect_err("a folder");
        assert!(told.contains(Forced::FILE) && told.lines().count() == 1, "{told}");
        let absent = folder.path().join("absent");
        assert!(Forced::among(&[file("/a", "1a", true)]).keep(&absent).is_err());
        assert_eq!(Forced::default().keep(folder.path()), Ok(()), "nothing would be forgotten");
    }
}
