//! What is in force? All checks with their modes and texts, built from the configuration in one pass; immutable.

use super::Settings;
use crate::{
    ask::dns,
    check::{Check, Def},
    checks,
    config::{Build, Document, Fault, Field, Kind, LoadedFile, Section},
    mode::Mode,
};
use std::cell::RefCell;

/// The sections `tollgate.toml` may have. Each belongs to one part of the program.
pub const SECTIONS: &[&str] = &["server", "policy", "check", "dns", "log"];

/// The keys every check has, besides its own.
pub fn common_fields(def: &Def) -> [Field; 4] {
    [
        Field {
            name: "mode",
            kind: Kind::Mode(def.mode.name()),
            doc: "How strongly this check is meant. The most lenient of all modes that apply to a finding wins.",
        },
        Field {
            name: "voice",
            kind: Kind::Choice(&["rcpt", "now"]),
            doc: "When its refusals are spoken: at RCPT, as qmail does, or at once at connect, HELO and MAIL. At once reaches postmaster too, and is passed over at connect where AUTH is offered.",
        },
        Field {
            name: "voice_rules",
            kind: Kind::Texts(&[]),
            doc: "The rules for which `voice = \"now\"` holds; empty = all of the check's rules.",
        },
        Field {
            name: "reply",
            kind: Kind::TextMap,
            doc: "Replies by rule: `{ listed = \"554 5.7.1 no thanks, %{client_ip}\" }`. Code and status may be left out. A code of 5xx replaces the refusal's, one of 4xx the deferral's.",
        },
    ]
}

/// One check as configured.
pub(super) struct Step {
    pub(super) def: &'static Def,
    pub(super) check: Box<dyn Check>,
    pub(super) mode: Mode,
}

/// Everything that decides, but for facts and answers.
pub struct Policy {
    generation: u64,
    settings: Settings,
    pub(super) steps: Vec<Step>,
    files: Vec<LoadedFile>,
}

impl Policy {
    /// Builds everything from the configuration, reading the files it names. Gives all faults at once, in file order.
    pub fn build(document: &Document, generation: u64) -> Result<Self, Vec<Fault>> {
        Self::assemble(checks::ALL, document, generation)
    }

    /// The same over any list of checks.
    pub(super) fn assemble(defs: &[&'static Def], document: &Document, generation: u64) -> Result<Self, Vec<Fault>> {
        let faults = RefCell::new(Vec::new());
        let mut files = Vec::new();
        let settings = Settings::read(document, &mut files, &faults);
        let resolvers = dns::Config::read(document, &faults).names();
        let mut steps = Vec::new();
        for &def in defs {
            let common = common_fields(def);
            let path = format!("check.{}", def.name);
            let section = Section::new(document, &path, &[&common, def.fields], def.tables, &faults);
            let mut build = Build {
                check: def.name,
                control: &settings.control,
                resolvers: &resolvers,
                domains: &settings.domains,
                files: &mut files,
            };
            let check = (def.build)(&section, &mut build);
            steps.push(Step { def, check, mode: section.mode("mode") });
        }
        let faults = faults.into_inner();
        if faults.is_empty() { Ok(Self { generation, settings, steps, files }) } else { Err(faults) }
    }

    /// Number of this policy since the start: 1 is the first.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Every file it was built from.
    pub fn files(&self) -> &[LoadedFile] {
        &self.files
    }

    /// `[policy]`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A check by its name.
    pub fn check(&self, name: &str) -> Option<&dyn Check> {
        self.steps.iter().find(|step| step.def.name == name).map(|step| &*step.check)
    }

    /// Which check speaks at which stage, in order of precedence: `tollgate pipeline`.
    pub fn table(&self) -> String {
        self.steps.iter().map(|step| format!("{} {}\n", step.def.name, step.mode)).collect()
    }
}
