//! Which keys, tables and rules has `[check.rate]`?

use crate::{
    check::Rule,
    config::{Field, Kind},
    state::{Record, Tokens},
};

pub(super) const EXCEEDED: usize = 0;
pub(super) const DELAYED: usize = 1;
pub(super) const SHAPED: usize = 2;
pub(super) const TOO_MANY_MISSING: usize = 3;

pub(super) const RULES: &[Rule] = &[
    Rule::policy(
        "exceeded",
        "sorry, that is too much mail at once: please try again in %{wait} seconds",
        "A limit whose action is `defer` or `score` is used up.",
    ),
    Rule::policy(
        "delayed",
        "",
        "A limit whose action is `delay` is used up: the answer is held back. Refuses nothing.",
    ),
    Rule::policy(
        "shaped",
        "",
        "Mail of the client's block comes faster than it may: DATA is held back. Refuses nothing.",
    ),
    Rule {
        name: "too_many_missing",
        code: 550,
        // Closes the connection (RFC 5321 §3.8): whoever guesses addresses has to begin anew.
        code_defer: 421,
        status: "5.7.1",
        text: "sorry, too many recipients that do not exist",
        doc: "`missing_max` recipients of this connection were refused because they do not exist. Closes the connection.",
    },
];

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "reputation_skip",
        kind: Kind::Integer { default: 20, min: 0, max: 100 },
        doc: "For clients of this reputation and better, limits by recipient do not hold.",
    },
    Field {
        name: "missing_max",
        kind: Kind::Integer { default: 0, min: 0, max: 100_000 },
        doc: "After so many recipients of a connection that do not exist, the next one is answered with 421, which closes \
              it. 0 = never. Clients that may relay are spared.",
    },
    Field {
        name: "missing_steps",
        kind: Kind::Texts(&["recipient", "badrcptto"]),
        doc: "The checks whose refusals count for that.",
    },
];

/// RFC 5321 §4.5.3.1.8: a server takes at least 100 recipients.
pub(super) const RECIPIENTS_MIN: u32 = 100;

/// A bucket is remembered no longer than it takes to fill.
pub(super) const FILLS_IN_MS_MAX: u64 = Tokens::LIFETIME_SECONDS * 1_000;

const SECONDS_MAX: i64 = Tokens::LIFETIME_SECONDS as i64;

pub(super) const LIMIT: (&str, &[Field]) = ("limit", LIMIT_FIELDS);

const LIMIT_FIELDS: &[Field] = &[
    Field {
        name: "name",
        kind: Kind::Text(""),
        doc: "What log and `tollgate rate` call it; required. Under another name it begins with full buckets.",
    },
    Field {
        name: "by",
        kind: Kind::Choice(&["ip", "net", "host", "user", "sender", "recipient"]),
        doc: "Who has a bucket: each client, each /24 (IPv6 /64), each of our mail hosts, each authenticated user, each \
              sender (only with AUTH or an SPF pass that is an identity: others are forged), each recipient.",
    },
    Field {
        name: "counts",
        kind: Kind::Choice(&["recipients", "messages"]),
        doc: "What costs a token: each recipient that is not refused, judged at RCPT; or each message, judged at DATA.",
    },
    Field {
        name: "count",
        kind: Kind::Integer { default: 100, min: 1, max: 1_000_000 },
        doc: "So many are let through ...",
    },
    Field {
        name: "per_s",
        kind: Kind::Integer { default: 3600, min: 1, max: SECONDS_MAX },
        doc: "... in so many seconds, in the long run.",
    },
    Field {
        name: "burst",
        kind: Kind::Integer { default: 0, min: 0, max: 1_000_000 },
        doc: "So many at once, after a quiet time. 0 = as many as `count`. A limit that defers recipients, or is by \
              recipient, has to leave room for 100 (RFC 5321 \u{a7}4.5.3.1.8).",
    },
    Field {
        name: "action",
        kind: Kind::Choice(&["delay", "defer", "score"]),
        doc: "What the rest meets: the answer is held back until a token is there, or it is deferred, or it adds `weight` \
              to the score.",
    },
    Field {
        name: "delay_max_ms",
        kind: Kind::Integer { default: 10_000, min: 100, max: 30_000 },
        doc: "How long an answer is held back at most, in milliseconds. `[policy]` bounds sessions and mail hosts.",
    },
    Field {
        name: "weight",
        kind: Kind::Integer { default: 10, min: 1, max: 1_000_000 },
        doc: "What the rest adds to the score.",
    },
    Field { name: "networks", kind: Kind::Networks(&[]), doc: "Only for clients in these networks. Empty = for all." },
    Field {
        name: "hosts",
        kind: Kind::Texts(&[]),
        doc: "Only on these of our mail hosts, by their labels. Empty = on all.",
    },
];

pub(super) const SHAPE: (&str, &[Field]) = ("shape", SHAPE_FIELDS);

const SHAPE_FIELDS: &[Field] = &[
    Field {
        name: "networks",
        kind: Kind::Networks(&[]),
        doc: "For clients in these blocks; the smallest block that holds a client counts. One entry has none: it holds for \
              all others, and gives the other entries what they do not say.",
    },
    Field {
        name: "bucket",
        kind: Kind::Text(""),
        doc: "All clients of all entries with this word share one account. Not set: each block of `prefix` has its own.",
    },
    Field {
        name: "prefix",
        kind: Kind::Integer { default: 16, min: 0, max: 32 },
        doc: "Leading bits of an IPv4 address that clients of one account have in common.",
    },
    Field {
        name: "prefix_ipv6",
        kind: Kind::Integer { default: 48, min: 0, max: 128 },
        doc: "The same of an IPv6 address.",
    },
    Field {
        name: "start_ms",
        kind: Kind::Integer { default: 1_000, min: 0, max: 3_600_000 },
        doc: "Milliseconds that each recipient of a message claims of its block's time; what comes sooner waits. 0 = these \
              clients never wait.",
    },
    Field {
        name: "max_ms",
        kind: Kind::Integer { default: 10_000, min: 1_000, max: 30_000 },
        doc: "How long DATA is held back at most, in milliseconds.",
    },
    Field {
        name: "recipients",
        kind: Kind::Integer { default: 0, min: 0, max: 100_000 },
        doc: "Messages to fewer recipients claim nothing, and those to not many more only a part. 0 = all claim.",
    },
];
