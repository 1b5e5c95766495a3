//! What does the engine count? Names and labels from closed sets: never an address, a domain or a text of somebody's.
//!
//! Handles are resolved when a policy is built, so that counting is one atomic addition. `docs/metrics.txt` lists every
//! name with its labels; dashboards and alerts may use only those.

use crate::{
    check::Def,
    pipeline::{Action, degraded},
    session::{Ending, Stage},
};
use metrics::{Counter, Histogram};

/// Decisions, by `stage` and `action`.
pub const DECISIONS: &str = "tollgate_decisions_total";
/// How long decisions took, waiting included, in seconds, by `stage`.
pub const STAGE_SECONDS: &str = "tollgate_stage_duration_seconds";
/// Refusals heard, by the `step` of the precedence that spoke and the `action`. Step `rcpthosts` is the mail server.
pub const REFUSALS: &str = "tollgate_refusals_total";
/// What enforcing everything monitored would have refused and was let pass, by `step` and `action`.
pub const WOULD_HAVE: &str = "tollgate_would_have_total";
/// Findings, by `check`, `rule` and `mode`, heard or not.
pub const FINDINGS: &str = "tollgate_findings_total";
/// Runs of a check, by `check`.
pub const CHECK_RUNS: &str = "tollgate_check_runs_total";
/// Processor time in a check, in nanoseconds, by `check`. Checks never wait: the mean says enough, a histogram for each
/// would cost more than most checks do.
pub const CHECK_NANOSECONDS: &str = "tollgate_check_nanoseconds_total";
/// Decisions that knew less than they should have, by `reason`.
pub const DEGRADED: &str = "tollgate_degraded_total";
/// Session states that could not be opened.
pub const STATE_INVALID: &str = "tollgate_session_state_invalid_total";
/// Reports, by `ending`.
pub const REPORTS: &str = "tollgate_reports_total";
/// Stages that went on without our answer, as mail servers report them.
pub const UNANSWERED: &str = "tollgate_unanswered_total";

/// Edges of all histograms, in seconds: an answer from memory takes tens of microseconds, one look-up on the local net about a
/// millisecond, one on the Internet 20-200 ms; the stage deadline is 1.5 s, the library's own 2 s.
pub const SECONDS_EDGES: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0];

/// Steps of the precedence that are no checks.
pub(crate) const STEP_RCPTHOSTS: &str = "rcpthosts";
pub(crate) const STEP_SCORE: &str = "score";

/// Deferred and rejected.
pub(crate) struct ByAction([Counter; 2]);

impl ByAction {
    fn new(name: &'static str, step: &'static str) -> Self {
        Self(
            [Action::Defer, Action::Reject]
                .map(|action| metrics::counter!(name, "step" => step, "action" => action.name())),
        )
    }

    pub(crate) fn count(&self, action: Action) {
        match action {
            Action::Continue => {}
            Action::Defer => self.0[0].increment(1),
            Action::Reject => self.0[1].increment(1),
        }
    }
}

/// Refusals by one step: those that were heard and those that would have been.
pub(crate) struct StepCounters {
    pub(crate) refusals: ByAction,
    pub(crate) would_have: ByAction,
}

impl StepCounters {
    pub(crate) fn new(step: &'static str) -> Self {
        Self { refusals: ByAction::new(REFUSALS, step), would_have: ByAction::new(WOULD_HAVE, step) }
    }
}

/// One check's handles.
pub(crate) struct CheckCounters {
    pub(crate) step: StepCounters,
    pub(crate) runs: Counter,
    pub(crate) nanoseconds: Counter,
    /// By rule, then by mode (`enforce`, `soft`, `monitor`).
    pub(crate) findings: Vec<[Counter; 3]>,
}

