//! Did the message also name a closed recipient, or try to relay? Then nobody gets it.
//!
//! The seed's patch: whoever writes to a closed address besides a real one is sending to harvested addresses. Its flags
//! lived as long as the connection; here they end with the transaction unless the scope says otherwise.

use crate::{
    ask::Answers,
    check::{Check, Def, Exemption, Finding, Outcome, Rule},
    clock::Now,
    config::{Build, Field, Kind, Section},
    mode::Mode,
    session::{Facts, Stage, Tally},
};

const BADRCPTTO_SEEN: usize = 0;
const BADRCPTHOST_SEEN: usize = 1;

/// The registry's entry.
pub(crate) static DEF: Def = Def {
    name: "whole_message",
    doc: "Refuses a message at DATA when one of its recipients was refused by `badrcptto` or by the mail server's relay test. Its other recipients lose it too, so it is off unless configured.",
    stages: &[Stage::Data],
    rules: &[
        rule(
            "badrcptto_seen",
            "sorry, badrcptto seen, so you MUST be spamming.",
            "A recipient was refused by `badrcptto`.",
        ),
        rule(
            "badrcpthost_seen",
            "sorry, badrcpthost seen, so you MUST be spamming.",
            "A recipient was refused by rcpthosts: an attempt to relay.",
        ),
    ],
    fields: FIELDS,
    tables: &[],
    mode: Mode::Off,
    // What was refused was refused; relay clients cannot have met either refusal.
    despite: &[Exemption::Allowed, Exemption::TrustedClient],
    build: |section, build| Box::new(WholeMessage::build(section, build)),
};

const fn rule(name: &'static str, text: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 553, code_defer: 451, status: "5.1.1", text, doc }
}

const FIELDS: &[Field] = &[Field {
    name: "scope",
    kind: Kind::Choice(&["transaction", "connection"]),
    doc: "How long a refused recipient is remembered: until the next MAIL, RSET or HELO, or until the connection ends (the seed's patch).",
}];

struct WholeMessage {
    scope_is_connection: bool,
}

impl WholeMessage {
    fn build(section: &Section<'_>, _build: &mut Build<'_>) -> Self {
        Self { scope_is_connection: section.choice("scope") == "connection" }
    }

    fn tally<'a>(&self, facts: &'a Facts) -> &'a Tally {
        if self.scope_is_connection { &facts.history.connection } else { &facts.history.transaction }
    }
}

impl Check for WholeMessage {
    fn decide(&self, _stage: Stage, facts: &Facts, _answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let tally = self.tally(facts);
        // badrcptto is named first, whichever came first.
        for (rule, count) in
            [(BADRCPTTO_SEEN, tally.refused_by("badrcptto")), (BADRCPTHOST_SEEN, tally.rcpthosts_refused)]
        {
            if count > 0 {
                found.push(Finding::new(rule, Outcome::Reject, format!("recipients refused: {count}")));
            }
        }
    }
}
