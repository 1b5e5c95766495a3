//! What would a human want to know about qmail's control files? `tollgate lint`: one line for each oddity, with its place.
//!
//! An error loses mail, opens a relay or never does what it was written for; a warning most likely is not meant; a note is
//! good to know. `files` reads and looks at the files themselves, the others know one kind of content each. Everything is
//! read as the daemon reads it: bounded, without blocking, regular files only.

mod addresses;
mod assign;
mod domain;
mod entries;
mod files;
mod hosts;
mod names;
mod routes;
mod single;
mod tcp;
mod virtuals;

use files::File;
use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It loses mail, opens a relay, or has no effect at all.
    Error,
    /// It is most likely not meant.
    Warning,
    /// Good to know.
    Note,
}

impl Level {
    /// The word in the output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One oddity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Line number, from 1; 0 = the file as a whole.
    pub line: usize,
    /// How bad it is.
    pub level: Level,
    /// What is wrong, and what was expected.
    pub text: String,
}

/// `file:line: level: text`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}: {}", self.level.name(), self.text)
    }
}

/// Who reads the files in the mail server: they must be readable for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group ids.
    pub gids: Vec<u32>,
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Place {
    /// qmail's control folder.
    pub control: PathBuf,
    /// The folder of `assign` and `cdb`.
    pub users: PathBuf,
    /// tcpserver's rules as text; the cdb stands beside them.
    pub tcp_rules: Option<PathBuf>,
    /// The script that starts tcpserver.
    pub run: Option<PathBuf>,
    /// Names of system users; empty = not known.
    pub accounts: BTreeSet<String>,
    /// The mail server's user; `None` = not known.
    pub reader: Option<Reader>,
}

/// Looks at everything. Findings come by file and line.
pub fn lint(place: &Place) -> Vec<Finding> {
    let mut linter = Linter { place, findings: Vec::new(), told: 0 };
    names::look(&mut linter);
    let domains = hosts::look(&mut linter);
    routes::look(&mut linter, &domains);
    single::look(&mut linter);
    addresses::look(&mut linter, &domains);
    assign::look(&mut linter);
    tcp::look(&mut linter);
    linter.findings.sort();
    linter.findings.dedup();
    linter.findings
}

struct Linter<'a> {
    place: &'a Place,
    findings: Vec<Finding>,
    /// Findings about the file in hand.
    told: usize,
}

impl Linter<'_> {
    /// Findings about one file: whoever has more has another trouble.
    const FINDINGS_MAX: usize = 100;

    fn error(&mut self, file: &Path, line: usize, text: impl Into<String>) {
        self.tell(Level::Error, file, line, text.into());
    }

    fn warning(&mut self, file: &Path, line: usize, text: impl Into<String>) {
        self.tell(Level::Warning, file, line, text.into());
    }

    fn note(&mut self, file: &Path, line: usize, text: impl Into<String>) {
        self.tell(Level::Note, file, line, text.into());
    }

    fn tell(&mut self, level: Level, file: &Path, line: usize, text: String) {
        if self.findings.last().is_none_or(|last| last.file != file) {
            self.told = self.findings.iter().filter(|finding| finding.file == file).count();
        }
        self.told += 1;
        let text = match self.told.cmp(&(Self::FINDINGS_MAX + 1)) {
            std::cmp::Ordering::Less => text,
            std::cmp::Ordering::Equal => {
                let (line, text) = (usize::MAX, "more of the like is not told".to_owned());
                return self.findings.push(Finding { file: file.to_owned(), line, level: Level::Note, text });
            }
            std::cmp::Ordering::Greater => return,
        };
        self.findings.push(Finding { file: file.to_owned(), line, level, text });
    }

    /// A file of the control folder.
    fn control(&mut self, name: &str) -> Option<File> {
        self.text(&self.place.control.join(name))
    }
}

/// Bytes for people: printable, and not too many.
fn shown(bytes: &[u8]) -> String {
    const OCTETS_MAX: usize = 60;
    let text: String = bytes.iter().take(OCTETS_MAX).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    if bytes.len() > OCTETS_MAX { format!("\"{text}...\"") } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests;
