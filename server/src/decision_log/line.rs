//! How does a record become one line that nobody can forge? Printable ASCII, one line, at most 799 bytes, whatever a
//! client said; a cut value and a line without room for everything say so.
//!
//! logfmt: `key=word key="quoted \"text\" with \xe9"`. JSON: one object; bytes that are no ASCII are the characters
//! U+0080 to U+00FF, so every byte is told apart.

use super::Format;
use std::fmt::Write;

/// Longest line in octets, without LF: what syslog by `splogger` carries in one piece.
pub const LINE_OCTETS_MAX: usize = 799;

/// Longest value in octets, escaped; a longer one is cut and listed under `cut`.
pub const VALUE_OCTETS_MAX: usize = 160;

/// What a cut value ends with.
const ELLIPSIS: &str = "...";

/// Cut values that are listed by name.
const CUT_MAX: usize = 4;

/// One line under construction, appended to a text of whole lines. Fields come in the order of their importance: those
/// without room are left out.
pub struct Line<'a> {
    format: Format,
    out: &'a mut String,
    start: usize,
    cut: Vec<&'static str>,
    full: bool,
}

impl<'a> Line<'a> {
    /// Octets kept free for `cut`, `truncated` and the brace.
    const SPARE: usize = 28 + CUT_MAX * 20;

    /// An empty line behind those in `out`.
    pub fn new(format: Format, out: &'a mut String) -> Self {
        let start = out.len();
        if format == Format::Json {
            out.push('{');
        }
        Self { format, out, start, cut: Vec::new(), full: false }
    }

    /// A field whose value is any bytes. `key` is one of ours.
    pub fn bytes(&mut self, key: &'static str, value: &[u8]) -> &mut Self {
        let before = self.out.len();
        self.key(key);
        let quoted = self.format == Format::Json || needs_quotes(value) || value.len() > VALUE_OCTETS_MAX;
        if quoted {
            self.out.push('"');
        }
        let cut = self.escape(value);
        if quoted {
            self.out.push('"');
        }
        if self.keep_or_undo(before) && cut && self.cut.len() < CUT_MAX {
            self.cut.push(key);
        }
        self
    }

    /// A field whose value is text.
    pub fn text(&mut self, key: &'static str, value: &str) -> &mut Self {
        self.bytes(key, value.as_bytes())
    }

    /// The same, left out if empty.
    pub fn text_if(&mut self, key: &'static str, value: &str) -> &mut Self {
        if value.is_empty() { self } else { self.text(key, value) }
    }

    /// A number.
    pub fn number(&mut self, key: &'static str, value: impl Into<u64>) -> &mut Self {
        let before = self.out.len();
        self.key(key);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{}", value.into());
        self.keep_or_undo(before);
        self
    }

    /// `true`; left out if not.
    pub fn flag(&mut self, key: &'static str, value: bool) -> &mut Self {
        if value {
            let before = self.out.len();
            self.key(key);
            self.out.push_str("true");
            self.keep_or_undo(before);
        }
        self
    }

    /// Finishes the line with LF.
    pub fn finish(mut self) {
        let cut = std::mem::take(&mut self.cut).join(",");
        // Room for these two was kept.
        if !cut.is_empty() {
            self.key("cut");
            let quote = if self.format == Format::Json { "\"" } else { "" };
            [quote, &cut, quote].iter().for_each(|part| self.out.push_str(part));
        }
        if self.full {
            self.key("truncated");
            self.out.push_str("true");
        }
        if self.format == Format::Json {
            self.out.push('}');
        }
        self.out.push('\n');
    }

    fn key(&mut self, key: &str) {
        let first = self.out.len() <= self.start + 1;
        let (before, after) = match self.format {
            Format::Logfmt => (if first { "" } else { " " }, "="),
            Format::Json => (if first { "\"" } else { ",\"" }, "\":"),
        };
        [before, key, after].iter().for_each(|part| self.out.push_str(part));
    }

    /// Takes a field back that has no room.
    fn keep_or_undo(&mut self, before: usize) -> bool {
        let fits = self.out.len() - self.start + Self::SPARE <= LINE_OCTETS_MAX;
        if !fits {
            self.out.truncate(before);
            self.full = true;
        }
        fits
    }

    /// Writes the value with escapes; `true` = it had to be cut. Only whole escapes are cut away.
    fn escape(&mut self, value: &[u8]) -> bool {
        let start = self.out.len();
        let mut room_for_mark = start;
        for &byte in value {
            // Writing to a String cannot fail.
            let _ = match (byte, self.format) {
                (b'"' | b'\\', _) => write!(self.out, "\\{}", char::from(byte)),
                (b' '..=b'~', _) => {
                    self.out.push(char::from(byte));
                    Ok(())
                }
                (_, Format::Logfmt) => write!(self.out, "\\x{byte:02x}"),
                (_, Format::Json) => write!(self.out, "\\u{byte:04x}"),
            };
            let length = self.out.len() - start;
            if length > VALUE_OCTETS_MAX {
                self.out.truncate(room_for_mark);
                self.out.push_str(ELLIPSIS);
                return true;
            }
            if length <= VALUE_OCTETS_MAX - ELLIPSIS.len() {
                room_for_mark = self.out.len();
            }
        }
        false
    }
}

