//! What is one DNS list as configured? `[[check.rbl.list]]`, and `[[check.rbl.code]]` for codes that mean different things.

use super::codes::Codes;
use crate::{
    ask::Upstream,
    config::{Build, Field, Kind, Section},
    mode::Mode,
};
use std::{fmt, sync::Arc};

/// Lists at most: each may need two questions of one decision's [`crate::ask::Answers::MAX`].
pub(super) const LISTS_MAX: usize = 48;
/// `[[check.rbl.code]]` tables, over all lists.
pub(super) const CODES_MAX: usize = 512;
/// With 64 octets of IPv6 nibbles in front, a name still fits into the DNS (RFC 1035 §2.3.4).
const ZONE_OCTETS_MAX: usize = 253 - 64;
/// A list's name is a word in replies, logs and metrics.
const NAME_OCTETS_MAX: usize = 64;

const ACTIONS: &[&str] = &["reject", "defer", "score", "allow"];

pub(super) const LIST_FIELDS: &[Field] = &[
    Field { name: "zone", kind: Kind::Text(""), doc: "The list's zone, such as \"zen.spamhaus.org\". Required." },
    Field { name: "name", kind: Kind::Text(""), doc: "What replies and logs call it; unique. Not set: the zone." },
    Field {
        name: "action",
        kind: Kind::Choice(ACTIONS),
        doc: "What a listing does: reject (rblsmtpd -r with -b), defer (with -B), score (adds weight to the sum that \
              defer_at and reject_at compare), or allow (rblsmtpd -a: the lists after this one and all later checks \
              leave the client alone). Lists are read in the file's order.",
    },
    Field {
        name: "weight",
        kind: Kind::Integer { default: 0, min: -1_000_000, max: 1_000_000 },
        doc: "With action = \"score\": what a listing adds. Negative for lists of good clients.",
    },
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
        doc: "The reply's text. Besides the usual variables: %{list}, %{code}, %{label}, %{txt} (the list's own text, \
              at most 200 printable characters) and %{because} (the same behind a colon, if there is any).",
    },
    Field { name: "mode", kind: Kind::Mode("enforce"), doc: "How strongly this list is meant; off: it is not asked." },
    Field { name: "ipv4", kind: Kind::Bool(true), doc: "Ask it about IPv4 clients." },
    Field { name: "ipv6", kind: Kind::Bool(true), doc: "Ask it about IPv6 clients (32 nibbles, RFC 5782 §2.4)." },
    Field {
        name: "resolver",
        kind: Kind::Text(""),
        doc: "Ask it through [dns.resolver.NAME]. Not set: the default resolver.",
    },
];

pub(super) const CODE_FIELDS: &[Field] = &[
    Field { name: "list", kind: Kind::Text(""), doc: "Name of the list whose codes these are. Required." },
    Field { name: "codes", kind: Kind::Texts(&[]), doc: "Which codes, written as in a list. Required." },
    Field { name: "label", kind: Kind::Text(""), doc: "What they mean, for replies and logs, such as \"pbl\"." },
    Field {
        name: "action",
        kind: Kind::Choice(&["as_list", "reject", "defer", "score", "allow"]),
        doc: "What these codes do. With several codes in one answer each does its own.",
    },
    Field {
        name: "weight",
        kind: Kind::Integer { default: 0, min: -1_000_000, max: 1_000_000 },
        doc: "With action = \"score\": what they add. Not set: the list's weight.",
    },
    Field {
        name: "mode",
        kind: Kind::Mode("enforce"),
        doc: "How strongly these codes are meant, at most as the list.",
    },
];

/// What a listing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Reject,
    Defer,
    Score(i32),
    Allow,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reject => f.write_str("reject"),
            Self::Defer => f.write_str("defer"),
            Self::Score(weight) => write!(f, "score {weight:+}"),
            Self::Allow => f.write_str("allow"),
        }
    }
}

/// Which records are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Both,
    A,
    Txt,
}

impl Query {
    /// The word in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::A => "a",
            Self::Txt => "txt",
        }
    }
}

/// Codes that mean one thing.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    pub(super) codes: Vec<Codes>,
    pub(super) label: String,
    pub(super) action: Action,
    pub(super) mode: Mode,
}

/// A list.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) zone: String,
    pub(super) query: Query,
    /// From `[[check.rbl.code]]`, in file order.
    pub(super) meanings: Vec<Meaning>,
    /// What the codes in no `meanings` entry mean.
    pub(super) rest: Meaning,
    pub(super) text: Option<Arc<str>>,
    pub(super) mode: Mode,
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
    pub(super) resolver: String,
    pub(super) upstream: Upstream,
}

