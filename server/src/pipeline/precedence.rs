//! Which of all findings is heard? The first rejection; a deferral only if nothing rejects; praise where nothing speaks.
//!
//! A pure function of the set of findings: the order in which answers came, or in which findings are handed over, never
//! changes its result. Within one check an allowance goes first, then a rejection, a deferral, a score.

use super::Action;
use crate::{
    check::{Exemption, Finding, Outcome},
    mode::Mode,
};

/// A finding on its way to a verdict.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Place of the check in the order of precedence.
    pub(super) step: usize,
    /// The mildest mode of all grains; never `Off`.
    pub(super) mode: Mode,
    /// Why it is passed over.
    pub(super) excused: Option<Exemption>,
    /// It counts whoever is allowed.
    pub(super) despite_allowed: bool,
    pub(super) finding: Finding,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// Nobody: the mail goes on.
    Nobody,
    /// The finding at this index.
    Finding(usize),
    /// The mail server's own relay test.
    Rcpthosts,
    /// The sum of scores.
    Score,
}

/// The result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) action: Action,
    pub(super) speaker: Speaker,
}

/// What else decides beside findings.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// The mail server will refuse the recipient itself, at this place in the order.
    pub(super) refused_before: Option<usize>,
    /// Mode of the sum of scores, all grains considered.
    pub(super) score_mode: Mode,
    /// Sum from which it defers.
    pub(super) defer_at: i64,
    /// Sum from which it rejects.
    pub(super) reject_at: i64,
    /// Judge as if everything monitored were enforced.
    pub(super) rehearsing: bool,
}

/// Sorts findings into the order of precedence; equals keep the order in which their check named them.
pub(super) fn sort(found: &mut [Found]) {
    found.sort_by_key(|found| {
        let rank = match found.finding.outcome {
            Outcome::Allow => 0,
            Outcome::Reject => 1,
            Outcome::Defer => 2,
            Outcome::Score(_) => 3,
            Outcome::Delay(_) => 4,
        };
        (found.step, rank)
    });
}

/// Marks what an earlier allowance excuses. Wants sorted findings.
pub(super) fn excuse(found: &mut [Found]) {
    let allows = |found: &Found| found.mode < Mode::Monitor && found.finding.outcome == Outcome::Allow;
    let Some(first) = found.iter().position(allows) else { return };
    for later in &mut found[first + 1..] {
        if !later.despite_allowed && later.finding.outcome != Outcome::Allow {
            later.excused = Some(Exemption::Allowed);
        }
    }
}

/// Who decides, and what? Wants sorted findings.
pub(super) fn rule(found: &[Found], terms: &Terms) -> Ruling {
    let (mut allowed, mut deferral, mut sum) = (None, None, 0_i64);
    for (index, outcome) in terms.heard(found) {
        match outcome {
            Outcome::Allow => allowed = allowed.or(Some(index)),
            Outcome::Reject => return Ruling { action: Action::Reject, speaker: Speaker::Finding(index) },
            Outcome::Defer => deferral = deferral.or(Some(index)),
            Outcome::Score(points) => sum += i64::from(points),
            Outcome::Delay(_) => {}
        }
    }
    if terms.refused_before.is_some() {
        return Ruling { action: Action::Continue, speaker: Speaker::Rcpthosts };
    }
    let score = if allowed.is_some() { Action::Continue } else { terms.weigh(sum) };
    match (score, deferral, allowed) {
        (Action::Reject, _, _) => Ruling { action: score, speaker: Speaker::Score },
        (_, Some(index), _) => Ruling { action: Action::Defer, speaker: Speaker::Finding(index) },
        (Action::Defer, _, _) => Ruling { action: score, speaker: Speaker::Score },
        (Action::Continue, _, Some(index)) => Ruling { action: score, speaker: Speaker::Finding(index) },
        (Action::Continue, _, None) => Ruling { action: score, speaker: Speaker::Nobody },
    }
}

/// The sum of the scores that count, whoever spoke. Wants sorted findings.
pub(super) fn sum(found: &[Found], terms: &Terms) -> i64 {
    let points = |(_, outcome)| if let Outcome::Score(points) = outcome { i64::from(points) } else { 0 };
    terms.heard(found).map(points).sum()
}

