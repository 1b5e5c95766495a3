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
    checks, decision_log, decisions, dns_lists, files, pipeline, state,
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
    Topic {
        name: "dns_lists",
        doc: "How DNS lists are watched: whatever is configured below `[check.*]`, a list that misbehaves changes no answer.",
        fields: dns_lists::FIELDS,
        tables: &[],
    },
    Topic {
        name: "lists",
        doc: "How files that a policy is built from come into force when they change (`docs/operations.md`).",
        fields: files::FIELDS,
        tables: &[],
    },
    Topic {
        name: "state",
        doc: "Where triplets, reputation, counters and exceptions are kept, and whether servers share them (`docs/state.md`). \
              A change takes effect at the next start.",
        fields: state::FIELDS,
        tables: &[],
    },
    Topic { name: "log", doc: "What is written down, how and where.", fields: decision_log::FIELDS, tables: &[] },
    Topic {
        name: "decisions",
        doc: "How long and how much of what was decided, and on what evidence, is kept on disk.",
        fields: decisions::FIELDS,
        tables: &[],
    },
];

/// A section as the reference page and the printed files show it.
pub(super) struct Declared {
    /// Dotted name, `check.rbl`.
    pub path: String,
    pub doc: &'static str,
    /// Keys that every check has; empty for other sections.
    pub common: Vec<Field>,
    /// Keys of its own.
    pub fields: Vec<Field>,
    pub tables: Tables,
    /// What a check can find; empty for other sections.
    pub rules: &'static [Rule],
}

impl Declared {
    /// All its keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Field> {
        self.common.iter().chain(&self.fields)
    }
}

/// What is said once about the keys in `Declared::common`.
pub(super) const COMMON_DOC: &str = "Every check has these keys, besides its own.";

/// All sections in order: topics, then checks by precedence.
pub(super) fn declared() -> Vec<Declared> {
    let of_topic = |topic: &Topic| Declared {
        path: topic.name.to_owned(),
        doc: topic.doc,
        common: Vec::new(),
        fields: topic.fields.to_vec(),
        tables: topic.tables,
        rules: &[],
    };
    let of_check = |def: &&Def| Declared {
        path: format!("check.{}", def.name),
        doc: def.doc,
        common: pipeline::common_fields(def).to_vec(),
        fields: def.fields.to_vec(),
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
