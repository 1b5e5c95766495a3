//! In which form does a file hold its list? Its name's ending says so, as with qmail's own `.cdb`: no key more for each list,
//! and a file keeps its form wherever it is named. Zones and lists of domains become matchers here.

use super::{FAULTS_MAX, too_wide};
use crate::{
    config::Fault,
    files::Notes,
    lists::{Domains, NetworkSet, rbldnsd},
};
use std::path::Path;

/// Endings that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// `.cdb`: djb's constant database, entries as keys.
    Cdb,
    /// `.rbldnsd`: a zone of rbldnsd.
    Zone,
    /// `.domains`: a domain a line, as in a zone of rbldnsd.
    Domains,
    /// Any other: entries line by line.
    Other,
}

impl Ending {
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cdb") => Self::Cdb,
            Some("rbldnsd") => Self::Zone,
            Some("domains") => Self::Domains,
            _ => Self::Other,
        }
    }
}

/// The mistakes of a file; more than a few of the same help nobody.
struct Mistakes<'a> {
    path: &'a Path,
    faults: Vec<Fault>,
}

impl Mistakes<'_> {
    fn tell(&mut self, (line, text): (usize, String)) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { file: self.path.display().to_string(), line, text });
        }
    }

    fn none_or<T>(self, read: T) -> Result<T, Vec<Fault>> {
        if self.faults.is_empty() { Ok(read) } else { Err(self.faults) }
    }
}

pub(super) fn domains(path: &Path, content: &[u8]) -> Result<Domains, Vec<Fault>> {
    let mut mistakes = Mistakes { path, faults: Vec::new() };
    let domains = rbldnsd::domains(content, |mistake| mistakes.tell(mistake));
    mistakes.none_or(domains)
}

pub(super) fn networks(path: &Path, content: &[u8], notes: &mut Notes) -> Result<NetworkSet, Vec<Fault>> {
    let mut mistakes = Mistakes { path, faults: Vec::new() };
    let zone = rbldnsd::networks(content, |mistake| mistakes.tell(mistake));
    for wrong in zone.listed.iter().filter_map(too_wide) {
        notes.doubt(Fault::of_file(path, wrong));
    }
    if zone.too_large > 0 {
        notes.warn(format!("{} entries are larger than $MAXRANGE4 and do not count, as with rbldnsd", zone.too_large));
    }
    let networks = zone.listed.into_iter().collect::<NetworkSet>().except(zone.excluded);
    notes.entries = networks.len();
    mistakes.none_or(networks)
}
