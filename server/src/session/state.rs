//! What does the server carry from call to call? Counts, sealed: any server of the pool may open what another sealed,
//! and nobody else can make one up.
//!
//! Layout, version 4: `version seq mildest transaction connection lists flags delayed missing mac`; version 3 ends with
//! `delayed`.
//! Numbers are LEB128, texts have a length octet in front, `lists` is a flag, a count and 8 octets each, `missing` a
//! number, a count and 2 octets each, `flags` is one octet, the MAC is HMAC-SHA256 over all that stands before it, then host, client address and session id. A release reads its own version and the one before, so
//! that the servers of a pool are replaced one by one.

use super::{Facts, History, ListsNote, Missing, Tally};
use crate::{ask::ListId, mode::Mode};
use bytes::Bytes;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::net::IpAddr;

const VERSION: u8 = 4;
const VERSION_BEFORE: u8 = 3;
const WELCOMED: u8 = 1;
const IDENTIFIED: u8 = 2;
const MAC_OCTETS: usize = 32;
/// Steps that a tally remembers by name; a test keeps the list of checks below it.
const STEPS_MAX: usize = 16;
/// Longest name of a step that is remembered, in octets.
const NAME_OCTETS_MAX: usize = 20;

/// The key all servers of a pool share; a single server draws one at its start.
pub struct StateKey(hmac::Key);

impl StateKey {
    /// Shortest secret, in octets: half of what a SHA-256 HMAC can use is refused.
    pub const SECRET_OCTETS_MIN: usize = 32;

    /// A key from the pool's secret.
    pub fn new(secret: &[u8]) -> Result<Self, String> {
        if secret.len() < Self::SECRET_OCTETS_MIN {
            return Err(format!("{} octets: expected at least {}", secret.len(), Self::SECRET_OCTETS_MIN));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A key of its own.
    pub fn random() -> Result<Self, String> {
        let mut secret = [0; Self::SECRET_OCTETS_MIN];
        SystemRandom::new().fill(&mut secret).map_err(|_| "the system gives no random numbers".to_owned())?;
        Self::new(&secret)
    }
}

/// What travels between two calls of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// The newest call whose effects are in it: a repeated call changes nothing twice.
    pub seq: u32,
    /// The counts.
    pub history: History,
}

impl SessionState {
    /// Most octets of a sealed state.
    pub const OCTETS_MAX: usize = 1024;

    /// Seals it for the session of `facts`. A state that says nothing is empty.
    pub fn seal(&self, key: &StateKey, facts: &Facts) -> Bytes {
        if self.history == History::default() {
            return Bytes::new();
        }
        let mut out = Vec::with_capacity(128);
        out.push(VERSION);
        put(&mut out, self.seq);
        out.push(Mode::ALL.iter().position(|&mode| mode == self.history.mildest).unwrap_or_default().to_le_bytes()[0]);
        for tally in [&self.history.transaction, &self.history.connection] {
            put_tally(&mut out, tally);
        }
        put_lists(&mut out, &self.history.lists);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        out.push(flag(self.history.welcomed, WELCOMED) | flag(self.history.identified, IDENTIFIED));
        put(&mut out, self.history.delayed_ms);
        put_missing(&mut out, &self.history.missing);
        let body = out.len();
        bind(&mut out, facts);
        let tag = hmac::sign(&key.0, &out);
        out.truncate(body);
        out.extend_from_slice(tag.as_ref());
        debug_assert!(out.len() <= Self::OCTETS_MAX, "bounded by STEPS_MAX and NAME_OCTETS_MAX");
        out.into()
    }

