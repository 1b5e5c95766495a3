//! What does one line of a rules file say? `address:allow|deny[,VAR="value"]…`, as `tcprules.c` reads it.

/// A line that makes rules.
pub(super) struct Line<'a> {
    /// What stands before the colon; may be a range.
    pub(super) address: &'a [u8],
    /// Instructions as in the cdb: `D\0`, `+VAR=value\0`.
    pub(super) data: Vec<u8>,
}

/// Reads a line. `None` = a comment, or no rule at all.
pub(super) fn rule(line: &[u8]) -> Result<Option<Line<'_>>, String> {
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let line = &line[..end];
    match line.iter().position(|&byte| byte == b':') {
        Some(colon) if !line.starts_with(b"#") => {
            Ok(Some(Line { address: &line[..colon], data: instructions(&line[colon + 1..])? }))
        }
        _ => Ok(None),
    }
}

fn instructions(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    let mut rest = match (text.strip_prefix(b"deny"), text.strip_prefix(b"allow")) {
        (Some(rest), _) => {
            data.extend(b"D\0");
            rest
        }
        (None, Some(rest)) => rest,
        (None, None) => return Err("expected allow or deny (in small letters) after the colon".to_owned()),
    };
    while !rest.is_empty() {
        rest = assignment(rest, &mut data).ok_or("expected ,VARIABLE=\"value\" after allow or deny")?;
    }
    Ok(data)
}

/// Appends one `,VAR="value"`; gives what follows. Any byte may stand for the quotes.
fn assignment<'a>(text: &'a [u8], data: &mut Vec<u8>) -> Option<&'a [u8]> {
    let text = text.strip_prefix(b",")?;
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let (&quote, value) = text[equals + 1..].split_first()?;
    let end = value.iter().position(|&byte| byte == quote)?;
    data.push(b'+');
    data.extend(&text[..=equals]);
    data.extend(&value[..end]);
    data.push(0);
    Some(&value[end + 1..])
}

/// The keys of an address: one, or one for each number of a range such as `10.0.0.1-9` or `10.0-3.`.
pub(super) fn expanded(address: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let dash = address.iter().position(|&byte| byte == b'-');
    let Some(dash) = dash.filter(|_| !address.contains(&b'=') && !address.contains(&b'@')) else {
        return Ok(vec![address.to_vec()]);
    };
    let left = address[..dash].iter().rposition(|&byte| byte == b'.').map_or(0, |dot| dot + 1);
    let right = address[dash..].iter().position(|&byte| byte == b'.').map_or(address.len(), |dot| dash + dot);
    let (bottom, top) = (number(&address[left..dash])?, number(&address[dash + 1..right])?.min(255));
    let key = |n: u64| [&address[..left], n.to_string().as_bytes(), &address[right..]].concat().to_ascii_lowercase();
    Ok((bottom..=top).map(key).collect())
}

/// `scan_ulong`: digits only, none is 0, too many wrap.
fn number(text: &[u8]) -> Result<u64, String> {
    text.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'9' => Ok(number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'))),
        _ => Err("expected a range of numbers such as 10.0.0.1-9".to_owned()),
    })
}
