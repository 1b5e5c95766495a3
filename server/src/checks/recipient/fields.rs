//! What does `recipient` find, and which keys has `[check.recipient]`?

use crate::{
    check::Rule,
    config::{Field, Kind, Tables},
};

pub(super) const MISSING: usize = 0;
pub(super) const SEEN: usize = 1;
pub(super) const NOTED: usize = 2;

const fn rule(name: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 550, code_defer: 450, status: "5.1.1", text: "sorry, no mailbox here by that name.", doc }
}

pub(super) const RULES: &[Rule] = &[
    rule("missing", "The recipient has no mailbox."),
    rule("seen", "At DATA: a recipient of the message has no mailbox, and the refusal waits until here."),
    rule("noted", "The recipient has no mailbox, and the refusal waits for DATA: nothing is said yet."),
];

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "source",
        kind: Kind::Choice(&["auto", "live", "snapshots"]),
        doc: "Who knows the mailboxes of mail hosts without a snapshot of their own: this host (live), nobody (snapshots), \
              or this host if no snapshot is configured and `locals` or `me` lies in the control folder (auto).",
    },
    Field {
        name: "users",
        kind: Kind::Path(""),
        doc: "The folder of `users/cdb` and `users/assign` on this host. Not set: `users` beside the control folder.",
    },
    Field {
        name: "deny_at",
        kind: Kind::Choice(&["rcpt", "data"]),
        doc: "Where a missing recipient is told: at its RCPT, or for the whole message at DATA, so that nobody learns which \
              address it was. A client whose QMAILRRTDENYALL is `1` hears of it at DATA in any case.",
    },
];

const SNAPSHOT: &[Field] = &[
    Field { name: "host", kind: Kind::Text(""), doc: "The mail host's label, as it stands in the log." },
    Field {
        name: "file",
        kind: Kind::Path(""),
        doc: "What `tollgate recipients export` wrote there. As long as it is missing nothing is known of the host's \
              recipients, and all are taken.",
    },
    Field {
        name: "age_max_hours",
        kind: Kind::Integer { default: 26, min: 1, max: 8_760 },
        doc: "An older snapshot counts for nothing: all recipients are taken. Export more often than that.",
    },
];

const ALSO: &[Field] = &[
    Field {
        name: "file",
        kind: Kind::Path(""),
        doc: "Addresses that exist: lines of text, or a cdb (of fastforward, of vpopmail) if its name ends in `.cdb`. \
              `user@host`, or `@host` for all at a host.",
    },
    Field { name: "addresses", kind: Kind::Texts(&[]), doc: "More of them." },
    Field {
        name: "domain",
        kind: Kind::Text(""),
        doc: "If set, the entries are local parts at this domain: vpopmail's `vpasswd.cdb`.",
    },
    Field {
        name: "complete",
        kind: Kind::Texts(&[]),
        doc: "Domains of which these lists, all together, know every address: what none of them has does not exist, \
              whatever qmail's own files say. Addresses of `[[check.ezmlm.list]]` are left to those.",
    },
];

pub(super) const TABLES: Tables = &[("snapshot", SNAPSHOT), ("also", ALSO)];