    /// Opens what was sealed for the session of `facts`. Nothing at all is a fresh state; `None` = not ours.
    pub fn open(sealed: &[u8], key: &StateKey, facts: &Facts) -> Option<Self> {
        if sealed.is_empty() {
            return Some(Self::default());
        }
        if sealed.len() > Self::OCTETS_MAX {
            return None;
        }
        let (body, tag) = sealed.split_at(sealed.len().checked_sub(MAC_OCTETS)?);
        let mut signed = Vec::with_capacity(body.len() + 96);
        signed.extend_from_slice(body);
        bind(&mut signed, facts);
        hmac::verify(&key.0, &signed, tag).ok()?;
        let mut rest = body;
        let state = read(&mut rest)?;
        rest.is_empty().then_some(state)
    }
}

/// Ties a state to its session, so that it is worth nothing in another one.
fn bind(out: &mut Vec<u8>, facts: &Facts) {
    let connection = &facts.connection;
    // Lengths in front keep host and address apart from what follows.
    put(out, u32::try_from(connection.host.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(connection.host.as_bytes());
    match connection.client_ip {
        None => out.push(0),
        Some(IpAddr::V4(v4)) => {
            out.push(4);
            out.extend_from_slice(&v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            out.push(16);
            out.extend_from_slice(&v6.octets());
        }
    }
    out.extend_from_slice(&facts.session_id.0);
}

fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_tally(out: &mut Vec<u8>, tally: &Tally) {
    for number in [tally.recipients, tally.exempt, tally.rcpthosts_refused] {
        put(out, number);
    }
    let steps = || tally.refused_by.iter().filter(|(name, _)| name.len() <= NAME_OCTETS_MAX).take(STEPS_MAX);
    out.push(steps().count().to_le_bytes()[0]);
    for (name, count) in steps() {
        out.push(name.len().to_le_bytes()[0]);
        out.extend_from_slice(name.as_bytes());
        put(out, *count);
    }
}

fn put_lists(out: &mut Vec<u8>, lists: &ListsNote) {
    out.push(u8::from(lists.seen));
    let listed = || lists.listed.iter().take(ListsNote::LISTED_MAX);
    out.push(listed().count().to_le_bytes()[0]);
    listed().for_each(|list| out.extend_from_slice(&list.number().to_le_bytes()));
}

fn take_lists(from: &mut &[u8]) -> Option<ListsNote> {
    let seen = take(from)? != 0;
    let count = usize::from(take(from)?);
    if count > ListsNote::LISTED_MAX {
        return None;
    }
    let list = |_| {
        let (octets, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(ListId::from_number(u64::from_le_bytes(*octets)))
    };
    Some(ListsNote { seen, listed: (0..count).map(list).collect::<Option<_>>()? })
}

fn put_missing(out: &mut Vec<u8>, missing: &Missing) {
    put(out, missing.in_transaction.min(Missing::IN_TRANSACTION_MAX));
    let marks = || missing.distinct.iter().take(Missing::DISTINCT_MAX);
    out.push(marks().count().to_le_bytes()[0]);
    marks().for_each(|mark| out.extend_from_slice(&mark.to_le_bytes()));
}

fn take_missing(from: &mut &[u8]) -> Option<Missing> {
    let in_transaction = take_number(from)?;
    let count = usize::from(take(from)?);
    if count > Missing::DISTINCT_MAX {
        return None;
    }
    let mark = |_| {
        let (octets, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(u16::from_le_bytes(*octets))
    };
    Some(Missing { in_transaction, distinct: (0..count).map(mark).collect::<Option<_>>()? })
}

fn read(from: &mut &[u8]) -> Option<SessionState> {
    let version = take(from)?;
    if version != VERSION && version != VERSION_BEFORE {
        return None;
    }
    let seq = take_number(from)?;
    let mildest = *Mode::ALL.get(usize::from(take(from)?))?;
    let (transaction, connection) = (take_tally(from)?, take_tally(from)?);
    let lists = take_lists(from)?;
    let (flags, delayed_ms) = (take(from)?, take_number(from)?);
    let missing = if version == VERSION { take_missing(from)? } else { Missing::default() };
    let (welcomed, identified) = (flags & WELCOMED != 0, flags & IDENTIFIED != 0);
    let history = History { mildest, transaction, connection, lists, welcomed, identified, delayed_ms, missing };
    Some(SessionState { seq, history })
}

fn take(from: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = from.split_first()?;
    *from = rest;
    Some(first)
}

fn take_number(from: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let octet = take(from)?;
        number |= u32::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_tally(from: &mut &[u8]) -> Option<Tally> {
    let mut tally = Tally {
        recipients: take_number(from)?,
        exempt: take_number(from)?,
        rcpthosts_refused: take_number(from)?,
        refused_by: Vec::new(),
    };
    let steps = usize::from(take(from)?);
    if steps > STEPS_MAX {
        return None;
    }
    for _ in 0..steps {
        let length = usize::from(take(from)?);
        let (name, rest) = from.split_at_checked(length)?;
        *from = rest;
        tally.refused_by.push((std::str::from_utf8(name).ok()?.to_owned(), take_number(from)?));
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionId;
    use proptest::prelude::*;

    fn key() -> StateKey {
        StateKey::new(&[7; 32]).expect("long enough")
    }

    fn facts() -> Facts {
        let mut facts = Facts { session_id: SessionId([3; 16]), ..Facts::default() };
        facts.connection.host = "mx1".into();
        facts.connection.client_ip = Some(IpAddr::from([192, 0, 2, 1]));
        facts
    }

    fn tally() -> impl Strategy<Value = Tally> {
        let names = prop::collection::btree_map("[a-z_]{1,20}", any::<u32>(), 0..=STEPS_MAX);
        (any::<u32>(), any::<u32>(), any::<u32>(), names).prop_map(|(recipients, exempt, rcpthosts_refused, names)| {
            Tally { recipients, exempt, rcpthosts_refused, refused_by: names.into_iter().collect() }
        })
    }

    fn state() -> impl Strategy<Value = SessionState> {
        let listed = prop::collection::vec(any::<u64>().prop_map(ListId::from_number), 0..=ListsNote::LISTED_MAX);
        let lists = (any::<bool>(), listed).prop_map(|(seen, listed)| ListsNote { seen, listed });
        let marks = prop::collection::vec(any::<u16>(), 0..=Missing::DISTINCT_MAX);
        let missing = (0..=Missing::IN_TRANSACTION_MAX, marks)
            .prop_map(|(in_transaction, distinct)| Missing { in_transaction, distinct });
        let vouched = any::<(bool, bool, u32)>();
        (any::<u32>(), 0..4_usize, tally(), tally(), lists, (vouched, missing)).prop_map(
            |(seq, mode, transaction, connection, lists, ((welcomed, identified, delayed_ms), missing))| {
                let mildest = Mode::ALL[mode];
                let history =
                    History { transaction, connection, mildest, lists, welcomed, identified, delayed_ms, missing };
                SessionState { seq, history }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_sealed_can_be_opened(mut state in state()) {
            let sealed = state.seal(&key(), &facts());
            prop_assert!(sealed.len() <= SessionState::OCTETS_MAX);
            if sealed.is_empty() {
                state = SessionState::default();
            }
            prop_assert_eq!(SessionState::open(&sealed, &key(), &facts()), Some(state));
        }

        #[test]
        fn a_changed_octet_spoils_it(state in state(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut sealed = state.seal(&key(), &facts()).to_vec();
            prop_assume!(!sealed.is_empty());
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert_eq!(SessionState::open(&sealed, &key(), &facts()), None);
        }

        #[test]
        fn noise_is_never_ours(noise in prop::collection::vec(any::<u8>(), 1..1500)) {
            prop_assert_eq!(SessionState::open(&noise, &key(), &facts()), None);
        }
    }

    #[test]
    fn it_is_worth_nothing_elsewhere() {
        let state = SessionState { seq: 4, history: History { mildest: Mode::Soft, ..History::default() } };
        let sealed = state.seal(&key(), &facts());
        let changes: [fn(&mut Facts); 3] = [
            |facts| facts.connection.host = "mx2".into(),
            |facts| facts.connection.client_ip = Some(IpAddr::from([192, 0, 2, 2])),
            |facts| facts.session_id = SessionId([4; 16]),
        ];
        for change in changes {
            let mut other = facts();
            change(&mut other);
            assert_eq!(SessionState::open(&sealed, &key(), &other), None);
        }
        assert_eq!(SessionState::open(&sealed, &StateKey::random().expect("random numbers"), &facts()), None);
        assert_eq!(SessionState::open(&sealed, &key(), &facts()), Some(state));
    }

    fn signed(mut body: Vec<u8>) -> Vec<u8> {
        let length = body.len();
        bind(&mut body, &facts());
        let tag = hmac::sign(&key().0, &body);
        body.truncate(length);
        body.extend_from_slice(tag.as_ref());
        body
    }

    #[test]
    fn a_later_version_reads_as_unknown() {
        assert_eq!(SessionState::open(&signed(vec![VERSION + 1, 0]), &key(), &facts()), None);
    }

    #[test]
    fn the_version_before_is_read() {
        let body = vec![VERSION_BEFORE, 9, 1, 3, 0, 0, 0, 5, 0, 0, 1, 3, b'r', b'b', b'l', 2, 1, 0, WELCOMED, 7];
        let tally = |recipients, refused_by| Tally { recipients, refused_by, ..Tally::default() };
        let expected = SessionState {
            seq: 9,
            history: History {
                mildest: Mode::Soft,
                transaction: tally(3, vec![]),
                connection: tally(5, vec![("rbl".to_owned(), 2)]),
                lists: ListsNote { seen: true, ..ListsNote::default() },
                welcomed: true,
                delayed_ms: 7,
                ..History::default()
            },
        };
        assert_eq!(SessionState::open(&signed(body), &key(), &facts()), Some(expected));
    }

    #[test]
    fn every_step_fits() {
        assert!(crate::checks::ALL.len() < STEPS_MAX, "score is a step as well");
        assert!(crate::checks::ALL.iter().all(|def| def.name.len() <= NAME_OCTETS_MAX));
        assert!(StateKey::new(&[0; 31]).is_err());
    }
}
