//! How are protocol buffers written and read, as far as our messages need them?

use crate::buffer::Buffer;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;
/// A varint has at most ten bytes.
const VARINT_MAX: u32 = 10;

/// Appends fields to a buffer. What does not fit sets `is_full`.
pub(crate) struct Writer<'a, const N: usize> {
    to: &'a mut Buffer<N>,
    pub(crate) is_full: bool,
}

impl<'a, const N: usize> Writer<'a, N> {
    pub(crate) fn new(to: &'a mut Buffer<N>) -> Self {
        Writer { to, is_full: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.is_full |= !self.to.push(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.push(&[value as u8]);
    }

    /// A number or flag; 0 is what an absent field means.
    pub(crate) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field << 3 | VARINT));
            self.varint(value);
        }
    }

    /// Bytes; an absent field means none.
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.optional(field, Some(value));
        }
    }

    /// Bytes of an `optional` field: empty and absent differ.
    pub(crate) fn optional(&mut self, field: u32, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.varint(u64::from(field << 3 | BYTES));
            self.varint(value.len() as u64);
            self.push(value);
        }
    }

    /// A message within the message. Its length is written in two bytes whatever it is, so that nothing has to move.
    pub(crate) fn message(&mut self, field: u32, content: impl FnOnce(&mut Self)) {
        self.varint(u64::from(field << 3 | BYTES));
        let at = self.to.len();
        self.push(&[0, 0]);
        content(self);
        let length = self.to.len().saturating_sub(at + 2);
        self.is_full |= length >= 1 << 14;
        self.to.patch(at, &[length as u8 | 0x80, (length >> 7) as u8]);
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A type none of our fields has.
    Other,
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The next field, or `None` at the end.
pub(crate) fn next_field<'a>(from: &mut &'a [u8]) -> Result<Option<(u32, Value<'a>)>, Malformed> {
    if from.is_empty() {
        return Ok(None);
    }
    let tag = u32::try_from(varint(from)?).map_err(|_| Malformed)?;
    let field = tag >> 3;
    if field == 0 {
        return Err(Malformed);
    }
    let value = match tag & 7 {
        VARINT => Value::Number(varint(from)?),
        BYTES => {
            let length = usize::try_from(varint(from)?).map_err(|_| Malformed)?;
            Value::Bytes(take(from, length)?)
        }
        FIXED64 => take(from, 8).map(|_| Value::Other)?,
        FIXED32 => take(from, 4).map(|_| Value::Other)?,
        _ => return Err(Malformed),
    };
    Ok(Some((field, value)))
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = from.split_at_checked(length).ok_or(Malformed)?;
    *from = rest;
    Ok(taken)
}

fn varint(from: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for place in 0..VARINT_MAX {
        let (&byte, rest) = from.split_first().ok_or(Malformed)?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << (place * 7);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}
