//! What does `reputation` find, and which keys has `[check.reputation]`?

use crate::{
    check::Rule,
    config::{Field, Kind},
};

pub(super) const BAD: usize = 0;
pub(super) const GOOD: usize = 1;
pub(super) const TRAP: usize = 2;

pub(super) const RULES: &[Rule] = &[
    Rule::policy(
        "bad",
        "sorry, mail from %{client_ip} has not been good lately",
        "What is remembered of client, net, HELO name and proven domain is bad, all together: adds to the score.",
    ),
    Rule::policy(
        "good",
        "mail from %{client_ip} has been good",
        "What is remembered is good: takes from the score. A HELO name never does, nor a domain that SPF does not prove.",
    ),
    Rule {
        name: "trap",
        code: 550,
        code_defer: 450,
        status: "5.1.1",
        // In the very words of a missing mailbox: nobody shall tell a trap from one.
        text: "sorry, no mailbox here by that name.",
        doc: "The recipient is a trap, and `trap_action` is `reject`.",
    },
];

const fn points(name: &'static str, default: i64, doc: &'static str) -> Field {
    Field { name, kind: Kind::Integer { default, min: 0, max: 1_000 }, doc }
}

const fn percent(name: &'static str, default: i64, doc: &'static str) -> Field {
    Field { name, kind: Kind::Integer { default, min: 0, max: 100 }, doc }
}

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "weight",
        kind: Kind::Integer { default: 40, min: 0, max: 1_000 },
        doc: "What the worst reputation adds to the score, and the best takes from it. Below `defer_at` and `reject_at` \
              it never refuses anything by itself.",
    },
    percent(
        "neutral",
        25,
        "Reputations nearer to 0 than this, out of 100, count for nothing: one mistake is forgiven.",
    ),
    points("points_accepted", 1, "Good points for a message that was taken and none of whose recipients was refused."),
    points("points_refused", 2, "Bad points for a refusal (5xx): once a connection for each check that refuses."),
    points(
        "points_bad_recipient",
        1,
        "Bad points for a recipient that does not exist or that `badrcptto` lists, unless the sender is null.",
    ),
    points("points_relaying", 2, "Bad points for a recipient that rcpthosts refuses."),
    points("points_early_talk", 2, "Bad points for talk before the greeting."),
    points("points_trap", 20, "Bad points for a recipient that is a trap."),
    points(
        "points_harvesting",
        10,
        "Bad points for a connection that asked for `harvesting_at` or more different recipients that do not exist, with a \
         sender that is not null: addresses are being tried.",
    ),
    points(
        "points_vanished",
        1,
        "Bad points for a connection that goes without QUIT, without a message, and without having been refused or held \
         back.",
    ),
    points(
        "points_pardoned",
        10,
        "Good points when an administrator takes a refusal back (`tollgate pardon`): they outweigh the refusals that led \
         to it.",
    ),
    Field {
        name: "per_connection",
        kind: Kind::Integer { default: 3, min: 1, max: 100 },
        doc: "How many messages, bad recipients and relay attempts of one connection count at most, each.",
    },
    Field {
        name: "harvesting_at",
        kind: Kind::Integer { default: 4, min: 2, max: 6 },
        doc: "Different recipients that do not exist from which on a connection is harvesting.",
    },
    percent("net_percent", 25, "How much of its addresses' points a net (/24; /64, /56, /48) bears."),
    percent("helo_percent", 25, "How much of its clients' points a HELO name bears."),
    Field {
        name: "traps",
        kind: Kind::Texts(&[]),
        doc: "Traps: recipients that nobody has and only those know who harvest addresses, as `user@host` or `@host`. \
              postmaster and abuse are never traps.",
    },
    Field {
        name: "traps_file",
        kind: Kind::Path(""),
        doc: "More traps: lines of text, or a cdb if its name ends in `.cdb`. Not set: `traps` in the control folder, \
              which need not exist.",
    },
    Field {
        name: "trap_action",
        kind: Kind::Choice(&["learn", "reject"]),
        doc: "What becomes of mail to a trap: it is only remembered (learn), or the recipient is refused besides (reject).",
    },
];
