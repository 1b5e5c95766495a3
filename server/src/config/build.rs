//! What may a check touch while it is built? Its files, read once and bounded, and what other sections settled.

use super::{Fault, Network, file::read_regular};
use crate::{ask::SpfTerms, dns_lists::Declared, mode::Mode};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that a policy was built from, for `tollgate status` and for reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// The check that reads it.
    pub check: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Entries in force.
    pub entries: usize,
    /// Unix time in seconds of its last change; 0 = it does not exist.
    pub modified_at: u64,
    /// Oddities that do not keep the policy from being used, a line each, at most [`LoadedFile::WARNINGS_MAX`].
    pub warnings: Vec<String>,
}

impl LoadedFile {
    /// Warnings kept for one file.
    pub const WARNINGS_MAX: usize = 16;
}

/// What checks settle for those that stand below them in the list: built in that order.
#[derive(Default)]
pub struct Settled {
    /// On which terms SPF is evaluated. Whoever asks on the same terms shares the result.
    pub spf_terms: Arc<SpfTerms>,
    /// Signs of dial-up lines' names, as configured.
    pub generic_names: Vec<String>,
    /// Signs of servers' names, as configured.
    pub not_generic_names: Vec<String>,
}

/// Handed to every check's `build`.
pub struct Build<'a> {
    /// Name of the check that is being built.
    pub check: &'static str,
    /// Its mode, as its section gives it.
    pub mode: Mode,
    /// qmail's control folder.
    pub control: &'a Path,
    /// Resolvers beyond the default one, by name (`[dns.resolver.NAME]`).
    pub resolvers: &'a [String],
    /// Our own domains in lower case, as far as `[policy]` names them.
    pub domains: &'a [String],
    /// Addresses of our own hosts (`[policy] own_addresses`).
    pub own_addresses: &'a [Network],
    /// Sum of scores from which something is refused, if only for now (`[policy] defer_at`).
    pub defer_at: i64,
    /// Every file read so far.
    pub files: &'a mut Vec<LoadedFile>,
    /// DNS lists declared so far: they are watched, and asked on accounts of their own.
    pub dns_lists: &'a mut Vec<Declared>,
    /// What was settled so far.
    pub settled: &'a mut Settled,
}

impl Build<'_> {
    /// Largest file that is read: room for ten million networks.
    pub const FILE_OCTETS_MAX: u64 = 512 * 1024 * 1024;

    /// Reads a whole file. `Ok(None)` = it does not exist. Directories, devices, FIFOs and larger files are faults.
    pub fn read(&mut self, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
        let (content, modified_at) = match read_regular(path, Self::FILE_OCTETS_MAX) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (None, 0),
            Err(error) => {
                return Err(Fault { file: path.display().to_string(), line: 0, text: error.to_string() });
            }
        };
        self.files.push(LoadedFile {
            check: self.check,
            path: path.to_owned(),
            entries: 0,
            modified_at,
            warnings: Vec::new(),
        });
        Ok(content)
    }

    /// Notes how many entries the file read last holds.
    pub fn note_entries(&mut self, entries: usize) {
        if let Some(file) = self.files.last_mut() {
            file.entries = entries;
        }
    }

    /// Notes an oddity of the file read last, for log and status.
    pub fn warn(&mut self, text: impl Into<String>) {
        if let Some(file) = self.files.last_mut().filter(|file| file.warnings.len() < LoadedFile::WARNINGS_MAX) {
            file.warnings.push(text.into());
        }
    }

    /// A control file's path.
    pub fn control_file(&self, name: &str) -> PathBuf {
        self.control.join(name)
    }
}
