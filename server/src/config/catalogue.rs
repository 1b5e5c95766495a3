//! Which sections may stand in `tollgate.toml`? The one list, in the order of the reference page.

use super::{
    Fault, Field, Tables,
    document::{Document, Entry, Table, Value},
    spelling,
};
use crate::{
    app,
    ask::dns,
    check::{Def, Rule},
    checks, decision_log, pipeline,
};
use std::cell::RefCell;

/// A section that is not a check's: declared by the module that reads it.
pub struct Topic {
    /// Name of the section.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub doc: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
    /// Tables that may stand in it.
    pub tables: Tables,
}

/// Every section but those of checks.
pub static TOPICS: &[Topic] = &[
    Topic {
        name: "server",
        doc: "Where the daemon listens and keeps things, and how much it takes on. A change takes effect at the next start.",
        fields: app::FIELDS,
        tables: &[],
    },
    Topic {
        name: "policy",
        doc: "What holds for all checks: modes, deadlines, sums, and which names and nets are ours.",
        fields: pipeline::FIELDS,
        tables: &[],
    },
    Topic {
        name: "dns",
        doc: "Whom we ask, how long we wait, and what is kept. A change takes effect at the next start.",
        fields: dns::FIELDS,
        tables: dns::TABLES,
    },
    Topic { name: "log", doc: "What is written down, how and where.", fields: decision_log::FIELDS, tables: &[] },
];

/// A section as the reference page and the printed files show it.
pub(super) struct Declared {
    /// Dotted name, `check.rbl`.
    pub path: String,
    pub doc: &'static str,
    pub fields: Vec<Field>,
    pub tables: Tables,
    /// What a check can find; empty for other sections.
    pub rules: &'static [Rule],
}

/// All sections in order: topics, then checks by precedence.
pub(super) fn declared() -> Vec<Declared> {
    let of_topic = |topic: &Topic| Declared {
        path: topic.name.to_owned(),
        doc: topic.doc,
        fields: topic.fields.to_vec(),
        tables: topic.tables,
        rules: &[],
    };
    let of_check = |def: &&Def| Declared {
        path: format!("check.{}", def.name),
        doc: def.doc,
        fields: pipeline::common_fields(def).iter().chain(def.fields).copied().collect(),
        tables: def.tables,
        rules: def.rules,
    };
    TOPICS.iter().map(of_topic).chain(checks::ALL.iter().map(of_check)).collect()
}

/// Refuses sections nobody reads: at the top level, and below `check`. The sections refuse their unknown keys.
pub fn refuse_unknown_sections(document: &Document, faults: &RefCell<Vec<Fault>>) {
    let topics: Vec<&str> = TOPICS.iter().map(|topic| topic.name).chain(["check"]).collect();
    let checks: Vec<&str> = checks::ALL.iter().map(|def| def.name).collect();
    let refuse = |prefix: &str, entry: &Entry, known: &[&str]| {
        let expected = spelling::expected(&entry.key, known);
        let text = format!("[{prefix}{}] is no section: {expected}", entry.key);
        faults.borrow_mut().push(Fault { file: document.file.clone(), line: entry.line, text });
    };
    let unknown = |table: &Table, prefix: &str, known: &[&str]| {
        let entries = table.0.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        entries.take(super::Section::FAULTS_MAX).for_each(|entry| refuse(prefix, entry, known));
    };
    unknown(&document.root, "", &topics);
    if let Some(Entry { value: Value::Table(table), .. }) = document.root.get("check") {
        unknown(table, "check.", &checks);
    }
}
