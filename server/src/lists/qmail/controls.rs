//! Where does a domain's mail go? `locals`, `virtualdomains`, `percenthack`, `envnoathost` and `me`, as `qmail-send` reads
//! them.

use crate::lists::control::{entries, first_line};
use std::collections::{BTreeMap, BTreeSet};

/// What the files hold; `None` = there is no such file.
#[derive(Clone, Copy, Debug, Default)]
pub struct ControlFiles<'a> {
    /// `control/me`: stands in for `locals` and `envnoathost`.
    pub me: Option<&'a [u8]>,
    /// `control/locals`.
    pub locals: Option<&'a [u8]>,
    /// `control/virtualdomains`.
    pub virtualdomains: Option<&'a [u8]>,
    /// `control/percenthack`.
    pub percenthack: Option<&'a [u8]>,
    /// `control/envnoathost`.
    pub envnoathost: Option<&'a [u8]>,
}

impl ControlFiles<'_> {
    /// Their names, in the order of the fields.
    pub const NAMES: [&'static str; 5] = ["me", "locals", "virtualdomains", "percenthack", "envnoathost"];
}

impl<'a> ControlFiles<'a> {
    /// With the content of each, by its place in [`ControlFiles::NAMES`].
    pub fn named(content: impl Fn(usize) -> Option<&'a [u8]>) -> Self {
        Self {
            me: content(0),
            locals: content(1),
            virtualdomains: content(2),
            percenthack: content(3),
            envnoathost: content(4),
        }
    }
}

/// The files, read. Names are matched without regard to case of ASCII letters, so they are kept in lower case; what
/// `virtualdomains` puts in front of a local part is kept as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// What is appended to an address without `@`.
    pub envnoathost: Vec<u8>,
    /// Domains whose mail is delivered here; `None` = neither `locals` nor `me` exists, and qmail does not run so.
    pub locals: Option<BTreeSet<Vec<u8>>>,
    /// Domains for which `user%domain@here` means `user@domain`.
    pub percenthack: BTreeSet<Vec<u8>>,
    /// Addresses, domains, suffixes that begin with a dot, or nothing (everything), and what is put in front of the local
    /// part of their mail; empty = they are not virtual after all.
    pub virtualdomains: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Controls {
    /// Reads all of them.
    pub fn read(files: &ControlFiles<'_>) -> Self {
        let me = files.me.map(first_line);
        let envnoathost = files.envnoathost.map(first_line).or(me).unwrap_or(b"envnoathost");
        let of_me = || me.map(|me| BTreeSet::from([me.to_ascii_lowercase()]));
        Self {
            envnoathost: envnoathost.to_owned(),
            locals: files.locals.map(names).or_else(of_me),
            percenthack: files.percenthack.map(names).unwrap_or_default(),
            virtualdomains: files.virtualdomains.map(prepends).unwrap_or_default(),
        }
    }
}

fn names(content: &[u8]) -> BTreeSet<Vec<u8>> {
    entries(content).map(|entry| entry.text.to_ascii_lowercase()).collect()
}

/// `key:prepend`. A line without a colon says nothing; of two lines with one key the later counts (constmap finds the
/// entry first that was put in last).
fn prepends(content: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let pair = |entry: &[u8]| {
        let colon = entry.iter().position(|&octet| octet == b':')?;
        Some((entry[..colon].to_ascii_lowercase(), entry[colon + 1..].to_owned()))
    };
    entries(content).filter_map(|entry| pair(entry.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: ControlFiles<'_>) -> Controls {
        Controls::read(&files)
    }

    #[test]
    fn me_stands_in_for_what_is_not_there() {
        let me = Some(b"Mail.Here.example \nsecond line\n".as_slice());
        let controls = read(ControlFiles { me, ..ControlFiles::default() });
        assert_eq!(controls.locals, Some(BTreeSet::from([b"mail.here.example".to_vec()])));
        assert_eq!(controls.envnoathost, b"Mail.Here.example");
        let named =
            ControlFiles { me, locals: Some(b"#\n\n"), envnoathost: Some(b"Here.example\t\n"), ..Default::default() };
        assert_eq!(read(named).locals, Some(BTreeSet::new()), "an empty file is a file: nothing is local");
        assert_eq!(read(named).envnoathost, b"Here.example");
        let nothing = read(ControlFiles::default());
        assert_eq!((nothing.locals, nothing.envnoathost), (None, b"envnoathost".to_vec()));
    }

    #[test]
    fn virtualdomains_are_keys_and_what_is_put_in_front() {
        let lines = b"Virtual.example:Ann-Lists\nno colon\n:everything\nnot.example:\n.sub.example:sub:x\nvirtual.example:bob\n";
        let controls = read(ControlFiles { virtualdomains: Some(lines), ..ControlFiles::default() });
        let expected: BTreeMap<Vec<u8>, Vec<u8>> =
            [("", "everything"), (".sub.example", "sub:x"), ("not.example", ""), ("virtual.example", "bob")]
                .map(|(key, prepend)| (key.into(), prepend.into()))
                .into();
        assert_eq!(controls.virtualdomains, expected);
    }

    #[test]
    fn percenthack_is_a_list_of_names() {
        let controls = read(ControlFiles { percenthack: Some(b"Hack.example\n#x\n"), ..ControlFiles::default() });
        assert_eq!(controls.percenthack, BTreeSet::from([b"hack.example".to_vec()]));
    }
}
