//! What can SPF find, and which keys does `[check.spf]` have?

use crate::{
    ask::spf::{TIME_MAX, VOIDS_MAX},
    check::Rule,
    checks::penalty::{Keys, weight},
    config::{Field, Kind},
};

pub(super) const FAIL: usize = 0;
pub(super) const SOFTFAIL: usize = 1;
pub(super) const NEUTRAL: usize = 2;
pub(super) const NONE: usize = 3;
pub(super) const PERMERROR: usize = 4;
pub(super) const TEMPERROR: usize = 5;
pub(super) const HELO_FAIL: usize = 6;
pub(super) const HELO_SOFTFAIL: usize = 7;
/// Rules with an action of their own are those before this one.
pub(super) const ACTIONS: usize = 8;
pub(super) const BEHAVIOR: usize = 8;
pub(super) const BEHAVIOR_ERROR: usize = 9;

/// RFC 7372 §3.2: the SPF check failed, in place of RFC 7208's 5.7.1.
const FAILED: &str = "5.7.23";
/// The same: it could not be made, in place of 4.4.3 and 5.5.2.
const ERROR: &str = "5.7.24";

const fn rule(name: &'static str, status: &'static str, text: &'static str, doc: &'static str) -> Rule {
    Rule { name, code: 550, code_defer: 451, status, text, doc }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "fail",
        FAILED,
        "sorry, %{domain} does not let %{client_ip} send its mail: %{explanation}",
        "The sender's domain says that this client may not send its mail (RFC 7208 \u{a7}8.4).",
    ),
    rule(
        "softfail",
        FAILED,
        "sorry, %{domain} hardly lets %{client_ip} send its mail: %{explanation}",
        "The sender's domain says that this client probably may not (\u{a7}8.5).",
    ),
    rule(
        "neutral",
        FAILED,
        "sorry, %{domain} does not say whether %{client_ip} may send its mail",
        "The sender's domain says nothing about this client (\u{a7}8.2).",
    ),
    rule(
        "none",
        "5.7.1",
        "sorry, %{domain} has no SPF record",
        "The sender's domain has no record, or there is no domain that could have one (\u{a7}8.1).",
    ),
    rule(
        "permerror",
        ERROR,
        "sorry, the SPF record of %{domain} cannot be used: %{problem}",
        "The domain's records cannot be understood, or want more than \u{a7}4.6.4 allows (\u{a7}8.7).",
    ),
    rule(
        "temperror",
        ERROR,
        "sorry, the SPF record of %{domain} cannot be read at the moment",
        "The domain's name servers gave no answer (\u{a7}8.6). Where the reason is ours, nothing is found.",
    ),
    rule(
        "helo_fail",
        FAILED,
        "sorry, %{domain} does not let %{client_ip} use its name: %{explanation}",
        "The name given with HELO says that it is not this client's (\u{a7}2.3).",
    ),
    rule(
        "helo_softfail",
        FAILED,
        "sorry, %{domain} hardly lets %{client_ip} use its name: %{explanation}",
        "The name given with HELO says that it is probably not this client's.",
    ),
    rule(
        "behavior",
        "5.7.1",
        "%{explanation}",
        "A result that the level of the SPF patch for qmail refuses, in that patch's words.",
    ),
    rule(
        "behavior_error",
        "5.3.0",
        "SPF lookup failure",
        "A failed look-up at level 2 or above of that patch, in its words. The patch says so at MAIL: `voice = \"now\"` \
         with `voice_rules = [\"behavior_error\"]`.",
    ),
];

pub(super) const KEYS: &[Keys; ACTIONS] = &[
    Keys { action: Some("fail_action"), weight: "fail_weight" },
    Keys { action: Some("softfail_action"), weight: "softfail_weight" },
    Keys { action: Some("neutral_action"), weight: "neutral_weight" },
    Keys { action: Some("none_action"), weight: "none_weight" },
    Keys { action: Some("permerror_action"), weight: "permerror_weight" },
    Keys { action: Some("temperror_action"), weight: "temperror_weight" },
    Keys { action: Some("helo_fail_action"), weight: "helo_fail_weight" },
    Keys { action: Some("helo_softfail_action"), weight: "helo_softfail_weight" },
];

/// Actions, the default first.
const REJECT: Kind = Kind::Choice(&["reject", "defer", "score", "off"]);
const DEFER: Kind = Kind::Choice(&["defer", "reject", "score", "off"]);
const SCORE: Kind = Kind::Choice(&["score", "defer", "reject", "off"]);
const OFF: Kind = Kind::Choice(&["off", "score", "defer", "reject"]);

const fn field(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, doc }
}

/// Choices of `level`.
pub(super) const CONTROL: &str = "control";
pub(super) const MODERN: &str = "modern";
/// Choices of `received_spf`.
pub(super) const RFC7208: &str = "rfc7208";
pub(super) const QMAIL: &str = "qmail";

