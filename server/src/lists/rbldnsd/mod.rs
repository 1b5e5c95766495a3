//! What does a zone file of rbldnsd list? Networks (its datasets ip4set, ip4trie, ip4tset, ip6trie, ip6tset) or domains
//! (dnset), by its manual page. Return codes and texts are passed over: a list here either holds somebody or does not.
//!
//! The smallest entry that covers somebody decides, an exclusion (`!`) like any other; of equal ones the exclusion does.

mod network;

use super::{NetworkSet, keys::Sorted};
use crate::config::Network;

/// What a zone of networks says.
#[derive(Debug, Default)]
pub(super) struct Zone {
    pub(super) listed: Vec<Network>,
    pub(super) excluded: Vec<Network>,
    /// Entries larger than the file's own `$MAXRANGE4`: as with rbldnsd they do not count.
    pub(super) too_large: usize,
}

/// What a zone of domains says: `name` is the domain itself, `.name` all below it.
#[derive(Clone, Debug, Default)]
pub struct Domains {
    pub(super) listed: Sorted,
    pub(super) excluded: Sorted,
}

/// A mistake and the line it stands in, from 1.
pub(super) type Mistake = (usize, String);

/// A zone of networks as a set, and its mistakes by line.
pub fn network_zone(content: &[u8]) -> (NetworkSet, Vec<(usize, String)>) {
    let mut mistakes = Vec::new();
    let zone = networks(content, |mistake| mistakes.push(mistake));
    (zone.listed.into_iter().collect::<NetworkSet>().except(zone.excluded), mistakes)
}

/// A zone of domains, or a plain list of them, and its mistakes by line.
pub fn domain_zone(content: &[u8]) -> (Domains, Vec<(usize, String)>) {
    let mut mistakes = Vec::new();
    (domains(content, |mistake| mistakes.push(mistake)), mistakes)
}

/// Reads a zone of networks. Mistakes are handed to `mistake` one by one.
pub(super) fn networks(content: &[u8], mut mistake: impl FnMut(Mistake)) -> Zone {
    let (mut zone, mut largest) = (Zone::default(), u64::MAX);
    for (line, text) in lines(content) {
        match address_item(text).map_or_else(|| item(text), Ok) {
            Ok(Item::Nothing) => {}
            Ok(Item::MaxRange(addresses)) => largest = largest.min(addresses),
            Ok(Item::Entry { excluded, text }) => match network::of(text) {
                Ok(range) if range.v4_addresses() > largest => zone.too_large += 1,
                Ok(range) => range.networks(if excluded { &mut zone.excluded } else { &mut zone.listed }),
                Err(wrong) => mistake((line, wrong)),
            },
            Err(wrong) => mistake((line, wrong)),
        }
    }
    zone
}

/// Reads a zone of domains, or a plain list of domains, which looks the same.
pub(super) fn domains(content: &[u8], mut mistake: impl FnMut(Mistake)) -> Domains {
    let (mut listed, mut excluded) = (Vec::new(), Vec::new());
    for (line, text) in lines(content) {
        let entry = match item(text) {
            Ok(Item::Nothing | Item::MaxRange(_)) => continue,
            Ok(Item::Entry { excluded, text }) => domain(text).map(|forms| (excluded, forms)),
            Err(wrong) => Err(wrong),
        };
        match entry {
            Ok((true, forms)) => excluded.extend(forms.into_iter().flatten()),
            Ok((false, forms)) => listed.extend(forms.into_iter().flatten()),
            Err(wrong) => mistake((line, wrong)),
        }
    }
    let sorted = |names: &[Vec<u8>]| Sorted::new(names.iter().map(Vec::as_slice));
    Domains { listed: sorted(&listed), excluded: sorted(&excluded) }
}

fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1..).zip(content.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii))
}

/// One line.
enum Item<'a> {
    /// A remark, a default value, or a special entry that changes nothing for us.
    Nothing,
    /// `$MAXRANGE4`: addresses that an entry covers at most.
    MaxRange(u64),
    /// What stands before its value.
    Entry { excluded: bool, text: &'a [u8] },
}

/// An address such as `::1`, which looks like a default value.
fn address_item(line: &[u8]) -> Option<Item<'_>> {
    let text = first_word(line.strip_prefix(b"::").and(Some(line))?);
    network::of(text).is_ok().then_some(Item::Entry { excluded: false, text })
}

fn item(line: &[u8]) -> Result<Item<'_>, String> {
    match line {
        [] => Ok(Item::Nothing),
        [b'$', special @ ..] | [b'#' | b';' | b':', b'$', special @ ..] => special_item(special),
        [b'#' | b';' | b':', ..] => Ok(Item::Nothing),
        [b'!', text @ ..] => Ok(Item::Entry { excluded: true, text: first_word(text.trim_ascii_start()) }),
        text => Ok(Item::Entry { excluded: false, text: first_word(text) }),
    }
}

fn first_word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'#' | b';'));
    &text[..end.unwrap_or(text.len())]
}

fn special_item(text: &[u8]) -> Result<Item<'_>, String> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default();
    if word.eq_ignore_ascii_case(b"DATASET") {
        return Err("$DATASET: several lists in one file: expected a file for each of them".to_owned());
    }
    if !word.eq_ignore_ascii_case(b"MAXRANGE4") {
        return Ok(Item::Nothing);
    }
    let size = words.next().and_then(|size| std::str::from_utf8(size).ok()).unwrap_or_default();
    let addresses = match size.strip_prefix('/') {
        Some(prefix) => prefix.parse::<u32>().ok().and_then(|prefix| 1_u64.checked_shl(32_u32.checked_sub(prefix)?)),
        None => size.parse().ok(),
    };
    addresses.map(Item::MaxRange).ok_or_else(|| "$MAXRANGE4: expected a number of addresses, or /24".to_owned())
}

/// The domain itself, all below it, or (`.example.com`) both.
fn domain(text: &[u8]) -> Result<[Option<Vec<u8>>; 2], String> {
    // What follows a colon is a value. No domain has one.
    let text = text.split(|&byte| byte == b':').next().unwrap_or_default();
    let shown = || text.escape_ascii().take(100).map(char::from).collect::<String>();
    let (name, itself, below) = match text {
        [b'*', b'.', name @ ..] => (name, false, true),
        [b'.', name @ ..] => (name, true, true),
        name => (name, true, false),
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    let fits = (1..=super::NameList::OCTETS_MAX).contains(&name.len());
    let is_name = fits && name.split(|&byte| byte == b'.').all(|label| !label.is_empty()) && !name.contains(&b'*');
    if !is_name || !name.iter().all(u8::is_ascii_graphic) || name.contains(&b'@') {
        return Err(format!("\"{}\" is no domain: expected example.com, *.example.com or .example.com", shown()));
    }
    Ok([itself.then(|| name.to_vec()), below.then(|| [b".", name].concat())])
}

#[cfg(test)]
mod tests;
