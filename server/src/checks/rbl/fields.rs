//! What can be configured about a list and its return codes? The keys of `[[check.rbl.list]]` and `[[check.rbl.code]]`.

use crate::config::{Field, Kind};

const ACTIONS: &[&str] = &["reject", "defer", "score", "allow", "end_check"];
const ACTIONS_OF_CODES: &[&str] = &["as_list", "reject", "defer", "score", "allow", "end_check"];
const STAGES: &[&str] = &["connect", "helo", "mail", "rcpt"];
const STAGES_OF_CODES: &[&str] = &["as_list", "connect", "helo", "mail", "rcpt"];

const fn weight(doc: &'static str) -> Field {
    Field { name: "weight", kind: Kind::Integer { default: 0, min: -1_000_000, max: 1_000_000 }, doc }
}

/// `[[check.rbl.list]]`.
pub(super) const LIST_FIELDS: &[Field] = &[
    Field {
        name: "zone",
        kind: Kind::Text(""),
        doc: "The list's zone, such as \"zen.spamhaus.org\". Required. %{key} stands for the key: \"%{key}.zen.dq.spamhaus.net\".",
    },
    Field {
        name: "key",
        kind: Kind::Secret,
        doc: "The key of a paying or registered user, put where the zone says %{key}. It goes to the resolver and is shown nowhere.",
    },
    Field { name: "key_file", kind: Kind::Path(""), doc: "A file whose first line is the key, in place of `key`." },
    Field {
        name: "name",
        kind: Kind::Text(""),
        doc: "What replies and logs call it; unique. Not set: the zone without its key.",
    },
    Field {
        name: "subject",
        kind: Kind::Choice(&["client", "sender", "helo", "names", "client_name"]),
        doc: "What is looked up: the client's address; or, for lists of domains (RHSBL), the domain of MAIL FROM, the HELO \
              name, both (names), or the client's PTR name as the mail server knows it. Our own domains are never looked up.",
    },
    Field {
        name: "action",
        kind: Kind::Choice(ACTIONS),
        doc: "What a listing does: reject (rblsmtpd -r with -b), defer (with -B), score (adds weight to the sums that \
              defer_at and reject_at compare), allow (rblsmtpd -a: the lists after this one and all later checks leave the \
              client alone), or end_check (adds weight, and the lists after this one leave the client alone; other checks do \
              not). Lists are read in the file's order. Lists of names can be lied to: they neither allow nor end nor praise.",
    },
    weight(
        "With action = \"score\" or \"end_check\": what a listing adds. Negative for lists of good clients (DNSWL).",
    ),
    Field {
        name: "query",
        kind: Kind::Choice(&["both", "a", "txt"]),
        doc: "a: A records tell what is listed. both: the same, and the text for the reply is fetched when something \
              is. txt: any TXT record is a listing, as in rblsmtpd -r; refusals and wildcards cannot be told then.",
    },
    Field {
        name: "codes",
        kind: Kind::Texts(&[]),
        doc: "Return codes that are a listing: \"127.0.0.2\", \"127.0.0.4-7\", \"127.0.0.0/24\", or with a bit mask \
              \"127.0.0.0/24 mask 4\". Not set: all of 127.0.0.0/8, or only those of [[check.rbl.code]] where the list \
              has such. Never a listing: 127.0.0.1, 127.255.255.x, anything outside 127.0.0.0/8.",
    },
    Field {
        name: "text",
        kind: Kind::Text(""),
        doc: "The reply's text. Besides the usual variables: %{listed} (the address or name that is listed), %{list}, \
              %{code}, %{label}, %{txt} (the list's own text, at most 200 printable characters) and %{because} (the same \
              behind a colon, if there is any).",
    },
    Field { name: "mode", kind: Kind::Mode("enforce"), doc: "How strongly this list is meant; off: it is not asked." },
    Field {
        name: "stage",
        kind: Kind::Choice(STAGES),
        doc: "With voice = \"now\": not before this stage. Lists of dial-up addresses belong at rcpt, where it is known who \
              has authenticated: nobody who has, or who may relay, is ever refused by a list.",
    },
    Field { name: "ipv4", kind: Kind::Bool(true), doc: "Ask it about IPv4 clients." },
    Field { name: "ipv6", kind: Kind::Bool(true), doc: "Ask it about IPv6 clients (32 nibbles, RFC 5782 §2.4)." },
    Field {
        name: "resolver",
        kind: Kind::Text(""),
        doc: "Ask it through [dns.resolver.NAME]. Not set: the default resolver.",
    },
    Field {
        name: "timeout_ms",
        kind: Kind::Integer { default: 0, min: 0, max: 30_000 },
        doc: "How long one attempt waits for this list. 0 = as [dns] timeout_ms.",
    },
    Field {
        name: "attempts",
        kind: Kind::Integer { default: 0, min: 0, max: 5 },
        doc: "Attempts before a look-up has failed. 0 = as [dns] attempts.",
    },
    Field {
        name: "protocol",
        kind: Kind::Choice(&["udp", "tcp"]),
        doc: "udp: and TCP for what does not fit. tcp: nothing else, where UDP is filtered.",
    },
    Field {
        name: "budget_per_day",
        kind: Kind::Integer { default: 0, min: 0, max: 1_000_000_000 },
        doc: "Look-ups a day (UTC) that the list's operator allows; 0 = no bound. A list in monitor stops at 70 % of it. \
              Beyond it nobody is asked, the list counts as failed, and an alarm is raised.",
    },
    Field {
        name: "probe",
        kind: Kind::Choice(&["all", "not_listed", "off"]),
        doc: "Which test entries it has (RFC 5782 §5). all: 127.0.0.2 (TEST for names) is listed, 127.0.0.1 (INVALID) and a \
              random name are not. not_listed: it has no test entry. off: it is not tested.",
    },
];

/// `[[check.rbl.code]]`.
pub(super) const CODE_FIELDS: &[Field] = &[
    Field { name: "list", kind: Kind::Text(""), doc: "Name of the list whose codes these are. Required." },
    Field { name: "codes", kind: Kind::Texts(&[]), doc: "Which codes, written as in a list. Required." },
    Field { name: "label", kind: Kind::Text(""), doc: "What they mean, for replies and logs, such as \"pbl\"." },
    Field {
        name: "action",
        kind: Kind::Choice(ACTIONS_OF_CODES),
        doc: "What these codes do. With several codes in one answer each does its own.",
    },
    weight("With action = \"score\" or \"end_check\": what they add. Not set: the list's weight."),
    Field {
        name: "mode",
        kind: Kind::Mode("enforce"),
        doc: "How strongly these codes are meant, at most as the list.",
    },
    Field {
        name: "stage",
        kind: Kind::Choice(STAGES_OF_CODES),
        doc: "With voice = \"now\": not before this stage, nor before the list's.",
    },
];
