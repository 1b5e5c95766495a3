//! What is still to be sent, and in which order?
//!
//! Small frames stand in a queue; the payload of at most one DATA frame is sent from where it lies, at its place
//! between them, so that a request goes out in one system call and is never copied.

use super::{
    Fault,
    frame::{Head, flag, kind},
};
use crate::{
    buffer::Buffer,
    sys::{Sys, Transfer},
};

/// Room for the preface, a request's HEADERS and the acknowledgements a well-behaved server can cause meanwhile.
const QUEUE_MAX: usize = 1024;

pub(crate) struct Outgoing {
    queue: Buffer<QUEUE_MAX>,
    /// Bytes of the queue that are out.
    sent: usize,
    /// Where in the queue the payload belongs.
    payload_at: usize,
    /// The part of the body that is the payload and not out yet.
    payload: (usize, usize),
}

impl Outgoing {
    pub(crate) const fn new() -> Self {
        Outgoing { queue: Buffer::new(), sent: 0, payload_at: 0, payload: (0, 0) }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.sent = 0;
        self.payload = (0, 0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.queue.len() && !self.has_payload()
    }

    pub(crate) fn has_payload(&self) -> bool {
        self.payload.0 < self.payload.1
    }

    /// Queues bytes as they are. A queue without room means a server that makes us talk and does not listen.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.queue.push(bytes) { Ok(()) } else { Err(Fault) }
    }

    /// Queues a frame.
    pub(crate) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), Fault> {
        let head = Head { length: payload.len() as u32, kind, flags, stream };
        self.push(&head.to_bytes())?;
        self.push(payload)
    }

    /// Queues the part of the body from `from` to `to` as a DATA frame. Only without a payload under way.
    pub(crate) fn data(&mut self, stream: u32, is_last: bool, from: usize, to: usize) -> Result<(), Fault> {
        let flags = if is_last { flag::END_STREAM } else { 0 };
        let head = Head { length: to.wrapping_sub(from) as u32, kind: kind::DATA, flags, stream };
        self.push(&head.to_bytes())?;
        self.payload_at = self.queue.len();
        self.payload = (from, to);
        Ok(())
    }

    /// Sends what can be sent without waiting. `Err` if the connection is gone.
    pub(crate) fn flush<S: Sys, const N: usize>(&mut self, sys: &mut S, body: &Buffer<N>) -> Result<(), Fault> {
        while !self.is_empty() {
            let before_payload = if self.has_payload() { self.payload_at } else { self.queue.len() };
            let first = self.queue.range(self.sent, before_payload);
            let second = body.range(self.payload.0, self.payload.1);
            match sys.send(first, second) {
                Transfer::Done(0) | Transfer::Broken => return Err(Fault),
                Transfer::Later => return Ok(()),
                Transfer::Done(count) => {
                    let of_queue = count.min(first.len());
                    self.payload.0 += (count - of_queue).min(second.len());
                    self.sent += of_queue;
                }
            }
        }
        self.clear();
        Ok(())
    }
}
