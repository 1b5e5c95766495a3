//! How is one connection to the daemon spoken (RFC 9113, client side, prior knowledge)?
//!
//! One request at a time is looked at; earlier ones whose answers nobody waits for may still be open. Everything a
//! server may send is understood or skipped as the RFC says; what breaks it is a `Fault` and ends the connection.

mod exchange;
pub(crate) mod frame;
mod incoming;
mod outgoing;

pub(crate) use exchange::{Exchange, PREFIX_LEN};

use crate::{
    buffer::Buffer,
    hpack,
    sys::{Sys, Transfer},
};
use frame::{
    FRAME_DEFAULT, FRAME_MAX, PREFACE, REFUSED_STREAM, STREAM_MAX, WINDOW_DEFAULT, WINDOW_MAX, flag, kind, setting,
    setting_bytes,
};
use incoming::{Incoming, Piece};
use outgoing::Outgoing;

/// The longest request: every fact at its limit, with room to spare.
pub(crate) const BODY_MAX: usize = 7168;
/// The longest header block taken; announced as SETTINGS_MAX_HEADER_LIST_SIZE.
const BLOCK_MAX: usize = 3072;
/// Received DATA bytes after which the connection's window is refilled: a quarter of it.
const REFILL_AFTER: u32 = WINDOW_DEFAULT / 4;
/// Bytes received by one system call.
const RECEIVE_MAX: usize = 2048;

/// The connection cannot be used any more: the server broke the protocol, or the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

/// What a look at the socket brought.
pub(crate) enum Received {
    /// Bytes, and they were understood.
    Some,
    /// Nothing yet.
    Nothing,
    /// The server is gone.
    End,
}

/// The connection.
pub(crate) struct Connection {
    /// The server may be sent requests: it is connected and has not said good-bye.
    pub(crate) is_open: bool,
    /// The server begins no further stream (GOAWAY), or we have no more ids.
    pub(crate) is_leaving: bool,
    pub(crate) exchange: Exchange,
    /// The request: gRPC prefix and message. Kept until the answer is there: it may have to be sent again.
    pub(crate) body: Buffer<BODY_MAX>,
    /// Streams the server has not ended.
    pub(crate) in_flight: u32,
    /// How many it allows at a time.
    pub(crate) streams_max: u32,
    /// The newest stream; 0 = none.
    newest: u32,
    /// What we may still send on the connection.
    window: i64,
    stream_window: u32,
    frame_max: u32,
    /// DATA bytes received since the window was refilled.
    received: u32,
    is_greeted: bool,
    incoming: Incoming,
    /// The stream whose header block is under way; 0 = none.
    block_stream: u32,
    block_is_last: bool,
    block: Buffer<BLOCK_MAX>,
    outgoing: Outgoing,
}

impl Connection {
    pub(crate) const fn new() -> Self {
        Connection {
            is_open: false,
            is_leaving: false,
            exchange: Exchange::new(),
            body: Buffer::new(),
            in_flight: 0,
            streams_max: 0,
            newest: 0,
            window: 0,
            stream_window: 0,
            frame_max: 0,
            received: 0,
            is_greeted: false,
            incoming: Incoming::new(),
            block_stream: 0,
            block_is_last: false,
            block: Buffer::new(),
            outgoing: Outgoing::new(),
        }
    }

    /// The socket is connected: says hello.
    pub(crate) fn start(&mut self) -> Result<(), Fault> {
        self.is_open = true;
        self.is_leaving = false;
        self.in_flight = 0;
        self.streams_max = u32::MAX;
        self.newest = 0;
        self.window = i64::from(WINDOW_DEFAULT);
        self.stream_window = WINDOW_DEFAULT;
        self.frame_max = FRAME_DEFAULT;
        self.received = 0;
        self.is_greeted = false;
        self.incoming.restart();
        self.block_stream = 0;
        self.outgoing.clear();
        self.outgoing.push(PREFACE)?;
        let mut settings = Buffer::<18>::new();
        settings.push(&setting_bytes(setting::HEADER_TABLE_SIZE, 0));
        settings.push(&setting_bytes(setting::ENABLE_PUSH, 0));
        settings.push(&setting_bytes(setting::MAX_HEADER_LIST_SIZE, BLOCK_MAX as u32));
        self.outgoing.frame(kind::SETTINGS, 0, 0, settings.as_slice())
    }

    /// Closes the socket; the next request needs a new connection.
    pub(crate) fn close<S: Sys>(&mut self, sys: &mut S) {
        sys.close();
        self.is_open = false;
        self.in_flight = 0;
    }

    /// Begins a request for `path`: its header fields are queued, its body follows by `flush`.
    pub(crate) fn request(&mut self, path: &[u8], timeout_ms: u64) -> Result<(), Fault> {
        let id = if self.newest == 0 { 1 } else { self.newest + 2 };
        if id >= STREAM_MAX - 2 {
            self.is_leaving = true;
        }
        self.newest = id;
        self.in_flight += 1;
        self.exchange.begin(id, self.stream_window);
        let block = request_block(path, timeout_ms).ok_or(Fault)?;
        self.outgoing.frame(kind::HEADERS, flag::END_HEADERS, id, block.as_slice())
    }

