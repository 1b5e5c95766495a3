//! How has somebody behaved? Good and bad points that halve with time, over three horizons.
//!
//! For each horizon `balance = (good - bad) / (good + bad + 5)`: 0 for whom nobody knows, towards 1 or -1 as points add
//! up. `reputation = 100 * (hour + 2 * day + 3 * month) / 6`, -100 to 100.

use super::Subject;
use crate::state::{
    Record,
    octets::{Reader, Writer},
};
use std::{cmp::Ordering, fmt};

const VERSION: u8 = 1;

/// Points that have to come together before anything is believed.
const DOUBT: f32 = 5.0;

/// What somebody may be remembered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Experience {
    /// A message was taken, and none of its recipients had been refused.
    Accepted,
    /// A check refused.
    Refused,
    /// A recipient that does not exist, or that nobody may write to.
    BadRecipient,
    /// A recipient elsewhere, whom the client may not reach through us.
    Relaying,
    /// Talk before the greeting.
    EarlyTalk,
    /// A recipient that only those know who harvest.
    Trap,
    /// Gone without a message and without QUIT.
    Vanished,
    /// An administrator said that it was refused wrongly.
    Pardoned,
    /// Several recipients that do not exist, in one connection: addresses are being tried.
    Harvesting,
}

impl Experience {
    /// All of them; records are written in this order: only ever append.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Refused,
        Self::BadRecipient,
        Self::Relaying,
        Self::EarlyTalk,
        Self::Trap,
        Self::Vanished,
        Self::Pardoned,
        Self::Harvesting,
    ];

    /// The word in metrics and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::BadRecipient => "bad_recipient",
            Self::Relaying => "relaying",
            Self::EarlyTalk => "early_talk",
            Self::Trap => "trap",
            Self::Vanished => "vanished",
            Self::Pardoned => "pardoned",
            Self::Harvesting => "harvesting",
        }
    }
}

/// How far back one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Horizon {
    /// Points halve in an hour.
    Hour,
    /// In a day.
    Day,
    /// In 30 days.
    Month,
}

impl Horizon {
    /// All of them, short to long.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// Seconds in which points halve.
    pub const fn half_life(self) -> u32 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Month => 30 * 86_400,
        }
    }

    /// How much it weighs beside the others.
    pub const fn weight(self) -> f32 {
        match self {
            Self::Hour => 1.0,
            Self::Day => 2.0,
            Self::Month => 3.0,
        }
    }
}

/// What is remembered of a subject. Decays when it is looked at: nobody has to go round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Counts the times an administrator wiped it: a later epoch replaces an earlier one.
    pub epoch: u16,
    /// Experiences so far.
    pub events: u32,
    /// When the numbers were so, Unix seconds.
    pub at: u32,
    /// By [`Experience`], halving in 30 days.
    pub counts: [f32; Experience::ALL.len()],
    /// By [`Horizon`].
    pub good: [f32; Horizon::ALL.len()],
    /// By [`Horizon`].
    pub bad: [f32; Horizon::ALL.len()],
    /// Of a net: marks of the first addresses in it that wrote to a trap, ascending; 0 = none.
    pub witnesses: [u16; Self::WITNESSES],
}

impl Standing {
    /// Addresses of a net that have to be seen at a trap before the net is held against anybody.
    pub const WITNESSES: usize = 3;

    /// From -100 to 100, 0 = unknown, at a moment (Unix seconds).
    pub fn reputation(&self, now: u64) -> f32 {
        let now = self.at(now);
        let weights: f32 = Horizon::ALL.iter().map(|horizon| horizon.weight()).sum();
        let sum: f32 = Horizon::ALL.iter().map(|&horizon| horizon.weight() * now.balance(horizon)).sum();
        100.0 * sum / weights
    }

    /// Reputation from which on somebody is good: fifty good points of long ago, and none of late, are enough.
    pub const GOOD: f32 = 40.0;

