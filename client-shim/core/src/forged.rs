//! How do Authentication-Results fields that pretend to be ours leave a message (RFC 8601 §5)?
//!
//! The message comes in pieces of any size, its lines ended by LF, and goes on without those fields; nothing else changes.
//! Only the header is looked at: up to the first line with nothing in it at all. Of a field no more is held back than
//! it takes to see whose it is.
//!
//! A CR that no LF follows ends a line for some readers, is dropped by others and is a byte like any other for the rest.
//! So is a NUL dropped by some. A field that any of them would take for one of ours goes. Where it begins behind a lone
//! CR, in the middle of a line, the LF at its end stays: the next field must not become part of this line.

use crate::{
    authserv_id::{Owner, Reading},
    buffer::{Buffer, after, first},
    verdict::AUTHSERV_ID_MAX,
};

/// The name in lower case.
const NAME: &[u8] = b"authentication-results";
/// The most of a field that is held back; one that needs more to say whose it is counts as forged.
const HELD_MAX: usize = 1024;

/// Where in the message we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where nothing is looked for.
    Body,
    /// At the start of a line, or within what may become the name.
    Name,
    /// Behind the name; the colon is to come.
    Colon,
    /// Behind the colon, reading whose field it is.
    Text,
    /// Within a field that stays.
    Kept,
    /// Within a field that goes.
    Forged,
}

/// How the line ended on which a field may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    None,
    Cr,
    Lf,
}

/// Where bytes go that stay.
pub(crate) type Sink<'a> = dyn FnMut(&[u8]) + 'a;

/// Takes forged fields out of one message.
pub(crate) struct Filter {
    /// Our name, without a dot at its end; empty = nothing is looked for.
    ours: Buffer<AUTHSERV_ID_MAX>,
    /// What has come of a field that may have to go.
    held: Buffer<HELD_MAX>,
    place: Place,
    /// Bytes of `NAME` in `held`.
    matched: usize,
    /// `held` began in the middle of a line.
    is_hidden: bool,
    line_end: LineEnd,
    reading: Reading,
    has_removed: bool,
}

impl Filter {
    pub(crate) const fn new() -> Self {
        Filter {
            ours: Buffer::new(),
            held: Buffer::new(),
            place: Place::Body,
            matched: 0,
            is_hidden: false,
            line_end: LineEnd::None,
            reading: Reading::new(),
            has_removed: false,
        }
    }

    /// A message begins; fields that bear this name are forged. Empty: none is.
    pub(crate) fn begin(&mut self, authserv_id: &[u8]) {
        let dots = authserv_id.iter().rev().take_while(|byte| **byte == b'.').count();
        self.ours.set(first(authserv_id, authserv_id.len().saturating_sub(dots)));
        self.has_removed = false;
        self.begin_line(false);
        self.place = if self.ours.len() == 0 { Place::Body } else { Place::Name };
    }

    /// Is there anything to look for in what comes next?
    pub(crate) fn is_in_header(&self) -> bool {
        self.place != Place::Body
    }

