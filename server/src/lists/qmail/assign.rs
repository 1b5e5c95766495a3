//! Which addresses does `users/assign` give to whom? The text from which `qmail-newu` makes `users/cdb`, read by the same
//! rules, to the byte.
//!
//! `=local:user:uid:gid:home:dash:ext:` is one address, `+prefix:user:uid:gid:home:dash:pre:` all that begin so. What stands
//! behind the seventh colon is not looked at, what stands behind the line `.` is not read. A first octet that is not `+`
//! counts as `=`, whatever it is.

use std::collections::{BTreeMap, btree_map::Entry};

/// Where the file is wrong. `qmail-newu` says `bad format in users/assign`, and nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct AssignError {
    /// From 1.
    pub line: usize,
    /// What, and what was expected.
    pub wrong: &'static str,
}

/// The records that `users/cdb` is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assign {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Prefixes that nobody reaches: their last letter is upper case, and addresses are looked up in lower case.
    unreachable: Vec<(usize, Vec<u8>)>,
}

/// Colons that a line has at least.
const COLONS: usize = 7;

/// Unreachable prefixes that are told.
const TOLD_MAX: usize = 10;

impl Assign {
    /// Reads the file.
    ///
    /// # Errors
    /// The first line that `qmail-newu` would refuse.
    pub fn parse(content: &[u8]) -> Result<Self, AssignError> {
        let mut assign = Self::default();
        let mut last_octets = Vec::new();
        let mut is_closed = false;
        for (at, line) in content.split_inclusive(|&octet| octet == b'\n').enumerate() {
            if line.starts_with(b".") {
                is_closed = true;
                break;
            }
            assign.take(at + 1, line, &mut last_octets)?;
        }
        if !is_closed {
            let line = 1 + content.iter().filter(|&&octet| octet == b'\n').count();
            return Err(AssignError { line, wrong: "the file ends: expected a last line that begins with a dot" });
        }
        assign.note_unreachable(&last_octets);
        assign.records.insert(Vec::new(), last_octets);
        Ok(assign)
    }

    fn take(&mut self, number: usize, line: &[u8], last_octets: &mut Vec<u8>) -> Result<(), AssignError> {
        let error = |wrong| AssignError { line: number, wrong };
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(error("cut off: expected a line feed, and a last line that begins with a dot"));
        };
        if line.contains(&0) {
            return Err(error("a NUL: expected text"));
        }
        let mut fields = line.splitn(COLONS + 1, |&octet| octet == b':');
        let address = fields.next().unwrap_or_default();
        let value: Vec<&[u8]> = fields.collect();
        if value.len() < COLONS {
            return Err(error("expected seven colons, as in =local:user:uid:gid:home:dash:ext:"));
        }
        let Some((sign, address)) = address.split_first() else {
            return Err(error("begins with a colon: expected = or + and an address"));
        };
        let mut key = vec![b'!'];
        key.extend(address.iter().map(u8::to_ascii_lowercase));
        if *sign != b'+' {
            key.push(0);
        } else if let Some(last) = address.last() {
            if !last_octets.contains(last) {
                last_octets.push(*last);
            }
            if last.is_ascii_uppercase() && self.unreachable.len() < TOLD_MAX {
                self.unreachable.push((number, address.to_owned()));
            }
        }
        // cdb finds the record first that was put in first.
        if let Entry::Vacant(vacant) = self.records.entry(key) {
            vacant.insert(value[..COLONS - 1].join(&0));
        }
        Ok(())
    }

    /// Another prefix that ends in the same letter, but in lower case, makes it reachable after all.
    fn note_unreachable(&mut self, last_octets: &[u8]) {
        let is_reachable =
            |prefix: &[u8]| prefix.last().is_some_and(|last| last_octets.contains(&last.to_ascii_lowercase()));
        self.unreachable.retain(|(_, prefix)| !is_reachable(prefix));
    }

    /// Key and value of each record of `users/cdb`; under the empty key the set of the wildcards' last octets.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.records.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// What `users/cdb` holds under a key.
    pub fn find(&self, key: &[u8]) -> Option<&[u8]> {
        self.records.get(key).map(Vec::as_slice)
    }

    /// Wildcards that match nothing, as line and prefix: their last letter is upper case, and stands so among the octets that
    /// an address in lower case is probed for.
    pub fn unreachable(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.unreachable.iter().map(|(line, prefix)| (*line, prefix.as_slice()))
    }
}
