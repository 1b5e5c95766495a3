//! What should the report card say? Counted again from the decision log's lines and the policy's sense in plain words.

use crate::world::LISTS;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Severity: continue, defer, reject.
type Severity = u8;

/// One list's line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) heard: u64,
    pub(crate) hits: u64,
    pub(crate) unique: u64,
    pub(crate) failed: u64,
    pub(crate) would_refuse: u64,
    pub(crate) needed: u64,
    pub(crate) accepted: u64,
    pub(crate) allowed: u64,
    pub(crate) proven_good: u64,
    pub(crate) pardoned: u64,
}

/// All that the log says.
#[derive(Default)]
pub(crate) struct Recount {
    pub(crate) connections: u64,
    pub(crate) lines: [Line; LISTS.len()],
    /// Pairs of lists that listed the same client.
    pub(crate) both: BTreeMap<(usize, usize), u64>,
    /// Lists that a session's client is on, and whether it was let in.
    sessions: HashMap<String, (Vec<usize>, bool)>,
}

impl Recount {
    pub(crate) fn of(log: &str) -> Self {
        let mut recount = Self::default();
        for line in log.lines() {
            let record: Value = serde_json::from_str(line).expect("a line of JSON");
            match record["event"].as_str() {
                Some("decision") if record["stage"] == "rcpt" => recount.decision(&record),
                Some("connection") => recount.connection(&record),
                Some("pardon") => recount.pardon(&record),
                _ => {}
            }
        }
        recount
    }

    fn decision(&mut self, record: &Value) {
        if record["lists_heard"].is_null() {
            return;
        }
        let names = |key: &str| -> Vec<usize> {
            let text = record[key].as_str().unwrap_or_default();
            let at = |name: &str| LISTS.iter().position(|(list, ..)| *list == name).expect("a list of this world");
            text.split(',').filter(|name| !name.is_empty()).map(at).collect()
        };
        let (listed, failed) = (names("listed_by"), names("lists_failed"));
        let good = record["client_ip"].as_str().is_some_and(|ip| ip.starts_with("198.51.100."));
        let remembered = record["remembered"].as_str().unwrap_or_default();
        let proven_good = remembered.split(',').any(|word| word == "proven_good");
        assert!(!proven_good || record["spf"] == "pass", "{record}");
        let action = match record["action"].as_str() {
            Some("reject") => 2,
            Some("defer") => 1,
            _ => 0,
        };
        assert_eq!(action, if good { 0 } else { verdict(&listed) }, "the log and the policy differ: {record}");
        self.connections += 1;
        for list in 0..LISTS.len() {
            let line = &mut self.lines[list];
            line.heard += u64::from(!failed.contains(&list));
            line.failed += u64::from(failed.contains(&list));
        }
        for &list in &listed {
            let others: Vec<usize> = listed.iter().copied().filter(|&other| other != list).collect();
            let line = &mut self.lines[list];
            line.hits += 1;
            line.unique += u64::from(others.is_empty());
            line.would_refuse += u64::from(refuses_alone(list));
            line.needed += u64::from(!good && action > 0 && verdict(&others) < action);
            line.allowed += u64::from(good && LISTS[list].0 != "echo");
            line.proven_good += u64::from(proven_good && LISTS[list].0 != "echo");
            for &other in others.iter().filter(|&&other| other > list) {
                *self.both.entry((list, other)).or_default() += 1;
            }
        }
        let session = record["session_id"].as_str().expect("a session").to_owned();
        self.sessions.insert(session, (listed, action == 0));
    }

    /// An administrator took the refusal back.
    fn pardon(&mut self, record: &Value) {
        let session = record["session_id"].as_str().expect("a session");
        let Some((listed, false)) = self.sessions.get(session) else { panic!("nothing was refused: {record}") };
        for &list in listed.iter().filter(|&&list| LISTS[list].0 != "echo") {
            self.lines[list].pardoned += 1;
        }
    }

    fn connection(&mut self, record: &Value) {
        let session = record["session_id"].as_str().expect("a session");
        let Some((listed, true)) = self.sessions.get(session) else { return };
        if record["messages_accepted"].as_u64().unwrap_or(0) == 0 {
            return;
        }
        for &list in listed.iter().filter(|&&list| LISTS[list].0 != "echo") {
            self.lines[list].accepted += 1;
        }
    }
}

/// The policy in plain words: alpha refuses; charlie, delta and echo weigh 30, 40 and -25 against 40 and 60; foxtrot
/// defers; bravo is only rehearsed.
fn verdict(listed: &[usize]) -> Severity {
    let on = |name: &str| listed.iter().any(|&list| LISTS[list].0 == name);
    let weight = |name: &str, weight: i32| if on(name) { weight } else { 0 };
    let sum = weight("charlie", 30) + weight("delta", 40) + weight("echo", -25);
    match (on("alpha"), on("foxtrot")) {
        (true, _) => 2,
        _ if sum >= 60 => 2,
        (_, true) => 1,
        _ => u8::from(sum >= 40),
    }
}

/// By itself, if all it says were enforced.
fn refuses_alone(list: usize) -> bool {
    matches!(LISTS[list].0, "alpha" | "bravo" | "delta" | "foxtrot")
}