    /// The next bytes of the message.
    pub(crate) fn put(&mut self, bytes: &[u8], out: &mut Sink<'_>) {
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            let run = match self.place {
                Place::Body => rest.len(),
                Place::Kept => rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len()),
                _ => 0,
            };
            if run > 0 {
                out(first(rest, run));
                rest = after(rest, run);
            } else if self.takes(*byte, out) {
                rest = behind;
            }
        }
    }

    /// The message is over: what is held is let go, unless it is forged.
    pub(crate) fn end(&mut self, out: &mut Sink<'_>) {
        self.end_field(out);
        self.place = Place::Body;
    }

    /// Is anything in this header field forged?
    pub(crate) fn is_forged(&self, field: &[u8]) -> bool {
        let mut alone = Filter::new();
        alone.begin(self.ours.as_slice());
        alone.put(field, &mut |_| {});
        alone.end(&mut |_| {});
        alone.has_removed
    }

    /// False if the byte has changed the place and is to be looked at once more.
    fn takes(&mut self, byte: u8, out: &mut Sink<'_>) -> bool {
        match self.place {
            // What is no line end has gone already.
            Place::Body | Place::Kept => {
                out(&[byte]);
                self.begin_line(byte == b'\r');
                true
            }
            Place::Name => self.takes_name(byte, out),
            Place::Colon | Place::Text | Place::Forged => self.takes_field(byte, out),
        }
    }

    fn takes_name(&mut self, byte: u8, out: &mut Sink<'_>) -> bool {
        match byte {
            b'\n' => {
                let is_empty_line = self.held.len() == 0 && !self.is_hidden;
                self.release(out);
                out(b"\n");
                self.begin_line(false);
                self.place = if is_empty_line { Place::Body } else { Place::Name };
                true
            }
            // Behind a lone CR another one begins another line.
            b'\r' if self.is_hidden => {
                self.release(out);
                out(b"\r");
                self.begin_line(true);
                true
            }
            b'\r' | 0 => self.takes_nothing(byte, out),
            _ if self.has_matched(byte) => {
                self.hold(byte);
                true
            }
            _ => {
                self.start_over(out);
                false
            }
        }
    }

    /// A byte that some readers drop from a name.
    fn takes_nothing(&mut self, byte: u8, out: &mut Sink<'_>) -> bool {
        let is_held = self.held.push(&[byte]);
        if !is_held && self.matched == 0 {
            self.release(out);
            self.begin_line(true);
        } else if !is_held {
            self.forge();
        }
        is_held
    }

    /// Behind the name a line end does not end the field if white space follows.
    fn takes_field(&mut self, byte: u8, out: &mut Sink<'_>) -> bool {
        let before = self.line_end;
        if before == LineEnd::Lf && !matches!(byte, b' ' | b'\t') {
            self.end_field(out);
            return false;
        }
        self.line_end = match byte {
            b'\n' => LineEnd::Lf,
            b'\r' => LineEnd::Cr,
            _ => LineEnd::None,
        };
        match self.place {
            Place::Colon => self.takes_colon(byte, out),
            Place::Text => self.takes_text(byte, before == LineEnd::Cr && byte != b'\n', out),
            _ => true,
        }
    }

    fn takes_text(&mut self, byte: u8, is_after_lone_cr: bool, out: &mut Sink<'_>) -> bool {
        match self.reading.byte(byte, self.ours.as_slice()) {
            Owner::Foreign if !is_after_lone_cr => {
                self.keep(out);
                return false;
            }
            Owner::Unknown if !is_after_lone_cr => self.hold(byte),
            _ => self.forge(),
        }
        true
    }

    fn takes_colon(&mut self, byte: u8, out: &mut Sink<'_>) -> bool {
        match byte {
            b':' => {
                self.place = Place::Text;
                self.reading = Reading::new();
            }
            b' ' | b'\t' | b'\r' | b'\n' | 0 => {}
            _ => {
                self.start_over(out);
                return false;
            }
        }
        self.hold(byte);
        true
    }

    fn begin_line(&mut self, is_hidden: bool) {
        self.held.clear();
        self.matched = 0;
        self.is_hidden = is_hidden;
        self.line_end = LineEnd::None;
        self.place = Place::Name;
    }

    /// Is this the name's next byte? At its end the colon is awaited.
    fn has_matched(&mut self, byte: u8) -> bool {
        let is_next = NAME.get(self.matched).is_some_and(|expected| byte.eq_ignore_ascii_case(expected));
        self.matched += usize::from(is_next);
        self.place = if self.matched == NAME.len() { Place::Colon } else { Place::Name };
        is_next
    }

    fn hold(&mut self, byte: u8) {
        if !self.held.push(&[byte]) {
            self.forge();
        }
    }

    fn release(&mut self, out: &mut Sink<'_>) {
        if self.held.len() > 0 {
            out(self.held.as_slice());
            self.held.clear();
        }
    }

    fn keep(&mut self, out: &mut Sink<'_>) {
        self.release(out);
        self.line_end = LineEnd::None;
        self.place = Place::Kept;
    }

    fn forge(&mut self) {
        self.held.clear();
        self.has_removed = true;
        self.place = Place::Forged;
    }

    /// What is held is not the name; but what follows a lone CR may be.
    fn start_over(&mut self, out: &mut Sink<'_>) {
        let held = self.held.as_slice();
        let Some(cr) = held.iter().rposition(|byte| *byte == b'\r') else { return self.keep(out) };
        out(first(held, cr + 1));
        self.held.drop_front(cr + 1);
        self.is_hidden = true;
        self.line_end = LineEnd::None;
        self.place = Place::Name;
        self.matched = 0;
        for at in 0..self.held.len() {
            let byte = self.held.range(at, at + 1).first().copied().unwrap_or(0);
            if byte != 0 && !self.has_matched(byte) {
                return self.keep(out);
            }
        }
    }

    /// The field is over. A hidden one that goes leaves the end of its line behind.
    fn end_field(&mut self, out: &mut Sink<'_>) {
        if self.place == Place::Text && self.reading.end(self.ours.as_slice()) == Owner::Ours {
            self.forge();
        }
        if self.place == Place::Forged && self.is_hidden && self.line_end == LineEnd::Lf {
            out(b"\n");
        }
        self.release(out);
        self.begin_line(false);
    }
}
