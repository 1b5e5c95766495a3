//! How is a macro-string read? By the grammar of RFC 7208 §7.1; an error says where.

use super::{super::record::ParseError, Letter, Macro, MacroText, Part};

/// Where a macro-string stands: spaces and three of the letters belong into explanations only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a record.
    Record,
    /// In the text that `exp=` points to.
    Explanation,
}

impl MacroText {
    /// Reads one. `at` of the error counts octets from the start of `text`.
    ///
    /// # Errors
    /// What is not printable ASCII, and a `%` that begins no macro.
    pub fn parse(text: &str, place: Place) -> Result<Self, ParseError> {
        let mut reader = Reader { text, at: 0, place };
        let (mut parts, mut literal) = (Vec::new(), String::new());
        while let Some(octet) = reader.next() {
            let at = reader.at - 1;
            match octet {
                b'%' => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(reader.after_percent(at)?);
                }
                0x21..=0x7e => literal.push(char::from(octet)),
                b' ' if place == Place::Explanation => literal.push(' '),
                _ => return Err(ParseError::new(at, "expected printable ASCII")),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    place: Place,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let octet = self.peek()?;
        self.at += 1;
        Some(octet)
    }

    /// What a `%` at `at` begins.
    fn after_percent(&mut self, at: usize) -> Result<Part, ParseError> {
        match self.next() {
            Some(b'%') => Ok(Part::Percent),
            Some(b'_') => Ok(Part::Space),
            Some(b'-') => Ok(Part::UrlSpace),
            Some(b'{') => self.braced(at).map(Part::Macro),
            _ => Err(ParseError::new(at, "a % that begins no macro: expected %{, %%, %_ or %-")),
        }
    }

    fn braced(&mut self, at: usize) -> Result<Macro, ParseError> {
        let octet = self.next().unwrap_or_default();
        let letter = Letter::of(octet).ok_or_else(|| {
            ParseError::new(
                at,
                "a macro of no known letter: expected one of s l o d i p v h, in explanations c r t too",
            )
        })?;
        if letter.is_for_explanations() && self.place == Place::Record {
            return Err(ParseError::new(at, "the macros c, r and t belong into explanations only"));
        }
        let keep = self.keep(at)?;
        let is_reversed = matches!(self.peek(), Some(b'r' | b'R'));
        self.at += usize::from(is_reversed);
        let mut delimiters = String::new();
        loop {
            match self.next() {
                Some(b'}') => break,
                // Each delimiter once is enough: this bounds the macro.
                Some(octet @ (b'.' | b'-' | b'+' | b',' | b'/' | b'_' | b'=')) => {
                    if !delimiters.contains(char::from(octet)) {
                        delimiters.push(char::from(octet));
                    }
                }
                _ => return Err(ParseError::new(at, "a macro without its end: expected }")),
            }
        }
        Ok(Macro { letter, is_escaped: octet.is_ascii_uppercase(), keep, is_reversed, delimiters })
    }

    /// The number of parts; 0 = none is given. Names have at most 127 labels: what is more than 255 means all.
    fn keep(&mut self, at: usize) -> Result<u8, ParseError> {
        let (mut keep, mut is_given) = (0_u8, false);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            (keep, is_given) = (keep.saturating_mul(10).saturating_add(digit - b'0'), true);
            self.at += 1;
        }
        if is_given && keep == 0 {
            return Err(ParseError::new(at, "a macro that keeps 0 parts: expected at least 1"));
        }
        Ok(keep)
    }
}
