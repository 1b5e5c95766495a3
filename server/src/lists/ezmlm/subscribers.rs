//! Who is in a list's files? ezmlm's subscriber database: 53 files, each with the addresses of one hash, as
//! `T<address>NUL`.

use crate::session::Address;

/// Files of one database: `@` to `t`.
pub(crate) const BUCKETS: u8 = 53;
/// Longest record, in octets: ezmlm writes none that is longer.
const RECORD_OCTETS_MAX: usize = 401;

/// The name of a file.
pub(crate) fn bucket_name(number: u8) -> char {
    char::from(b'@' + number)
}

/// Addresses of one file in lower case, and how many records stand where ezmlm does not look for them.
pub(crate) fn addresses(bucket: char, content: &[u8], out: &mut Vec<Vec<u8>>) -> usize {
    let mut misplaced = 0;
    let records = content.split(|&byte| byte == 0).filter(|record| !record.is_empty());
    for record in records {
        if belongs(record, bucket) {
            out.push(record[1..].to_ascii_lowercase());
        } else {
            misplaced += 1;
        }
    }
    misplaced
}

/// Would ezmlm look for it there: under its hash, or under that of its own case, as it was once written?
fn belongs(record: &[u8], bucket: char) -> bool {
    let is_record = record.len() <= RECORD_OCTETS_MAX && record.first() == Some(&b'T') && record.len() > 1;
    let mut lower = record.to_ascii_lowercase();
    if let Some(first) = lower.first_mut() {
        *first = b'T';
    }
    is_record && [&lower[..], record].iter().any(|text| buckets(text).contains(&bucket))
}

/// The file of a record, on hosts of 64 bits and of 32: ezmlm counts in the C compiler's `unsigned long`.
fn buckets(record: &[u8]) -> [char; 2] {
    // A C `char` is signed: its sign reaches up to 32 bits.
    let signed = |byte: u8| if byte < 0x80 { u32::from(byte) } else { 0xffff_ff00 | u32::from(byte) };
    let wide = record.iter().fold(5381_u64, |hash, &byte| hash.wrapping_mul(33) ^ u64::from(signed(byte)));
    let narrow = record.iter().fold(5381_u32, |hash, &byte| hash.wrapping_mul(33) ^ signed(byte));
    [wide % u64::from(BUCKETS), u64::from(narrow % u32::from(BUCKETS))]
        .map(|number| bucket_name(u8::try_from(number).unwrap_or(0)))
}

/// The file in which ezmlm looks for an address on this host, for people.
pub fn bucket_of(address: &Address) -> char {
    buckets(&[b"T", address.lower()].concat())[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_ezmlms() {
        // Computed by hand from subhash.c, with 64 and with 32 bits.
        for (record, wide, narrow) in [
            (b"Tjoe@example.org".as_slice(), 'S', 'H'),
            (b"TJoe@example.org", WIDE_JOE, NARROW_JOE),
            (b"Tm\xfcller@x.example", WIDE_UMLAUT, NARROW_UMLAUT),
        ] {
            assert_eq!(buckets(record), [wide, narrow], "{}", record.escape_ascii());
        }
        assert_eq!(bucket_of(&Address::new("JOE@example.org".into())), 'S');
        assert_eq!((bucket_name(0), bucket_name(BUCKETS - 1)), ('@', 't'));
    }

    #[test]
    fn records_count_where_ezmlm_looks_for_them() {
        let read = |bucket: char, content: &[u8]| {
            let mut found = Vec::new();
            let misplaced = addresses(bucket, content, &mut found);
            (found.iter().map(|address| String::from_utf8_lossy(address).into_owned()).collect::<Vec<_>>(), misplaced)
        };
        let one = vec!["joe@example.org".to_owned()];
        assert_eq!(read('S', b"Tjoe@example.org\0"), (one.clone(), 0));
        assert_eq!(read('S', b"TJoe@example.org\0"), (one.clone(), 0));
        // Where its own case leads, and where it did on a host of 32 bits.
        assert_eq!(read(WIDE_JOE, b"TJoe@example.org\0"), (one.clone(), 0));
        assert_eq!(read('H', b"Tjoe@example.org\0"), (one.clone(), 0));
        assert_eq!(read('A', b"Tjoe@example.org\0"), (vec![], 1));
        assert_eq!(read('S', b"joe@example.org\0T\0Tjoe@example.org"), (one, 2));
        let long = [b"T".as_slice(), &[b'x'; 401], b"\0"].concat();
        let anywhere: usize = (0..BUCKETS).map(|number| read(bucket_name(number), &long).1).sum();
        assert_eq!(anywhere, usize::from(BUCKETS));
    }

    const WIDE_JOE: char = 'V';
    const NARROW_JOE: char = 'G';
    const WIDE_UMLAUT: char = 'l';
    const NARROW_UMLAUT: char = 'g';
}
