//! How does a client speak gRPC with so little work that the server is what is measured? Frames built once
//! (RFC 9113), read with the least of parsing; only for servers that behave.

use std::io::{self, Read, Write};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Everything a connection starts with: the preface, empty settings, and the largest window (RFC 9113 §6.9.1), so that
/// no reply on a lasting connection waits for room.
pub(crate) const PREFACE: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0";

/// The HEADERS frame's block for a method: no indexing, no Huffman.
pub(crate) fn header_block(method: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let path = format!("/tollgate.v1.Policy/{method}");
    literal(&mut block, 0x04, &path);
    literal(&mut block, 0x01, "localhost");
    // content-type is entry 31 of the static table: 15 + 16 in the four-bit prefix.
    block.push(0x0f);
    literal(&mut block, 31 - 15, "application/grpc");
    for (name, value) in [("te", "trailers"), ("grpc-timeout", "2000m")] {
        literal(&mut block, 0, name);
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
    }
    block
}

fn literal(block: &mut Vec<u8>, name: u8, value: &str) {
    block.push(name);
    block.push(value.len() as u8);
    block.extend_from_slice(value.as_bytes());
}

/// A whole request: HEADERS, then one DATA frame with one gRPC message.
pub(crate) fn request(out: &mut Vec<u8>, stream: u32, block: &[u8], message: &[u8]) {
    frame(out, block.len(), HEADERS, END_HEADERS, stream);
    out.extend_from_slice(block);
    frame(out, message.len() + 5, DATA, END_STREAM, stream);
    out.push(0);
    out.extend_from_slice(&(message.len() as u32).to_be_bytes());
    out.extend_from_slice(message);
}

fn frame(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    out.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

/// Reads replies from a connection.
pub(crate) struct Reader<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
    at: usize,
}

impl<S: Read + Write> Reader<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024), at: 0 }
    }

    /// The next reply that is complete: its stream, and the message if it had one.
    pub(crate) fn reply(&mut self, message: &mut Vec<u8>) -> io::Result<u32> {
        message.clear();
        loop {
            let header: [u8; 9] = self.take(9)?.try_into().map_err(io::Error::other)?;
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
            let (kind, flags) = (header[3], header[4]);
            let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
            let payload = self.take(length)?;
            match kind {
                DATA => message.extend_from_slice(payload),
                SETTINGS if flags & ACK == 0 => self.stream.write_all(b"\0\0\0\x04\x01\0\0\0\0")?,
                _ => {}
            }
            if stream != 0 && flags & END_STREAM != 0 && matches!(kind, DATA | HEADERS) {
                // Behind the gRPC prefix (flag and length).
                message.drain(..message.len().min(5));
                return Ok(stream);
            }
        }
    }

    fn take(&mut self, octets: usize) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        while self.buffer.len() - self.at < octets {
            let filled = self.buffer.len();
            self.buffer.resize(filled + 16 * 1024, 0);
            let read = self.stream.read(&mut self.buffer[filled..])?;
            self.buffer.truncate(filled + read);
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.at += octets;
        Ok(&self.buffer[self.at - octets..self.at])
    }
}
