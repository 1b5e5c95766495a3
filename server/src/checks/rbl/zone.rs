//! Which zone is a list's, and where in it does a key go?

use crate::{
    ask::DnsName,
    config::{Build, Section},
    files,
};

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
    let content = match build.read(&path, files::SECRET) {
        Ok(content) => content,
        Err(faults) => {
            faults.into_iter().for_each(|fault| table.push(fault));
            return None;
        }
    };
    let text = String::from_utf8_lossy(content.as_ref().map_or(&[], |content| &content[..])).into_owned();
    let key = text.lines().next().unwrap_or_default().trim().to_ascii_lowercase();
    build.note_entries(usize::from(!key.is_empty()));
    if key.is_empty() {
        let what = if content.is_none() { "does not exist" } else { "has no key in its first line" };
        table.fault("key_file", format!("{} {what}", path.display()));
    }
    (!key.is_empty()).then_some(key)
}

fn is_zone(zone: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    zone.len() <= ZONE_OCTETS_MAX && zone.split('.').all(label)
}
