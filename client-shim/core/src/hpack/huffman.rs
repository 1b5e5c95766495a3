//! What text does a Huffman-coded string hold (RFC 7541 §5.2, appendix B)?
//!
//! The code is canonical: codes of one length are consecutive and ordered by symbol, so the lengths say everything.

/// Bits of the code of each byte value (RFC 7541 appendix B).
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The longest code; that of the end-of-string symbol, which may not occur, is as long and comes last.
const LONGEST: usize = 30;

/// How many byte values have a code of each length.
const COUNTS: [u8; LONGEST + 1] = {
    let mut counts = [0; LONGEST + 1];
    let mut symbol = 0;
    while symbol < 256 {
        counts[LENGTHS[symbol] as usize] += 1;
        symbol += 1;
    }
    counts
};

/// The byte values by length of code, then by value: the order of their codes.
const SYMBOLS: [u8; 256] = {
    let mut symbols = [0; 256];
    let mut length = 1;
    let mut at = 0;
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < 256 {
            if LENGTHS[symbol] as usize == length {
                symbols[at] = symbol as u8;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
};

/// Kept in one place each, not copied into the code that reads them.
static COUNT_OF_LENGTH: [u8; LONGEST + 1] = COUNTS;
static SYMBOL_AT: [u8; 256] = SYMBOLS;

/// A code that is being read bit by bit.
#[derive(Default)]
struct Code {
    /// The bits so far.
    bits: u32,
    /// How many.
    length: usize,
    /// The smallest code of this length.
    first: u32,
    /// Place of that code's symbol in `SYMBOL_AT`.
    place: u32,
}

impl Code {
    /// Takes one bit: the symbol if that completes a code, `Err` if no code begins like this.
    fn push(&mut self, bit: u32) -> Result<Option<u8>, ()> {
        self.length += 1;
        self.bits = self.bits << 1 | bit;
        self.first <<= 1;
        let count = u32::from(*COUNT_OF_LENGTH.get(self.length).ok_or(())?);
        let offset = self.bits.wrapping_sub(self.first);
        if offset < count {
            let symbol = SYMBOL_AT.get((self.place + offset) as usize).copied().ok_or(())?;
            *self = Code::default();
            return Ok(Some(symbol));
        }
        self.first += count;
        self.place += count;
        Ok(None)
    }

    /// Padding is shorter than a byte and all ones.
    fn is_padding(&self) -> bool {
        self.length < 8 && self.bits + 1 == 1 << self.length
    }
}

/// Hands every decoded byte to `emit`. `Err` if the string is not validly coded.
pub(crate) fn decode(coded: &[u8], mut emit: impl FnMut(u8)) -> Result<(), ()> {
    let mut code = Code::default();
    for byte in coded {
        for place in (0..8).rev() {
            if let Some(symbol) = code.push(u32::from(byte >> place & 1))? {
                emit(symbol);
            }
        }
    }
    if code.is_padding() { Ok(()) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, ()> {
        let mut text = vec![];
        decode(coded, |byte| text.push(byte)).map(|()| text)
    }

    /// The codes themselves, built as RFC 7541 appendix B orders them.
    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut codes = [0u32; 256];
        let (mut code, mut before) = (0u32, 0);
        for symbol in SYMBOLS {
            let length = LENGTHS[usize::from(symbol)];
            code <<= length - before;
            before = length;
            codes[usize::from(symbol)] = code;
            code += 1;
        }
        let mut bits: Vec<u8> = vec![];
        for &byte in text {
            let length = LENGTHS[usize::from(byte)];
            bits.extend((0..length).rev().map(|place| (codes[usize::from(byte)] >> place & 1) as u8));
        }
        bits.resize(bits.len().div_ceil(8) * 8, 1);
        bits.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
    }

    #[test]
    fn examples_of_the_rfc() {
        // RFC 7541 C.4.1, C.4.2, C.4.3, C.6.1
        assert_eq!(
            decoded(&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]).unwrap(),
            b"www.example.com"
        );
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).unwrap(), b"no-cache");
        assert_eq!(decoded(&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf]).unwrap(), b"custom-value");
        assert_eq!(decoded(&[0x64, 0x02]).unwrap(), b"302");
    }

    #[test]
    fn every_byte_value_round_trips() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decoded(&encoded(&all)).unwrap(), all);
        for byte in all {
            assert_eq!(decoded(&encoded(&[byte])).unwrap(), [byte]);
        }
    }

    #[test]
    fn bad_padding_and_the_end_symbol_are_refused() {
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(()));
        // '0' (00000) padded with zeros
        assert_eq!(decoded(&[0x00]).unwrap_err(), ());
        // '0' and then a whole byte of padding
        assert_eq!(decoded(&[0x07, 0xff]), Err(()));
        assert_eq!(decoded(&[]).unwrap(), b"");
    }
}