fn needs_quotes(value: &[u8]) -> bool {
    value.is_empty() || value.iter().any(|&byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'=' | b'\\'))
}

/// The opposite of [`Line`], for tests of what it writes: keys and values in order, `None` if it is no such line.
#[cfg(test)]
pub(super) fn parse_logfmt(line: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mut rest = line.strip_suffix('\n')?.as_bytes();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let equals = rest.iter().position(|&byte| byte == b'=')?;
        let key = String::from_utf8(rest[..equals].to_vec()).ok()?;
        rest = &rest[equals + 1..];
        let value = if let Some(quoted) = rest.strip_prefix(b"\"") {
            let (value, after) = unquoted(quoted)?;
            rest = after;
            value
        } else {
            let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
            let value = rest[..end].to_vec();
            rest = &rest[end..];
            value
        };
        fields.push((key, value));
        match rest.split_first() {
            None => {}
            Some((b' ', after)) if !after.is_empty() => rest = after,
            Some(_) => return None,
        }
    }
    Some(fields)
}

#[cfg(test)]
fn unquoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', b'x', high, low, after @ ..] => {
                let digits = [*high, *low];
                value.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                rest = after;
            }
            [b'\\', byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: [&str; 8] = ["a", "b", "client_ip", "helo", "sender", "recipient", "findings", "queue_reply"];

    fn line(format: Format, values: &[Vec<u8>]) -> String {
        // Behind another line, as in the log.
        let mut out = "before=1\n".to_owned();
        let mut line = Line::new(format, &mut out);
        line.number("time", 7_u8);
        for (key, value) in KEYS.iter().zip(values) {
            line.bytes(key, value);
        }
        line.finish();
        out.strip_prefix("before=1\n").expect("untouched").to_owned()
    }

    /// What must come back of a value: itself, or its front and the mark.
    fn is_front(written: &[u8], value: &[u8]) -> bool {
        written == value || written.strip_suffix(b"...").is_some_and(|front| value.starts_with(front))
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_printable_line_that_can_be_read_back(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)
        ) {
            let logfmt = line(Format::Logfmt, &values);
            let json = line(Format::Json, &values);
            for text in [&logfmt, &json] {
                let inner = text.strip_suffix('\n').expect("a line");
                prop_assert!(inner.len() <= LINE_OCTETS_MAX, "{}", inner.len());
                prop_assert!(inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            let fields = parse_logfmt(&logfmt).expect("logfmt");
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).expect("JSON");
            for (key, value) in KEYS.iter().zip(&values) {
                let Some((_, written)) = fields.iter().find(|(name, _)| name == key) else { continue };
                prop_assert!(is_front(written, value));
            }
            for (key, value) in KEYS.iter().zip(&values) {
                let Some(written) = object.get(*key) else { continue };
                let octets: Vec<u8> = written.as_str().expect("text").chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
                prop_assert!(is_front(&octets, value));
            }
        }
    }

    #[test]
    fn plain_words_stay_plain_and_others_are_quoted() {
        let mut out = String::new();
        let mut line = Line::new(Format::Logfmt, &mut out);
        line.text("host", "mx1")
            .text("helo", "a b")
            .text("sender", "")
            .bytes("recipient", b"x\"\n\xff=")
            .flag("off", true);
        line.finish();
        assert_eq!(out, "host=mx1 helo=\"a b\" sender=\"\" recipient=\"x\\\"\\x0a\\xff=\" off=true\n");
        let mut out = String::new();
        let mut line = Line::new(Format::Json, &mut out);
        line.text("host", "mx1").bytes("recipient", b"x\"\n\xff").number("seq", 3_u32).flag("off", false);
        line.finish();
        assert_eq!(out, "{\"host\":\"mx1\",\"recipient\":\"x\\\"\\u000a\\u00ff\",\"seq\":3}\n");
    }

    #[test]
    fn what_is_cut_or_left_out_is_said() {
        let long = vec![b'x'; 1000];
        let text = line(Format::Logfmt, &[long.clone(), b"short".to_vec()]);
        assert!(text.ends_with(" b=short cut=a\n"), "{text}");
        let text = line(Format::Logfmt, &vec![long; 8]);
        assert!(text.ends_with(" cut=a,b,client_ip,helo truncated=true\n"), "{text}");
    }

    #[test]
    fn nobody_forges_a_line() {
        let text = line(Format::Logfmt, &[b"x\nevent=decision action=continue".to_vec()]);
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(parse_logfmt(&text).expect("logfmt").len(), 2);
    }
}
