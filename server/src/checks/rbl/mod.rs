//! Do DNS lists know this client, or the names it gives (RFC 5782)? Any number of lists, asked in parallel from connect
//! on; listed, not listed and failed are kept apart.
//!
//! `fields` and `read` are the configuration, `zone` a list's zone and key, `list` a list, `codes` what return codes
//! mean, `target` what is looked up, `answer` what a list said of it, `weigh` what all of them come to. Health, budget
//! and report card of lists are `dns_lists/`: the check sees a list's health among its answers.

mod answer;
mod codes;
mod fields;
mod list;
mod read;
mod target;
#[cfg(test)]
mod tests;
mod weigh;
mod zone;

use crate::{
    ask::{Answers, Health, Question},
    check::{Check, Def, Effect, Finding, Rows, Rule},
    clock::Now,
    config::{Field, Kind},
    dns_lists::Heard,
    mode::Mode,
    session::{Facts, Stage},
};
use answer::Standing;
use list::List;
use target::Targets;

pub(crate) static DEF: Def = Def {
    name: "rbl",
    doc: "DNS lists of client addresses, sender domains and HELO names: refuse, defer, score or allow by what they answer. \
          Nothing is asked until a list is configured, and never about private, loopback or own addresses and names, nor \
          where tcprules set RBLSMTPD. A list that is not healthy (tollgate lists) changes no answer.",
    stages: &[Stage::Connect, Stage::Helo, Stage::Mail],
    rules: &[
        Rule::policy(
            "listed",
            "%{listed} is listed by %{list}%{because}",
            "A list whose action is reject or defer holds the client or a name it gave.",
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
            "%{listed} is listed by %{list}%{because}",
            "A list whose action is score (or end_check with a weight) holds it: its weight adds to the sums.",
        ),
        Rule::policy("allowed", "", "A list whose action is allow holds the client: later checks leave it alone."),
        Rule::policy(
            "summed",
            "sorry, too many lists speak against %{client_ip}",
            "The weights of all lists together reach this check's own defer_at or reject_at.",
        ),
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
        Field {
            name: "defer_at",
            kind: Kind::Integer { default: 0, min: 0, max: 1_000_000 },
            doc: "Sum of this check's weights from which it defers by itself, as postscreen's thresholds do; 0 = never. The \
                  sum of all checks has [policy] defer_at.",
        },
        Field {
            name: "reject_at",
            kind: Kind::Integer { default: 0, min: 0, max: 1_000_000 },
            doc: "Sum of this check's weights from which it refuses by itself; 0 = never.",
        },
    ],
    tables: &[("list", fields::LIST_FIELDS), ("code", fields::CODE_FIELDS)],
    mode: Mode::Enforce,
    despite: &[],
    build: |section, build| {
        let lists = read::lists(section, build);
        build.dns_lists.extend(lists.iter().filter(|list| list.mode != Mode::Off).map(|list| list.declared.clone()));
        let (defer_at, reject_at) = (section.integer("defer_at"), section.integer("reject_at"));
        if defer_at > reject_at && reject_at > 0 {
            section.fault("defer_at", format!("{defer_at} is more than reject_at = {reject_at}"));
        }
        Box::new(Rbl {
            lists,
            domains: build.domains.to_vec(),
            plain_replies: section.choice("replies") == "rblsmtpd",
            defer_after_error: section.bool("defer_after_error"),
            defer_at,
            reject_at,
        })
    },
};

struct Rbl {
    /// In file order: the first that settles the matter is heard.
    lists: Vec<List>,
    /// Ours: never looked up.
    domains: Vec<String>,
    plain_replies: bool,
    defer_after_error: bool,
    /// 0 = never.
    defer_at: i64,
    /// 0 = never.
    reject_at: i64,
}

impl Check for Rbl {
    fn needs(&self, stage: Stage, facts: &Facts, answers: &Answers, ask: &mut Vec<Question>) {
        let Some(targets) = self.targets(facts) else { return };
        if stage == Stage::Outcome {
            return;
        }
        for list in self.asked(answers) {
            let questions = targets.in_list(list).map(|target| list.next_question(target, answers));
            ask.extend(questions.map(Question::Dns));
        }
    }

    fn decide(&self, stage: Stage, facts: &Facts, answers: &Answers, _now: Now, found: &mut Vec<Finding>) {
        if let Some(targets) = self.targets(facts) {
            self.weigh(stage, &targets, answers, found);
        }
    }

    fn observe(&self, facts: &Facts, answers: &Answers, effects: &mut Vec<Effect>) {
        let Some(targets) = self.targets(facts) else { return };
        for list in self.lists.iter().filter(|list| list.mode != Mode::Off) {
            let health = answers.list_health(list.declared.id);
            let heard = targets.in_list(list).map(|target| match list.standing(target, answers) {
                _ if health == Health::Off => Heard::Failed,
                Standing::Listed(_) => Heard::Listed,
                Standing::Failed => Heard::Failed,
                Standing::NotListed => Heard::Clean,
            });
            // Of two names, the one that is listed counts; else the one nothing is known of.
            let heard = heard.max_by_key(|heard| match heard {
                Heard::Clean => 0,
                Heard::Failed => 1,
                Heard::Listed => 2,
            });
            effects.extend(heard.map(|heard| Effect::ListHeard(list.declared.id, heard)));
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

impl Rbl {
    /// What may be looked up; `None` = nothing: RBLSMTPD is set, to whatever, so the postmaster has decided about this
    /// client (rblsmtpd asks nobody then), or there is no list.
    fn targets(&self, facts: &Facts) -> Option<Targets> {
        let open = facts.connection.rblsmtpd.is_none() && !self.lists.is_empty();
        open.then(|| Targets::of(facts, &self.domains))
    }

    /// The lists that are asked at all.
    fn asked<'s>(&'s self, answers: &'s Answers) -> impl Iterator<Item = &'s List> {
        self.lists.iter().filter(|list| list.mode != Mode::Off && answers.list_health(list.declared.id) != Health::Off)
    }

    fn rows(&self) -> Rows {
        let columns =
            ["list", "zone", "subject", "query", "codes", "label", "does", "mode", "stage", "families", "resolver"];
        let rows = self.lists.iter().flat_map(|list| {
            let meanings = list.meanings.iter().chain([&list.rest]).filter(|meaning| !meaning.codes.is_empty());
            meanings.map(|meaning| row(list, meaning))
        });
        Rows { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect() }
    }
}

fn row(list: &List, meaning: &list::Meaning) -> Vec<String> {
    let codes: Vec<String> = meaning.codes.iter().map(ToString::to_string).collect();
    let families = match (list.subject, list.declared.ipv4, list.declared.ipv6) {
        (list::Subject::Client, true, true) => "ipv4,ipv6",
        (list::Subject::Client, true, false) => "ipv4",
        (list::Subject::Client, false, true) => "ipv6",
        (list::Subject::Client, false, false) => "none",
        _ => "",
    };
    vec![
        list.name().to_owned(),
        list.declared.zone.to_string(),
        list.subject.name().to_owned(),
        list.query.name().to_owned(),
        codes.join(","),
        meaning.label.clone(),
        meaning.action.to_string(),
        list.mode.or_milder(meaning.mode).to_string(),
        meaning.stage.to_string(),
        families.to_owned(),
        list.resolver.clone(),
    ]
}
