//! Which of all findings is heard? The first rejection; a deferral only if nothing rejects; praise where nothing speaks.
//!
//! A pure function of the set of findings: the order in which answers came, or in which findings are handed over, never
//! changes its result. Within one check an allowance goes first, then a rejection, a deferral, a score.

use super::{Action, Settings};
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
    /// The check speaks although an earlier one allowed.
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
pub(super) struct Terms<'a> {
    /// The mail server will refuse the recipient itself, at this place in the order.
    pub(super) refused_before: Option<usize>,
    /// Mode of the sum of scores, all grains considered.
    pub(super) score_mode: Mode,
    pub(super) settings: &'a Settings,
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
pub(super) fn rule(found: &[Found], terms: &Terms<'_>) -> Ruling {
    let (mut allowed, mut deferral, mut sum) = (None, None, 0_i64);
    let passed_to_server = |found: &Found| terms.refused_before.is_some_and(|place| found.step >= place);
    for (index, found) in found.iter().enumerate() {
        if passed_to_server(found) {
            break;
        }
        if allowed.is_some() && !found.despite_allowed {
            continue;
        }
        match terms.meant(found) {
            Some(Outcome::Allow) => allowed = allowed.or(Some(index)),
            Some(Outcome::Reject) => return Ruling { action: Action::Reject, speaker: Speaker::Finding(index) },
            Some(Outcome::Defer) => deferral = deferral.or(Some(index)),
            Some(Outcome::Score(points)) => sum += i64::from(points),
            None => {}
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

impl Terms<'_> {
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
            sum if sum >= self.settings.reject_at => Action::Reject,
            sum if sum >= self.settings.defer_at => Action::Defer,
            _ => Action::Continue,
        };
        match self.counting(self.score_mode) {
            Mode::Enforce => wanted,
            Mode::Soft => wanted.min(Action::Defer),
            Mode::Monitor | Mode::Off => Action::Continue,
        }
    }
}
