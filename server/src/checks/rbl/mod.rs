//! Do DNS lists know this client (RFC 5782)? Any number of lists, asked in parallel from connect on; listed, not listed
//! and failed are kept apart.
//!
//! `list` is a list as configured, `codes` what its return codes mean, `answer` what it said. Health, budgets and the
//! report card of lists have their place beside these.

mod answer;
mod codes;
mod list;
#[cfg(test)]
mod tests;

use crate::{
    ask::{Answers, Question, is_public},
    check::{Check, Def, Finding, Outcome, Rows, Rule},
    clock::Now,
    config::{Field, Kind},
    mode::Mode,
    session::{Facts, Stage},
};
use answer::{Hit, Standing};
use list::{Action, List};
use std::net::IpAddr;

pub(crate) static DEF: Def = Def {
    name: "rbl",
    doc: "DNS lists of client addresses: refuse, defer, score or allow by what they answer. Nothing is asked until a \
          list is configured, and never about private, loopback or own addresses, nor where tcprules set RBLSMTPD.",
    stages: &[Stage::Connect],
    rules: &[
        Rule::policy(
            "listed",
            "%{client_ip} is listed by %{list}%{because}",
            "A list whose action is reject or defer holds the client.",
        ),
        Rule {
            name: "listed_plain",
            code: 553,
            code_defer: 451,
            status: "",
            text: "%{txt}",
            doc: "The same, answered as rblsmtpd does: the list's own text and nothing else (replies = \"rblsmtpd\").",
        },
        Rule::policy(
            "scored",
            "%{client_ip} is listed by %{list}%{because}",
            "A list whose action is score holds the client: its weight adds to the sum.",
        ),
        Rule::policy("allowed", "", "A list whose action is allow holds the client: later checks leave it alone."),
    ],
    fields: &[
        Field {
            name: "replies",
            kind: Kind::Choice(&["explained", "rblsmtpd"]),
            doc: "explained: address, list and the list's text, with enhanced status. rblsmtpd: the list's text alone, \
                  as rblsmtpd answers; where a list gives none, explained.",
        },
        Field {
            name: "defer_after_error",
            kind: Kind::Bool(false),
            doc: "rblsmtpd's \"must not bounce after an error\": when a list before it in the file failed to answer, a \
                  listing only defers.",
        },
    ],
    tables: &[("list", list::LIST_FIELDS), ("code", list::CODE_FIELDS)],
    mode: Mode::Enforce,
    despite: &[],
    build: |section, build| {
        Box::new(Rbl {
            lists: list::read(section, build),
            plain_replies: section.choice("replies") == "rblsmtpd",
            defer_after_error: section.bool("defer_after_error"),
        })
    },
};

const LISTED: usize = 0;
const LISTED_PLAIN: usize = 1;
const SCORED: usize = 2;
const ALLOWED: usize = 3;

struct Rbl {
    /// In file order: the first that settles the matter is heard.
    lists: Vec<List>,
    plain_replies: bool,
    defer_after_error: bool,
}

/// What an earlier list settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Allowed,
    Refused,
}

impl Check for Rbl {
    fn needs(&self, stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let Some(ip) = asked_about(stage, facts) else { return };
        let lists = self.lists.iter().filter(|list| list.asks_about(ip));
        ask.extend(lists.map(|list| Question::Dns(list.next_question(ip, answers))));
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        let Some(ip) = asked_about(stage, facts) else { return };
        let mut failed_before = false;
        let mut settled = None;
        for list in self.lists.iter().filter(|list| list.asks_about(ip)) {
            let hits = match list.standing(ip, answers) {
                Standing::NotListed => continue,
                Standing::Failed => {
                    // A list on trial changes no answer, and so does its failure.
                    failed_before |= counts(list.mode);
                    continue;
                }
                Standing::Listed(hits) => hits,
            };
            for hit in hits.iter().filter(|hit| hit.meaning.mode != Mode::Off) {
                let defer = self.defer_after_error && failed_before;
                let Some(outcome) = outcome(hit.meaning.action, defer, settled) else { continue };
                let finding = self.finding(list, hit, outcome, list.own_text(ip, answers));
                if counts(finding.mode) {
                    settled = settled.or(settles(outcome));
                }
                found.push(finding);
            }
        }
    }

