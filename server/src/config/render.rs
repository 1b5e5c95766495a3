//! How is a value written in TOML and described to a reader?

use super::{Kind, Secret, document::Value};
use std::fmt::Write;

/// A value as TOML: what is written, else the default. A secret is shown as a word that says so.
pub(super) fn value(kind: Kind, written: Option<&Value>) -> String {
    match (kind, written) {
        (Kind::Secret, Some(_)) => quoted(Secret::SHOWN),
        (kind, written) => written.map_or_else(|| default(kind), as_toml),
    }
}

fn default(kind: Kind) -> String {
    match kind {
        Kind::Bool(flag) => flag.to_string(),
        Kind::Integer { default, .. } => default.to_string(),
        Kind::Text(text) | Kind::Mode(text) | Kind::Path(text) => quoted(text),
        Kind::Secret => quoted(""),
        Kind::Choice(words) => quoted(words[0]),
        Kind::Texts(items) | Kind::Networks(items) => list(items.iter().map(|item| quoted(item))),
        Kind::TextMap => "{}".to_owned(),
    }
}

fn as_toml(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.map_or_else(String::new, |number| number.to_string()),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => list(items.iter().map(|(_, item)| as_toml(item))),
        Value::Table(table) => {
            let pairs = table.0.iter().map(|entry| format!("{} = {}", key(&entry.key), as_toml(&entry.value)));
            let pairs: Vec<String> = pairs.collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        // No field has such a value, so none gets past the reader.
        Value::Other(name) => quoted(name),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A key, bare where TOML allows it.
pub(super) fn key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { key.to_owned() } else { quoted(key) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            char if char.is_control() => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// What may be written there, in words.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Bool(_) => "true or false".to_owned(),
        Kind::Integer { min, max, .. } => format!("{min} to {max}"),
        Kind::Text(_) => "text".to_owned(),
        Kind::Secret => "text, never shown".to_owned(),
        Kind::Choice(words) => words.join(", "),
        Kind::Mode(_) => "enforce, soft, monitor, off".to_owned(),
        Kind::Path(_) => "path".to_owned(),
        Kind::Texts(_) => "list of texts".to_owned(),
        Kind::Networks(_) => "list of addresses and networks".to_owned(),
        Kind::TextMap => "table of texts".to_owned(),
    }
}

/// Words in lines of at most `width` columns, each behind `prefix`.
pub(super) fn wrapped(text: &str, prefix: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() <= width {
            out.push(' ');
            column += 1;
        } else {
            if column > 0 {
                out.push('\n');
            }
            out.push_str(prefix);
            column = prefix.len();
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Document;

    #[test]
    fn what_is_written_parses_back() {
        let text = "a = \"x \\\" \\\\ \\n \\u0001 é\"\nb = [1, \"2\", true]\nc = { \"a b\" = \"1\", d = \"2\" }\n";
        let document = Document::parse("", text).expect("a document");
        let again: String =
            document.root.0.iter().map(|entry| format!("{} = {}\n", key(&entry.key), as_toml(&entry.value))).collect();
        assert_eq!(again, text);
    }

    #[test]
    fn a_secret_is_never_written() {
        let document = Document::parse("", "key = \"hunter2\"\n").expect("a document");
        let written = document.root.get("key").map(|entry| &entry.value);
        assert_eq!(
            (value(Kind::Secret, written), value(Kind::Secret, None)),
            ("\"(secret)\"".to_owned(), "\"\"".to_owned())
        );
    }

    #[test]
    fn words_wrap_behind_their_prefix() {
        assert_eq!(wrapped("a bb ccc dddd", "# ", 8), "# a bb\n# ccc\n# dddd\n");
        assert_eq!(wrapped("", "# ", 8), "\n");
    }
}
