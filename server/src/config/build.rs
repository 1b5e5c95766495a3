//! What may a check touch while it is built? Its files, read once and bounded, and what other sections settled.

use super::{Fault, Network};
use crate::{
    ask::SpfTerms,
    dns_lists::Declared,
    files::{self, Absence, Demands, Files, Notes, Reader},
    lists::MailingLists,
    mode::Mode,
};
use bytes::Bytes;
use std::{
    any::Any,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What some checks settle for all others: they are built first (`checks::SETTLING`).
#[derive(Default)]
pub struct Settled {
    /// On which terms SPF is evaluated. Whoever asks on the same terms shares the result.
    pub spf_terms: Arc<SpfTerms>,
    /// The mailing lists of this host.
    pub mailing_lists: Arc<MailingLists>,
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
    pub files: &'a mut Files,
    /// DNS lists declared so far: they are watched, and asked on accounts of their own.
    pub dns_lists: &'a mut Vec<Declared>,
    /// What was settled so far.
    pub settled: &'a mut Settled,
}

impl Build<'_> {
    /// Largest file that is read: room for ten million networks.
    pub const FILE_OCTETS_MAX: u64 = files::OCTETS_MAX;

    /// The list in a file: as it stands there, or the version before it if that cannot be used. `Ok(None)` = there is none.
    /// Directories, devices, FIFOs and larger files are faults, like what the reader refuses.
    pub fn list<T: Any + Send + Sync>(
        &mut self,
        path: &Path,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Arc<T>>, Vec<Fault>> {
        self.files.take(self.check, path, reader)
    }

    /// The same for a file that is no list, as `form`: its octets.
    pub fn read(&mut self, path: &Path, form: &'static str) -> Result<Option<Arc<Bytes>>, Vec<Fault>> {
        let parse = |_: &Path, content: Bytes, _: &mut Notes| Ok(content);
        self.list(path, &Reader { form, absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE })
    }

    /// The same, of a file of which nothing is a fault: why nothing is known of it.
    pub fn list_or_reason<T: Any + Send + Sync>(
        &mut self,
        path: &Path,
        reader: &Reader<'_, T>,
    ) -> Result<Option<Arc<T>>, String> {
        self.files.take_or_tell(self.check, path, reader)
    }

    /// Has this check looked for the file before, for the policy that this one comes after?
    pub fn knows(&self, path: &Path, form: &str) -> bool {
        self.files.knows(self.check, form, path)
    }

    /// Notes how many entries the file read last holds.
    pub fn note_entries(&mut self, entries: usize) {
        if let Some(file) = self.files.last() {
            file.entries = entries;
        }
    }

    /// Notes an oddity of the file read last, for log and status.
    pub fn warn(&mut self, text: impl Into<String>) {
        if let Some(file) = self.files.last() {
            file.warn(text.into());
        }
    }

    /// A control file's path.
    pub fn control_file(&self, name: &str) -> PathBuf {
        self.control.join(name)
    }
}
