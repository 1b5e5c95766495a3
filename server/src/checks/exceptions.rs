//! Has an administrator let this mail through, or kept it out? Exceptions, made at the command line: scoped, owned, expiring.
//!
//! What they are and which of several is heard is `exceptions/`; the engine finds those that are about the mail and records
//! them. No allowance can be forged: one for a sender holds only from the net it is bound to, or where SPF says that the
//! sender sent this. None goes by the HELO name.

use super::sending_side::spf_question;
use crate::{
    ask::{Answers, Question, SpfTerms},
    check::{Came, Check, Def, Effect, Exemption, Finding, Outcome, Rule},
    clock::Now,
    config::Build,
    exceptions::{Excepted, scope},
    mode::Mode,
    session::{Facts, Stage},
};
use std::sync::Arc;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "exceptions",
    doc: "Lets through and keeps out what an administrator said with `tollgate allow`, `deny` and `pardon`, for a while. \
          A denial holds unless an allowance names all that it names, each as exactly or more exactly; of the same \
          scope the later counts. An allowance for a sender needs a net, or SPF's word. \
          What the mail server refuses itself, and recipients that do not exist, no exception lets through.",
    stages: &[Stage::Connect, Stage::Mail, Stage::Rcpt, Stage::Data],
    rules: &[
        Rule::policy("allowed", "", "An exception allows the client or the sender. Refuses nothing."),
        Rule::policy("recipient_allowed", "", "An exception lets the recipient have everything. Refuses nothing."),
        Rule::policy("denied", "sorry, your mail is denied here by the postmaster", "An exception denies the mail."),
    ],
    fields: &[],
    tables: &[],
    mode: Mode::Enforce,
    // Behind a host of ours stand senders and recipients that an exception may name.
    despite: &[Exemption::TrustedClient],
    build: |_, build| Box::new(Exceptions::build(build)),
};

const ALLOWED: usize = 0;
const RECIPIENT_ALLOWED: usize = 1;
const DENIED: usize = 2;

struct Exceptions {
    /// Those of `check.spf`.
    spf_terms: Arc<SpfTerms>,
}

impl Exceptions {
    fn build(build: &Build<'_>) -> Self {
        Self { spf_terms: build.settled.spf_terms.clone() }
    }
}

/// The exception that speaks: they stand in such an order that it is the first that holds.
fn winner(answers: &Answers) -> Option<&Excepted> {
    let holds = |excepted: &&Excepted| !scope::is_forgeable(&excepted.said) || answers.is_identified();
    answers.exceptions().iter().find(holds)
}

impl Check for Exceptions {
    /// Who sent it is asked only where an exception may depend on that.
    fn needs(&self, _stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        if answers.exceptions().first().is_some_and(|excepted| scope::is_forgeable(&excepted.said)) {
            ask.extend(spf_question(facts, &self.spf_terms));
        }
    }

    /// A denial is spoken at RCPT: at DATA it is not known any more which recipients an allowance let through.
    fn decide(&self, stage: Stage, _facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let Some(excepted) = winner(answers) else { return };
        let said = &excepted.said;
        let of_recipient = said.clients.is_none() && said.sender.is_empty();
        let (rule, outcome) = match (said.allows, of_recipient) {
            (true, true) => (RECIPIENT_ALLOWED, Outcome::Allow),
            (true, false) => (ALLOWED, Outcome::Allow),
            (false, _) if stage == Stage::Data => return,
            (false, _) => (DENIED, Outcome::Reject),
        };
        found.push(Finding::new(rule, outcome, excepted.to_string()));
    }

    fn learn(&self, stage: Stage, _facts: &Facts, answers: &Answers, came: Came, _now: Now, effects: &mut Vec<Effect>) {
        // Counted by recipient; at DATA only what mattered, so that a message is not counted twice.
        if came.rehearsed || (stage != Stage::Rcpt && !came.changed) {
            return;
        }
        effects.extend(winner(answers).map(|one| Effect::Excepted { id: one.id, changed: came.changed }));
    }

    /// Who is let through is not turned away at the door.
    fn spares_early(&self) -> bool {
        true
    }

    /// Whoever writes to somebody who wants everything is no better for it.
    fn vouches(&self, rule: usize) -> bool {
        rule != RECIPIENT_ALLOWED
    }
}
