//! How far is the answer to our request, and what became of it?

use super::Fault;
use crate::{
    NoAnswer,
    buffer::Buffer,
    hpack::{self, Field},
};

/// The longest message taken. A Verdict has about 200 bytes, with headers and state at most 6 KiB.
pub(crate) const MESSAGE_MAX: usize = 6144;
/// A gRPC message is preceded by a flag and its length.
pub(crate) const PREFIX_LEN: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The response's header fields have not come.
    Head,
    Body,
    Over,
}

/// One request and its answer.
pub(crate) struct Exchange {
    /// The stream; 0 = none yet.
    pub(crate) id: u32,
    /// What we may still send on it; negative after a change of settings (§6.9.2).
    pub(crate) window: i64,
    /// How much of the body is queued or sent.
    pub(crate) body_sent: usize,
    /// The server has not begun to work on it: it may be asked again.
    pub(crate) is_refused: bool,
    phase: Phase,
    http_status: u16,
    grpc_status: Option<u16>,
    /// Flag and length of the message.
    prefix: Buffer<PREFIX_LEN>,
    message: Buffer<MESSAGE_MAX>,
    is_broken: bool,
}

impl Exchange {
    pub(crate) const fn new() -> Self {
        Exchange {
            id: 0,
            window: 0,
            body_sent: 0,
            is_refused: false,
            phase: Phase::Head,
            http_status: 0,
            grpc_status: None,
            prefix: Buffer::new(),
            message: Buffer::new(),
            is_broken: false,
        }
    }

    pub(crate) fn begin(&mut self, id: u32, window: u32) {
        self.id = id;
        self.window = i64::from(window);
        self.body_sent = 0;
        self.is_refused = false;
        self.phase = Phase::Head;
        self.http_status = 0;
        self.grpc_status = None;
        self.prefix.clear();
        self.message.clear();
        self.is_broken = false;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// A whole header block: informational, the head, or the trailers.
    pub(crate) fn header_block(&mut self, block: &[u8], is_last: bool) -> Result<(), Fault> {
        let (mut http_status, mut grpc_status) = (None, None);
        hpack::decode(block, |field| match field {
            Field::HttpStatus(status) => http_status = Some(status),
            Field::GrpcStatus(status) => grpc_status = Some(status),
        })
        .map_err(|hpack::Malformed| Fault)?;
        match self.phase {
            Phase::Head => match http_status {
                // An interim answer: the final one is to follow (§8.1).
                Some(100..=199) if !is_last => return Ok(()),
                Some(status) => {
                    self.http_status = status;
                    self.phase = Phase::Body;
                }
                None => self.is_broken = true,
            },
            // Header fields behind the body are the trailers: they end the stream.
            Phase::Body if !is_last => self.is_broken = true,
            Phase::Body | Phase::Over => {}
        }
        if grpc_status.is_some() {
            self.grpc_status = grpc_status;
        }
        if is_last || self.is_broken {
            self.phase = Phase::Over;
        }
        Ok(())
    }

    /// A part of the message.
    pub(crate) fn data(&mut self, mut bytes: &[u8]) {
        if self.phase != Phase::Body {
            self.is_broken |= self.phase == Phase::Head;
            return;
        }
        while self.prefix.len() < PREFIX_LEN {
            let Some((byte, rest)) = bytes.split_first() else { return };
            self.prefix.push(&[*byte]);
            bytes = rest;
        }
        // Of an error page nothing is kept but that it is no message.
        self.is_broken |= self.http_status == 200 && !self.message.push(bytes);
    }

    /// The server ended the stream.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Over;
    }

    /// RST_STREAM (§6.4). After a complete answer it says no more than that our request was not needed whole.
    pub(crate) fn reset(&mut self, is_refused: bool) {
        if self.phase != Phase::Over {
            self.is_refused = is_refused;
            self.is_broken = true;
            self.phase = Phase::Over;
        }
    }

    /// The message, if the call went well.
    pub(crate) fn message(&self) -> Result<&[u8], NoAnswer> {
        let status = match (self.grpc_status, self.http_status) {
            (Some(status), _) => status,
            (None, 200) => return Err(NoAnswer::Malformed),
            (None, status) => grpc_status_of(status),
        };
        if status != 0 {
            return Err(NoAnswer::Status(status));
        }
        let (prefix, message) = (self.prefix.as_slice(), self.message.as_slice());
        let [0, a, b, c, d] = *prefix else { return Err(NoAnswer::Malformed) };
        let is_whole = u32::from_be_bytes([a, b, c, d]) as usize == message.len();
        if is_whole && !self.is_broken { Ok(message) } else { Err(NoAnswer::Malformed) }
    }
}

/// The gRPC status for an answer that has none of its own, as a proxy gives it
/// (gRPC's "HTTP to gRPC Status Code Mapping").
fn grpc_status_of(http: u16) -> u16 {
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_proxies_are_mapped() {
        for (http, grpc) in
            [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (500, 2), (0, 2)]
        {
            assert_eq!(grpc_status_of(http), grpc);
        }
    }
}
