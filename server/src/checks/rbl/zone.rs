//! Which zone is a list's, and where in it does a key go?

use crate::{
    ask::DnsName,
    config::{Build, Fault, Section},
    files::{self, Absence, Demands, Notes, Reader},
};
use bytes::Bytes;
use std::path::Path;

/// With 64 octets of IPv6 nibbles in front, a name still fits into the DNS (RFC 1035 §2.3.4).
const ZONE_OCTETS_MAX: usize = 253 - 64;
/// Stands for the key.
const PLACE: &str = "%{key}";

/// A zone as it is asked, and as it may be shown.
pub(super) struct Zone {
    pub(super) name: DnsName,
    /// Without the label that holds the key.
    pub(super) shown: String,
}

/// Reads `zone`, `key` and `key_file`. No fault shows the key.
pub(super) fn read(table: &Section<'_>, build: &mut Build<'_>) -> Zone {
    let mut written = table.text("zone").to_ascii_lowercase();
    if written.ends_with('.') {
        written.pop();
    }
    let key = key(table, build);
    let (before, after) = match (written.split_once(PLACE), &key) {
        (Some((before, after)), Some(_)) => (before, after),
        (Some(_), None) => {
            table.fault("zone", "has a place for a key: expected `key` or `key_file`");
            return Zone { name: DnsName::from(""), shown: String::new() };
        }
        (None, Some(_)) => {
            table.fault("zone", format!("has no place for the key: expected {PLACE} in it"));
            return Zone { name: DnsName::from(""), shown: String::new() };
        }
        (None, None) => (written.as_str(), ""),
    };
    let key = key.unwrap_or_default();
    let whole = format!("{before}{key}{after}");
    if written.is_empty() {
        table.fault("zone", "missing: expected the list's zone");
    } else if !is_zone(&whole) {
        let expected = format!("a domain of at most {ZONE_OCTETS_MAX} letters, digits, - and _ in labels");
        let of_key = if key.is_empty() { "" } else { ", its key included" };
        table.fault("zone", format!("expected {expected}{of_key}"));
    }
    let shown = format!("{before}{after}").trim_matches('.').to_owned();
    let name = match key.len() {
        0 => DnsName::from(whole),
        octets => DnsName::with_secret(whole, before.len()..before.len() + octets),
    };
    Zone { name, shown }
}

/// The key in lower case, from the configuration or its file; `None` = there is none, or a fault.
fn key(table: &Section<'_>, build: &mut Build<'_>) -> Option<String> {
    let (inline, file) = (table.secret("key"), table.path("key_file"));
    if inline.is_some() && file.is_some() {
        table.fault("key_file", "stands beside key: expected one of them");
    }
    if let Some(key) = inline {
        return Some(key.expose().to_ascii_lowercase());
    }
    let path = file?;
    let reader = Reader { form: files::SECRET, absence: Absence::IsAFault, parse: &read_key, demands: Demands::NONE };
    match build.list(&path, &reader) {
        Ok(key) => key.map(|key| key.to_string()),
        Err(faults) => {
            faults.into_iter().for_each(|fault| table.push(fault));
            None
        }
    }
}

/// The first line, as a part of a domain's name.
fn read_key(path: &Path, content: Bytes, notes: &mut Notes) -> Result<String, Vec<Fault>> {
    let text = String::from_utf8_lossy(&content);
    let key = text.lines().next().unwrap_or_default().trim().to_ascii_lowercase();
    if key.is_empty() {
        return Err(vec![Fault::of_file(path, "has no key in its first line")]);
    }
    // Nothing of it is shown.
    if !is_zone(&key) {
        return Err(vec![Fault::of_file(path, "expected a key of letters, digits, - and _")]);
    }
    notes.entries = 1;
    Ok(key)
}

fn is_zone(zone: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    zone.len() <= ZONE_OCTETS_MAX && zone.split('.').all(label)
}
