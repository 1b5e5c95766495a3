//! Are the files there that the policy was built from?

use super::{Patient, Report};
use crate::files::{self, LoadedFile};

const TEST: &str = "list";

pub(super) fn examine(patient: &Patient, report: &mut Report) {
    let Some(policy) = &patient.policy else { return };
    for file in files::shown(policy.files()) {
        one(&file, report);
    }
}

fn one(file: &LoadedFile, report: &mut Report) {
    let (check, path) = (file.check, file.path.display());
    match (file.modified_at, file.entries) {
        // qmail's control files are optional. One that the configuration names and that is not there has a warning.
        (0, _) if file.warnings.is_empty() => {
            report.ok(TEST, format!("{check}: {path} is not there"));
        }
        (0, _) => {}
        (_, 0) => report.warn(TEST, format!("{check}: {path} is empty: is it still being written to?")),
        (_, entries) => report.ok(TEST, format!("{check}: {path}: {entries} entries")),
    }
    for warning in &file.warnings {
        report.warn(TEST, format!("{check}: {path}: {warning}"));
    }
}
