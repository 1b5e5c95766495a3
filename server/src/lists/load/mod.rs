//! How does a list of the configuration become a matcher? Texts in `tollgate.toml`, and a file beside it: lines of text,
//! or a cdb if its name ends in `.cdb`. Every mistake becomes a fault with its line, oddities become warnings.

use super::{Cdb, KeyList, Keys, NetworkSet, TcpRules, control, keys::Sorted};
use crate::config::{Build, Fault, Network, Section};
use bytes::Bytes;
use std::path::{Path, PathBuf};

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
    let texts = section.texts(place.texts);
    let mut sources =
        vec![Keys::Sorted(Sorted::new(texts.iter().map(String::as_bytes).filter(|text| !text.is_empty())))];
    if let Some((path, content)) = content(section, build, place.file, default) {
        let file = if is_cdb(&path) {
            cdb(&path, content).map(Keys::Cdb)
        } else {
            warn_of_dos_lines(build, &content);
            Ok(Keys::Sorted(Sorted::new(control::entries(&content).map(|entry| entry.text))))
        };
        match file {
            Ok(keys) => {
                build.note_entries(keys.len());
                sources.push(keys);
            }
            Err(fault) => section.push(fault),
        }
    }
    KeyList::new(sources)
}

/// A list of networks. In files, what follows a blank, `;` or `#` is a remark.
pub fn networks(section: &Section<'_>, build: &mut Build<'_>, place: Place) -> NetworkSet {
    let mut all = section.networks(place.texts);
    for network in all.iter().filter(|network| network.prefix == 0) {
        section.fault(place.texts, whole_family(network));
    }
    if let Some((path, content)) = content(section, build, place.file, None) {
        let mut reader = NetworkReader { path: &path, networks: Vec::new(), faults: Vec::new() };
        if is_cdb(&path) {
            match cdb(&path, content) {
                Ok(cdb) => cdb.iter().for_each(|(key, _)| reader.take(0, key)),
                Err(fault) => section.push(fault),
            }
        } else {
            warn_of_dos_lines(build, &content);
            control::entries(&content).for_each(|entry| reader.take(entry.line, entry.text));
        }
        build.note_entries(reader.networks.len());
        reader.faults.into_iter().for_each(|fault| section.push(fault));
        all.extend(reader.networks);
    }
    all.into_iter().collect()
}

/// tcpserver's rules, as text or as `tcprules` made them.
pub fn tcp_rules(section: &Section<'_>, build: &mut Build<'_>, file: &'static str) -> Option<TcpRules> {
    let (path, content) = content(section, build, file, None)?;
    let rules = if is_cdb(&path) {
        cdb(&path, content).map(TcpRules::from_cdb)
    } else {
        TcpRules::parse(&content).map_err(|(line, text)| Fault { file: path.display().to_string(), line, text })
    };
    match rules {
        Ok(rules) => {
            build.note_entries(rules.len());
            Some(rules)
        }
        Err(fault) => {
            section.push(fault);
            None
        }
    }
}

/// Path and content of the file that a field names, or of the default one. The default one need not be there; one that
/// was named must be: a misspelt name would silently refuse nothing.
fn content(
    section: &Section<'_>,
    build: &mut Build<'_>,
    field: &str,
    default: Option<PathBuf>,
) -> Option<(PathBuf, Vec<u8>)> {
    let named = section.path(field);
    let is_named = named.is_some();
    let path = named.or(default)?;
    match build.read(&path) {
        Ok(Some(content)) => Some((path, content)),
        Ok(None) => {
            if is_named {
                let file = path.display().to_string();
                section.push(Fault { file, line: 0, text: "no such file: expected one, if only an empty one".into() });
            }
            None
        }
        Err(fault) => {
            section.push(fault);
            None
        }
    }
}

fn is_cdb(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cdb")
}

fn cdb(path: &Path, content: Vec<u8>) -> Result<Cdb, Fault> {
    Cdb::new(Bytes::from(content)).map_err(|error| Fault {
        file: path.display().to_string(),
        line: 0,
        text: error.to_string(),
    })
}

fn warn_of_dos_lines(build: &mut Build<'_>, content: &[u8]) {
    if let Some(line) = control::first_dos_line(content) {
        build.warn(format!(
            "line {line} ends in CR LF: read as LF here, but stock qmail keeps the CR and never matches"
        ));
    }
}

fn whole_family(network: &Network) -> String {
    format!("{network} covers every client: expected smaller networks")
}

/// Collects the networks and the faults of one file.
struct NetworkReader<'a> {
    path: &'a Path,
    networks: Vec<Network>,
    faults: Vec<Fault>,
}

impl NetworkReader<'_> {
    fn take(&mut self, line: usize, entry: &[u8]) {
        let entry = entry.trim_ascii_start();
        let end = entry.iter().position(|byte| matches!(byte, b' ' | b'\t' | b';' | b'#')).unwrap_or(entry.len());
        match network(&entry[..end]) {
            Ok(Some(network)) if network.prefix == 0 => self.fault(line, whole_family(&network)),
            Ok(Some(network)) => self.networks.push(network),
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