    /// Sends what windows and socket let pass without waiting.
    pub(crate) fn flush<S: Sys>(&mut self, sys: &mut S) -> Result<(), Fault> {
        loop {
            self.queue_data()?;
            self.outgoing.flush(sys, &self.body)?;
            if self.outgoing.has_payload() || !self.can_queue_data() {
                return Ok(());
            }
        }
    }

    /// Everything of the request is out.
    pub(crate) fn is_sent(&self) -> bool {
        self.outgoing.is_empty() && self.exchange.body_sent == self.body.len()
    }

    /// Something waits for room in the socket.
    pub(crate) fn wants_to_write(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Receives once, without waiting.
    pub(crate) fn receive<S: Sys>(&mut self, sys: &mut S) -> Result<Received, Fault> {
        let mut bytes = [0; RECEIVE_MAX];
        match sys.receive(&mut bytes) {
            Transfer::Later => Ok(Received::Nothing),
            Transfer::Broken | Transfer::Done(0) => Ok(Received::End),
            Transfer::Done(count) => self.feed(crate::buffer::first(&bytes, count)).map(|()| Received::Some),
        }
    }

    fn can_queue_data(&self) -> bool {
        let left = self.body.len().saturating_sub(self.exchange.body_sent);
        left > 0 && self.exchange.window > 0 && self.window > 0 && !self.exchange.is_over()
    }

    fn queue_data(&mut self) -> Result<(), Fault> {
        if self.outgoing.has_payload() || !self.can_queue_data() {
            return Ok(());
        }
        let from = self.exchange.body_sent;
        let allowed = self.window.min(self.exchange.window).min(i64::from(self.frame_max));
        let length = (self.body.len() - from).min(allowed as usize);
        let to = from + length;
        self.outgoing.data(self.exchange.id, to == self.body.len(), from, to)?;
        self.exchange.body_sent = to;
        self.exchange.window -= length as i64;
        self.window -= length as i64;
        Ok(())
    }

    fn feed(&mut self, mut input: &[u8]) -> Result<(), Fault> {
        while !input.is_empty() {
            match self.incoming.take(&mut input)? {
                Piece::Nothing => {}
                Piece::Head => self.frame_begins()?,
                Piece::Content(content) => self.content(content)?,
            }
            if self.incoming.is_complete() {
                self.incoming.next_frame();
                self.frame_ends()?;
            }
        }
        Ok(())
    }

    /// Checks a head against what may come now (§6).
    fn frame_begins(&mut self) -> Result<(), Fault> {
        let head = self.incoming.head;
        // The server's preface is a SETTINGS frame (§3.4), and nothing comes between the parts of a block (§4.3).
        let is_due = self.is_greeted || (head.kind == kind::SETTINGS && !head.has(flag::ACK));
        let is_continuation = head.kind == kind::CONTINUATION;
        if !is_due
            || is_continuation != (self.block_stream != 0)
            || (is_continuation && head.stream != self.block_stream)
        {
            return Err(Fault);
        }
        self.is_greeted = true;
        let is_ours = head.stream & 1 == 1 && head.stream <= self.newest;
        let is_valid = match head.kind {
            kind::DATA | kind::HEADERS | kind::CONTINUATION => is_ours,
            kind::RST_STREAM => is_ours && head.length == 4,
            kind::PRIORITY => head.stream != 0 && head.length == 5,
            kind::SETTINGS if head.has(flag::ACK) => head.stream == 0 && head.length == 0,
            kind::SETTINGS => head.stream == 0 && head.length.is_multiple_of(6),
            kind::PING => head.stream == 0 && head.length == 8,
            kind::GOAWAY => head.stream == 0 && head.length >= 8,
            kind::WINDOW_UPDATE => (is_ours || head.stream == 0) && head.length == 4,
            kind::PUSH_PROMISE => false,
            _ => true,
        };
        if !is_valid {
            return Err(Fault);
        }
        if head.kind == kind::HEADERS {
            self.block.clear();
            self.block_stream = head.stream;
            self.block_is_last = head.has(flag::END_STREAM);
        }
        Ok(())
    }

    fn content(&mut self, content: &[u8]) -> Result<(), Fault> {
        let head = self.incoming.head;
        let is_current = head.stream == self.exchange.id;
        match head.kind {
            kind::DATA if is_current => self.exchange.data(content),
            // Blocks of requests nobody waits for: without a dynamic table they need not be read.
            kind::HEADERS | kind::CONTINUATION if is_current => {
                return if self.block.push(content) { Ok(()) } else { Err(Fault) };
            }
            kind::SETTINGS => return self.settings(content),
            kind::PING | kind::WINDOW_UPDATE | kind::RST_STREAM | kind::GOAWAY => {
                for byte in content {
                    // Behind the eight bytes of a GOAWAY stands text for people.
                    if !self.incoming.fixed.push(&[*byte]) {
                        break;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn settings(&mut self, content: &[u8]) -> Result<(), Fault> {
        for byte in content {
            self.incoming.fixed.push(&[*byte]);
            if let [a, b, c, d, e, f] = *self.incoming.fixed.as_slice() {
                self.incoming.fixed.clear();
                self.setting(u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))?;
            }
        }
        Ok(())
    }

    fn frame_ends(&mut self) -> Result<(), Fault> {
        let head = self.incoming.head;
        let fixed = first_eight(self.incoming.fixed.as_slice());
        let [a, b, c, d, ..] = fixed;
        let number = u32::from_be_bytes([a, b, c, d]);
        match head.kind {
            kind::DATA => self.data_ends(head.length, head.has(flag::END_STREAM)),
            kind::HEADERS | kind::CONTINUATION if head.has(flag::END_HEADERS) => self.block_ends(),
            kind::SETTINGS if !head.has(flag::ACK) => self.outgoing.frame(kind::SETTINGS, flag::ACK, 0, &[]),
            kind::PING if !head.has(flag::ACK) => self.outgoing.frame(kind::PING, flag::ACK, 0, &fixed),
            kind::WINDOW_UPDATE => self.window_update(head.stream, number & STREAM_MAX),
            kind::RST_STREAM => {
                self.stream_ended();
                if head.stream == self.exchange.id {
                    self.exchange.reset(number == REFUSED_STREAM);
                }
                Ok(())
            }
            kind::GOAWAY => {
                self.is_leaving = true;
                if number & STREAM_MAX < self.exchange.id {
                    self.exchange.reset(true);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn data_ends(&mut self, length: u32, is_last: bool) -> Result<(), Fault> {
        if is_last {
            self.stream_ended();
            if self.incoming.head.stream == self.exchange.id {
                self.exchange.end();
            }
        }
        self.received += length;
        if self.received < REFILL_AFTER {
            return Ok(());
        }
        let refill = self.received.to_be_bytes();
        self.received = 0;
        self.outgoing.frame(kind::WINDOW_UPDATE, 0, 0, &refill)
    }

    fn block_ends(&mut self) -> Result<(), Fault> {
        let stream = self.block_stream;
        self.block_stream = 0;
        if self.block_is_last {
            self.stream_ended();
        }
        if stream != self.exchange.id {
            return Ok(());
        }
        self.exchange.header_block(self.block.as_slice(), self.block_is_last)
    }

    fn stream_ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// One setting of the server (§6.5.2); unknown ones mean nothing.
    fn setting(&mut self, id: u16, value: u32) -> Result<(), Fault> {
        match id {
            setting::MAX_CONCURRENT_STREAMS => self.streams_max = value,
            setting::INITIAL_WINDOW_SIZE => {
                if i64::from(value) > WINDOW_MAX {
                    return Err(Fault);
                }
                // Streams that are open gain or lose the difference, even below zero (§6.9.2).
                self.exchange.window += i64::from(value) - i64::from(self.stream_window);
                if self.exchange.window > WINDOW_MAX {
                    return Err(Fault);
                }
                self.stream_window = value;
            }
            setting::MAX_FRAME_SIZE => {
                if !(FRAME_DEFAULT..=FRAME_MAX).contains(&value) {
                    return Err(Fault);
                }
                self.frame_max = value;
            }
            setting::ENABLE_PUSH if value > 1 => return Err(Fault),
            _ => {}
        }
        Ok(())
    }

    fn window_update(&mut self, stream: u32, increment: u32) -> Result<(), Fault> {
        if increment == 0 {
            return Err(Fault);
        }
        let window = if stream == 0 {
            &mut self.window
        } else if stream == self.exchange.id {
            &mut self.exchange.window
        } else {
            return Ok(());
        };
        *window += i64::from(increment);
        if *window > WINDOW_MAX { Err(Fault) } else { Ok(()) }
    }
}

fn first_eight(bytes: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    crate::buffer::copy(&mut eight, bytes);
    eight
}

/// The header fields of a gRPC request.
fn request_block(path: &[u8], timeout_ms: u64) -> Option<Buffer<256>> {
    /// `grpc-timeout` has at most eight digits.
    const TIMEOUT_MAX_MS: u64 = 99_999_999;
    let mut timeout = Buffer::<12>::new();
    crate::buffer::push_decimal(&mut timeout, timeout_ms.min(TIMEOUT_MAX_MS));
    timeout.push(b"m");
    let mut block = Buffer::new();
    let is_whole = hpack::push_indexed(&mut block, 3) // :method POST
        && hpack::push_indexed(&mut block, 6) // :scheme http
        && hpack::push_literal(&mut block, 4, b"", path) // :path
        && hpack::push_literal(&mut block, 1, b"", b"localhost") // :authority
        && hpack::push_literal(&mut block, 31, b"", b"application/grpc") // content-type
        && hpack::push_literal(&mut block, 0, b"te", b"trailers")
        && hpack::push_literal(&mut block, 0, b"grpc-timeout", timeout.as_slice())
        && hpack::push_literal(&mut block, 58, b"", crate::USER_AGENT); // user-agent
    is_whole.then_some(block)
}
