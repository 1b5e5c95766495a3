//! Which keys and rules has `[check.ezmlm]`?

use crate::{
    check::Rule,
    config::{Field, Kind},
};

/// Lists that are configured at most.
pub(super) const LISTS_MAX: usize = 1000;

pub(super) const NO_SUBSCRIBER: usize = 0;
pub(super) const DENIED: usize = 1;

pub(super) const RULES: &[Rule] = &[
    // RFC 3463 §3.8: a mailing list that the sender may not write to. ezmlm's own bounces have it.
    rule(
        "no_subscriber",
        "sorry, only subscribers may post to this list",
        "The sender may not post: it is in none of the list's databases `subscribers`, `digest`, `allow` and `mod`.",
    ),
    rule(
        "denied",
        "sorry, this list has been told to refuse your posts",
        "The sender is in the list's database `deny`.",
    ),
];

const fn rule(name: &'static str, text: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 550, code_defer: 450, status: "5.7.2", text, doc }
}

/// `[[check.ezmlm.list]]`.
pub(super) const LIST: (&str, &[Field]) = (
    "list",
    &[
        Field {
            name: "address",
            kind: Kind::Text(""),
            doc: "The list's address. Those that belong to it (`-owner`, `-return-…`, confirmations, commands, the digest's) follow from it.",
        },
        Field {
            name: "dir",
            kind: Kind::Path(""),
            doc: "The list's folder, as it was given to ezmlm-make: `subscribers`, and where they are there `allow`, `deny`, `digest` and `mod` in it must be readable for Tollgate.",
        },
        Field {
            name: "subscribers_only",
            kind: Kind::Bool(false),
            doc: "Refuse posts of others than subscribers, as a list made with `ezmlm-make -u` bounces them. Leave it off where a moderator sees them (`-m`).",
        },
        Field {
            name: "deny",
            kind: Kind::Bool(false),
            doc: "Refuse posts of those in the list's `deny`, as a list made with `ezmlm-make -k` bounces them.",
        },
    ],
);
