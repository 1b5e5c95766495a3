//! Does the recipient exist? Paul Jarc's qmail-realrcptto: what qmail-local would bounce is refused at RCPT.
//!
//! `fields` has keys and rules, `read` says who is asked about which mail host, `show` is what an administrator sees. How an
//! address finds its mailbox is `ask/mailbox/`. Relay clients are asked too, and so is postmaster: mail to nobody bounces,
//! whoever sends it. What is not known refuses nobody.

mod fields;
mod read;
mod show;

use crate::{
    ask::{Answers, Existence, MailboxQuestion, Question},
    check::{Check, Def, Exemption, Finding, Memory, Outcome, Rows},
    clock::Now,
    mode::Mode,
    session::{Connection, Facts, Rcpthosts, Stage},
};
use bytes::{Bytes, BytesMut};
use read::Sources;
use std::sync::Arc;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "recipient",
    doc: "Refuses recipients that have no mailbox: addresses that qmail would bounce for want of a `.qmail` file, as \
          qmail-realrcptto does (docs/recipients.md). Asks qmail's files on this host, or what a mail host exported, \
          and lists of addresses. What cannot be found out refuses nobody.",
    stages: &[Stage::Rcpt, Stage::Data],
    rules: fields::RULES,
    fields: fields::FIELDS,
    tables: fields::TABLES,
    mode: Mode::Monitor,
    // No question about the client: mail to nobody bounces, whoever sends it.
    despite: &[Exemption::Relay, Exemption::Allowed, Exemption::TrustedClient, Exemption::ExemptRecipient],
    build: |section, build| {
        Box::new(Recipient { sources: Sources::build(section, build), at_data: section.choice("deny_at") == "data" })
    },
};

struct Recipient {
    sources: Sources,
    /// Refused is the message, not the recipient.
    at_data: bool,
}

impl Recipient {
    /// The patch's variable counts only if it is exactly `1`.
    fn denies_at_data(&self, connection: &Connection) -> bool {
        self.at_data || connection.qmailrrtdenyall.as_deref() == Some(b"1")
    }

    /// `None` = nobody is to be asked.
    fn question(&self, facts: &Facts) -> Option<MailboxQuestion> {
        let recipient = facts.recipient.as_ref().filter(|tried| tried.rcpthosts != Rcpthosts::Refused)?;
        let source = self.sources.of(&facts.connection.host)?;
        let address = recipient.address.raw();
        // qmail-smtpd appends what RELAYCLIENT holds, before it asks.
        let address = match facts.connection.relayclient.as_deref() {
            None | Some(b"") => Bytes::copy_from_slice(address),
            Some(suffix) => BytesMut::from_iter(address.iter().chain(suffix)).freeze(),
        };
        Some(MailboxQuestion { address, source })
    }
}

impl Check for Recipient {
    fn needs(&self, stage: Stage, facts: &Facts, _answers: &Answers, ask: &mut Vec<Question>) {
        if stage == Stage::Rcpt {
            ask.extend(self.question(facts).map(|question| Question::Mailbox(Arc::new(question))));
        }
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let at_data = self.denies_at_data(&facts.connection);
        if stage == Stage::Data {
            let count = facts.history.missing.in_transaction;
            if at_data && count > 0 {
                found.push(Finding::new(
                    fields::SEEN,
                    Outcome::Reject,
                    format!("recipients without a mailbox: {count}"),
                ));
            }
            return;
        }
        let Some(question) = self.question(facts) else { return };
        let Some(looked) = answers.mailbox(&question).filter(|looked| looked.existence == Existence::Missing) else {
            return;
        };
        let (rule, outcome) =
            if at_data { (fields::NOTED, Outcome::Score(0)) } else { (fields::MISSING, Outcome::Reject) };
        found.push(Finding::new(rule, outcome, looked.why.clone()));
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        show::OPERATIONS
    }

    fn inspect(&self, op: &str, _args: &[String]) -> Result<Rows, String> {
        Err(show::unknown(op))
    }

    fn inspect_memory(&self, op: &str, args: &[String], memory: &dyn Memory) -> Result<Rows, String> {
        show::rows(&self.sources, op, args, memory.now())
    }
}

#[cfg(test)]
mod tests;
