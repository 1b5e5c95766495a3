//! Which keys and rules has `[check.greylist]`?

use crate::{
    check::Rule,
    config::{Field, Kind},
    lists::load::Place,
    state::Triplet,
};

pub(super) const FIRST: usize = 0;
pub(super) const EARLY: usize = 1;

pub(super) const RULES: &[Rule] = &[
    rule(
        "first",
        "sorry, your mail for this recipient is new here: please try again in %{wait} seconds",
        "Nobody has tried this before, or too long ago.",
    ),
    rule(
        "early",
        "sorry, that was too soon: please try again in %{wait} seconds",
        "It was tried before, but less than `delay_s` ago.",
    ),
];

/// It never rejects. RFC 6647 §5 has 451 4.7.1.
const fn rule(name: &'static str, text: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 550, code_defer: 451, status: "5.7.1", text, doc }
}

pub(super) const RECIPIENTS_OFF: Place = Place { texts: "recipients_off", file: "recipients_off_file" };

/// A triplet that has not come through is kept no longer.
const WAITING_SECONDS: i64 = Triplet::WAITING_SECONDS as i64;

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "delay_s",
        kind: Kind::Integer { default: 300, min: 1, max: 3600 },
        doc: "How long, in seconds, the first attempt of mail that nobody knows has to be past before it is let in.",
    },
    Field {
        name: "retry_window_s",
        kind: Kind::Integer { default: 172_800, min: 3600, max: WAITING_SECONDS },
        doc: "How long after its first attempt, in seconds, mail may still come back. Later it is new again.",
    },
    Field {
        name: "proven_after",
        kind: Kind::Integer { default: 1, min: 1, max: 100 },
        doc: "How often a sender's domain, host domain or net has to come back before all its mail is let in at once. \
              Within a minute that counts once. It holds for 36 days after its last mail.",
    },
    Field {
        name: "reputation_skip",
        kind: Kind::Integer { default: 20, min: 0, max: 100 },
        doc: "Clients of this reputation (`tollgate reputation`) and better never wait. 100 = all others wait too.",
    },
    Field {
        name: "recipients_off",
        kind: Kind::Texts(&[]),
        doc: "Recipients whose mail never waits: `user@host`, `@host`, or `.suffix` for all hosts below it.",
    },
    Field {
        name: "recipients_off_file",
        kind: Kind::Path(""),
        doc: "More of them: lines of text, or a cdb if its name ends in `.cdb`. Not set: `greylist_off` in the control \
              folder, which need not exist.",
    },
    Field {
        name: "correspondents",
        kind: Kind::Bool(true),
        doc: "Remember to whom clients that may relay (RELAYCLIENT or AUTH) have written: answers from there never wait.",
    },
];
