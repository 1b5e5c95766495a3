//! Which fields does a header block hold (RFC 7541), and how are our few requests written?
//!
//! We announce a dynamic table of size 0. So a reference behind the static table is a fault, and an entry the server
//! adds is larger than the table: it is read and forgotten (§4.4). Only what a gRPC client needs is told apart.

mod huffman;

use crate::buffer::{Buffer, decimal, first};

/// Fields we look at have short names and values; of longer ones this much is kept, and that they were longer.
const TEXT_MAX: usize = 16;
/// Entries of the static table.
const STATIC_ENTRIES: u32 = 61;
/// The static table's entries for `:status`, 8 to 14.
const STATIC_STATUS: [&[u8]; 7] = [b"200", b"204", b"206", b"304", b"400", b"404", b"500"];

/// A field a gRPC client looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// `:status`: the HTTP status, 0 if it is no number of three digits.
    HttpStatus(u16),
    /// `grpc-status`: the code, `UNKNOWN` if it is none.
    GrpcStatus(u16),
}

/// `UNKNOWN` of gRPC: a status that cannot be understood.
const GRPC_UNKNOWN: u16 = 2;

/// The block breaks RFC 7541: the connection cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A name or a value: its beginning.
struct Text {
    start: Buffer<TEXT_MAX>,
    is_cut: bool,
}

impl Text {
    fn push(&mut self, byte: u8) {
        self.is_cut |= !self.start.push(&[byte]);
    }

    fn as_slice(&self) -> &[u8] {
        if self.is_cut { b"\n" } else { self.start.as_slice() }
    }
}

/// What a field's name is to us.
#[derive(Clone, Copy)]
enum Name {
    HttpStatus,
    GrpcStatus,
    Other,
}

/// Reads a whole block; every field we know is handed to `found`.
pub(crate) fn decode(mut block: &[u8], mut found: impl FnMut(Field)) -> Result<(), Malformed> {
    while let Some(&start) = block.first() {
        let field = if start & 0x80 != 0 {
            indexed(integer(&mut block, 7)?)?
        } else if start & 0x40 != 0 {
            literal(&mut block, 6)?
        } else if start & 0x20 != 0 {
            // A new size of the table: ours has none to give (§6.3).
            if integer(&mut block, 5)? != 0 {
                return Err(Malformed);
            }
            None
        } else {
            literal(&mut block, 4)?
        };
        if let Some(field) = field {
            found(field);
        }
    }
    Ok(())
}

fn indexed(index: u32) -> Result<Option<Field>, Malformed> {
    match index {
        8..=14 => {
            let value = STATIC_STATUS.get(index.wrapping_sub(8) as usize).copied().unwrap_or(b"");
            Ok(Some(Field::HttpStatus(http_status(value))))
        }
        1..=STATIC_ENTRIES => Ok(None),
        _ => Err(Malformed),
    }
}

fn literal(block: &mut &[u8], prefix: u32) -> Result<Option<Field>, Malformed> {
    let name = match integer(block, prefix)? {
        0 => match string(block)?.as_slice() {
            b":status" => Name::HttpStatus,
            b"grpc-status" => Name::GrpcStatus,
            _ => Name::Other,
        },
        8..=14 => Name::HttpStatus,
        1..=STATIC_ENTRIES => Name::Other,
        _ => return Err(Malformed),
    };
    let value = string(block)?;
    Ok(match name {
        Name::HttpStatus => Some(Field::HttpStatus(http_status(value.as_slice()))),
        Name::GrpcStatus => Some(Field::GrpcStatus(grpc_status(value.as_slice()))),
        Name::Other => None,
    })
}

fn http_status(value: &[u8]) -> u16 {
    if value.len() == 3 { decimal(value).map_or(0, |status| status as u16) } else { 0 }
}

fn grpc_status(value: &[u8]) -> u16 {
    let code = if value.len() <= 3 { decimal(value) } else { None };
    code.map_or(GRPC_UNKNOWN, |code| code as u16)
}

/// An integer with a prefix of so many bits (§5.1), at most 2^28.
fn integer(block: &mut &[u8], prefix: u32) -> Result<u32, Malformed> {
    let (&start, mut rest) = block.split_first().ok_or(Malformed)?;
    let full = (1u32 << prefix) - 1;
    let mut value = u32::from(start) & full;
    if value == full {
        let mut shift = 0;
        loop {
            let (&byte, more) = rest.split_first().ok_or(Malformed)?;
            rest = more;
            value += u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 21 {
                return Err(Malformed);
            }
        }
    }
    *block = rest;
    Ok(value)
}

/// A string literal, plain or Huffman-coded (§5.2).
fn string(block: &mut &[u8]) -> Result<Text, Malformed> {
    let is_coded = block.first().is_some_and(|start| start & 0x80 != 0);
    let length = integer(block, 7)? as usize;
    let (content, rest) = block.split_at_checked(length).ok_or(Malformed)?;
    *block = rest;
    let mut text = Text { start: Buffer::new(), is_cut: false };
    if is_coded {
        huffman::decode(content, |byte| text.push(byte)).map_err(|()| Malformed)?;
    } else {
        content.iter().for_each(|&byte| text.push(byte));
    }
    Ok(text)
}

/// A literal field without indexing, by its name's place in the static table (1 to 61; 0: `name` is written out).
/// Names and values of ours are shorter than 127 bytes; a longer one is cut.
pub(crate) fn push_literal<const N: usize>(to: &mut Buffer<N>, index: u8, name: &[u8], value: &[u8]) -> bool {
    let place: &[u8] = if index < 15 { &[index] } else { &[15, index.wrapping_sub(15)] };
    to.push(place) && (index != 0 || push_string(to, name)) && push_string(to, value)
}

/// A field whose name and value stand in the static table.
pub(crate) fn push_indexed<const N: usize>(to: &mut Buffer<N>, index: u8) -> bool {
    to.push(&[0x80 | index])
}

fn push_string<const N: usize>(to: &mut Buffer<N>, text: &[u8]) -> bool {
    let text = first(text, 126);
    to.push(&[text.len() as u8]) && to.push(text)
}
