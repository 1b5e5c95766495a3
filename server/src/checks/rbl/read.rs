//! How are lists read from the configuration? Tables become lists; every fault is told with its line, and none shows a key.

use super::{
    codes::Codes,
    list::{Action, List, Meaning, Query, Subject},
    zone,
};
use crate::{
    ask::{ListId, Upstream},
    config::{Build, Section},
    dns_lists::{self, Declared, LISTS_MAX, Probe, Protocol, Way},
    mode::Mode,
    session::Stage,
};
use std::{net::Ipv4Addr, time::Duration};

/// `[[check.rbl.code]]` tables, over all lists.
const CODES_MAX: usize = 512;
/// A list's name is a word in replies, logs and metrics.
const NAME_OCTETS_MAX: usize = 64;

/// All lists in file order. Faults go into the section.
pub(super) fn lists(section: &Section<'_>, build: &mut Build<'_>) -> Vec<List> {
    let tables = section.tables("list");
    if tables.len() > LISTS_MAX {
        section.fault("list", format!("{} lists: expected at most {LISTS_MAX}", tables.len()));
    }
    let mut lists: Vec<List> = Vec::new();
    for table in tables.iter().take(LISTS_MAX) {
        let list = list(table, build);
        if !list.name().is_empty() && lists.iter().any(|other| other.name() == list.name()) {
            table.fault("name", format!("\"{}\" stands twice: expected a name of its own for each list", list.name()));
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
    for list in &mut lists {
        finish(list);
    }
    lists
}

/// What depends on the list's codes being all there.
fn finish(list: &mut List) {
    if list.rest.codes.is_empty() && list.meanings.is_empty() {
        list.rest.codes.push(Codes::any());
    }
    let exact = |codes: &Codes| if let Codes::Exact(code) = codes { Some(*code) } else { None };
    let all = list.meanings.iter().chain([&list.rest]).flat_map(|meaning| &meaning.codes);
    list.declared.named_codes = all.filter_map(exact).collect::<Vec<Ipv4Addr>>();
    let praises = |action| match action {
        Action::Allow => true,
        Action::Score(weight) => weight < 0,
        Action::EndCheck(weight) => weight <= 0,
        Action::Reject | Action::Defer => false,
    };
    let meant = list.meanings.iter().chain([&list.rest]).filter(|meaning| !meaning.codes.is_empty());
    list.declared.welcomes = meant.map(|meaning| meaning.action).all(praises);
}

fn list(table: &Section<'_>, build: &mut Build<'_>) -> List {
    let zone = zone::read(table, build);
    let query = match table.choice("query") {
        "a" => Query::A,
        "txt" => Query::Txt,
        _ => Query::Both,
    };
    if query == Query::Txt && table.is_set("codes") {
        table.fault("codes", "query = \"txt\" sees no codes: expected query = \"a\" or \"both\"");
    }
    let subject = subject(table);
    let action = action(table, table.choice("action"), weight(table));
    refuse_forgeable_praise(table, subject, action);
    let rest = Meaning {
        codes: if table.is_set("codes") { codes(table) } else { Vec::new() },
        label: String::new(),
        action,
        mode: Mode::Enforce,
        stage: stage(table).unwrap_or(Stage::Connect),
    };
    let text = table.text("text");
    if !text.bytes().all(|byte| (32..=126).contains(&byte)) {
        table.fault("text", "expected printable ASCII: it is said in SMTP");
    }
    let resolver = table.text("resolver");
    List {
        declared: declared(table, &zone, subject, query, build),
        subject,
        query,
        meanings: Vec::new(),
        rest,
        text: (!text.is_empty()).then(|| text.into()),
        mode: table.mode("mode"),
        resolver,
    }
}

fn declared(table: &Section<'_>, zone: &zone::Zone, subject: Subject, query: Query, build: &Build<'_>) -> Declared {
    let name = name(table, &zone.shown);
    let optional = |key| u64::try_from(table.integer(key)).ok().filter(|&number| number > 0);
    Declared {
        id: ListId::named(&name),
        name: name.into(),
        zone: zone.name.clone(),
        upstream: upstream(table, &table.text("resolver"), build),
        way: Way {
            timeout: optional("timeout_ms").map(Duration::from_millis),
            attempts: optional("attempts").and_then(|attempts| u32::try_from(attempts).ok()),
            protocol: if table.choice("protocol") == "tcp" { Protocol::Tcp } else { Protocol::Udp },
        },
        subject: match subject {
            Subject::Client => dns_lists::Subject::Address,
            _ => dns_lists::Subject::Domain,
        },
        ipv4: table.bool("ipv4"),
        ipv6: table.bool("ipv6"),
        txt_only: query == Query::Txt,
        welcomes: false,
        monitored: build.mode.or_milder(table.mode("mode")) == Mode::Monitor,
        budget_per_day: optional("budget_per_day").unwrap_or(0),
        probe: match table.choice("probe") {
            "not_listed" => Probe::NotListed,
            "off" => Probe::Off,
            _ => Probe::All,
        },
        named_codes: Vec::new(),
    }
}

fn name(table: &Section<'_>, zone: &str) -> String {
    let name = table.text("name");
    if name.len() > NAME_OCTETS_MAX || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        table.fault("name", format!("expected at most {NAME_OCTETS_MAX} printable characters without spaces"));
    }
    if !name.is_empty() {
        return name;
    }
    if zone.len() > NAME_OCTETS_MAX {
        table.fault("name", format!("missing: the zone is longer than the {NAME_OCTETS_MAX} characters of a name"));
    }
    zone.to_owned()
}

fn subject(table: &Section<'_>) -> Subject {
    let subject = match table.choice("subject") {
        "sender" => Subject::Sender,
        "helo" => Subject::Helo,
        "names" => Subject::Names,
        "client_name" => Subject::ClientName,
        _ => return Subject::Client,
    };
    for key in ["ipv4", "ipv6"] {
        if table.is_set(key) {
            table.fault(key, format!("has no effect with subject = \"{}\"", subject.name()));
        }
    }
    subject
}

/// Whoever may choose the name that is looked up must not gain by it.
fn refuse_forgeable_praise(table: &Section<'_>, subject: Subject, action: Action) {
    if subject == Subject::Client {
        return;
    }
    match action {
        Action::Allow | Action::EndCheck(_) => {
            table.fault("action", format!("a {} can be made up: expected reject, defer or score", subject.name()));
        }
        Action::Score(weight) if weight < 0 => {
            table.fault("weight", format!("a {} can be made up: expected a positive weight", subject.name()));
        }
        Action::Reject | Action::Defer | Action::Score(_) => {}
    }
}

fn stage(table: &Section<'_>) -> Option<Stage> {
    let word = table.choice("stage");
    Stage::ALL.into_iter().find(|stage| stage.name() == word)
}

fn weight(table: &Section<'_>) -> i32 {
    i32::try_from(table.integer("weight")).unwrap_or_default()
}

fn action(table: &Section<'_>, word: &str, weight: i32) -> Action {
    if word == "score" && weight == 0 {
        table.fault("weight", "0: expected what a listing adds to the score");
    }
    if !matches!(word, "score" | "end_check") && table.is_set("weight") {
        table.fault("weight", format!("has no effect with action = \"{word}\": expected action = \"score\""));
    }
    match word {
        "defer" => Action::Defer,
        "score" => Action::Score(weight),
        "allow" => Action::Allow,
        "end_check" => Action::EndCheck(weight),
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
    let Some(list) = lists.iter_mut().find(|list| list.name() == owner) else {
        table.fault("list", format!("\"{owner}\": expected the name of a [[check.rbl.list]]"));
        return;
    };
    if list.query == Query::Txt {
        table.fault("list", format!("{owner} has query = \"txt\" and sees no codes"));
    }
    let inherited = |action| match action {
        Action::Score(weight) | Action::EndCheck(weight) => Some(weight),
        Action::Reject | Action::Defer | Action::Allow => None,
    };
    let weight = if table.is_set("weight") { weight(table) } else { inherited(list.rest.action).unwrap_or(0) };
    let action = match (table.choice("action"), list.rest.action) {
        ("as_list", Action::Score(_)) => action(table, "score", weight),
        ("as_list", Action::EndCheck(_)) => Action::EndCheck(weight),
        ("as_list", _) if table.is_set("weight") => action(table, "as_list", 0),
        ("as_list", own) => own,
        (word, _) => action(table, word, weight),
    };
    refuse_forgeable_praise(table, list.subject, action);
    list.meanings.push(Meaning {
        codes: codes(table),
        label: table.text("label"),
        action,
        mode: table.mode("mode"),
        stage: stage(table).map_or(list.rest.stage, |stage| stage.max(list.rest.stage)),
    });
}
