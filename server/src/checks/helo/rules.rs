//! What can be wrong with a HELO argument, and which keys does `[check.helo]` have?

use crate::{
    check::Rule,
    checks::penalty::{Keys, action, weight},
    config::{Field, Kind},
};

pub(super) const SYNTAX: usize = 0;
pub(super) const BARE_ADDRESS: usize = 1;
pub(super) const OWN_NAME: usize = 2;
pub(super) const NO_DOT: usize = 3;
pub(super) const UNRESOLVABLE: usize = 4;
pub(super) const MISMATCH: usize = 5;
pub(super) const MISSING: usize = 6;

pub(super) const MISMATCH_WEIGHT: &str = "mismatch_weight";

const fn rule(name: &'static str, text: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 550, code_defer: 450, status: "5.7.1", text, doc }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "syntax",
        "sorry, your HELO argument is neither a host name nor an address literal",
        "The argument is neither a domain nor an address literal (RFC 5321 \u{a7}4.1.1.1). Underscores are let pass.",
    ),
    rule(
        "bare_address",
        "sorry, your HELO argument is an address without brackets",
        "The argument is an address without the brackets that make it a literal (RFC 5321 \u{a7}4.1.3).",
    ),
    rule(
        "own_name",
        "sorry, your HELO argument is a name or address of mine",
        "The argument is one of our domains, names or addresses, and the client is none of our hosts.",
    ),
    rule(
        "no_dot",
        "sorry, your HELO name is not fully qualified",
        "The name has one label only (RFC 5321 \u{a7}2.3.5 wants a fully-qualified name).",
    ),
    rule(
        "unresolvable",
        "sorry, your HELO name does not exist in the DNS",
        "The name has neither A, AAAA nor MX records. It is not looked up if it is ours or has no dot.",
    ),
    rule(
        "mismatch",
        "",
        "Name or literal is not the client's address. Never refused by itself: RFC 5321 \u{a7}4.1.4 forbids it.",
    ),
    rule("missing", "sorry, say HELO first", "The client said neither HELO nor EHLO, which qmail lets pass."),
];

pub(super) const KEYS: &[Keys; 7] = &[
    Keys { action: Some("syntax_action"), weight: "syntax_weight" },
    Keys { action: Some("bare_address_action"), weight: "bare_address_weight" },
    Keys { action: Some("own_name_action"), weight: "own_name_weight" },
    Keys { action: Some("no_dot_action"), weight: "no_dot_weight" },
    Keys { action: Some("unresolvable_action"), weight: "unresolvable_weight" },
    Keys { action: None, weight: MISMATCH_WEIGHT },
    Keys { action: Some("missing_action"), weight: "missing_weight" },
];

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "own_names",
        kind: Kind::Texts(&[]),
        doc: "Names of our own that no foreign client may say, beside `[policy] domains` and the mail server's own \
              name: `mx.example`, or `.example` for all below it.",
    },
    action(
        "syntax_action",
        "What an argument that is neither name nor literal meets: score (adds syntax_weight), defer, reject, or off \
         (nothing).",
    ),
    weight("syntax_weight", 20, "What an argument that is neither name nor literal adds to the score."),
    action("bare_address_action", "The same for an address without brackets."),
    weight("bare_address_weight", 20, "What an address without brackets adds to the score."),
    action("own_name_action", "The same for a name or address of ours."),
    weight("own_name_weight", 40, "What a name or address of ours adds to the score."),
    action("no_dot_action", "The same for a name of one label."),
    weight("no_dot_weight", 15, "What a name of one label adds to the score."),
    action("unresolvable_action", "The same for a name that the DNS does not know."),
    weight("unresolvable_weight", 10, "What a name that the DNS does not know adds to the score."),
    weight(
        MISMATCH_WEIGHT,
        0,
        "What a name or literal that is not the client's adds to the score: less than `[policy] defer_at`, since no \
         mail may be refused for that alone (RFC 5321 \u{a7}4.1.4).",
    ),
    action("missing_action", "The same for a client that gave no HELO at all."),
    weight("missing_weight", 10, "What a client that gave no HELO at all adds to the score."),
];
