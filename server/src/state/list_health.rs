//! What was known of each DNS list when the daemon ended? State, spend and baseline, for 30 days.

use super::{
    StateError,
    octets::{Reader, Writer},
};
use crate::{
    ask::{Health, ListId},
    dns_lists::{Spend, health::Cause, health::Remembered, traffic::Baseline},
};

/// Lists that are remembered: more than one policy has, so that a reload forgets none.
pub const LISTS_KEPT_MAX: usize = 256;

/// How long a list is remembered that nobody asks any more, in seconds.
pub const LISTS_KEPT_SECONDS: u64 = 30 * 86_400;

const VERSION: u8 = 1;

/// What is kept of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeptList {
    /// Which.
    pub list: ListId,
    /// When this was so, Unix seconds.
    pub at: u64,
    /// Its state.
    pub remembered: Remembered,
    /// Its look-ups of the day.
    pub spend: Spend,
    /// Its share of the traffic.
    pub baseline: Baseline,
}

/// How were the DNS lists doing? Bound: [`LISTS_KEPT_MAX`] records. Lifetime: [`LISTS_KEPT_SECONDS`] after `at`.
pub trait ListHealth: Send + Sync {
    /// All lists within their lifetime at `now` (Unix seconds), the newest [`LISTS_KEPT_MAX`] of them. What is beyond
    /// is removed.
    fn lists(&self, now: u64) -> Result<Vec<KeptList>, StateError>;

    /// Stores them, each over what was stored of it before; on disk soon.
    fn keep_lists(&self, lists: &[KeptList]) -> Result<(), StateError>;
}

/// Those that have not outlived themselves, and those that have.
pub(super) fn within(mut lists: Vec<KeptList>, now: u64) -> (Vec<KeptList>, Vec<KeptList>) {
    lists.sort_by_key(|kept| std::cmp::Reverse(kept.at));
    let is_alive = |kept: &&KeptList| now.saturating_sub(kept.at) < LISTS_KEPT_SECONDS;
    let alive = lists.iter().take(LISTS_KEPT_MAX).take_while(is_alive).count();
    let gone = lists.split_off(alive);
    (lists, gone)
}

pub(super) fn encode(kept: &KeptList) -> Vec<u8> {
    let Remembered { health, cause, since, back_off } = kept.remembered;
    let health = Health::ALL.iter().position(|known| *known == health).unwrap_or_default();
    let cause = cause.and_then(|cause| Cause::ALL.iter().position(|known| *known == cause));
    let mut record = Writer::new(VERSION);
    record.number(kept.list.number()).number(kept.at).number(health as u64);
    record.number(cause.map_or(0, |cause| cause as u64 + 1)).number(since).number(back_off);
    record.number(kept.spend.day).number(kept.spend.lookups).number(kept.baseline.clients);
    record.fraction(kept.baseline.hits).fraction(kept.baseline.alone);
    record.finish()
}

pub(super) fn decode(record: &[u8]) -> Option<KeptList> {
    let mut record = Reader::new(record, VERSION)?;
    let (list, at) = (ListId::from_number(record.number()?), record.number()?);
    let health = *Health::ALL.get(record.count(Health::ALL.len())?)?;
    let cause = match record.count(Cause::ALL.len())? {
        0 => None,
        place => Some(*Cause::ALL.get(place - 1)?),
    };
    let remembered = Remembered { health, cause, since: record.number()?, back_off: record.number()? };
    let spend = Spend { day: record.number()?, lookups: record.number()? };
    let clients = record.number()?;
    let share = |share: f64| (0.0..=1.0).contains(&share).then_some(share);
    let baseline = Baseline { clients, hits: share(record.fraction()?)?, alone: share(record.fraction()?)? };
    record.end()?;
    Some(KeptList { list, at, remembered, spend, baseline })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn any_list() -> impl Strategy<Value = KeptList> {
        let remembered = (
            proptest::sample::select(&Health::ALL[..]),
            proptest::option::of(proptest::sample::select(&Cause::ALL[..])),
            any::<(u64, u64)>(),
        );
        let remembered =
            remembered.prop_map(|(health, cause, (since, back_off))| Remembered { health, cause, since, back_off });
        let baseline = (0.0..=1.0, 0.0..=1.0, any::<u64>());
        let baseline = baseline.prop_map(|(hits, alone, clients)| Baseline { hits, alone, clients });
        (any::<(u64, u64, u64, u64)>(), remembered, baseline).prop_map(
            |((list, at, day, lookups), remembered, baseline)| KeptList {
                list: ListId::from_number(list),
                at,
                remembered,
                spend: Spend { day, lookups },
                baseline,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(kept in any_list()) {
            prop_assert_eq!(decode(&encode(&kept)), Some(kept));
        }

        #[test]
        fn a_damaged_record_is_absent_or_sound(
            kept in any_list(),
            at in any::<prop::sample::Index>(),
            octet in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let record = encode(&kept);
            prop_assert_eq!(decode(&record[..cut.index(record.len())]), None);
            let mut damaged = record;
            let at = at.index(damaged.len());
            damaged[at] = octet;
            if let Some(read) = decode(&damaged) {
                prop_assert!((0.0..=1.0).contains(&read.baseline.hits));
            }
        }

        #[test]
        fn other_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&octets);
        }
    }
}
