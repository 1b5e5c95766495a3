//! Under which key lies what is only ever looked up whole? Sixteen octets of a hash of its parts.

use crate::state::Key;
use ring::digest::{Context, SHA256};
use std::fmt;

/// A hash of parts in their order: the first 16 octets of a SHA-256. The same on every server and in every release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of these parts. `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut octets = [0; 16];
        octets.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(octets)
    }

    /// The same in the namespace of what is only rehearsed: what monitor remembers never mixes with what is meant.
    #[must_use]
    pub fn rehearsed(self) -> Self {
        Self(self.0.map(|octet| !octet))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl Key for Digest {
    const OCTETS_MAX: usize = 16;

    fn octets(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart_and_namespaces_too() {
        let parts: [&[&[u8]]; 5] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"ab", b"c", b""], &[]];
        for (at, one) in parts.iter().enumerate() {
            assert_eq!(Digest::of(one), Digest::of(one));
            assert_ne!(Digest::of(one), Digest::of(one).rehearsed());
            assert_eq!(Digest::of(one).rehearsed().rehearsed(), Digest::of(one));
            assert!(parts[..at].iter().all(|other| Digest::of(other) != Digest::of(one)));
        }
    }

    #[test]
    fn octets_are_the_key() {
        let digest = Digest::of(&[b"x"]);
        assert_eq!(Digest::from_octets(&digest.octets()), Some(digest));
        assert_eq!(Digest::from_octets(&[0; 15]), None);
    }
}
