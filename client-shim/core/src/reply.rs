//! Which bytes does the mail client get?

use crate::buffer::{Buffer, after, first};

/// The longest reply line, with CRLF (RFC 5321 §4.5.3.1.5).
const LINE_MAX: usize = 512;
/// Of a line, what code, separator and CRLF leave.
const TEXT_MAX: usize = LINE_MAX - 6;
/// The most lines of a reply.
const LINES_MAX: usize = 8;
/// Room for a reply and the NUL behind it. A reply and header fields never exist together: they share it.
pub(crate) const ANSWER_MAX: usize = LINE_MAX * LINES_MAX + 1;
/// The longest line of a header field (RFC 5322 §2.1.1).
const FIELD_LINE_MAX: usize = 998;

/// What is handed to the mail server: NUL-ended text.
pub(crate) type Answer = Buffer<ANSWER_MAX>;

/// Writes a reply of one line for each line of `text`. Bytes that are not printable ASCII become `?`; lines that are
/// too long are cut, and lines too many are left out before the last, where the decision's id stands.
pub(crate) fn write(to: &mut Answer, code: u16, text: &[u8]) {
    to.clear();
    let text = if text.is_empty() { default_text(code) } else { text };
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let is_last = number + 1 == lines;
        if is_last || number + 1 < LINES_MAX {
            push_line(to, code, is_last, line);
        }
    }
    to.push(&[0]);
}

fn push_line(to: &mut Answer, code: u16, is_last: bool, line: &[u8]) {
    let digit = |value: u16| b'0' + (value % 10) as u8;
    let separator = if is_last { b' ' } else { b'-' };
    to.push(&[digit(code / 100), digit(code / 10), digit(code), separator]);
    for byte in first(line, TEXT_MAX) {
        to.push(&[if matches!(byte, b' '..=b'~') { *byte } else { b'?' }]);
    }
    to.push(b"\r\n");
}

fn default_text(code: u16) -> &'static [u8] {
    if code < 500 { b"please try again later" } else { b"refused by policy" }
}

/// Appends a header field if it is one (RFC 5322 §2.2, §3.2.2) and fits as a whole; the text stays without a NUL.
pub(crate) fn push_field(to: &mut Answer, field: &[u8]) {
    if is_field(field) && to.len() + field.len() + 1 < ANSWER_MAX {
        to.push(field);
        to.push(b"\n");
    }
}

fn is_field(field: &[u8]) -> bool {
    let Some(colon) = field.iter().position(|byte| *byte == b':') else { return false };
    let name = first(field, colon);
    let is_name = !name.is_empty() && name.iter().all(|byte| matches!(byte, b'!'..=b'~'));
    let body = after(field, colon + 1);
    is_name
        && field.split(|byte| *byte == b'\n').all(is_field_line)
        && body.split(|byte| *byte == b'\n').skip(1).all(is_folded)
}

/// Something to read, in printable ASCII and tabs, not too long.
fn is_field_line(line: &[u8]) -> bool {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    line.len() <= FIELD_LINE_MAX && line.iter().all(is_text) && !line.iter().all(is_blank)
}

fn is_folded(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}