    fn operations(&self) -> &'static [(&'static str, &'static str)] {
        &[("lists", "the lists in the order in which they are read, with their settings")]
    }

    fn inspect(&self, op: &str, _args: &[String]) -> Result<Rows, String> {
        match op {
            "lists" => Ok(self.rows()),
            _ => Err(format!("there is no operation \"{op}\": expected lists")),
        }
    }
}

/// The client's address, where lists may be asked about it.
fn asked_about(stage: Stage, facts: &Facts) -> Option<IpAddr> {
    let connection = &facts.connection;
    let ip = connection.client_ip?;
    // RBLSMTPD set, to whatever: the postmaster has decided about this client (rblsmtpd asks nobody then).
    let open = stage != Stage::Outcome && connection.rblsmtpd.is_none();
    (open && is_public(ip) && connection.server_ip != Some(ip)).then_some(ip)
}

/// Does a finding of this mode change an answer?
fn counts(mode: Mode) -> bool {
    matches!(mode, Mode::Enforce | Mode::Soft)
}

/// Left to right, as rblsmtpd: the list that settled the matter first is heard. Refusals after a refusal are kept, for
/// comparison; an allowance covers only what comes after it.
fn outcome(action: Action, defer: bool, settled: Option<Settled>) -> Option<Outcome> {
    let outcome = match action {
        Action::Reject if defer => Outcome::Defer,
        Action::Reject => Outcome::Reject,
        Action::Defer => Outcome::Defer,
        Action::Score(weight) => Outcome::Score(weight),
        Action::Allow => Outcome::Allow,
    };
    match (settled, outcome) {
        (Some(Settled::Allowed), _) | (Some(Settled::Refused), Outcome::Allow) => None,
        _ => Some(outcome),
    }
}

fn settles(outcome: Outcome) -> Option<Settled> {
    match outcome {
        Outcome::Allow => Some(Settled::Allowed),
        Outcome::Reject | Outcome::Defer => Some(Settled::Refused),
        Outcome::Score(_) => None,
    }
}

impl Rbl {
    fn finding(&self, list: &List, hit: &Hit<'_>, outcome: Outcome, txt: String) -> Finding {
        let codes: Vec<String> = hit.codes.iter().map(ToString::to_string).collect();
        let code = codes.join(",");
        let rule = match outcome {
            Outcome::Allow => ALLOWED,
            Outcome::Score(_) => SCORED,
            Outcome::Reject | Outcome::Defer if self.plain_replies && !txt.is_empty() => LISTED_PLAIN,
            Outcome::Reject | Outcome::Defer => LISTED,
        };
        let words = [list.name.as_str(), &code, &hit.meaning.label];
        let detail: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut finding = Finding::new(rule, outcome, detail.join(" "));
        finding.mode = list.mode.or_milder(hit.meaning.mode);
        finding.text = list.text.clone();
        let because = if txt.is_empty() { String::new() } else { format!(": {txt}") };
        finding.vars = vec![
            ("list", list.name.clone()),
            ("code", code),
            ("label", hit.meaning.label.clone()),
            ("because", because),
            ("txt", txt),
        ];
        finding
    }

    fn rows(&self) -> Rows {
        let columns = ["list", "zone", "query", "codes", "label", "does", "mode", "families", "resolver"];
        let rows = self.lists.iter().flat_map(|list| {
            list.meanings.iter().chain([&list.rest]).filter(|meaning| !meaning.codes.is_empty()).map(|meaning| {
                let codes: Vec<String> = meaning.codes.iter().map(ToString::to_string).collect();
                let families = match (list.ipv4, list.ipv6) {
                    (true, true) => "ipv4,ipv6",
                    (true, false) => "ipv4",
                    (false, true) => "ipv6",
                    (false, false) => "none",
                };
                vec![
                    list.name.clone(),
                    list.zone.clone(),
                    list.query.name().to_owned(),
                    codes.join(","),
                    meaning.label.clone(),
                    meaning.action.to_string(),
                    list.mode.or_milder(meaning.mode).to_string(),
                    families.to_owned(),
                    list.resolver.clone(),
                ]
            })
        });
        Rows { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect() }
    }
}
