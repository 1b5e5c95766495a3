//! What does a decision leave behind in the session? Counts that later stages and checks look at.

use super::{Action, Decision, Settings, exempt::Exemptions};
use crate::{
    metrics::STEP_RCPTHOSTS,
    mode::Mode,
    session::{History, Stage, Tally},
};

/// A new MAIL or HELO ends the transaction.
pub(super) fn begin(history: &mut History, stage: Stage) {
    if matches!(stage, Stage::Helo | Stage::Mail) {
        history.transaction = Tally::default();
        history.mildest = Mode::default();
        history.identified = false;
    }
}

/// Counts what was decided about a recipient.
pub(super) fn note(decision: &mut Decision, exemptions: Exemptions, settings: &Settings) {
    let Some(recipient) = decision.facts.recipient.as_ref().filter(|_| decision.stage == Stage::Rcpt) else { return };
    let (action, by) = (decision.verdict.action, decision.decided_by);
    let history = &mut decision.facts.history;
    for tally in [&mut history.transaction, &mut history.connection] {
        tally.recipients = tally.recipients.saturating_add(1);
        tally.exempt = tally.exempt.saturating_add(u32::from(exemptions.recipient));
        if by == STEP_RCPTHOSTS {
            tally.rcpthosts_refused = tally.rcpthosts_refused.saturating_add(1);
        } else if action != Action::Continue {
            tally.add_refusal(by);
        }
    }
    if action == Action::Continue && by != STEP_RCPTHOSTS {
        history.mildest = history.mildest.or_milder(settings.recipient_mode(&recipient.address));
    }
}