impl Terms {
    /// What counts, by its index in `found`: up to rcpthosts where that refuses, and nothing an earlier step excuses.
    fn heard<'a>(&'a self, found: &'a [Found]) -> impl Iterator<Item = (usize, Outcome)> + 'a {
        let before = |found: &Found| self.refused_before.is_none_or(|place| found.step < place);
        let mut allowed = false;
        found.iter().enumerate().take_while(move |(_, found)| before(found)).filter_map(move |(index, found)| {
            let outcome = self.meant(found).filter(|_| !allowed || found.despite_allowed)?;
            allowed |= outcome == Outcome::Allow;
            Some((index, outcome))
        })
    }

    /// The mode as it counts here.
    fn counting(&self, mode: Mode) -> Mode {
        if self.rehearsing && mode == Mode::Monitor { Mode::Enforce } else { mode }
    }

    /// What a finding comes down to in its mode; `None` = it changes nothing.
    fn meant(&self, found: &Found) -> Option<Outcome> {
        match (self.counting(found.mode), found.finding.outcome) {
            (Mode::Enforce, outcome) => Some(outcome),
            (Mode::Soft, Outcome::Reject) => Some(Outcome::Defer),
            (Mode::Soft, outcome) => Some(outcome),
            (Mode::Monitor | Mode::Off, _) => None,
        }
    }

