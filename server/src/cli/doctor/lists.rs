//! Are the files there that the policy was built from?

use super::{Patient, Report};
use crate::files::{self, LoadedFile};
use std::path::Path;

const TEST: &str = "list";

pub(super) fn examine(patient: &Patient, report: &mut Report) {
    let Some(policy) = &patient.policy else { return };
    for file in files::shown(policy.files()) {
        one(&file, &policy.settings().control, report);
    }
}

fn one(file: &LoadedFile, control: &Path, report: &mut Report) {
    let (check, path) = (file.check, file.path.display());
    match (file.modified_at, file.entries) {
        // qmail's control files are optional. One that the configuration names and that is not there has a warning.
        (0, _) if file.warnings.is_empty() => {
            report.ok(TEST, format!("{check}: {path} is not there"));
        }
        (0, _) => {}
        (_, 0) if may_be_empty(file, control) => report.ok(TEST, format!("{check}: {path}: no entries")),
        (_, 0) => report.warn(TEST, format!("{check}: {path} has no entries: is it still being written to?")),
        (_, entries) => report.ok(TEST, format!("{check}: {path}: {entries} entries")),
    }
    for warning in &file.warnings {
        report.warn(TEST, format!("{check}: {path}: {warning}"));
    }
}

/// An empty control file is how one switches a list of qmail's off, and the last one on a mailing list's `deny` may be taken
/// off it. A list that the configuration names is there for something.
fn may_be_empty(file: &LoadedFile, control: &Path) -> bool {
    file.form == files::PART || file.path.parent() == Some(control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Document, pipeline::Policy};
    use std::fs;

    #[test]
    fn what_may_be_empty_is_no_cause_for_a_warning() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for made in ["control", "list/subscribers", "list/deny/subscribers"] {
            fs::create_dir_all(at(made)).expect("a folder");
        }
        for (name, content) in [
            ("control/badmailfrom", "# nobody\n"),
            ("control/badrcptto", ""),
            ("list/subscribers/S", "Tjoe@example.org\0"),
            ("list/deny/subscribers/l", ""),
            ("denied.txt", "# later\n"),
        ] {
            fs::write(at(name), content).expect("written");
        }
        let text = "[policy]\ncontrol = \"control\"\n[check.access]\nclients_deny_file = \"denied.txt\"\n[[check.ezmlm.list]]\n\
                    address = \"list@here.example\"\ndir = \"list\"\ndeny = true\nsubscribers_only = true\n";
        let document = Document::parse(&at("t.toml").display().to_string(), text).expect("TOML");
        let policy = Policy::build(&document, 1).map_err(|faults| format!("{faults:?}")).expect("a policy");
        let mut report = Report::default();
        files::shown(policy.files()).iter().for_each(|file| one(file, &policy.settings().control, &mut report));
        let prefix = format!("{}/", folder.path().display());
        let said: Vec<String> =
            report.0.iter().map(|(level, _, text)| format!("{} {}", level.name(), text.replace(&prefix, ""))).collect();
        for expected in [
            "ok badmailfrom: control/badmailfrom: no entries",
            "ok badrcptto: control/badrcptto: no entries",
            "ok ezmlm: list/subscribers: 1 entries",
            "ok ezmlm: list/deny/subscribers: no entries",
            "warn access: denied.txt has no entries: is it still being written to?",
        ] {
            assert!(said.iter().any(|line| line == expected), "{expected}: {said:#?}");
        }
    }
}
