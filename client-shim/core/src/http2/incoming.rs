//! Which frame is arriving, and which of its bytes are content?
//!
//! Frames arrive in pieces of any size and are never held whole: only their heads and, of the small ones, the first
//! eight bytes are kept.

use super::{
    Fault,
    frame::{FRAME_DEFAULT, HEAD_LEN, Head, flag, kind},
};
use crate::buffer::{Buffer, copy};

/// The frame being received.
pub(crate) struct Incoming {
    raw_head: [u8; HEAD_LEN],
    head_len: usize,
    pub(crate) head: Head,
    /// Bytes of the payload still to come.
    left: u32,
    /// Bytes of padding length and priority still to come before the content (§6.1, §6.2).
    prefix: u32,
    is_pad_length_due: bool,
    /// Bytes of content still to come; padding follows.
    content: u32,
    /// The first bytes of the content of a small frame, or of one setting.
    pub(crate) fixed: Buffer<8>,
}

/// What a piece of input turned out to be.
pub(crate) enum Piece<'a> {
    /// A part of a head, or padding.
    Nothing,
    /// A head is complete.
    Head,
    /// Content of the frame.
    Content(&'a [u8]),
}

impl Incoming {
    pub(crate) const fn new() -> Self {
        Incoming {
            raw_head: [0; HEAD_LEN],
            head_len: 0,
            head: Head { length: 0, kind: 0, flags: 0, stream: 0 },
            left: 0,
            prefix: 0,
            is_pad_length_due: false,
            content: 0,
            fixed: Buffer::new(),
        }
    }

    /// Forgets the frame: a new connection starts with a head.
    pub(crate) fn restart(&mut self) {
        self.head_len = 0;
        self.left = 0;
    }

    /// Takes the next piece off `input`.
    pub(crate) fn take<'a>(&mut self, input: &mut &'a [u8]) -> Result<Piece<'a>, Fault> {
        if self.head_len < HEAD_LEN {
            let room = self.raw_head.get_mut(self.head_len..).unwrap_or(&mut []);
            let taken = copy(room, input);
            self.head_len += taken;
            *input = crate::buffer::after(input, taken);
            if self.head_len < HEAD_LEN {
                return Ok(Piece::Nothing);
            }
            return self.begin().map(|()| Piece::Head);
        }
        let (payload, rest) = input.split_at_checked(self.left as usize).unwrap_or((input, &[]));
        *input = rest;
        self.left = self.left.wrapping_sub(payload.len() as u32);
        let payload = self.strip_prefix(payload)?;
        let content = crate::buffer::first(payload, self.content as usize);
        self.content = self.content.wrapping_sub(content.len() as u32);
        Ok(Piece::Content(content))
    }

    /// The frame is complete; the next byte starts a head.
    pub(crate) fn is_complete(&self) -> bool {
        self.head_len == HEAD_LEN && self.left == 0
    }

    pub(crate) fn next_frame(&mut self) {
        self.head_len = 0;
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let head = Head::from_bytes(self.raw_head);
        if head.length > FRAME_DEFAULT {
            return Err(Fault);
        }
        let may_pad = matches!(head.kind, kind::DATA | kind::HEADERS);
        self.is_pad_length_due = may_pad && head.has(flag::PADDED);
        let has_priority = head.kind == kind::HEADERS && head.has(flag::PRIORITY);
        self.prefix = u32::from(self.is_pad_length_due) + if has_priority { 5 } else { 0 };
        self.content = head.length.checked_sub(self.prefix).ok_or(Fault)?;
        self.left = head.length;
        self.head = head;
        self.fixed.clear();
        Ok(())
    }

    fn strip_prefix<'a>(&mut self, mut payload: &'a [u8]) -> Result<&'a [u8], Fault> {
        while self.prefix > 0 {
            let Some((&byte, rest)) = payload.split_first() else { break };
            if self.is_pad_length_due {
                self.is_pad_length_due = false;
                self.content = self.content.checked_sub(u32::from(byte)).ok_or(Fault)?;
            }
            self.prefix -= 1;
            payload = rest;
        }
        Ok(payload)
    }
}
