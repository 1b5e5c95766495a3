//! Can a file be read at all, by whom, and is it text as qmail reads it?

use super::{Level, Linter, Reader};
use crate::{
    config::read_regular,
    lists::{Cdb, control},
};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Largest file that is read.
const OCTETS_MAX: u64 = 64 * 1024 * 1024;
/// The mark that some editors put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Files that qmail-smtpd never reads: who sends, delivers and injects mail does, under other users.
const NOT_SMTPD: [&str; 7] = [
    "concurrencylocal",
    "concurrencyremote",
    "defaulthost",
    "queuelifetime",
    "smtproutes",
    "timeoutconnect",
    "timeoutremote",
];
/// Files that qmail-smtpd reads with the realrcptto patch alone.
const REALRCPTTO: [&str; 4] = ["envnoathost", "locals", "percenthack", "virtualdomains"];
/// qmail-smtpd reads its lists anew for each connection: more than this is felt.
const HEAVY_OCTETS: usize = 1024 * 1024;

/// A file with what is in it.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    /// Unix time of its last change, in seconds.
    pub(super) modified: u64,
}

impl Linter<'_> {
    /// Reads a file; `None` = it is not there, or it cannot be read, which has been told.
    pub(super) fn read(&mut self, path: &Path) -> Option<File> {
        match read_regular(path, OCTETS_MAX) {
            Ok((content, modified)) => Some(File { path: path.to_owned(), content: content?, modified }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.error(path, 0, format!("{error}: expected a regular file that can be read"));
                None
            }
        }
    }

    /// Reads a file that people write; `None` as with `read`.
    pub(super) fn text(&mut self, path: &Path) -> Option<File> {
        let mut file = self.read(path)?;
        if file.content.starts_with(BYTE_ORDER_MARK) {
            self.error(path, 1, "begins with a byte order mark, which counts as part of the line: expected none");
            // Told once is enough.
            file.content.drain(..BYTE_ORDER_MARK.len());
        }
        self.look_at_writers(path);
        Some(file)
    }

    /// A control file. Says what is odd about the lines themselves.
    pub(super) fn lines(&mut self, name: &str) -> Option<File> {
        let file = self.control(name)?;
        let is_read = !NOT_SMTPD.contains(&name);
        if is_read {
            self.look_at_reader(&file.path, if REALRCPTTO.contains(&name) { Level::Warning } else { Level::Error });
        }
        self.look_at_text(&file);
        if is_read && file.content.len() > HEAVY_OCTETS {
            let text = format!(
                "{} bytes, which qmail-smtpd reads for each connection: expected a shorter list, or a cdb for Tollgate",
                file.content.len()
            );
            self.warning(&file.path, 0, text);
        }
        Some(file)
    }

    /// A cdb; what is no cdb has been told.
    pub(super) fn cdb(&mut self, path: &Path) -> Option<(Cdb, u64)> {
        let File { content, modified, .. } = self.read(path)?;
        self.look_at_writers(path);
        match Cdb::new(content) {
            Ok(cdb) => Some((cdb, modified)),
            Err(error) => {
                self.error(path, 0, format!("{error}: expected one that its tool has made"));
                None
            }
        }
    }

    /// Is a cdb as new as its source?
    pub(super) fn look_at_age(&mut self, source: &File, cdb: &Path, modified: u64, tool: &str) {
        if modified < source.modified {
            let text =
                format!("older than {}: what was changed there has no effect: run {tool}", source.path.display());
            self.error(cdb, 0, text);
        }
    }

    pub(super) fn look_at_text(&mut self, file: &File) {
        if let Some(line) = control::first_dos_line(&file.content) {
            let is_dos = |line: &&[u8]| control::first_dos_line(line).is_some();
            let what = match file.content.split(|&byte| byte == b'\n').filter(is_dos).count() {
                1 => "ends in CR LF: stock qmail keeps the CR, and it never matches: expected LF".to_owned(),
                dos => format!("{dos} lines end in CR LF: stock qmail keeps the CR, and they never match: expected LF"),
            };
            self.error(&file.path, line, what);
        }
        if let Some(at) = file.content.iter().position(|&byte| byte == 0) {
            let line = 1 + file.content[..at].iter().filter(|&&byte| byte == b'\n').count();
            self.warning(&file.path, line, "a NUL byte, which ends an entry: expected text");
        }
    }

    /// May somebody else write it, or in it?
    pub(super) fn look_at_writers(&mut self, path: &Path) {
        if fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o002 != 0) {
            self.error(path, 0, "everybody may write it: expected its owner alone (chmod o-w)");
        }
    }

    /// May the mail server's user read it? An error is a file that stock qmail-smtpd reads.
    pub(super) fn look_at_reader(&mut self, path: &Path, level: Level) {
        let (Ok(metadata), Some(reader)) = (fs::metadata(path), &self.place.reader) else { return };
        let who = if level == Level::Error { "qmail-smtpd" } else { "qmail-smtpd with the realrcptto patch" };
        let text = if !reader.may(&metadata, 4) {
            format!("{} may not read it, and {who} defers all mail then: expected mode 644", reader.name)
        } else if let Some(folder) = reader.closed_folder(path) {
            format!("{} may not enter {}: expected mode 755 there", reader.name, folder.display())
        } else {
            return;
        };
        self.tell(level, path, 0, text);
    }
}

impl Reader {
    /// Has the user this right: 4 = read, 1 = enter?
    fn may(&self, metadata: &fs::Metadata, right: u32) -> bool {
        let shift = match metadata {
            _ if self.uid == 0 => return true,
            file if file.uid() == self.uid => 6,
            file if self.gids.contains(&file.gid()) => 3,
            _ => 0,
        };
        metadata.mode() >> shift & right != 0
    }

    /// A folder on the way to a file that the user may not enter.
    fn closed_folder(&self, path: &Path) -> Option<PathBuf> {
        let whole = fs::canonicalize(path).ok()?;
        let closed = |folder: &&Path| fs::metadata(folder).is_ok_and(|metadata| !self.may(&metadata, 1));
        whole.ancestors().skip(1).find(closed).map(Path::to_owned)
    }
}
