//! Can the entries of `badmailfrom` and `badrcptto` match what they were written for, and nobody else?

use super::{Linter, entries::Entry, files::File, hosts::Domains, shown};

pub(super) fn look(linter: &mut Linter<'_>, domains: &Domains) {
    if let Some(file) = linter.lines("badmailfrom") {
        let entries = addresses(linter, &file);
        linter.look_at_suffixes(&file, &entries, |domain| [b"@", domain].concat());
        for (line, text) in entries.iter().filter(|(_, text)| text.starts_with(b"@.")) {
            linter.error(&file.path, *line, format!("{} never matches: expected {}", shown(text), shown(&text[1..])));
        }
        look_at_own(linter, &file, &entries, domains);
    }
    if let Some(file) = linter.lines("badrcptto") {
        let entries = addresses(linter, &file);
        for (line, text) in entries.iter().filter(|(_, text)| is_suffix(text)) {
            linter.error(&file.path, *line, format!("{} never matches: suffixes do not count here", shown(text)));
        }
        look_at_recipients(linter, &file, &entries, domains);
    }
}

/// Entries in qmail's forms. Those with a sign of SpamControl's are passed over; beside one, patterns may be meant.
fn addresses(linter: &mut Linter<'_>, file: &File) -> Vec<Entry> {
    let (signed, entries): (Vec<Entry>, Vec<Entry>) =
        linter.entries(file).into_iter().partition(|(_, text)| has_sign(text));
    if let Some((line, text)) = signed.first() {
        let text = format!(
            "{} is SpamControl's dialect, which stock qmail does not know: expected dialect = \"spamcontrol\" in tollgate.toml",
            shown(text)
        );
        linter.note(&file.path, *line, text);
    }
    let mut usable = Vec::new();
    for (line, text) in entries {
        if !signed.is_empty() && is_pattern(&text) {
            let text = format!("{} is a pattern, too: stock qmail knows none, that dialect does", shown(&text));
            linter.note(&file.path, line, text);
            continue;
        }
        match wrong_form(&text) {
            Some(wrong) => linter.error(&file.path, line, wrong),
            None => {
                if let Some(domain) = domain_of(&text) {
                    linter.look_at_domain(file, line, domain);
                }
                usable.push((line, text));
            }
        }
    }
    usable
}

/// As `lists::SpamControlList` reads them. A local part may end as a domain cannot.
fn has_sign(text: &[u8]) -> bool {
    let ends = text.ends_with(b"=") || text.ends_with(b"+") || (text.ends_with(b"-") && text.contains(&b'@'));
    matches!(text.first(), Some(b'!' | b'?' | b'~')) || ends
}

fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

fn wrong_form(text: &[u8]) -> Option<String> {
    let never = |expected: &[u8]| Some(format!("{} never matches: expected {}", shown(text), shown(expected)));
    let display = |byte: &u8| matches!(byte, b'<' | b'>' | b'"' | b'(' | b',');
    if text == b"<>" || text == b"@" {
        return Some(format!("{} never matches: nothing lists the null sender", shown(text)));
    }
    if text.iter().any(display) {
        let bare: Vec<u8> = text.iter().copied().filter(|byte| !display(byte)).collect();
        return never(&bare);
    }
    if let Some(rest) = text.strip_prefix(b"*@") {
        return if let Some(suffix) = rest.strip_prefix(b"*") { never(suffix) } else { never(&[b"@", rest].concat()) };
    }
    if text.contains(&b'*') {
        return Some(format!("{}: there are no patterns here: expected user@host, @host or .suffix", shown(text)));
    }
    // Plain postmaster is an address without a domain (RFC 5321 §4.1.1.3).
    if !text.contains(&b'@') && !text.starts_with(b".") && text != b"postmaster" {
        return Some(format!(
            "{} has no @ and covers only an address without a domain: expected {}",
            shown(text),
            shown(&[b"@", text].concat())
        ));
    }
    None
}

fn is_suffix(text: &[u8]) -> bool {
    text.starts_with(b".") || text.starts_with(b"@.")
}

fn domain_of(text: &[u8]) -> Option<&[u8]> {
    match text.iter().rposition(|&byte| byte == b'@') {
        Some(at) => Some(&text[at + 1..]),
        None => text.strip_prefix(b"."),
    }
}

/// Listing one's own domain keeps forgers out, and others too.
fn look_at_own(linter: &mut Linter<'_>, file: &File, entries: &[Entry], domains: &Domains) {
    for (line, text) in entries.iter().filter(|(_, text)| text.starts_with(b"@")) {
        if domain_of(text).is_some_and(|domain| domains.are_ours(domain)) {
            let text = format!(
                "{} is ours: our users elsewhere, lists that keep the sender and forwarders are refused too; SPF is more exact",
                shown(text)
            );
            linter.note(&file.path, *line, text);
        }
    }
}

fn look_at_recipients(linter: &mut Linter<'_>, file: &File, entries: &[Entry], domains: &Domains) {
    for (line, text) in entries {
        let local = text.split(|&byte| byte == b'@').next().unwrap_or_default();
        let domain = domain_of(text);
        let is_ours = domain.is_some_and(|domain| domains.are_ours(domain));
        if text == b"postmaster" || (matches!(local, b"postmaster" | b"abuse") && is_ours) {
            let text = format!("{} must stay reachable (RFC 5321, RFC 2142): expected no such line", shown(text));
            linter.error(&file.path, *line, text);
        } else if !is_ours && !is_suffix(text) {
            let text = format!("{} is not ours: rcpthosts refuses it before this list is asked", shown(text));
            linter.note(&file.path, *line, text);
        }
    }
}
