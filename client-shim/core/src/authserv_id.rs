//! Does an Authentication-Results field bear our name? Its text is read byte by byte (RFC 8601 §2.2).
//!
//! Comments, white space and quotes are dropped, and what is left is compared as it comes: so no way of folding, quoting
//! or commenting makes our name another one, not even for readers that take such things out of the middle of a word.
//! Where it cannot be told whose name it is, it counts as ours: a forged result that is believed is worse than a
//! stranger's result that is gone.

/// Whose name a field bears, as far as it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Unknown,
    /// Ours, or none that can be read.
    Ours,
    Foreign,
}

/// How far the text of one field has been read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Bytes of our name that have come.
    matched: usize,
    /// The name has begun, and cannot become ours any more.
    is_other: bool,
    is_quoted: bool,
    /// The next byte stands for itself.
    is_escaped: bool,
    /// Comments that are open.
    depth: u32,
}

impl Reading {
    pub(crate) const fn new() -> Self {
        Reading { matched: 0, is_other: false, is_quoted: false, is_escaped: false, depth: 0 }
    }

    /// The next byte behind the colon. `ours` is not empty and has no dot at its end.
    pub(crate) fn byte(&mut self, byte: u8, ours: &[u8]) -> Owner {
        let is_escaped = core::mem::take(&mut self.is_escaped);
        let is_in_comment = self.depth > 0;
        match byte {
            // Readers drop it, or end there.
            0 => return Owner::Ours,
            b'\\' if is_in_comment && !is_escaped => self.is_escaped = true,
            b'(' if is_in_comment && !is_escaped => self.depth = self.depth.saturating_add(1),
            b')' if is_in_comment && !is_escaped => self.depth -= 1,
            _ if is_in_comment => {}
            // A reader that takes the name up to here has ours, whatever else comes.
            _ if self.is_whole(ours) && !is_token(byte) => return Owner::Ours,
            b'\\' if self.is_quoted && !is_escaped => self.is_escaped = true,
            b' ' | b'\t' | b'\r' | b'\n' => return self.pause(),
            // Controls, and letters beyond ASCII: nobody knows which of them a reader takes for the same.
            ..b' ' | 0x7f.. => return Owner::Ours,
            b'"' if !is_escaped => {
                self.is_quoted = !self.is_quoted;
                return self.pause();
            }
            _ if self.is_quoted || is_token(byte) => self.letter(byte, ours),
            b'(' => {
                self.depth = 1;
                return self.pause();
            }
            b'\\' => return Owner::Ours,
            _ => return self.stop(),
        }
        Owner::Unknown
    }

    /// The field is over.
    pub(crate) fn end(&self, ours: &[u8]) -> Owner {
        let is_unfinished = self.depth > 0 || self.is_quoted;
        if is_unfinished || self.is_whole(ours) { Owner::Ours } else { self.stop() }
    }

    fn is_whole(&self, ours: &[u8]) -> bool {
        !self.is_other && self.matched == ours.len()
    }

    fn letter(&mut self, byte: u8, ours: &[u8]) {
        match ours.get(self.matched) {
            Some(expected) if byte.eq_ignore_ascii_case(expected) => self.matched += 1,
            // The root's dot behind a domain's name changes nothing.
            None if byte == b'.' => {}
            _ => self.is_other = true,
        }
    }

    /// Something that may end a name, or stand within one.
    fn pause(&self) -> Owner {
        if self.is_other && !self.is_quoted { Owner::Foreign } else { Owner::Unknown }
    }

    /// Here a name ends, if there was one.
    fn stop(&self) -> Owner {
        if self.is_other || self.matched > 0 { Owner::Foreign } else { Owner::Ours }
    }
}

/// A character of a token (RFC 2045 §5.1).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}
