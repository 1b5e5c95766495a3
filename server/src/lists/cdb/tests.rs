//! Does the reader find what other writers wrote, and survive what they never wrote?

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A cdb made by the `cdb` crate, which is good at writing.
fn written(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut maker = ::cdb::CDBMake::new(file.reopen().expect("a second handle")).expect("a writer");
    for (key, data) in records {
        maker.add(key, data).expect("a record");
    }
    maker.finish().expect("tables");
    std::fs::read(file.path()).expect("the file")
}

fn sample() -> Vec<u8> {
    let record = |n: u32| (format!("key{}", n % 90).into_bytes(), vec![b'd'; (n % 17) as usize]);
    written(&(0..100).map(record).collect::<Vec<_>>())
}

/// Asks everything; what comes back must be part of the file.
fn exercise(bytes: &[u8]) -> bool {
    let Ok(cdb) = Cdb::new(bytes.to_vec()) else { return false };
    let (mut seen, mut octets) = (0, 0);
    for (key, data) in cdb.iter() {
        octets += key.len() + data.len();
        seen += 1;
        // Whatever the chain holds can be asked for; a probe that goes astray ends as "not found".
        let _ = cdb.find(key);
    }
    assert!(octets <= bytes.len(), "{octets} bytes of records in a file of {}", bytes.len());
    assert_eq!(seen, cdb.len());
    for n in 0..100 {
        let _ = cdb.find(format!("key{n}").as_bytes());
    }
    true
}

proptest! {
    #[test]
    fn finds_what_was_written(records in proptest::collection::vec(
        (proptest::collection::vec(any::<u8>(), 0..6), proptest::collection::vec(any::<u8>(), 0..20)), 0..60,
    )) {
        let cdb = Cdb::new(written(&records)).expect("a whole file");
        let mut first = BTreeMap::new();
        for (key, data) in &records {
            first.entry(key.as_slice()).or_insert(data.as_slice());
        }
        for (key, data) in &first {
            prop_assert_eq!(cdb.find(key), Some(*data));
        }
        prop_assert_eq!(cdb.find(b"never written"), None);
        let all: Vec<_> = cdb.iter().map(|(key, data)| (key.to_vec(), data.to_vec())).collect();
        prop_assert_eq!(all, records);
    }

    #[test]
    fn flipped_bytes_never_hurt(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9)) {
        let mut bytes = sample();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        exercise(&bytes);
    }

    #[test]
    fn any_bytes_never_hurt(tail in proptest::collection::vec(any::<u8>(), 0..400), head in any::<[u8; 16]>()) {
        let mut bytes = head.repeat(128);
        bytes.extend(tail);
        exercise(&bytes);
        exercise(&bytes[..bytes.len().min(100)]);
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = sample();
    assert!(exercise(&bytes));
    for len in 0..bytes.len() {
        assert!(Cdb::new(bytes[..len].to_vec()).is_err(), "cut to {len} of {}", bytes.len());
    }
}

#[test]
fn damage_is_named() {
    let whole = sample();
    let damaged = |at: usize, value: [u8; 4]| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&value);
        Cdb::new(bytes).map(|_| ())
    };
    let slots_of = |table: usize| u32::from_le_bytes(whole[table * 8 + 4..table * 8 + 8].try_into().expect("4 bytes"));
    let used = (0..256).find(|&table| slots_of(table) > 0).expect("a table in use");
    let number = u32::try_from(used).expect("small");
    assert_eq!(damaged(used * 8, [0xff; 4]), Err(CdbError::Table(number)));
    assert_eq!(damaged(used * 8, [0; 4]), Err(CdbError::Table(number)));
    assert_eq!(damaged(2048, [0xff; 4]), Err(CdbError::Record(2048)));
    assert!(matches!(damaged(2056, *b"KEYX"), Err(CdbError::Slot(_))));
    let last = (0..256).rev().find(|&table| slots_of(table) > 0).expect("a table in use");
    assert!(matches!(damaged(last * 8 + 4, [0; 4]), Err(CdbError::Count { records: 100, .. })));
    assert_eq!(Cdb::new(Vec::new()).map(|_| ()), Err(CdbError::Short(0)));
}

#[test]
fn an_empty_cdb_is_a_cdb() {
    let cdb = Cdb::new(written(&[])).expect("header alone");
    assert!(cdb.is_empty());
    assert_eq!((cdb.find(b""), cdb.iter().count()), (None, 0));
}