    /// Good points that have to have come together before somebody is well known.
    const WELL_KNOWN_POINTS: f32 = 50.0;

    /// Has somebody behaved well so far?
    pub fn is_good(&self, now: u64) -> bool {
        self.reputation(now) >= Self::GOOD
    }

    /// Has somebody behaved well, and often enough that one trap or one listing says less than that?
    pub fn is_well_known(&self, now: u64) -> bool {
        self.is_good(now) && self.at(now).good[Horizon::Month as usize] >= Self::WELL_KNOWN_POINTS
    }

    /// From -1 to 1, of one horizon, without further decay.
    pub fn balance(&self, horizon: Horizon) -> f32 {
        let (good, bad) = (self.good[horizon as usize], self.bad[horizon as usize]);
        (good - bad) / (good + bad + DOUBT)
    }

    /// The same at a later moment. An earlier one (the clock was set back) changes nothing.
    #[must_use]
    pub fn at(mut self, now: u64) -> Self {
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let gone = now.saturating_sub(self.at);
        if gone == 0 {
            return self;
        }
        let left = Horizon::ALL.map(|horizon| (-f64::from(gone) / f64::from(horizon.half_life())).exp2() as f32);
        for horizon in Horizon::ALL {
            self.good[horizon as usize] *= left[horizon as usize];
            self.bad[horizon as usize] *= left[horizon as usize];
        }
        self.counts.iter_mut().for_each(|count| *count *= left[Horizon::Month as usize]);
        self.at = now;
        self
    }

    /// One more experience, worth so many points: positive = good, negative = bad.
    pub fn learn(&mut self, experience: Experience, points: f32, now: u64) {
        *self = self.at(now);
        self.events = self.events.saturating_add(1);
        self.counts[experience as usize] += 1.0;
        let side = if points < 0.0 { &mut self.bad } else { &mut self.good };
        side.iter_mut().for_each(|sum| *sum += points.abs());
    }

    /// Another address of the net was seen at a trap. `true` = enough have been.
    pub fn witness(&mut self, mark: u16) -> bool {
        self.witnesses = witnesses(self.witnesses, [mark.max(1); Self::WITNESSES]);
        self.is_witnessed()
    }

    /// Have enough addresses of the net been seen at a trap?
    pub fn is_witnessed(&self) -> bool {
        self.witnesses[Self::WITNESSES - 1] != 0
    }

    /// Takes in what was exported, beside what `others` say: whoever remembers more good of somebody is believed, and
    /// whoever remembers more bad. So the same export twice, or one of our own, changes nothing. What was wiped since
    /// stays wiped. `true` = something was not known.
    pub fn import(&mut self, others: Option<&Self>, exported: &Self) -> bool {
        let epoch = self.epoch.max(others.map_or(0, |others| others.epoch));
        if exported.epoch < epoch || exported.events == 0 {
            return false;
        }
        let now = u64::from(self.at.max(exported.at).max(others.map_or(0, |others| others.at)));
        let of_epoch =
            |standing: &Self| if standing.epoch == exported.epoch { standing.at(now) } else { Self::default() };
        let (own, others, exported) = (of_epoch(self), others.map(of_epoch).unwrap_or_default(), exported.at(now));
        let mut news = exported.epoch > epoch;
        let mut more = |own: f32, others: f32, exported: f32| {
            // Less than rounding may make of the same number.
            news |= exported - others - own > 1e-3 * exported.max(1.0);
            own.max(exported - others)
        };
        let good = std::array::from_fn(|at| more(own.good[at], others.good[at], exported.good[at]));
        let bad = std::array::from_fn(|at| more(own.bad[at], others.bad[at], exported.bad[at]));
        let counts = std::array::from_fn(|at| more(own.counts[at], others.counts[at], exported.counts[at]));
        if news {
            *self = Self {
                epoch: exported.epoch,
                events: own.events.max(exported.events.saturating_sub(others.events)),
                at: u32::try_from(now).unwrap_or(u32::MAX),
                counts,
                good,
                bad,
                witnesses: witnesses(own.witnesses, exported.witnesses),
            };
        }
        news
    }

