//! What does a cdb file hold under a key? A reader of djb's constant databases over memory, bounds-checked throughout.
//!
//! The format (<https://cr.yp.to/cdb/cdb.txt>): 256 pairs of table position and slot count; records of key length, data
//! length, key, data; then hash tables of (hash, record position). All numbers are 32 bits, little-endian. The `cdb`
//! crate panics, allocates gigabytes or worse on damaged files (measured), so reading is ours. A file is checked as a
//! whole when it is loaded, in time linear in its size; nothing is allocated, and answers are slices of the file.

use bytes::Bytes;

const HEADER_OCTETS: u64 = 2048;
const TABLES: u32 = 256;
/// A header entry, a record's lengths and a slot are two numbers each.
const PAIR_OCTETS: u64 = 8;

/// Why a file is no cdb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CdbError {
    /// Shorter than the header.
    #[error("{0} bytes: expected a cdb file of at least 2048")]
    Short(usize),
    /// A hash table reaches beyond the file or into the header.
    #[error("hash table {0} does not lie within the file: the cdb is cut off or damaged")]
    Table(u32),
    /// The chain of records does not end where the first hash table begins.
    #[error("the record at byte {0} does not end within the records: the cdb is cut off or damaged")]
    Record(u64),
    /// A slot that points nowhere, or at a record with another hash.
    #[error("hash table {0} points at a wrong record: the cdb is damaged")]
    Slot(u32),
    /// Records that no slot, or more than one, points at.
    #[error("{records} records and {slots} slots: expected as many: the cdb is damaged")]
    Count {
        /// Records in the chain.
        records: usize,
        /// Slots in use.
        slots: usize,
    },
}

/// A checked cdb file in memory. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Cdb {
    bytes: Bytes,
    records_end: u64,
    records: usize,
}

impl Cdb {
    /// Takes a file's content, after checking all of it.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, CdbError> {
        let bytes = bytes.into();
        if (bytes.len() as u64) < HEADER_OCTETS {
            return Err(CdbError::Short(bytes.len()));
        }
        let mut cdb = Self { bytes, records_end: 0, records: 0 };
        cdb.records_end = cdb.checked_tables()?;
        cdb.records = cdb.checked_records()?;
        let slots = (0..TABLES).map(|table| cdb.checked_slots(table)).sum::<Result<usize, _>>()?;
        if slots != cdb.records {
            return Err(CdbError::Count { records: cdb.records, slots });
        }
        Ok(cdb)
    }

    /// The first record's data under `key`.
    pub fn find(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = hash(key);
        let (table, slots) = self.table(hash % TABLES)?;
        let first = u64::from(hash / TABLES).checked_rem(slots)?;
        // A table may be full in a file that others made: stop after one turn.
        for turn in 0..slots {
            let slot = table + (first + turn) % slots * PAIR_OCTETS;
            let (slot_hash, at) = self.pair(slot)?;
            if at == 0 {
                return None;
            }
            if slot_hash == hash
                && let Some((found, data, _)) = self.record(at.into())
                && found == key
            {
                return Some(data);
            }
        }
        None
    }

    /// All records in file order, as key and data.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut at = HEADER_OCTETS;
        std::iter::from_fn(move || {
            let (key, data, next) = self.record(at)?;
            at = next;
            Some((key, data))
        })
    }

    /// Records, doubles counted.
    pub fn len(&self) -> usize {
        self.records
    }

    /// No records.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Every table lies behind the header and within the file; gives the end of the records.
    fn checked_tables(&self) -> Result<u64, CdbError> {
        let octets = self.bytes.len() as u64;
        let mut records_end = octets;
        for number in 0..TABLES {
            let (at, slots) = self.table(number).ok_or(CdbError::Table(number))?;
            if slots == 0 {
                continue;
            }
            if at < HEADER_OCTETS || at + slots * PAIR_OCTETS > octets {
                return Err(CdbError::Table(number));
            }
            records_end = records_end.min(at);
        }
        Ok(records_end)
    }

    /// The records follow each other without a gap up to the first table; gives their number.
    fn checked_records(&self) -> Result<usize, CdbError> {
        let mut at = HEADER_OCTETS;
        let mut records = 0;
        while at < self.records_end {
            (_, _, at) = self.record(at).ok_or(CdbError::Record(at))?;
            records += 1;
        }
        Ok(records)
    }

    /// Every slot in use points at a record with its hash, in its table; gives the number of slots in use.
    fn checked_slots(&self, number: u32) -> Result<usize, CdbError> {
        let damaged = CdbError::Slot(number);
        let (table, slots) = self.table(number).ok_or(damaged)?;
        let mut used = 0;
        for slot in 0..slots {
            let (slot_hash, at) = self.pair(table + slot * PAIR_OCTETS).ok_or(damaged)?;
            if at == 0 {
                continue;
            }
            let (key, _, _) = self.record(at.into()).ok_or(damaged)?;
            if slot_hash % TABLES != number || hash(key) != slot_hash {
                return Err(damaged);
            }
            used += 1;
        }
        Ok(used)
    }

    /// Position and number of slots of a hash table.
    fn table(&self, number: u32) -> Option<(u64, u64)> {
        let (at, slots) = self.pair(u64::from(number) * PAIR_OCTETS)?;
        Some((at.into(), slots.into()))
    }

    /// Key, data and the position behind them, if the record lies within the records.
    fn record(&self, at: u64) -> Option<(&[u8], &[u8], u64)> {
        if at < HEADER_OCTETS || at >= self.records_end {
            return None;
        }
        let (key_octets, data_octets) = self.pair(at)?;
        let key_at = at + PAIR_OCTETS;
        let data_at = key_at + u64::from(key_octets);
        let end = data_at + u64::from(data_octets);
        if end > self.records_end {
            return None;
        }
        Some((self.slice(key_at, data_at)?, self.slice(data_at, end)?, end))
    }

    fn pair(&self, at: u64) -> Option<(u32, u32)> {
        let pair = self.slice(at, at + PAIR_OCTETS)?;
        let (first, second) = pair.split_first_chunk::<4>()?;
        Some((u32::from_le_bytes(*first), u32::from_le_bytes(second.try_into().ok()?)))
    }

    /// Positions are sums of a few 32-bit numbers: 64 bits never overflow.
    fn slice(&self, from: u64, to: u64) -> Option<&[u8]> {
        self.bytes.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
    }
}

/// h = ((h << 5) + h) ^ c, from 5381.
fn hash(key: &[u8]) -> u32 {
    key.iter().fold(5381, |hash: u32, &byte| hash.wrapping_mul(33) ^ u32::from(byte))
}

#[cfg(test)]
mod tests;
