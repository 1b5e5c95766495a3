//! Does `virtualdomains` hand mail to somebody, and to whom it should?

use super::{Linter, entries::Entry, files::File, shown};
use std::collections::{BTreeSet, HashMap};

/// What `virtualdomains` is about, in lower case.
#[derive(Default)]
pub(super) struct Virtuals {
    /// Domains that somebody gets; a leading dot means all below.
    pub(super) keys: Vec<Entry>,
    /// All that is named: besides, exceptions, domains of single addresses, and "" for everything else.
    pub(super) named: BTreeSet<Vec<u8>>,
}

pub(super) fn look(linter: &mut Linter<'_>, locals: &[Entry]) -> Virtuals {
    let mut virtuals = Virtuals::default();
    let Some(file) = linter.lines("virtualdomains") else { return virtuals };
    let local: HashMap<&[u8], usize> = locals.iter().map(|(line, text)| (&text[..], *line)).collect();
    let mut first: HashMap<Vec<u8>, usize> = HashMap::new();
    for (line, text) in linter.entries(&file) {
        let Some(colon) = text.iter().position(|&byte| byte == b':') else {
            let text = format!("{} has no colon and is passed over: expected domain:user", shown(&text));
            linter.error(&file.path, line, text);
            continue;
        };
        let (key, prepend) = (&text[..colon], &text[colon + 1..]);
        if let Some(other) = first.insert(key.to_vec(), line) {
            let text = format!("{} stands in line {other} with another user already", shown(key));
            linter.warning(&file.path, line, text);
        }
        if local.contains_key(key) {
            let text = format!("{} stands in locals too, and that wins: expected it in one of them", shown(key));
            linter.error(&file.path, line, text);
        }
        look_at_key(linter, &file, line, key);
        look_at_user(linter, &file, line, prepend);
        // A single address is no domain, an empty user an exception, an empty key everything else.
        if !key.contains(&b'@') && !key.is_empty() && !prepend.is_empty() {
            virtuals.keys.push((line, key.to_vec()));
        }
        virtuals.named.insert(key.rsplit(|&byte| byte == b'@').next().unwrap_or_default().to_vec());
    }
    linter.look_at_suffixes(&file, &virtuals.keys, <[u8]>::to_vec);
    virtuals
}

/// A domain, an address, or nothing.
fn look_at_key(linter: &mut Linter<'_>, file: &File, line: usize, key: &[u8]) {
    let (local, domain) = match key.iter().rposition(|&byte| byte == b'@') {
        Some(at) => (Some(&key[..at]), &key[at + 1..]),
        None => (None, key),
    };
    if local.is_some_and(<[u8]>::is_empty) || key.starts_with(b"*") {
        linter.look_at_host(file, line, key);
    } else if !key.is_empty() {
        linter.look_at_domain(file, line, domain);
    }
}

/// `domain:user` or `domain:user-ext`: the user is the longest part before a hyphen that there is one of.
fn look_at_user(linter: &mut Linter<'_>, file: &File, line: usize, prepend: &[u8]) {
    let Ok(prepend) = std::str::from_utf8(prepend) else { return };
    if let Some(rest) = prepend.strip_suffix('-') {
        let text = format!("\"{prepend}\" gets another hyphen, as {prepend}-…@: expected \"{rest}\"");
        linter.warning(&file.path, line, text);
    }
    let accounts = &linter.place.accounts;
    if prepend.is_empty() || accounts.is_empty() {
        return;
    }
    let ends = prepend.match_indices('-').map(|(at, _)| at).chain([prepend.len()]);
    let is_known = ends.into_iter().any(|end| accounts.contains(&prepend[..end]));
    if !is_known && !linter.is_assigned(prepend) {
        let text = format!(
            "\"{prepend}\" is no user, nor assigned to one: alias gets the mail, as {prepend}-…@: expected a user, or an assignment"
        );
        linter.warning(&file.path, line, text);
    }
}