/// All lists in file order. Faults go into the section.
pub(super) fn read(section: &Section<'_>, build: &Build<'_>) -> Vec<List> {
    let tables = section.tables("list");
    if tables.len() > LISTS_MAX {
        section.fault("list", format!("{} lists: expected at most {LISTS_MAX}", tables.len()));
    }
    let mut lists: Vec<List> = Vec::new();
    for table in tables.iter().take(LISTS_MAX) {
        let list = list(table, build);
        if !list.name.is_empty() && lists.iter().any(|other| other.name == list.name) {
            table.fault("name", format!("\"{}\" stands twice: expected a name of its own for each list", list.name));
        }
        lists.push(list);
    }
    let tables = section.tables("code");
    if tables.len() > CODES_MAX {
        section.fault("code", format!("{} tables: expected at most {CODES_MAX}", tables.len()));
    }
    for table in tables.iter().take(CODES_MAX) {
        meaning(table, &mut lists);
    }
    for list in lists.iter_mut().filter(|list| list.rest.codes.is_empty() && list.meanings.is_empty()) {
        list.rest.codes.push(Codes::any());
    }
    lists
}

fn list(table: &Section<'_>, build: &Build<'_>) -> List {
    let zone = zone(table);
    let query = match table.choice("query") {
        "a" => Query::A,
        "txt" => Query::Txt,
        _ => Query::Both,
    };
    if query == Query::Txt && table.is_set("codes") {
        table.fault("codes", "query = \"txt\" sees no codes: expected query = \"a\" or \"both\"");
    }
    let rest = Meaning {
        codes: if table.is_set("codes") { codes(table) } else { Vec::new() },
        label: String::new(),
        action: action(table, table.choice("action"), weight(table)),
        mode: Mode::Enforce,
    };
    let text = table.text("text");
    if !text.bytes().all(|byte| (32..=126).contains(&byte)) {
        table.fault("text", "expected printable ASCII: it is said in SMTP");
    }
    let resolver = table.text("resolver");
    List {
        name: name(table, &zone),
        zone,
        query,
        meanings: Vec::new(),
        rest,
        text: (!text.is_empty()).then(|| text.into()),
        mode: table.mode("mode"),
        ipv4: table.bool("ipv4"),
        ipv6: table.bool("ipv6"),
        upstream: upstream(table, &resolver, build),
        resolver,
    }
}

fn zone(table: &Section<'_>) -> String {
    let mut zone = table.text("zone").to_ascii_lowercase();
    if zone.ends_with('.') {
        zone.pop();
    }
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    if zone.is_empty() {
        table.fault("zone", "missing: expected the list's zone");
    } else if zone.len() > ZONE_OCTETS_MAX || !zone.split('.').all(label) {
        table.fault(
            "zone",
            format!("expected a domain of at most {ZONE_OCTETS_MAX} letters, digits, - and _ in labels"),
        );
    }
    zone
}

fn name(table: &Section<'_>, zone: &str) -> String {
    let name = table.text("name");
    if name.len() > NAME_OCTETS_MAX || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        table.fault("name", format!("expected at most {NAME_OCTETS_MAX} printable characters without spaces"));
    }
    if name.is_empty() { zone.to_owned() } else { name }
}

fn weight(table: &Section<'_>) -> i32 {
    i32::try_from(table.integer("weight")).unwrap_or_default()
}

fn action(table: &Section<'_>, word: &str, weight: i32) -> Action {
    if word == "score" && weight == 0 {
        table.fault("weight", "0: expected what a listing adds to the score");
    }
    if word != "score" && table.is_set("weight") {
        table.fault("weight", format!("has no effect with action = \"{word}\": expected action = \"score\""));
    }
    match word {
        "defer" => Action::Defer,
        "score" => Action::Score(weight),
        "allow" => Action::Allow,
        _ => Action::Reject,
    }
}

fn codes(table: &Section<'_>) -> Vec<Codes> {
    let parse = |text: &String| text.parse().map_err(|error: String| table.fault("codes", error)).ok();
    let codes: Vec<Codes> = table.texts("codes").iter().filter_map(parse).collect();
    if table.texts("codes").is_empty() {
        table.fault("codes", "missing: expected at least one return code");
    }
    codes
}

fn upstream(table: &Section<'_>, resolver: &str, build: &Build<'_>) -> Upstream {
    if !resolver.is_empty() && !build.resolvers.iter().any(|known| known == resolver) {
        table.fault("resolver", format!("\"{resolver}\" is unknown: expected one of [dns.resolver.NAME]"));
    }
    Upstream::named(resolver)
}

/// One `[[check.rbl.code]]`, put into its list.
fn meaning(table: &Section<'_>, lists: &mut [List]) {
    let owner = table.text("list");
    let Some(list) = lists.iter_mut().find(|list| list.name == owner) else {
        table.fault("list", format!("\"{owner}\": expected the name of a [[check.rbl.list]]"));
        return;
    };
    if list.query == Query::Txt {
        table.fault("list", format!("{owner} has query = \"txt\" and sees no codes"));
    }
    let action = match (table.choice("action"), list.rest.action) {
        ("as_list", Action::Score(weight)) if !table.is_set("weight") => Action::Score(weight),
        ("as_list", Action::Score(_)) => action(table, "score", weight(table)),
        ("as_list", _) if table.is_set("weight") => action(table, "as_list", 0),
        ("as_list", inherited) => inherited,
        ("score", Action::Score(weight)) if !table.is_set("weight") => Action::Score(weight),
        (word, _) => action(table, word, weight(table)),
    };
    list.meanings.push(Meaning { codes: codes(table), label: table.text("label"), action, mode: table.mode("mode") });
}
