//! What can be wrong with a sender's domain, and which keys does `[check.sender_domain]` have?

use crate::{
    check::Rule,
    checks::penalty::{Keys, action, weight},
    config::Field,
};

pub(super) const SYNTAX: usize = 0;
pub(super) const UNRESOLVABLE: usize = 1;
pub(super) const NULL_MX: usize = 2;
pub(super) const BOGUS_MX: usize = 3;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "syntax",
        code: 553,
        code_defer: 451,
        // RFC 3463 §3.2: bad sender's mailbox address syntax.
        status: "5.1.7",
        text: "sorry, your envelope sender has no domain",
        doc: "The sender has no domain, or none that the DNS could hold. Qmail itself takes `root` for a user here.",
    },
    Rule {
        name: "unresolvable",
        code: 553,
        code_defer: 451,
        // RFC 3463 §3.2: bad sender's system address.
        status: "5.1.8",
        text: "sorry, your envelope sender domain must exist",
        doc: "The domain has neither MX nor A nor AAAA records: nobody could answer (MFDNSCHECK).",
    },
    Rule {
        name: "null_mx",
        code: 550,
        code_defer: 450,
        // RFC 7505 §4.2.
        status: "5.7.27",
        text: "sorry, your envelope sender domain accepts no mail",
        doc: "The domain says that it takes no mail: a null MX (RFC 7505).",
    },
    Rule {
        name: "bogus_mx",
        code: 553,
        code_defer: 451,
        status: "5.1.8",
        text: "sorry, your envelope sender domain has no mail server that can be reached",
        doc: "All mail exchangers of the domain (or, without MX, the domain itself) have private, loopback or other \
              addresses that are not of the public Internet, or none.",
    },
];

pub(super) const KEYS: &[Keys; 4] = &[
    Keys { action: Some("syntax_action"), weight: "syntax_weight" },
    Keys { action: Some("unresolvable_action"), weight: "unresolvable_weight" },
    Keys { action: Some("null_mx_action"), weight: "null_mx_weight" },
    Keys { action: Some("bogus_mx_action"), weight: "bogus_mx_weight" },
];

pub(super) const FIELDS: &[Field] = &[
    action(
        "syntax_action",
        "What a sender without a domain that the DNS could hold meets: score (adds syntax_weight), defer, reject, or \
         off (nothing).",
    ),
    weight("syntax_weight", 40, "What a sender without a proper domain adds to the score."),
    action("unresolvable_action", "The same for a domain that does not exist."),
    weight("unresolvable_weight", 50, "What a domain that does not exist adds to the score."),
    action("null_mx_action", "The same for a domain that takes no mail (null MX)."),
    weight("null_mx_weight", 50, "What a domain that takes no mail adds to the score."),
    action("bogus_mx_action", "The same for a domain whose mail exchangers cannot be reached."),
    weight("bogus_mx_weight", 40, "What a domain whose mail exchangers cannot be reached adds to the score."),
];
