//! What is recorded of a decision, and what of a span of time? Reads the files that the log thread writes, and needs nothing
//! of it: not on a core, nor on the log thread.

use super::{
    folder::Folder,
    index::Index,
    record::{self, Recorded},
    segment::{self, Entry, HEAD, HEADER, Salt, Walk},
};
use crate::pipeline::DecisionId;
use bytes::Bytes;
use metrics::counter;
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// The recorded decisions of one state folder.
#[derive(Clone, Debug)]
pub struct Archive(Folder);

/// One recorded decision, not yet read.
#[derive(Clone, Debug)]
pub struct Stored {
    /// When it was made, Unix time in milliseconds.
    pub time_ms: u64,
    /// Its name.
    pub id: DecisionId,
    payload: Bytes,
}

impl Stored {
    /// Reads it; `None` = it is of another version. See [`record::decode`].
    pub fn decode(&self, steady: Instant) -> Option<Recorded> {
        record::decode(&self.payload, steady)
    }

    /// Octets of its record.
    pub fn octets(&self) -> usize {
        self.payload.len()
    }
}

impl Archive {
    /// The decisions in this folder, which need not exist.
    pub fn new(folder: PathBuf) -> Self {
        Self(Folder::new(folder))
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The decision of that name. Looks into one index after the other, newest first, and into the newest segment itself: it
    /// has no index yet. May take some hundred milliseconds on a slow disk.
    pub fn find(&self, id: DecisionId, steady: Instant) -> io::Result<Option<Recorded>> {
        let segments = self.0.list()?;
        for (age, listed) in segments.iter().rev().enumerate() {
            let found = match self.0.read_index(listed.number) {
                Some(index) => self.by_index(listed.number, &index, id),
                None => self.by_walk(listed.number, id, age > 0)?,
            };
            if let Some(found) = found.and_then(|stored| stored.decode(steady)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn by_index(&self, number: u64, index: &Index, id: DecisionId) -> Option<Stored> {
        let mut offsets = index.offsets(id).peekable();
        offsets.peek()?;
        let file = File::open(self.0.segment(number)).ok()?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        let salt = Salt::of(&header)?;
        offsets.filter_map(|offset| at(&file, salt, offset.into())).find(|stored| stored.id == id)
    }

    /// A segment without an index gets one, unless it is still written to.
    fn by_walk(&self, number: u64, id: DecisionId, is_closed: bool) -> io::Result<Option<Stored>> {
        let Some(octets) = self.0.read(number)? else { return Ok(None) };
        let Some(salt) = Salt::of(&octets) else { return Ok(None) };
        if is_closed && let Some((mut index, walk)) = Index::of(&octets) {
            counter!("tollgate_decisions_damaged_total").increment(walk.damaged);
            // Without it the next one who asks walks again.
            let _ = self.0.write_index(number, &mut index, octets.len() as u64);
        }
        let mut walk = Walk::new(salt, 0);
        while let Some(Entry { time_ms, id: found, payload, .. }) = walk.next(&octets) {
            if found == id {
                let payload = Bytes::copy_from_slice(&octets[payload]);
                return Ok(Some(Stored { time_ms, id, payload }));
            }
        }
        Ok(None)
    }

    /// All decisions made from one time to another (Unix milliseconds, both included), nearly in order: for replay. Reads a
    /// segment at a time; what is handed out keeps its segment (some 16 MiB) in memory.
    pub fn scan(&self, from_ms: u64, to_ms: u64) -> io::Result<Scan> {
        let numbers = self.0.list()?.into_iter().map(|listed| listed.number).collect::<Vec<_>>();
        Ok(Scan {
            folder: self.0.clone(),
            numbers: numbers.into_iter(),
            from_ms,
            to_ms,
            open: None,
            spare: Vec::new(),
            damaged: 0,
        })
    }
}

/// The record at an offset, read from the file.
fn at(file: &File, salt: Salt, offset: u64) -> Option<Stored> {
    let mut record = vec![0; HEAD];
    file.read_exact_at(&mut record, offset).ok()?;
    record.resize(HEAD + segment::payload_length(&record)?, 0);
    file.read_exact_at(&mut record[HEAD..], offset + HEAD as u64).ok()?;
    let Some(Entry { time_ms, id, payload, .. }) = salt.record(&record, 0) else {
        counter!("tollgate_decisions_damaged_total").increment(1);
        return None;
    };
    Some(Stored { time_ms, id, payload: Bytes::from(record).slice(payload) })
}

/// Goes through recorded decisions, one segment after the other. A segment that cannot be read ends nothing: it is damage.
pub struct Scan {
    folder: Folder,
    numbers: std::vec::IntoIter<u64>,
    from_ms: u64,
    to_ms: u64,
    open: Option<(Bytes, Walk)>,
    /// Memory of the segment before, if nobody has kept anything of it: fresh memory costs as much as a CRC.
    spare: Vec<u8>,
    damaged: u64,
}

impl Scan {
    /// Damaged records (and segments) that were passed over so far.
    pub fn damaged(&self) -> u64 {
        self.damaged + self.open.as_ref().map_or(0, |(_, walk)| walk.damaged)
    }

    /// The next segment in which there may be something.
    fn open_next(&mut self) -> Option<(Bytes, Walk)> {
        for number in self.numbers.by_ref() {
            let index = self.folder.read_index(number);
            if index.as_ref().is_some_and(|index| index.newest < self.from_ms || index.oldest > self.to_ms) {
                continue;
            }
            let Ok(Some(octets)) = self.folder.read_into(number, std::mem::take(&mut self.spare)) else {
                self.damaged += 1;
                continue;
            };
            let start = index.map_or(0, |index| index.start(self.from_ms));
            // One of another version is nothing to us.
            if let Some(salt) = Salt::of(&octets) {
                return Some((octets.into(), Walk::new(salt, usize::try_from(start).unwrap_or(0))));
            }
        }
        None
    }
}

impl Iterator for Scan {
    type Item = Stored;

    fn next(&mut self) -> Option<Stored> {
        loop {
            if self.open.is_none() {
                self.open = Some(self.open_next()?);
            }
            let (octets, walk) = self.open.as_mut()?;
            while let Some(Entry { time_ms, id, payload, .. }) = walk.next(octets) {
                if (self.from_ms..=self.to_ms).contains(&time_ms) {
                    return Some(Stored { time_ms, id, payload: octets.slice(payload) });
                }
            }
            self.damaged += walk.damaged;
            if let Some(unique) = self.open.take().and_then(|(octets, _)| octets.try_into_mut().ok()) {
                self.spare = unique.into();
            }
        }
    }
}
