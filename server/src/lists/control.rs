//! Which entries does a qmail control file hold? The line rules of netqmail's `control.c` and `constmap.c`, to the byte.
//!
//! A line ends at LF; blanks, tabs and LF at its end go; lines that are then empty or begin with `#` are dropped; all
//! else counts, leading blanks included. Two differences, both for the better: one CR at the end goes too (stock qmail
//! keeps it, and such a line silently matches nothing), and an entry is never empty.

/// One entry with the line it stands in, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line number, from 1.
    pub line: usize,
    /// Its bytes; never empty, never containing LF or NUL.
    pub text: &'a [u8],
}

/// The entries of a list file, in file order.
pub fn entries(content: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    // A NUL ends an entry in constmap, so that one line may hold several; a line that begins with NUL is dropped.
    lines(content).filter(|(_, line)| !matches!(line.first(), None | Some(b'#' | 0))).flat_map(|(number, line)| {
        let parts = line.split(|&byte| byte == 0).filter(|part| !part.is_empty());
        parts.map(move |text| Entry { line: number, text })
    })
}

/// What a file of a single line says (`control_readline`): its first line without blanks and tabs at the end, and without one
/// CR. It may be empty, and `#` is nothing special.
pub fn first_line(content: &[u8]) -> &[u8] {
    lines(content).next().map_or(b"", |(_, line)| line)
}

/// The first line that ends in CR, from 1: the file was written for DOS.
pub fn first_dos_line(content: &[u8]) -> Option<usize> {
    content.split(|&byte| byte == b'\n').position(|line| trimmed(line).last() == Some(&b'\r')).map(|at| at + 1)
}

fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    content.split(|&byte| byte == b'\n').enumerate().map(|(at, line)| {
        let line = trimmed(line);
        (at + 1, line.strip_suffix(b"\r").map_or(line, trimmed))
    })
}

fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(content: &[u8]) -> Vec<&[u8]> {
        entries(content).map(|entry| entry.text).collect()
    }

    #[test]
    fn lines_are_read_as_qmail_reads_them() {
        let content = b"a@b\n#comment\n\n  leading\ntrailing \t \n \t\n#\n @x # not a comment\nlast";
        assert_eq!(texts(content), [b"a@b".as_slice(), b"  leading", b"trailing", b" @x # not a comment", b"last"]);
        assert_eq!(entries(content).last().map(|entry| entry.line), Some(9));
    }

    #[test]
    fn a_single_line_is_the_first() {
        assert_eq!(first_line(b"# mail.example \t\r\nother\n"), b"# mail.example");
        assert_eq!((first_line(b"\nmail.example\n"), first_line(b"")), (b"".as_slice(), b"".as_slice()));
    }

    #[test]
    fn nul_splits_entries_and_hides_a_line_it_begins() {
        assert_eq!(texts(b"a\0b\0\0c\n\0hidden\n"), [b"a".as_slice(), b"b", b"c"]);
    }

    #[test]
    fn one_cr_at_the_end_is_forgiven_and_reported() {
        assert_eq!(
            texts(b"@a.example\r\n@b.example \r\n\r\n@c\r.example\nd\r\r\n"),
            [b"@a.example".as_slice(), b"@b.example", b"@c\r.example", b"d\r"]
        );
        assert_eq!(first_dos_line(b"x\ny\r\n"), Some(2));
        assert_eq!(first_dos_line(b"x\ny\rz\n"), None);
    }

    /// `control_readfile` and `constmap_init`, transcribed as loops over bytes; CR is not special there.
    fn as_qmail_does(content: &[u8]) -> Vec<Vec<u8>> {
        let mut block = Vec::new();
        for line in content.split_inclusive(|&byte| byte == b'\n') {
            let mut line = line.to_vec();
            while matches!(line.last(), Some(b' ' | b'\t' | b'\n')) {
                line.pop();
            }
            line.push(0);
            if line[0] != 0 && line[0] != b'#' {
                block.extend(line);
            }
        }
        block.split(|&byte| byte == 0).filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect()
    }

    proptest! {
        #[test]
        fn without_cr_any_bytes_read_as_in_qmail(content in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b' '), Just(b'\t'), Just(b'#'), Just(0u8), Just(b'@'), 33u8..=255], 0..200,
        )) {
            prop_assert_eq!(texts(&content), as_qmail_does(&content));
        }
    }
}
