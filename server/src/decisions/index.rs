//! Where in its segment is a decision? A sorted list of ids, and every so often a time. Written beside a segment when that is
//! full; made anew from the segment where it is missing, damaged or of another version.
//!
//! Of an id the first eight letters stand in it (40 bits): who shares them is told apart by the record itself.

use super::segment::{Entry, Salt, Walk};
use crate::{
    pipeline::DecisionId,
    state::octets::{Reader, Writer},
};

const VERSION: u8 = 1;

/// A time for each so many records: 24,000 records of an ordinary segment have about a hundred.
const TIME_EVERY: usize = 256;

/// Records of one segment: more than a segment full of the shortest has.
const RECORDS_MAX: usize = 4 << 20;

/// What is known of one segment's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Front of the id, and offset.
    ids: Vec<(u64, u32)>,
    /// Offset of a record, and the latest time of all before it: they come nearly, not quite, in order.
    times: Vec<(u64, u32)>,
    /// First and last time; empty = `u64::MAX` and 0.
    pub(super) oldest: u64,
    pub(super) newest: u64,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { oldest: u64::MAX, ..Self::default() }
    }

    /// The index of a segment, the walk that made it, and so the damage it met.
    pub(super) fn of(segment: &[u8]) -> Option<(Self, Walk)> {
        let (mut index, mut walk) = (Self::new(), Walk::new(Salt::of(segment)?, 0));
        while let Some(entry) = walk.next(segment) {
            index.note(&entry);
        }
        Some((index, walk))
    }

    /// Another record, behind those before.
    pub(super) fn note(&mut self, entry: &Entry) {
        let Ok(offset) = u32::try_from(entry.at) else { return };
        if self.ids.len().is_multiple_of(TIME_EVERY) {
            self.times.push((self.newest, offset));
        }
        self.ids.push((front(entry.id), offset));
        self.oldest = self.oldest.min(entry.time_ms);
        self.newest = self.newest.max(entry.time_ms);
    }

    /// Where a decision of that name may be.
    pub(super) fn offsets(&self, id: DecisionId) -> impl Iterator<Item = u32> {
        let wanted = front(id);
        let start = self.ids.partition_point(|&(front, _)| front < wanted);
        self.ids[start..].iter().take_while(move |&&(front, _)| front == wanted).map(|&(_, offset)| offset)
    }

    /// A record before which there is nothing as late as `time_ms`.
    pub(super) fn start(&self, time_ms: u64) -> u32 {
        let after = self.times.partition_point(|&(latest_before, _)| latest_before < time_ms);
        after.checked_sub(1).and_then(|at| self.times.get(at)).map_or(0, |&(_, offset)| offset)
    }

    /// As a file, for a segment of that many octets.
    pub(super) fn encode(&mut self, segment_octets: u64) -> Vec<u8> {
        self.ids.sort_unstable();
        let mut out = Writer::new(VERSION);
        out.number(segment_octets).number(self.oldest).number(self.newest).number(self.times.len() as u64);
        self.times.iter().for_each(|(time, offset)| _ = out.number(*time).number((*offset).into()));
        out.number(self.ids.len() as u64);
        self.ids.iter().for_each(|(front, offset)| _ = out.raw(&front.to_be_bytes()).raw(&offset.to_be_bytes()));
        let mut file = out.finish();
        file.extend(crc32fast::hash(&file).to_be_bytes());
        file
    }

    /// The opposite. `None` = it is damaged, of another version, or of another length of its segment.
    pub(super) fn decode(file: &[u8], segment_octets: u64) -> Option<Self> {
        let (content, crc) = file.split_last_chunk()?;
        if crc32fast::hash(content) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut from = Reader::new(content, VERSION)?;
        if from.number()? != segment_octets {
            return None;
        }
        let (oldest, newest) = (from.number()?, from.number()?);
        let count = from.count(RECORDS_MAX)?;
        let times = (0..count).map(|_| Some((from.number()?, from.small()?))).collect::<Option<_>>()?;
        let count = from.count(RECORDS_MAX)?;
        let id = |_| {
            let front = u64::from_be_bytes(from.raw(8)?.try_into().ok()?);
            Some((front, u32::from_be_bytes(from.raw(4)?.try_into().ok()?)))
        };
        let ids = (0..count).map(id).collect::<Option<_>>()?;
        from.end()?;
        Some(Self { ids, times, oldest, newest })
    }
}

fn front(id: DecisionId) -> u64 {
    id.as_str().bytes().take(8).fold(0, |front, letter| front << 8 | u64::from(letter))
}
