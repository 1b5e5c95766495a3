//! How are bytes from outside and columns shown on a terminal?

use std::fmt::Write;

/// Printable ASCII as it is, everything else escaped (`\n`, `\x1b`): client bytes cannot play with the terminal.
pub(super) fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out
}

/// A server's text without control characters: one line, whatever it says. Letters of any language stay.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Rows in columns, two blanks between them, nothing behind the last; each line behind `indent`.
pub(super) fn columns(indent: &str, rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        out += &format!("{indent}{}", cells.join("  "));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_printable_ascii_leaves() {
        let all: Vec<u8> = (0..=255).collect();
        assert!(escaped(&all).bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        assert_eq!(escaped(b"a\\\x1b[31m\n\xe9"), "a\\\\\\x1b[31m\\n\\xe9");
        assert_eq!(one_line("é\u{1b}[31m\n"), "é [31m ");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb", ""], ["ccc", "d", "e"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns("  ", &rows), "  a    bb\n  ccc  d   e\n");
        assert_eq!(columns("  ", &[]), "");
    }
}
