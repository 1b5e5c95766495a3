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

/// One line under construction. Fields come in the order of their importance: those without room are left out.
pub struct Line {
    format: Format,
    text: String,
    cut: Vec<&'static str>,
    full: bool,
}

impl Line {
    /// An empty line.
    pub fn new(format: Format) -> Self {
        let mut text = String::with_capacity(LINE_OCTETS_MAX + 1);
        if format == Format::Json {
            text.push('{');
        }
        Self { format, text, cut: Vec::new(), full: false }
    }

    /// A field whose value is any bytes. `key` is one of ours.
    pub fn bytes(&mut self, key: &'static str, value: &[u8]) -> &mut Self {
        let (escaped, cut) = self.escaped(value);
        let value = match self.format {
            Format::Logfmt if !needs_quotes(value) && !cut => escaped,
            Format::Logfmt | Format::Json => format!("\"{escaped}\""),
        };
        if self.push(key, &value) && cut && self.cut.len() < CUT_MAX {
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
        self.push(key, &value.into().to_string());
        self
    }

    /// `true`; left out if not.
    pub fn flag(&mut self, key: &'static str, value: bool) -> &mut Self {
        if value {
            self.push(key, "true");
        }
        self
    }

    /// The finished line, with LF.
    pub fn finish(mut self) -> String {
        let cut = std::mem::take(&mut self.cut).join(",");
        let full = self.full;
        // Room for these two was kept.
        if !cut.is_empty() {
            let quoted = if self.format == Format::Json { format!("\"{cut}\"") } else { cut };
            self.append("cut", &quoted);
        }
        if full {
            self.append("truncated", "true");
        }
        if self.format == Format::Json {
            self.text.push('}');
        }
        self.text.push('\n');
        self.text
    }

    /// Appends if there is room, with room to spare for `cut`, `truncated` and the brace.
    fn push(&mut self, key: &str, value: &str) -> bool {
        const SPARE: usize = 20 + 8 + CUT_MAX * 20;
        let fits = self.text.len() + key.len() + value.len() + 4 + SPARE <= LINE_OCTETS_MAX;
        if fits {
            self.append(key, value);
        } else {
            self.full = true;
        }
        fits
    }

    fn append(&mut self, key: &str, value: &str) {
        let first = self.text.len() <= 1;
        // Writing to a String cannot fail.
        let _ = match self.format {
            Format::Logfmt => write!(self.text, "{}{key}={value}", if first { "" } else { " " }),
            Format::Json => write!(self.text, "{}\"{key}\":{value}", if first { "" } else { "," }),
        };
    }

    /// The value with escapes, and whether it had to be cut. Only whole escapes are cut away.
    fn escaped(&self, value: &[u8]) -> (String, bool) {
        let mut out = String::new();
        let mut room_for_mark = 0;
        for &byte in value {
            // Writing to a String cannot fail.
            let _ = match (byte, self.format) {
                (b'"' | b'\\', _) => write!(out, "\\{}", char::from(byte)),
                (b' '..=b'~', _) => write!(out, "{}", char::from(byte)),
                (_, Format::Logfmt) => write!(out, "\\x{byte:02x}"),
                (_, Format::Json) => write!(out, "\\u{byte:04x}"),
            };
            if out.len() > VALUE_OCTETS_MAX {
                out.truncate(room_for_mark);
                return (out + ELLIPSIS, true);
            }
            if out.len() <= VALUE_OCTETS_MAX - ELLIPSIS.len() {
                room_for_mark = out.len();
            }
        }
        (out, false)
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
        let mut line = Line::new(format);
        line.number("time", 7_u8);
        for (key, value) in KEYS.iter().zip(values) {
            line.bytes(key, value);
        }
        line.finish()
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
        let mut line = Line::new(Format::Logfmt);
        line.text("host", "mx1")
            .text("helo", "a b")
            .text("sender", "")
            .bytes("recipient", b"x\"\n\xff=")
            .flag("off", true);
        assert_eq!(line.finish(), "host=mx1 helo=\"a b\" sender=\"\" recipient=\"x\\\"\\x0a\\xff=\" off=true\n");
        let mut line = Line::new(Format::Json);
        line.text("host", "mx1").bytes("recipient", b"x\"\n\xff").number("seq", 3_u32).flag("off", false);
        assert_eq!(line.finish(), "{\"host\":\"mx1\",\"recipient\":\"x\\\"\\u000a\\u00ff\",\"seq\":3}\n");
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