    /// Wiped by an administrator.
    #[must_use]
    pub fn wiped(self, now: u64) -> Self {
        let at = u32::try_from(now).unwrap_or(u32::MAX).max(self.at);
        Self { epoch: self.epoch.saturating_add(1), at, ..Self::default() }
    }
}

/// The smallest marks of both, ascending, zeros last.
fn witnesses(one: [u16; Standing::WITNESSES], other: [u16; Standing::WITNESSES]) -> [u16; Standing::WITNESSES] {
    let mut marks: Vec<u16> = one.into_iter().chain(other).filter(|&mark| mark != 0).collect();
    marks.sort_unstable();
    marks.dedup();
    std::array::from_fn(|at| marks.get(at).copied().unwrap_or(0))
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.0}", self.reputation(self.at.into()))?;
        for (experience, count) in Experience::ALL.iter().zip(self.counts).filter(|(_, count)| *count >= 0.05) {
            write!(f, ", {} {count:.1}", experience.name())?;
        }
        Ok(())
    }
}

impl Record for Standing {
    type Key = Subject;
    const NAME: &'static str = "reputation";
    /// After so many half-lives of the longest horizon a hundred points have become three.
    const LIFETIME_SECONDS: u64 = 150 * 86_400;

    fn encode(&self) -> Vec<u8> {
        let mut record = Writer::new(VERSION);
        record.number(self.epoch.into()).number(self.events.into()).number(self.at.into());
        for sum in self.good.iter().chain(&self.bad) {
            record.number(sum.to_bits().into());
        }
        for mark in self.witnesses {
            record.number(mark.into());
        }
        record.number(self.counts.len() as u64);
        for count in self.counts {
            record.number(count.to_bits().into());
        }
        record.finish()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut record = Reader::new(octets, VERSION)?;
        let mut standing = Self {
            epoch: u16::try_from(record.number()?).ok()?,
            events: record.small()?,
            at: record.small()?,
            ..Self::default()
        };
        for sums in [&mut standing.good, &mut standing.bad] {
            for sum in sums {
                *sum = points(record.small()?)?;
            }
        }
        for mark in &mut standing.witnesses {
            *mark = u16::try_from(record.number()?).ok()?;
        }
        // A newer release may know more experiences: what it wrote is not ours to read.
        for place in 0..record.count(Experience::ALL.len())? {
            standing.counts[place] = points(record.small()?)?;
        }
        record.end()?;
        Some(standing)
    }

    fn expires_at(&self) -> u64 {
        u64::from(self.at) + Self::LIFETIME_SECONDS
    }

    fn newer(self, other: Self) -> Self {
        let age = |standing: &Self| (standing.epoch, standing.events, standing.at);
        // Two of the same age come from one server, and are the same; any fixed choice will do.
        match age(&self).cmp(&age(&other)).then_with(|| self.encode().cmp(&other.encode())) {
            Ordering::Less => other,
            Ordering::Equal | Ordering::Greater => self,
        }
    }

    fn together(self, other: Self) -> Self {
        match self.epoch.cmp(&other.epoch) {
            Ordering::Greater => return self,
            Ordering::Less => return other,
            Ordering::Equal => {}
        }
        let now = u64::from(self.at.max(other.at));
        let (one, other) = (self.at(now), other.at(now));
        Self {
            epoch: one.epoch,
            events: one.events.saturating_add(other.events),
            at: one.at,
            counts: std::array::from_fn(|at| one.counts[at] + other.counts[at]),
            good: std::array::from_fn(|at| one.good[at] + other.good[at]),
            bad: std::array::from_fn(|at| one.bad[at] + other.bad[at]),
            witnesses: witnesses(one.witnesses, other.witnesses),
        }
    }
}

