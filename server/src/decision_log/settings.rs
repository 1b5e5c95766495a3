//! What is written down, how and where? The `[log]` section.

use crate::config::{Document, Fault, Field, Kind, Section};
use std::{cell::RefCell, path::PathBuf};

/// Name of the section.
pub const SECTION: &str = "log";

/// The keys of `[log]`.
pub const FIELDS: &[Field] = &[
    Field {
        name: "format",
        kind: Kind::Choice(&["logfmt", "json"]),
        doc: "One line for each record, as `key=value` words or as a JSON object. At most 799 bytes, printable ASCII.",
    },
    Field {
        name: "file",
        kind: Kind::Path(""),
        doc: "Append the lines to this file; a reload opens it anew, so it may be rotated. Not set: standard output.",
    },
    Field {
        name: "decisions",
        kind: Kind::Choice(&["notable", "all"]),
        doc: "Which decisions get a line: those at RCPT, those that refuse, would have refused, found something or \
              knew less than they should; or all. How a transaction or connection ended always gets one.",
    },
    Field {
        name: "remember",
        kind: Kind::Integer { default: 4_096, min: 0, max: 1_000_000 },
        doc: "Newest decisions kept in memory, with their evidence, for `tollgate explain`. About 2 KiB each.",
    },
];

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `key=value key="value with spaces"`
    Logfmt,
    /// `{"key":"value"}`
    Json,
}

/// The section, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How.
    pub format: Format,
    /// Where; `None` = standard output.
    pub file: Option<PathBuf>,
    /// Every decision, or only notable ones.
    pub all: bool,
    /// Decisions kept for `tollgate explain`.
    pub remember: usize,
}

impl Settings {
    /// Reads the section; what is wrong goes to `faults`.
    pub fn read(document: &Document, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, SECTION, &[FIELDS], &[], faults);
        Self {
            format: if section.choice("format") == "json" { Format::Json } else { Format::Logfmt },
            file: section.path("file"),
            all: section.choice("decisions") == "all",
            remember: usize::try_from(section.integer("remember")).unwrap_or(0),
        }
    }
}
