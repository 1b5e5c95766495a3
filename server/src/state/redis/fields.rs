//! What does the hash of one key say? A field for each start of each server, read as outside input: too many, too
//! large, damaged or foreign ones are nothing.

use crate::state::{Held, Record};

/// Fields of a key that are told together. Each start of a server leaves one; beyond this the ones that expire first go.
pub(super) const FIELDS_MAX: usize = 64;

/// Fields of a key that are looked at.
const LOOKED_AT_MAX: usize = 4_096;

/// Longest name of a field, in octets.
const NAME_OCTETS_MAX: usize = 64;

/// Longest value, in octets: more than twice the longest record.
const VALUE_OCTETS_MAX: usize = 8_192;

/// Fields of one key that are removed at a time.
const REMOVED_MAX: usize = 64;

/// How long after it expired a field is removed, in seconds: its server may live, and just be writing it again.
const DEAD_SECONDS: u64 = 3_600;

/// What was read of a key.
#[derive(Debug)]
pub(super) struct Read<R> {
    pub(super) held: Held<R>,
    /// Names of fields that nobody needs any more, at most [`REMOVED_MAX`].
    pub(super) dead: Vec<Vec<u8>>,
}

/// Reads fields (name, value). `own` is the name of ours; what has expired at `now` (Unix seconds) is nothing.
pub(super) fn read<R: Record>(fields: Vec<(Vec<u8>, Vec<u8>)>, own: &[u8], now: u64) -> Read<R> {
    let (mut held, mut others, mut dead) = (Held::default(), Vec::new(), Vec::new());
    for (name, value) in fields.into_iter().take(LOOKED_AT_MAX) {
        let sound = name.len() <= NAME_OCTETS_MAX && value.len() <= VALUE_OCTETS_MAX;
        let record = sound.then(|| R::decode(&value)).flatten();
        let expires_at = record.as_ref().map_or(0, R::expires_at);
        let record = record.filter(|_| expires_at > now);
        if name == own {
            held.own = record;
        } else if expires_at != 0 && expires_at.saturating_add(DEAD_SECONDS) <= now {
            dead.push(name);
        } else {
            // What cannot be read may be of another release: it stays, while there is room.
            others.push((expires_at, name, record));
        }
    }
    if others.len() >= FIELDS_MAX {
        others.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
        dead.extend(others.drain(FIELDS_MAX - 1..).map(|(_, name, _)| name));
    }
    // In the same order on every server: sums of fractions depend on it.
    others.sort_by(|one, other| one.1.cmp(&other.1));
    others.dedup_by(|one, other| one.1 == other.1);
    held.others = others.into_iter().filter_map(|(_, _, record)| record).reduce(R::together);
    dead.truncate(REMOVED_MAX);
    Read { held, dead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{
        Digest, Exception, Hits, Standing, Tokens, Triplet,
        conformance::shelves::{NOON, Sample},
    };
    use proptest::prelude::*;

    const OWN: &[u8] = b"0011223344556677";

    fn field(name: impl AsRef<[u8]>, record: &impl Record) -> (Vec<u8>, Vec<u8>) {
        (name.as_ref().to_vec(), record.encode())
    }

    fn spent(spent: u32, until: u64) -> Tokens {
        Tokens { spent, ..Tokens::sample(0, until) }
    }

    #[test]
    fn own_and_others_are_told_apart() {
        let fields = vec![
            field("b", &spent(2, NOON + 9)),
            field(OWN, &spent(1, NOON + 5)),
            field("a", &spent(4, NOON + 7)),
            field("gone", &spent(8, NOON)),
            field("long gone", &spent(16, NOON - DEAD_SECONDS)),
            (b"damaged".to_vec(), vec![99]),
            field("x".repeat(NAME_OCTETS_MAX + 1), &spent(32, NOON + 9)),
        ];
        let read = read::<Tokens>(fields, OWN, NOON);
        assert_eq!(read.held, Held { own: Some(spent(1, NOON + 5)), others: Some(spent(6, NOON + 9)) });
        assert_eq!(read.dead, [b"long gone"]);
    }

    #[test]
    fn restarts_without_end_are_bounded() {
        let count = u32::try_from(3 * FIELDS_MAX).expect("a small number");
        let mut fields: Vec<_> = (0..count)
            .map(|start| field(format!("{:04}", start * 7 % count), &spent(1, NOON + 9 + u64::from(start))))
            .collect();
        fields.push(field(OWN, &spent(1, NOON + 1)));
        let read = read::<Tokens>(fields, OWN, NOON);
        let most = u32::try_from(FIELDS_MAX - 1).expect("a small number");
        assert_eq!(read.held.others, Some(spent(most, NOON + 8 + u64::from(count))), "the newest are told");
        assert_eq!((read.held.own.map(|own| own.spent), read.dead.len()), (Some(1), REMOVED_MAX));
    }

    fn any_fields() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
        let octets = |most| prop::collection::vec(any::<u8>(), 0..most);
        let value = prop_oneof![
            octets(40),
            Just(vec![1; VALUE_OCTETS_MAX + 1]),
            (any::<u32>(), NOON - 9_999..NOON + 9_999)
                .prop_map(|(number, until)| Tokens::sample(number, until).encode()),
            (any::<u32>(), NOON - 9_999..NOON + 9_999)
                .prop_map(|(number, until)| Standing::sample(number, until).encode()),
        ];
        let name = prop_oneof![Just(OWN.to_vec()), "[a-z]{0,2}".prop_map(String::into_bytes), octets(80)];
        prop::collection::vec((name, value), 0..200)
    }

    fn within_bounds<R: Record>(fields: &[(Vec<u8>, Vec<u8>)]) -> Result<(), TestCaseError> {
        let told = read::<R>(fields.to_vec(), OWN, NOON);
        prop_assert!(told.dead.len() <= REMOVED_MAX && told.dead.iter().all(|name| name != OWN));
        prop_assert!(told.held.own.as_ref().is_none_or(|own| own.expires_at() > NOON));
        let mut mixed = fields.to_vec();
        mixed.retain({
            let mut seen = std::collections::BTreeSet::new();
            move |(name, _)| seen.insert(name.clone())
        });
        let one = read::<R>(mixed.clone(), OWN, NOON).held;
        mixed.reverse();
        prop_assert_eq!(one, read::<R>(mixed, OWN, NOON).held, "the order of fields says nothing");
        Ok(())
    }

    proptest! {
        #[test]
        fn any_fields_are_read_within_bounds(fields in any_fields()) {
            within_bounds::<Tokens>(&fields)?;
            within_bounds::<Standing>(&fields)?;
            within_bounds::<Triplet>(&fields)?;
            within_bounds::<Exception>(&fields)?;
        }
    }

    #[test]
    fn no_record_is_too_long() {
        let text = "x".repeat(Exception::TEXT_OCTETS_MAX);
        let longest = Exception {
            revision: u32::MAX,
            sender: text.clone(),
            recipient: text.clone(),
            by: text.clone(),
            reason: text,
            made_at: u64::MAX,
            until: u64::MAX,
            removed: true,
            hits: Hits { all: u32::MAX, changed: u32::MAX, last: u64::MAX, last_changed: u64::MAX },
            ..Exception::sample(0, NOON)
        };
        assert!(longest.encode().len() * 2 < VALUE_OCTETS_MAX);
        let _ = Digest::of(&[]);
    }
}