#[allow(clippy::cast_possible_wrap, reason = "small constants")]
pub(super) const FIELDS: &[Field] = &[
    field(
        "level",
        Kind::Choice(&[CONTROL, MODERN, "0", "1", "2", "3", "4", "5", "6"]),
        "What decides what a result leads to. modern: the actions below. 0 to 6: a level of the SPF patch for qmail (0 off, \
         1 header only, 2 defers failed look-ups, 3 refuses fail, 4 softfail, 5 neutral, 6 none and permerror too). \
         control: the level in `control/spfbehavior`; without that file modern. `mode`, where it is not set, is enforce \
         with a level and monitor with modern. SPFBEHAVIOR, as tcprules sets it, is the level of that client.",
    ),
    field("fail_action", REJECT, "What a fail meets: reject, defer, score (adds fail_weight), or off (nothing)."),
    weight("fail_weight", 60, "What a fail adds to the score."),
    field("softfail_action", SCORE, "The same for a softfail."),
    weight("softfail_weight", 20, "What a softfail adds to the score."),
    field("neutral_action", OFF, "The same for neutral."),
    weight("neutral_weight", 5, "What neutral adds to the score."),
    field("none_action", OFF, "The same for a domain without a record."),
    weight("none_weight", 5, "What a domain without a record adds to the score."),
    field("permerror_action", SCORE, "The same for a record that cannot be understood, or wants too much."),
    weight("permerror_weight", 10, "What such a record adds to the score."),
    field(
        "temperror_action",
        DEFER,
        "The same for a record that its domain's name servers do not give at the moment. Where the reason is ours \
         (deadline, resolver out of reach, rations), nothing is found, and the decision is marked as degraded.",
    ),
    weight("temperror_weight", 10, "What such a failure adds to the score."),
    field(
        "helo",
        Kind::Bool(true),
        "Check the name given with HELO as well (RFC 7208 \u{a7}2.3). With the null sender it is checked in any case, as its \
         domain. Not done at the levels of the patch, which did not.",
    ),
    field("helo_fail_action", SCORE, "What a fail of the HELO name meets."),
    weight("helo_fail_weight", 40, "What it adds to the score."),
    field("helo_softfail_action", OFF, "What a softfail of the HELO name meets."),
    weight("helo_softfail_weight", 10, "What it adds to the score."),
    field(
        "sender_domains",
        Kind::TextMap,
        "Other actions for single sender domains: `{ \"bank.example\" = \"softfail=reject none=reject\", \
         \".lists.example\" = \"off\" }`. A leading dot means all domains below it; `off` means all results. Not at the \
         levels of the patch.",
    ),
    field(
        "trusted_forwarders",
        Kind::Networks(&[]),
        "Clients that forward mail of others: nothing is held against them. The result is still shown in the header.",
    ),
    field(
        "trusted_forwarder_domains",
        Kind::Texts(&[]),
        "The same by name, at most 16: nothing is held against a client that one of these domains' own SPF records lets \
         send.",
    ),
    field(
        "rules",
        Kind::Text(""),
        "Terms put before the failing end of every record, such as `include:forwarder.example`. Not set: the first line of \
         `control/spfrules`. trusted_forwarder_domains does the same, and rescues from `v=spf1 -all` too.",
    ),
    field(
        "guess",
        Kind::Text(""),
        "Terms that stand in for the record of a domain without one, such as `a/24 mx/24`. Not set: the first line of \
         `control/spfguess`.",
    ),
    field(
        "explanation",
        Kind::Text(""),
        "What a refusal says where the domain explains nothing; with SPF's macros, such as `see \
         https://postmaster.example/spf?i=%{i}&s=%{S}`. Not set: the first line of `control/spfexp`, else our own.",
    ),
    field(
        "void_lookups_max",
        Kind::Integer { default: VOIDS_MAX as i64, min: 0, max: 10 },
        "Terms of an evaluation that may find nothing in the DNS; more are a permerror (RFC 7208 \u{a7}4.6.4). \
         `tollgate_spf_void_lookups` shows how many there are.",
    ),
    field(
        "time_max_ms",
        Kind::Integer { default: TIME_MAX.as_millis() as i64, min: 100, max: 60_000 },
        "Time for a whole evaluation, in milliseconds; more is a temperror. No mail waits so long: a stage ends before \
         (`stage_deadline_ms`), and the result serves the next one.",
    ),
    field(
        "received_spf",
        Kind::Choice(&[RFC7208, QMAIL, "off"]),
        "The form of the Received-SPF field put on top of messages that go on: of RFC 7208 \u{a7}9.1 with its keys, or of the \
         patch for qmail. In mode monitor messages stay as they are, and at level 0.",
    ),
    field(
        "authentication_results",
        Kind::Bool(true),
        "Add an Authentication-Results field (RFC 8601) under the mail host's own name (`[policy] authserv_id`), where the \
         mail server removes forged ones that bear it. In mode monitor and at level 0: no.",
    ),
];
