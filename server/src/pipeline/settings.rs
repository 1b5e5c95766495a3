//! What does `[policy]` say? What holds for all checks: modes, deadlines, sums, and which names and nets are ours.

use crate::{
    config::{Document, Fault, Field, Kind, LoadedFile, Network, Section},
    mode::Mode,
};
use std::{cell::RefCell, collections::HashMap, path::PathBuf, time::Duration};

/// The declared keys of `[policy]`.
pub static FIELDS: &[Field] = &[
    Field {
        name: "mode",
        kind: Kind::Mode("enforce"),
        doc: "How strongly everything is meant. The most lenient of all modes that apply to a finding wins.",
    },
    Field {
        name: "host_modes",
        kind: Kind::TextMap,
        doc: "Modes of single mail hosts: `{ mx2 = \"monitor\" }`. The name is the host's label.",
    },
    Field {
        name: "domain_modes",
        kind: Kind::TextMap,
        doc: "Modes of recipient domains: `{ \"example.org\" = \"soft\", \".example.org\" = \"off\" }`. A leading dot means all domains below it.",
    },
    Field {
        name: "recipient_modes",
        kind: Kind::TextMap,
        doc: "Modes of single recipients: `{ \"ann@example.org\" = \"monitor\" }`.",
    },
    Field {
        name: "stage_deadline_ms",
        kind: Kind::Integer { default: 1500, min: 10, max: 30_000 },
        doc: "How long one stage waits for answers, in milliseconds. The caller's own deadline less 300 ms holds too.",
    },
    Field { name: "score_mode", kind: Kind::Mode("monitor"), doc: "How strongly the sum of scores is meant." },
    Field {
        name: "defer_at",
        kind: Kind::Integer { default: 50, min: 1, max: 1_000_000 },
        doc: "Sum of scores from which a recipient is deferred.",
    },
    Field {
        name: "reject_at",
        kind: Kind::Integer { default: 100, min: 1, max: 1_000_000 },
        doc: "Sum of scores from which a recipient is refused.",
    },
    Field {
        name: "reply_ids",
        kind: Kind::Bool(true),
        doc: "End every refusal with its decision id, as in `[7dq2m0c4xk9vht3e]`, for `tollgate explain`. Off: qmail's replies keep their very bytes.",
    },
    Field {
        name: "domains",
        kind: Kind::Texts(&[]),
        doc: "Our domains; a leading dot means all domains below it. Not set: `rcpthosts` and `locals` of the control folder. For postmaster and abuse only: the mail server's relay test stays its own.",
    },
    Field {
        name: "own_addresses",
        kind: Kind::Networks(&[]),
        doc: "Addresses of our own hosts: as clients they are passed over by most checks, like loopback.",
    },
    Field {
        name: "trusted_relays",
        kind: Kind::Networks(&[]),
        doc: "Backup mail exchangers and forwarders: as clients they do not stand for the sender's side.",
    },
    Field {
        name: "control",
        kind: Kind::Path("/var/qmail/control"),
        doc: "qmail's control folder. Its files are used where they exist.",
    },
];

/// `[policy]`, read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of everything.
    pub mode: Mode,
    /// By host label.
    pub host_modes: HashMap<String, Mode>,
    /// By recipient domain, lower case; a leading dot means all below.
    pub domain_modes: HashMap<Vec<u8>, Mode>,
    /// By recipient, lower case.
    pub recipient_modes: HashMap<Vec<u8>, Mode>,
    /// How long one stage waits for answers.
    pub stage_deadline: Duration,
    /// Of the sum of scores.
    pub score_mode: Mode,
    /// Sum from which a recipient is deferred.
    pub defer_at: i64,
    /// Sum from which a recipient is refused.
    pub reject_at: i64,
    /// Replies end with the decision's id.
    pub reply_ids: bool,
    /// Ours, lower case; a leading dot means all below.
    pub domains: Vec<String>,
    /// Ours.
    pub own_addresses: Vec<Network>,
    /// Not ours, but they bring us mail of others.
    pub trusted_relays: Vec<Network>,
    /// qmail's control folder.
    pub control: PathBuf,
}

impl Settings {
    /// Reads `[policy]`; faults are added to `faults`.
    pub(super) fn read(document: &Document, _files: &mut Vec<LoadedFile>, faults: &RefCell<Vec<Fault>>) -> Self {
        let section = Section::new(document, "policy", &[FIELDS], &[], faults);
        Self {
            mode: section.mode("mode"),
            host_modes: HashMap::new(),
            domain_modes: HashMap::new(),
            recipient_modes: HashMap::new(),
            stage_deadline: Duration::from_millis(section.integer("stage_deadline_ms").unsigned_abs()),
            score_mode: section.mode("score_mode"),
            defer_at: section.integer("defer_at"),
            reject_at: section.integer("reject_at"),
            reply_ids: section.bool("reply_ids"),
            domains: section.texts("domains"),
            own_addresses: section.networks("own_addresses"),
            trusted_relays: section.networks("trusted_relays"),
            control: section.path("control").unwrap_or_default(),
        }
    }
}
