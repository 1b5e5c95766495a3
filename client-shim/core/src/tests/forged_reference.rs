//! What is left of a message without its forged fields? By looking at all of it at once, in words of its own.

const NAME: &[u8] = b"authentication-results";

pub(super) fn filtered(ours: &str, message: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut rest = message;
    while !rest.is_empty() && !rest.starts_with(b"\n") {
        let end = (1..rest.len()).find(|at| rest[at - 1] == b'\n' && !b" \t".contains(&rest[*at]));
        let (field, behind) = rest.split_at(end.unwrap_or(rest.len()));
        // Behind every CR another reader's line may begin.
        let starts = field.iter().enumerate().filter(|(_, byte)| **byte == b'\r').map(|(at, _)| at + 1);
        match std::iter::once(0).chain(starts).find(|start| is_forged(ours, &field[*start..], *start > 0)) {
            None => left.extend_from_slice(field),
            Some(0) => {}
            Some(start) => {
                left.extend_from_slice(&field[..start]);
                left.extend(field.ends_with(b"\n").then_some(b'\n'));
            }
        }
        rest = behind;
    }
    left.extend_from_slice(rest);
    left
}

fn is_forged(ours: &str, field: &[u8], is_hidden: bool) -> bool {
    let Some(colon) = field.iter().position(|byte| *byte == b':') else { return false };
    let dropped: &[u8] = if is_hidden { b"\0" } else { b"\0\r" };
    let mut name: Vec<u8> = field[..colon].iter().copied().filter(|byte| !dropped.contains(byte)).collect();
    while name.last().is_some_and(|byte| b" \t\r\n\0".contains(byte)) {
        name.pop();
    }
    name.eq_ignore_ascii_case(NAME) && bears(ours, &field[colon + 1..])
}

/// Everything that may be the name up to its end, in any reader's eyes.
fn bears(ours: &str, text: &[u8]) -> bool {
    let (mut word, mut at) = (Vec::new(), 0);
    while let Some(&byte) = text.get(at) {
        let is_space = b" \t\r\n".contains(&byte);
        if is_space && !is_other(ours, &word) && lone_cr(&text[at..]) {
            return true;
        }
        if is_ours(ours, &word) && !is_token(byte) {
            return true;
        }
        match byte {
            b'"' => match quoted(ours, &text[at + 1..], &mut word) {
                Some(length) => at += length + 1,
                None => return true,
            },
            b'(' if is_other(ours, &word) => return false,
            b'(' => match comment(&text[at + 1..]) {
                Some(length) => at += length + 1,
                None => return true,
            },
            _ if is_space && is_other(ours, &word) => return false,
            _ if is_space => at += 1,
            b'\\' | ..=b' ' | 0x7f.. => return true,
            _ if is_token(byte) => {
                word.push(byte);
                at += 1;
            }
            _ => return word.is_empty(),
        }
        if text[at - 1] == b'"' && is_other(ours, &word) {
            return false;
        }
    }
    word.is_empty() || is_ours(ours, &word)
}

/// Length of what stands between quotes, with the second one; `None` if it makes the field ours.
fn quoted(ours: &str, text: &[u8], word: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let mut byte = *text.get(at)?;
        let is_escaped = byte == b'\\' && !is_ours(ours, word);
        if is_escaped {
            at += 1;
            byte = *text.get(at)?;
        }
        at += 1;
        let is_space = b" \t\r\n".contains(&byte);
        let is_out = byte == 0 || is_space && lone_cr(&text[at - 1..]) || is_ours(ours, word) && !is_token(byte);
        if is_out || !is_space && !(b'!'..=b'~').contains(&byte) {
            return None;
        }
        match byte {
            b'"' if !is_escaped => return Some(at),
            _ if is_space => {}
            _ => word.push(byte),
        }
    }
}

fn comment(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (1, 0);
    while depth > 0 {
        let byte = *text.get(at)?;
        if byte == 0 || lone_cr(&text[at..]) {
            return None;
        }
        match byte {
            b'\\' => {
                at += 1;
                if *text.get(at)? == 0 || lone_cr(&text[at..]) {
                    return None;
                }
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}

fn lone_cr(text: &[u8]) -> bool {
    text.starts_with(b"\r") && text.len() > 1 && text[1] != b'\n'
}

fn is_ours(ours: &str, word: &[u8]) -> bool {
    let dots = word.iter().rev().take_while(|byte| **byte == b'.').count();
    word[..word.len() - dots].eq_ignore_ascii_case(ours.as_bytes())
}

/// Nothing behind it can make it ours.
fn is_other(ours: &str, word: &[u8]) -> bool {
    let is_start = word.len() <= ours.len() && ours.as_bytes()[..word.len()].eq_ignore_ascii_case(word);
    !is_start && !is_ours(ours, word)
}

fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
}