    fn weigh(&self, sum: i64) -> Action {
        let wanted = match sum {
            sum if sum >= self.reject_at => Action::Reject,
            sum if sum >= self.defer_at => Action::Defer,
            _ => Action::Continue,
        };
        match self.counting(self.score_mode) {
            Mode::Enforce => wanted,
            Mode::Soft => wanted.min(Action::Defer),
            Mode::Monitor | Mode::Off => Action::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(step: usize, outcome: Outcome, mode: Mode, despite_allowed: bool) -> Found {
        Found { step, mode, excused: None, despite_allowed, finding: Finding::new(0, outcome, "") }
    }

    fn findings() -> impl Strategy<Value = Vec<Found>> {
        let outcome = prop_oneof![
            1 => Just(Outcome::Allow),
            3 => (-8..9_i32).prop_map(Outcome::Score),
            2 => Just(Outcome::Defer),
            2 => Just(Outcome::Reject),
        ];
        let mode = prop_oneof![3 => Just(Mode::Enforce), 1 => Just(Mode::Soft), 1 => Just(Mode::Monitor)];
        // Some checks count whoever is allowed, of others some rules.
        let one = (0..6_usize, outcome, mode, any::<bool>()).prop_map(|(step, outcome, mode, rule_is_despite)| {
            found(step, outcome, mode, step % 3 == 2 || (step % 3 == 1 && rule_is_despite))
        });
        prop::collection::vec(one, 0..8)
    }

    /// The rules once more, as sentences over a set: no order of evaluation, no early end.
    fn expected(all: &[Found], refused_before: Option<usize>) -> (Action, Option<usize>) {
        let in_force =
            |found: &&Found| found.mode < Mode::Monitor && refused_before.is_none_or(|slot| found.step < slot);
        let pardoned_from = all
            .iter()
            .filter(in_force)
            .filter(|found| found.finding.outcome == Outcome::Allow)
            .map(|found| found.step)
            .min();
        let heard = |found: &&Found| {
            in_force(found) && (found.despite_allowed || pardoned_from.is_none_or(|step| found.step < step))
        };
        let first = |wanted: fn(&Found) -> bool| all.iter().filter(heard).filter(|f| wanted(f)).map(|f| f.step).min();
        let sum: i64 = all
            .iter()
            .filter(heard)
            .map(|found| if let Outcome::Score(points) = found.finding.outcome { i64::from(points) } else { 0 })
            .sum();
        if let Some(step) = first(|found| found.finding.outcome == Outcome::Reject && found.mode == Mode::Enforce) {
            return (Action::Reject, Some(step));
        }
        if refused_before.is_some() {
            return (Action::Continue, None);
        }
        let summed = pardoned_from.is_none();
        let deferral = first(|found| {
            found.finding.outcome == Outcome::Defer
                || (found.finding.outcome == Outcome::Reject && found.mode == Mode::Soft)
        });
        match deferral {
            _ if summed && sum >= 10 => (Action::Reject, None),
            Some(step) => (Action::Defer, Some(step)),
            None if summed && sum >= 5 => (Action::Defer, None),
            None => (Action::Continue, pardoned_from),
        }
    }

    fn ruled(mut all: Vec<Found>, terms: &Terms) -> (Action, Option<usize>) {
        sort(&mut all);
        excuse(&mut all);
        let ruling = rule(&all, terms);
        let step = if let Speaker::Finding(index) = ruling.speaker { Some(all[index].step) } else { None };
        (ruling.action, step)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn the_verdict_follows_the_rules_in_whatever_order(
            all in findings().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
            refused_before in prop::option::of(0..6_usize),
        ) {
            let terms =
                Terms { refused_before, score_mode: Mode::Enforce, defer_at: 5, reject_at: 10, rehearsing: false };
            let (given, shuffled) = all;
            let verdict = ruled(given.clone(), &terms);
            prop_assert_eq!(verdict, ruled(shuffled, &terms));
            prop_assert_eq!(verdict, expected(&given, refused_before));
        }

        #[test]
        fn a_milder_mode_never_makes_a_verdict_harder(all in findings(), at in any::<prop::sample::Index>()) {
            prop_assume!(!all.is_empty());
            let terms = Terms { refused_before: None, score_mode: Mode::Enforce, defer_at: 5, reject_at: 10, rehearsing: false };
            let at = at.index(all.len());
            // Praise and allowances work the other way round: without them more is refused.
            prop_assume!(matches!(all[at].finding.outcome, Outcome::Reject | Outcome::Defer));
            let mut milder = all.clone();
            milder[at].mode = Mode::Monitor;
            prop_assert!(ruled(milder, &terms).0 <= ruled(all, &terms).0);
        }
    }

    #[test]
    fn the_sum_has_a_mode_of_its_own() {
        let all =
            vec![found(0, Outcome::Score(7), Mode::Enforce, false), found(1, Outcome::Score(4), Mode::Soft, false)];
        for (score_mode, action) in
            [(Mode::Enforce, Action::Reject), (Mode::Soft, Action::Defer), (Mode::Monitor, Action::Continue)]
        {
            let terms = Terms { refused_before: None, score_mode, defer_at: 5, reject_at: 10, rehearsing: false };
            assert_eq!(ruled(all.clone(), &terms).0, action);
        }
    }

    #[test]
    fn a_check_that_allows_can_refuse_all_the_same_and_spares_the_steps_below() {
        let mut all = vec![
            found(0, Outcome::Allow, Mode::Enforce, false),
            found(0, Outcome::Reject, Mode::Enforce, false),
            found(0, Outcome::Reject, Mode::Enforce, true),
            found(1, Outcome::Reject, Mode::Enforce, false),
        ];
        sort(&mut all);
        excuse(&mut all);
        let excused: Vec<bool> = all.iter().map(|found| found.excused.is_some()).collect();
        assert_eq!(excused, [false, true, false, true]);
        let terms =
            Terms { refused_before: None, score_mode: Mode::Enforce, defer_at: 5, reject_at: 10, rehearsing: false };
        assert_eq!(rule(&all, &terms), Ruling { action: Action::Reject, speaker: Speaker::Finding(2) });
        all.remove(2);
        assert_eq!(rule(&all, &terms), Ruling { action: Action::Continue, speaker: Speaker::Finding(0) });
    }

    #[test]
    fn an_allowance_excuses_what_comes_after_it_only() {
        let mut all = vec![
            found(2, Outcome::Reject, Mode::Enforce, true),
            found(1, Outcome::Allow, Mode::Enforce, false),
            found(3, Outcome::Reject, Mode::Enforce, false),
            found(0, Outcome::Defer, Mode::Enforce, false),
        ];
        sort(&mut all);
        excuse(&mut all);
        let excused: Vec<bool> = all.iter().map(|found| found.excused.is_some()).collect();
        assert_eq!(excused, [false, false, false, true]);
    }
}
