//! Can a domain stand in an address? Other letters, dots too many, bytes that no domain has.

use super::{Level, Linter, files::File, shown};

impl Linter<'_> {
    /// Says why no address has this domain. One dot in front is qmail's sign for all below.
    pub(super) fn look_at_domain(&mut self, file: &File, line: usize, domain: &[u8]) {
        if let Some((level, text)) = wrong(domain.strip_prefix(b".").unwrap_or(domain)) {
            self.tell(level, &file.path, line, text);
        }
    }
}

fn wrong(domain: &[u8]) -> Option<(Level, String)> {
    let is_literal = domain.starts_with(b"[") && domain.ends_with(b"]");
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let text = shown(domain);
    let never = if domain.is_empty() {
        "a dot alone is no domain: expected one".to_owned()
    } else if !domain.is_ascii() {
        // With SMTPUTF8 (RFC 6531) it may come as it stands, but stock qmail does not offer that.
        return Some((Level::Warning, format!("{text} comes in ASCII in most mail: expected its form xn--…")));
    } else if is_literal {
        return None;
    } else if let Some(byte) = domain.iter().find(|byte| !known(byte)) {
        format!("{text} holds {}, which no domain has: expected one domain a line", shown(&[*byte]))
    } else if let Some(rest) = domain.strip_suffix(b".") {
        format!("{text} never matches, for addresses do not end in a dot: expected {}", shown(rest))
    } else if domain.split(|&byte| byte == b'.').any(<[u8]>::is_empty) {
        format!("{text} never matches, for it has two dots with nothing between: expected one")
    } else {
        return None;
    };
    Some((Level::Error, never))
}
