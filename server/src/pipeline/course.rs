//! By what were findings weighed, and how was the time? What is recorded of a decision beside findings and evidence: so it
//! can be explained when another policy is in force.

use crate::{check::Exemption, mode::Mode};
use std::time::Duration;

/// What a check had to do with a decision at whose stage it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It was asked.
    Asked,
    /// Its mode was `off`.
    Off,
    /// It was passed over.
    Excused(Exemption),
    /// Nobody is turned away at connect who may still authenticate.
    Hushed,
}

/// A check in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSeen {
    /// Its name.
    pub name: &'static str,
    /// What it had to do.
    pub part: Part,
    /// It speaks although an earlier one allowed.
    pub despite_allowed: bool,
}

/// The way a decision took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// The checks that speak at this stage, in order of precedence.
    pub steps: Vec<StepSeen>,
    /// rcpthosts stands before the step at this place of `steps`.
    pub rcpthosts: usize,
    /// Mode of the sum of scores, all grains considered; `off` before RCPT.
    pub score_mode: Mode,
    /// Sum from which it defers.
    pub defer_at: i64,
    /// Sum from which it rejects.
    pub reject_at: i64,
    /// How long answers could be waited for: the stage's deadline, or less if the mail server had less time.
    pub budget: Duration,
}
