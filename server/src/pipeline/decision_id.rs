//! What is a decision called? Eighty random bits in letters that survive a telephone; they encode nothing.

use ring::rand::{SecureRandom, SystemRandom};
use std::{
    cell::RefCell,
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    str::FromStr,
};

/// Crockford's base32: no i, l, o, u, so that 0 and 1 cannot be misread; case does not matter.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 16 letters of 5 bits: 80 bits.
const LENGTH: usize = 16;
/// Random octets fetched at once: one system call for 64 ids. An id takes 16 (5 bits of each are used).
const POOL: usize = 64 * LENGTH;

/// The name of a decision, shown to the client and taken by `tollgate explain`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId([u8; LENGTH]);

struct Pool {
    octets: [u8; POOL],
    used: usize,
}

thread_local! {
    static RANDOM: RefCell<Pool> = const { RefCell::new(Pool { octets: [0; POOL], used: POOL }) };
}

impl DecisionId {
    /// Its letters.
    pub(crate) const LENGTH: usize = LENGTH;

    /// A new one.
    pub fn random() -> Self {
        RANDOM.with_borrow_mut(|pool| {
            if pool.used == POOL {
                refill(&mut pool.octets);
                pool.used = 0;
            }
            let taken = &pool.octets[pool.used..pool.used + LENGTH];
            pool.used += LENGTH;
            Self(std::array::from_fn(|at| LETTERS[usize::from(taken[at] & 31)]))
        })
    }

    /// As it was written down, letter for letter; `None` = it is none. Much quicker than what people write.
    pub(crate) fn from_letters(letters: &[u8]) -> Option<Self> {
        const IS_LETTER: [bool; 256] = {
            let (mut table, mut at) = ([false; 256], 0);
            while at < LETTERS.len() {
                table[LETTERS[at] as usize] = true;
                at += 1;
            }
            table
        };
        let letters: [u8; LENGTH] = letters.try_into().ok()?;
        letters.iter().all(|&letter| IS_LETTER[usize::from(letter)]).then_some(Self(letters))
    }

    /// Sixteen lower-case letters and digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The system's random numbers. Should they ever fail, the hash keys that the process drew at its start stand in.
fn refill(octets: &mut [u8; POOL]) {
    if SystemRandom::new().fill(octets).is_err() {
        for chunk in octets.chunks_mut(8) {
            let hash = RandomState::new().build_hasher().finish().to_ne_bytes();
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

impl Default for DecisionId {
    fn default() -> Self {
        Self([LETTERS[0]; LENGTH])
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DecisionId {
    type Err = String;

    /// Takes what people copy: either case, with brackets, and o, i, l for 0 and 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no decision id: expected {LENGTH} letters and digits, as in [7dq2m…]");
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        let mut letters = [0; LENGTH];
        if inner.len() != LENGTH {
            return Err(wrong());
        }
        for (slot, byte) in letters.iter_mut().zip(inner.bytes()) {
            let letter = match byte.to_ascii_lowercase() {
                b'o' => b'0',
                b'i' | b'l' => b'1',
                other => other,
            };
            *slot = LETTERS.contains(&letter).then_some(letter).ok_or_else(wrong)?;
        }
        Ok(Self(letters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_do_not_repeat_and_use_every_letter() {
        let ids: HashSet<DecisionId> = (0..10_000).map(|_| DecisionId::random()).collect();
        assert_eq!(ids.len(), 10_000);
        let letters: HashSet<u8> = ids.iter().flat_map(|id| id.0).collect();
        assert_eq!(letters.len(), LETTERS.len());
    }

    #[test]
    fn what_was_written_down_is_read_as_it_is() {
        let id = DecisionId::random();
        assert_eq!(DecisionId::from_letters(id.as_str().as_bytes()), Some(id));
        for wrong in ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdeu", "0123456789abcdef0"] {
            assert_eq!(DecisionId::from_letters(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn people_may_write_them_as_they_like() {
        let id: DecisionId = "0123456789abcdef".parse().expect("an id");
        assert_eq!(" [OL23456789ABCDEF] ".parse(), Ok(id));
        for wrong in ["", "0123456789abcde", "0123456789abcdeu", "0123456789abcdeé", "0123456789abcdef0"] {
            assert!(wrong.parse::<DecisionId>().is_err(), "{wrong}");
        }
    }
}
