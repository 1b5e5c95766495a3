//! How does a segment lie on the disk? A header, then records one behind the other; nothing in it is ever changed.
//!
//! Header: eight letters, the version (u32), a salt (u32). Record: a mark, the payload's length (u32), a CRC-32 (u32) of all
//! that follows and of the length, the time (u64, Unix milliseconds), the decision's id (16 letters), the payload. All
//! numbers are little-endian. After a damaged record the walk goes on at the next mark whose record is whole: a flipped bit
//! in a length costs one record, not the rest of the file. The CRC starts from the salt, which no client knows: what it puts
//! into a name can never pass for a record.

use super::record::OCTETS_MAX;
use crate::pipeline::DecisionId;
use std::ops::Range;

const MAGIC: &[u8; 8] = b"tollgdec";
const VERSION: u32 = 1;
const MARK: &[u8; 4] = b"\xd7rec";

/// Octets of the header.
pub(super) const HEADER: usize = 16;
/// Octets of a record before its payload.
pub(super) const HEAD: usize = 4 + 4 + 4 + 8 + DecisionId::LENGTH;
/// Longest segment that is read, in octets: none is written longer.
pub(super) const OCTETS_READ_MAX: u64 = 64 << 20;

/// What the CRC of every record in a segment starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Salt(u32);

impl Salt {
    /// A new one, from the 80 random bits of an id that nobody will see.
    pub(super) fn random() -> Self {
        Self(crc32fast::hash(DecisionId::random().as_str().as_bytes()))
    }

    /// A segment's header.
    pub(super) fn header(self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..].copy_from_slice(&self.0.to_le_bytes());
        header
    }

    /// The salt of a segment that starts so; `None` = it is none of this version.
    pub(super) fn of(segment: &[u8]) -> Option<Self> {
        let header = segment.get(..HEADER)?;
        let ours = &header[..8] == MAGIC && u32_at(header, 8)? == VERSION;
        ours.then_some(Self(u32_at(header, 12)?))
    }

    fn crc(self, length: [u8; 4], rest: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(&length);
        hasher.update(rest);
        hasher.finalize()
    }

    /// Appends a record.
    pub(super) fn append(self, out: &mut Vec<u8>, time_ms: u64, id: DecisionId, payload: &[u8]) {
        let start = out.len();
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(MARK);
        out.extend_from_slice(&length);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&time_ms.to_le_bytes());
        out.extend_from_slice(id.as_str().as_bytes());
        out.extend_from_slice(payload);
        let crc = self.crc(length, &out[start + 12..]);
        out[start + 8..start + 12].copy_from_slice(&crc.to_le_bytes());
    }

    /// The whole record that starts at `at`.
    pub(super) fn record(self, octets: &[u8], at: usize) -> Option<Entry> {
        let head = octets.get(at..at.checked_add(HEAD)?)?;
        let length = payload_length(head)?;
        let payload = at + HEAD..at + HEAD + length;
        let rest = octets.get(at + 12..payload.end)?;
        let length = head[4..8].try_into().ok()?;
        if self.crc(length, rest) != u32_at(head, 8)? {
            return None;
        }
        let id = DecisionId::from_letters(&head[20..])?;
        let time_ms = u64::from_le_bytes(head[12..20].try_into().ok()?);
        Some(Entry { at, time_ms, id, payload })
    }
}

/// Octets of the payload behind this head, if it is one.
pub(super) fn payload_length(head: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32_at(head, 4)?).ok()?;
    (head.get(..4)? == MARK && length <= OCTETS_MAX).then_some(length)
}

/// Where a record lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: usize,
    pub(super) time_ms: u64,
    pub(super) id: DecisionId,
    pub(super) payload: Range<usize>,
}

/// Goes from record to record.
pub(super) struct Walk {
    salt: Salt,
    at: usize,
    /// Gaps that a whole record follows.
    pub(super) damaged: u64,
    /// Where the last whole record ends: what follows is a torn tail.
    pub(super) end: usize,
}

impl Walk {
    /// From the record at `at`, or the first one after it.
    pub(super) fn new(salt: Salt, at: usize) -> Self {
        let at = at.max(HEADER);
        Self { salt, at, damaged: 0, end: at }
    }

    /// The next whole record.
    pub(super) fn next(&mut self, octets: &[u8]) -> Option<Entry> {
        let entry = match self.salt.record(octets, self.at) {
            Some(entry) => entry,
            None => {
                let entry = self.after_gap(octets)?;
                self.damaged += 1;
                entry
            }
        };
        (self.at, self.end) = (entry.payload.end, entry.payload.end);
        Some(entry)
    }

    fn after_gap(&self, octets: &[u8]) -> Option<Entry> {
        let mut at = self.at + 1;
        // Bounded by the segment's length: each turn begins behind the last.
        while let Some(found) = octets.get(at..)?.windows(MARK.len()).position(|window| window == MARK) {
            if let Some(entry) = self.salt.record(octets, at + found) {
                return Some(entry);
            }
            at += found + 1;
        }
        None
    }
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(octets.get(at..at + 4)?.try_into().ok()?))
}