impl CheckCounters {
    pub(crate) fn new(def: &'static Def) -> Self {
        let check = def.name;
        let by_mode = |rule: &'static str| {
            ["enforce", "soft", "monitor"]
                .map(|mode| metrics::counter!(FINDINGS, "check" => check, "rule" => rule, "mode" => mode))
        };
        Self {
            step: StepCounters::new(check),
            runs: metrics::counter!(CHECK_RUNS, "check" => check),
            nanoseconds: metrics::counter!(CHECK_NANOSECONDS, "check" => check),
            findings: def.rules.iter().map(|rule| by_mode(rule.name)).collect(),
        }
    }
}

/// Handles of everything that is no check's.
pub(crate) struct EngineCounters {
    decisions: [[Counter; 3]; 5],
    seconds: [Histogram; 5],
    degraded: [Counter; degraded::ALL.len()],
    pub(crate) state_invalid: Counter,
    reports: [Counter; 4],
    pub(crate) unanswered: Counter,
    pub(crate) rcpthosts: StepCounters,
    pub(crate) score: StepCounters,
}

impl EngineCounters {
    pub(crate) fn new() -> Self {
        describe();
        let stages = [Stage::Connect, Stage::Helo, Stage::Mail, Stage::Rcpt, Stage::Data].map(Stage::name);
        let endings = [Ending::Closed, Ending::Accepted, Ending::Rejected, Ending::Deferred].map(Ending::name);
        Self {
            decisions: stages.map(|stage| {
                Action::ALL.map(|action| metrics::counter!(DECISIONS, "stage" => stage, "action" => action.name()))
            }),
            seconds: stages.map(|stage| metrics::histogram!(STAGE_SECONDS, "stage" => stage)),
            degraded: degraded::ALL.map(|reason| metrics::counter!(DEGRADED, "reason" => reason)),
            state_invalid: metrics::counter!(STATE_INVALID),
            reports: endings.map(|ending| metrics::counter!(REPORTS, "ending" => ending)),
            unanswered: metrics::counter!(UNANSWERED),
            rcpthosts: StepCounters::new(STEP_RCPTHOSTS),
            score: StepCounters::new(STEP_SCORE),
        }
    }

    pub(crate) fn decided(&self, stage: Stage, action: Action, seconds: f64) {
        // Outcome is reported, never decided: it has no row.
        let (Some(counters), Some(histogram)) = (self.decisions.get(stage as usize), self.seconds.get(stage as usize))
        else {
            return;
        };
        counters[action as usize].increment(1);
        histogram.record(seconds);
    }

    pub(crate) fn degraded(&self, reasons: &[&'static str]) {
        for (reason, counter) in degraded::ALL.iter().zip(&self.degraded) {
            if reasons.contains(reason) {
                counter.increment(1);
            }
        }
    }

    pub(crate) fn reported(&self, ending: Ending) {
        self.reports[ending as usize].increment(1);
    }
}

fn describe() {
    metrics::describe_counter!(DECISIONS, "Decisions, by stage and action");
    metrics::describe_histogram!(STAGE_SECONDS, metrics::Unit::Seconds, "How long decisions took, waiting included");
    metrics::describe_counter!(REFUSALS, "Refusals heard, by the step that spoke; rcpthosts is the mail server itself");
    metrics::describe_counter!(WOULD_HAVE, "Refusals that monitor mode held back, by the step that would have spoken");
    metrics::describe_counter!(FINDINGS, "Findings, heard or not");
    metrics::describe_counter!(CHECK_RUNS, "Runs of a check");
    metrics::describe_counter!(CHECK_NANOSECONDS, "Processor time in a check, in nanoseconds");
    metrics::describe_counter!(DEGRADED, "Decisions that knew less than they should have");
    metrics::describe_counter!(STATE_INVALID, "Session states that could not be opened");
    metrics::describe_counter!(REPORTS, "Reports about how messages and connections ended");
    metrics::describe_counter!(UNANSWERED, "Stages that went on without our answer, as mail servers report them");
}

#[cfg(test)]
mod tests;
