//! What does a rule do when it finds something? It scores by default; the configuration may let it defer or refuse.

use crate::{
    check::{Finding, Outcome},
    config::{Field, Kind, Section},
};

/// A rule's keys: `NAME_action` and `NAME_weight`. Without an action it can do nothing but score.
pub(super) struct Keys {
    pub(super) action: Option<&'static str>,
    pub(super) weight: &'static str,
}

/// Declares a rule's action.
pub(super) const fn action(name: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Choice(&["score", "defer", "reject", "off"]), doc }
}

/// Declares a rule's weight. Never negative: what these rules look at can be forged, and must not speak for anybody.
pub(super) const fn weight(name: &'static str, default: i64, doc: &'static str) -> Field {
    Field { name, kind: Kind::Integer { default, min: 0, max: 1_000_000 }, doc }
}

/// What the rules of a check want, by their index; `None` = the rule is off.
pub(super) struct Penalties<const RULES: usize>([Option<Outcome>; RULES]);

impl<const RULES: usize> Penalties<RULES> {
    pub(super) fn read(section: &Section<'_>, keys: &[Keys; RULES]) -> Self {
        Self(std::array::from_fn(|rule| outcome(section, &keys[rule])))
    }

    /// Does the rule want anything?
    pub(super) fn wants(&self, rule: usize) -> bool {
        self.0.get(rule).is_some_and(Option::is_some)
    }

    /// What the rule wants; `None` = it is off.
    pub(super) fn outcome(&self, rule: usize) -> Option<Outcome> {
        self.0.get(rule).copied().flatten()
    }

    /// The finding of a rule, unless it is off.
    pub(super) fn finding(&self, rule: usize, detail: impl Into<String>) -> Option<Finding> {
        Some(Finding::new(rule, self.outcome(rule)?, detail))
    }
}

fn outcome(section: &Section<'_>, keys: &Keys) -> Option<Outcome> {
    let scored = Outcome::Score(i32::try_from(section.integer(keys.weight)).unwrap_or(i32::MAX));
    let Some(action) = keys.action else { return Some(scored) };
    let wanted = match section.choice(action) {
        "defer" => Some(Outcome::Defer),
        "reject" => Some(Outcome::Reject),
        "off" => None,
        _ => return Some(scored),
    };
    if section.is_set(keys.weight) {
        section.fault(keys.weight, format!("has no effect: expected {action} = \"score\""));
    }
    wanted
}
