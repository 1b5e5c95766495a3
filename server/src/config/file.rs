//! How is a file read that somebody else writes? Without blocking, regular files only, and never more than a bound.

use super::{Document, Fault};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::UNIX_EPOCH,
};

impl Document {
    /// Reads and parses `tollgate.toml`; `None` = embedded defaults. A file that was named must be there.
    pub fn read(path: Option<&Path>) -> Result<Self, Vec<Fault>> {
        let Some(path) = path else { return Ok(Self::default()) };
        let (content, _) = read_regular(path, Self::OCTETS_MAX as u64)
            .map_err(|error| vec![Fault::of_file(path, format!("cannot be read: {error}"))])?;
        let content = content.unwrap_or_default();
        let name = path.display().to_string();
        match std::str::from_utf8(&content) {
            Ok(text) => Self::parse(&name, text),
            Err(error) => {
                let line = 1 + content[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
                Err(vec![Fault { file: name, line, text: "a byte that is not UTF-8: expected a text file".to_owned() }])
            }
        }
    }
}

/// Content and time of last change (Unix time in seconds). Opens without blocking (a FIFO must not hang us), then
/// insists on a regular file of bounded size.
pub(crate) fn read_regular(path: &Path, octets_max: u64) -> io::Result<(Option<Vec<u8>>, u64)> {
    use rustix::fs::{Mode, OFlags};
    let opened = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    let mut file = File::from(opened);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file: expected one"));
    }
    if metadata.len() > octets_max {
        return Err(io::Error::other(format!("{} bytes: expected at most {octets_max}", metadata.len())));
    }
    let mut content = Vec::new();
    (&mut file).take(octets_max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > octets_max {
        return Err(io::Error::other(format!("grew past {octets_max} bytes while it was read")));
    }
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok((Some(content), modified))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn fault_of(path: &Path) -> String {
        Document::read(Some(path)).expect_err("a fault")[0].to_string()
    }

    #[test]
    fn what_cannot_be_read_is_one_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.toml");
        let name = path.display().to_string();
        assert_eq!(fault_of(&path), format!("{name}: cannot be read: No such file or directory (os error 2)"));
        fs::create_dir(&path).expect("a folder");
        assert_eq!(fault_of(&path), format!("{name}: cannot be read: not a regular file: expected one"));
        fs::remove_dir(&path).expect("removed");
        fs::write(&path, b"[policy]\n# caf\xe9\n").expect("a file");
        assert_eq!(fault_of(&path), format!("{name}:2: a byte that is not UTF-8: expected a text file"));
        fs::write(&path, "#".repeat(Document::OCTETS_MAX + 1)).expect("a file");
        assert_eq!(fault_of(&path), format!("{name}: cannot be read: 4194305 bytes: expected at most 4194304"));
    }

    #[test]
    fn a_fifo_does_not_hang_the_reader() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fifo");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
        assert!(fault_of(&path).ends_with("not a regular file: expected one"));
    }

    #[test]
    fn no_file_is_a_working_default() {
        assert!(Document::read(None).expect("defaults").root.0.is_empty());
    }
}
