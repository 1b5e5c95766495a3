//! How are records written? Numbers as varints, texts with their length, a version in front. What is cut short, damaged
//! or of another release reads as nothing.

/// Octets of the longest varint of 64 bits.
const VARINT_MAX: usize = 10;

/// Puts a record together.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// A record of this version of its format.
    pub(crate) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    /// Seven bits an octet, lowest first; the high bit says that more come.
    pub(crate) fn number(&mut self, mut number: u64) -> &mut Self {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
        self
    }

    /// A fraction, all its bits.
    pub(crate) fn fraction(&mut self, fraction: f64) -> &mut Self {
        self.0.extend(fraction.to_be_bytes());
        self
    }

    /// A text with its length.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.octets(text.as_bytes())
    }

    /// Octets with their number.
    pub(crate) fn octets(&mut self, octets: &[u8]) -> &mut Self {
        self.number(octets.len() as u64);
        self.raw(octets)
    }

    /// Octets of which the reader knows how many there are.
    pub(crate) fn raw(&mut self, octets: &[u8]) -> &mut Self {
        self.0.extend_from_slice(octets);
        self
    }

    /// One octet.
    pub(crate) fn octet(&mut self, octet: u8) -> &mut Self {
        self.0.push(octet);
        self
    }

    /// A number that may be negative: zigzag, so that small ones stay short.
    pub(crate) fn signed(&mut self, number: i64) -> &mut Self {
        self.number((number.max(-i64::MAX).unsigned_abs() << 1) | u64::from(number < 0))
    }

    /// Octets so far, the version's included.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what came after the first `length` octets.
    pub(crate) fn cut(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Replaces octets that were written before; those beyond the end are not.
    pub(crate) fn put_at(&mut self, at: usize, octets: &[u8]) {
        for (slot, octet) in self.0.iter_mut().skip(at).zip(octets) {
            *slot = *octet;
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes a record apart.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// `None` = another version.
    pub(crate) fn new(record: &'a [u8], version: u8) -> Option<Self> {
        let (found, rest) = record.split_first()?;
        (*found == version).then_some(Self(rest))
    }

    /// A part of a record, which has no version of its own.
    pub(crate) fn of(part: &'a [u8]) -> Self {
        Self(part)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for place in 0..VARINT_MAX {
            let (octet, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(octet & 0x7f);
            let shift = 7 * u32::try_from(place).ok()?;
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if octet & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// A number of things, at most `max`.
    pub(crate) fn count(&mut self, max: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= max)
    }

    pub(crate) fn fraction(&mut self) -> Option<f64> {
        let (octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(f64::from_be_bytes(*octets)).filter(|fraction| fraction.is_finite())
    }

    /// A text of at most `max` octets.
    pub(crate) fn text(&mut self, max: usize) -> Option<&'a str> {
        std::str::from_utf8(self.octets(max)?).ok()
    }

    /// At most `max` octets.
    pub(crate) fn octets(&mut self, max: usize) -> Option<&'a [u8]> {
        let length = self.count(max)?;
        self.raw(length)
    }

    /// So many octets.
    pub(crate) fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let (octets, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(octets)
    }

    /// One octet.
    pub(crate) fn octet(&mut self) -> Option<u8> {
        let (octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*octet)
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        let size = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 1 { -size } else { size })
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number in any::<u64>(), fraction in -1e9..1e9_f64, text in "\\PC{0,40}") {
            let mut writer = Writer::new(7);
            writer.number(number).text(&text).fraction(fraction);
            let record = writer.finish();
            let mut reader = Reader::new(&record, 7).expect("this version");
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.text(160), Some(text.as_str()));
            prop_assert_eq!(reader.fraction(), Some(fraction));
            prop_assert_eq!(reader.end(), Some(()));
            prop_assert!(Reader::new(&record, 8).is_none());
        }

        #[test]
        fn nothing_else_is_taken_for_a_number(octets in proptest::collection::vec(any::<u8>(), 0..20)) {
            let record = [&[1][..], &octets].concat();
            let mut reader = Reader::new(&record, 1).expect("this version");
            if let Some(number) = reader.number() {
                let mut writer = Writer::new(1);
                writer.number(number);
                prop_assert!(writer.finish().len() <= record.len());
            }
        }
    }

    #[test]
    fn bounds_are_kept() {
        let mut writer = Writer::new(1);
        writer.text("abc");
        let record = writer.finish();
        assert_eq!(Reader::new(&record, 1).expect("this version").text(2), None);
        assert_eq!(Reader::new(&record[..3], 1).expect("this version").text(9), None);
        assert_eq!(Reader::new(&[1, 0xff, 0xff], 1).expect("this version").number(), None);
        assert_eq!(Reader::new(&[1; 12], 1).expect("this version").end(), None);
        let too_large = [&[1][..], &[0xff; 9], &[2]].concat();
        assert_eq!(Reader::new(&too_large, 1).expect("this version").number(), None);
    }
}
