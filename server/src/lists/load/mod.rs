//! How does a list of the configuration become a matcher? Texts in `tollgate.toml`, and a file beside it: lines of text,
//! or another form that its name's ending tells (`ending`). Every mistake becomes a fault with its line, oddities become
//! warnings.

mod dialect;
mod ending;
mod list_folder;
mod subscribers;

use super::{Cdb, KeyList, Keys, NetworkSet, Networks, TcpRules, control, keys::Sorted, postmaster_stays_reachable};
use crate::{
    config::{Build, Fault, Network, Section},
    files::{Absence, Demands, Notes, Reader},
};
use bytes::Bytes;
pub use dialect::{About, addresses};
use ending::Ending;
pub use list_folder::is_list_folder;
use std::{
    any::Any,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
pub use subscribers::{are_known, denied, posters};

/// Faults reported of one file; more of the same help nobody.
pub const FAULTS_MAX: usize = 20;

/// Where a list stands: the names of its two fields, `texts` being a list of texts or networks.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Field with the entries themselves.
    pub texts: &'static str,
    /// Field with the file's path.
    pub file: &'static str,
}

/// A list of texts to be matched exactly, without regard to case. `default` is read when no file is named.
pub fn keys(section: &Section<'_>, build: &mut Build<'_>, place: Place, default: Option<PathBuf>) -> KeyList {
    keys_if(section, build, place, default, Demands::NONE)
}

/// A list of recipients that are refused: it must not name postmaster or abuse of our domains.
pub fn refusing_keys(section: &Section<'_>, build: &mut Build<'_>, place: Place, default: Option<PathBuf>) -> KeyList {
    let domains = build.domains;
    let always = |keys: &Keys| postmaster_stays_reachable(keys, domains);
    keys_if(section, build, place, default, Demands { always: &always, ..Demands::NONE })
}

/// The same, of which more is asked than that it can be read.
fn keys_if(
    section: &Section<'_>,
    build: &mut Build<'_>,
    place: Place,
    default: Option<PathBuf>,
    demands: Demands<'_, Keys>,
) -> KeyList {
    let texts = section.texts(place.texts);
    let written = Keys::Sorted(Sorted::new(texts.iter().map(String::as_bytes).filter(|text| !text.is_empty())));
    if let Err(wrong) = (demands.always)(&written) {
        section.fault(place.texts, wrong);
    }
    let file = file(section, build, (place.file, default), ("keys", &read_keys, demands));
    KeyList::new([Some(Arc::new(written)), file].into_iter().flatten().collect())
}

fn read_keys(path: &Path, content: Bytes, notes: &mut Notes) -> Result<Keys, Vec<Fault>> {
    let keys = match Ending::of(path) {
        Ending::Cdb => Keys::Cdb(cdb(path, content)?),
        Ending::Zone | Ending::Domains => Keys::Domains(ending::domains(path, &content)?),
        Ending::Other => {
            warn_of_dos_lines(notes, &content);
            Keys::Sorted(Sorted::new(control::entries(&content).map(|entry| entry.text)))
        }
    };
    notes.entries = keys.len();
    Ok(keys)
}

/// A list of networks. In files, what follows a blank, `;` or `#` is a remark.
pub fn networks(section: &Section<'_>, build: &mut Build<'_>, place: Place) -> Networks {
    networks_if(section, build, place, Demands::NONE)
}

/// The same, of which neither networks nor file are taken if `accept` finds something wrong with them.
pub fn networks_if(
    section: &Section<'_>,
    build: &mut Build<'_>,
    place: Place,
    demands: Demands<'_, NetworkSet>,
) -> Networks {
    let written = section.networks(place.texts);
    for wrong in written.iter().filter_map(too_wide) {
        section.fault(place.texts, wrong);
    }
    let written: NetworkSet = written.into_iter().collect();
    if let Err(wrong) = (demands.always)(&written).and_then(|()| (demands.unless_forced)(&written)) {
        section.fault(place.texts, wrong);
    }
    let file = file(section, build, (place.file, None), ("networks", &read_networks, demands));
    Networks::new([Some(Arc::new(written)), file].into_iter().flatten().collect())
}

fn read_networks(path: &Path, content: Bytes, notes: &mut Notes) -> Result<NetworkSet, Vec<Fault>> {
    if Ending::of(path) == Ending::Zone {
        return ending::networks(path, &content, notes);
    }
    let mut reader = NetworkReader { path, notes, networks: Vec::new(), faults: Vec::new() };
    if Ending::of(path) == Ending::Cdb {
        cdb(path, content)?.iter().for_each(|(key, _)| reader.take(0, key));
    } else {
        warn_of_dos_lines(reader.notes, &content);
        control::entries(&content).for_each(|entry| reader.take(entry.line, entry.text));
    }
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    let networks: NetworkSet = reader.networks.into_iter().collect();
    notes.entries = networks.len();
    Ok(networks)
}

