//! What does a decision leave behind in the session? Counts that later stages and checks look at.

use super::{Action, Decision, Judged, Settings, exempt::Exemptions};
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
        history.missing.in_transaction = 0;
        history.identified = false;
    }
}

/// The check that knows who does not exist.
const STEP_RECIPIENT: &str = "recipient";

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
    note_missing(decision);
}

/// A recipient that does not exist, whether it is refused at once or with the message. One that another step refuses, or
/// the mail server, is theirs.
fn note_missing(decision: &mut Decision) {
    let (goes_on, by) = (decision.verdict.action == Action::Continue, decision.decided_by);
    let is_ours = if goes_on { by != STEP_RCPTHOSTS } else { by == STEP_RECIPIENT };
    if !is_ours || !decision.evidence.is_mailbox_missing() {
        return;
    }
    let meant =
        |judged: &Judged| judged.check == STEP_RECIPIENT && judged.mode < Mode::Monitor && judged.excused.is_none();
    let is_meant = decision.findings.iter().any(meant);
    let facts = &mut decision.facts;
    let missing = &mut facts.history.missing;
    missing.count();
    // Bounces of mail that others forged go to whatever sender they made up.
    let is_bounce = facts.sender.as_ref().is_none_or(|sender| sender.address.is_null());
    if let Some(recipient) = facts.recipient.as_ref().filter(|_| is_meant && !is_bounce) {
        missing.note(mark(recipient.address.lower()));
    }
}

/// 16 bits of an address (FNV-1a, folded): enough to tell a few apart.
fn mark(address: &[u8]) -> u16 {
    let hash = address.iter().fold(0x811c_9dc5_u32, |hash, &octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = hash.to_le_bytes();
    u16::from_le_bytes([a ^ c, b ^ d])
}