/// Points as they were stored: never negative, never infinite.
fn points(bits: u32) -> Option<f32> {
    Some(f32::from_bits(bits)).filter(|points| points.is_finite() && *points >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn unknown_is_neutral_and_points_tell_in_time() {
        let mut standing = Standing::default();
        assert_eq!(standing.reputation(1_000), 0.0);
        standing.learn(Experience::Accepted, 1.0, 1_000);
        let little = standing.reputation(1_000);
        assert!((16.0..17.0).contains(&little), "1 / 6 on every horizon: {little}");
        (0..200).for_each(|_| standing.learn(Experience::Accepted, 1.0, 1_000));
        assert!(standing.reputation(1_000) > 97.0);
        standing.learn(Experience::Trap, -20.0, 1_000);
        assert!((75.0..82.0).contains(&standing.reputation(1_000)), "{}", standing.reputation(1_000));
    }

    #[test]
    fn points_halve_by_their_horizon() {
        let mut standing = Standing::default();
        standing.learn(Experience::Refused, -8.0, 0);
        let later = standing.at(DAY);
        assert!((later.bad[Horizon::Day as usize] - 4.0).abs() < 1e-4);
        assert!(later.bad[Horizon::Hour as usize] < 1e-5);
        assert!((later.at(30 * DAY).bad[Horizon::Month as usize] - 4.0).abs() < 1e-4);
        assert_eq!(later.at(1_000), later, "a clock that was set back changes nothing");
        assert!(standing.reputation(150 * DAY).abs() < 2.5, "{}", standing.reputation(150 * DAY));
    }

    #[test]
    fn a_net_needs_three_witnesses() {
        let mut standing = Standing::default();
        assert!(!standing.witness(7) && !standing.witness(7) && !standing.witness(9));
        assert!(standing.witness(0) && standing.witness(7));
        assert_eq!(standing.witnesses, [1, 7, 9]);
    }

    #[test]
    fn an_import_counts_once() {
        let (mut exported, mut others, mut own) = (Standing::default(), Standing::default(), Standing::default());
        (0..9).for_each(|_| exported.learn(Experience::Accepted, 1.0, 1_000));
        exported.learn(Experience::Trap, -20.0, 2_000);
        others.learn(Experience::Trap, -20.0, 2_000);
        assert!(own.import(Some(&others), &exported));
        let all = own.together(others);
        assert!((all.good[2] - exported.good[2]).abs() < 1e-3 && (all.bad[2] - 20.0).abs() < 1e-3, "{all:?}");
        own.learn(Experience::Accepted, 1.0, 9_000);
        let before = own;
        assert!(!own.import(Some(&others), &exported), "the second time");
        assert_eq!(own, before);
        let mut restored = Standing::default();
        assert!(restored.import(None, &exported));
        assert_eq!(restored, exported, "into an empty store");
    }

    #[test]
    fn what_was_wiped_stays_wiped_whatever_is_imported() {
        let (mut exported, mut own) = (Standing::default(), Standing::default());
        exported.learn(Experience::Trap, -20.0, 1_000);
        own.learn(Experience::Accepted, 1.0, 1_000);
        let mut wiped = own.wiped(2_000);
        assert!(!wiped.import(None, &exported) && wiped.reputation(2_000) == 0.0);
        let mut later = exported.wiped(1_500);
        later.learn(Experience::Refused, -2.0, 1_600);
        assert!(own.import(None, &later), "wiped where it comes from: that holds here, too");
        assert_eq!((own.epoch, own.good[2]), (1, 0.0));
    }

    #[test]
    fn wiping_beats_what_others_remember() {
        let mut standing = Standing::default();
        standing.learn(Experience::Trap, -20.0, 1_000);
        let wiped = standing.wiped(2_000);
        assert_eq!(wiped.together(standing), wiped);
        assert_eq!(standing.newer(wiped), wiped);
        assert_eq!(wiped.reputation(2_000), 0.0);
    }
}