/// tcpserver's rules, as text or as `tcprules` made them.
pub fn tcp_rules(section: &Section<'_>, build: &mut Build<'_>, field: &'static str) -> Option<Arc<TcpRules>> {
    file(section, build, (field, None), ("tcp_rules", &read_tcp_rules, Demands::NONE))
}

fn read_tcp_rules(path: &Path, content: Bytes, notes: &mut Notes) -> Result<TcpRules, Vec<Fault>> {
    let rules = if Ending::of(path) == Ending::Cdb {
        TcpRules::from_cdb(cdb(path, content)?)
    } else {
        let fault = |(line, text)| vec![Fault { file: path.display().to_string(), line, text }];
        TcpRules::parse(&content).map_err(fault)?
    };
    notes.entries = rules.len();
    Ok(rules)
}

/// How a file of one form is read.
type Form<'a, T> = (&'static str, &'a dyn Fn(&Path, Bytes, &mut Notes) -> Result<T, Vec<Fault>>, Demands<'a, T>);

/// The list in the file that a field names, or in the default one. The default one need not be there; one that was named
/// must be: a misspelt name would silently refuse nothing.
fn file<T: Any + Send + Sync>(
    section: &Section<'_>,
    build: &mut Build<'_>,
    (field, default): (&str, Option<PathBuf>),
    (form, parse, demands): Form<'_, T>,
) -> Option<Arc<T>> {
    let named = section.path(field);
    let absence = if named.is_some() { Absence::IsAFault } else { Absence::IsEmpty };
    let path = named.or(default)?;
    match build.list(&path, &Reader { form, absence, parse, demands }) {
        Ok(list) => list,
        Err(faults) => {
            faults.into_iter().for_each(|fault| section.push(fault));
            None
        }
    }
}

fn cdb(path: &Path, content: Bytes) -> Result<Cdb, Vec<Fault>> {
    Cdb::new(content).map_err(|error| vec![Fault::of_file(path, error.to_string())])
}

fn warn_of_dos_lines(notes: &mut Notes, content: &[u8]) {
    if let Some(line) = control::first_dos_line(content) {
        notes.warn(format!(
            "line {line} ends in CR LF: read as LF here, but stock qmail keeps the CR and never matches"
        ));
    }
}

/// So much of the Internet nobody lists on purpose: more than a /8, or a /16 of IPv6. Wider networks of which no client can
/// come (multicast, unassigned, private) stand in many lists.
fn too_wide(network: &Network) -> Option<String> {
    let (least, is_internet) = match network.address {
        IpAddr::V4(first) => (8, first.octets()[0] < 224),
        IpAddr::V6(first) => {
            let last = first.segments()[0] | u16::MAX.checked_shr(network.prefix.into()).unwrap_or(0);
            (16, first.segments()[0] < 0x4000 && last >= 0x2000)
        }
    };
    match network.prefix {
        0 => Some(format!("{network} covers every client: expected smaller networks")),
        prefix if prefix < least && is_internet => {
            Some(format!("{network} covers a large part of the Internet: expected at most a /{least}"))
        }
        _ => None,
    }
}

/// Collects the networks and the faults of one file.
struct NetworkReader<'a> {
    path: &'a Path,
    notes: &'a mut Notes,
    networks: Vec<Network>,
    faults: Vec<Fault>,
}

impl NetworkReader<'_> {
    fn take(&mut self, line: usize, entry: &[u8]) {
        let entry = entry.trim_ascii_start();
        let end = entry.iter().position(|byte| matches!(byte, b' ' | b'\t' | b';' | b'#')).unwrap_or(entry.len());
        match network(&entry[..end]) {
            Ok(Some(network)) => {
                if let Some(wrong) = too_wide(&network) {
                    self.notes.doubt(Fault { line, ..Fault::of_file(self.path, wrong) });
                }
                self.networks.push(network);
            }
            Ok(None) => {}
            Err(wrong) => self.fault(line, wrong),
        }
    }

    fn fault(&mut self, line: usize, text: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { file: self.path.display().to_string(), line, text });
        }
    }
}

/// `192.0.2.0/24`, or tcprules' form of it, `192.0.2.`; `None` = only a remark.
fn network(text: &[u8]) -> Result<Option<Network>, String> {
    // 49 octets hold the longest network (RFC 4291 §2.3); a zone may follow in an address.
    const OCTETS_MAX: usize = 128;
    if text.is_empty() {
        return Ok(None);
    }
    let shown = String::from_utf8_lossy(&text[..text.len().min(OCTETS_MAX)]);
    if text.ends_with(b".") {
        let octets: Vec<_> = shown.split_terminator('.').collect();
        if octets.len() <= 3 {
            let padded: Vec<_> = octets.iter().copied().chain(std::iter::repeat("0")).take(4).collect();
            return format!("{}/{}", padded.join("."), octets.len() * 8).parse().map(Some);
        }
    }
    shown.parse().map(Some)
}

#[cfg(test)]
mod tests;
