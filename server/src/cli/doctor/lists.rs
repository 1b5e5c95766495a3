//! Are the files there that the policy was built from?

use super::{Patient, Report};
use crate::config::LoadedFile;

const TEST: &str = "list";

pub(super) fn examine(patient: &Patient, report: &mut Report) {
    let Some(policy) = &patient.policy else { return };
    for file in policy.files() {
        one(file, report);
    }
}

fn one(file: &LoadedFile, report: &mut Report) {
    let (check, path) = (file.check, file.path.display());
    if file.modified_at == 0 {
        // qmail's control files are optional; a file that was named and is not there is a fault of the configuration.
        return report.ok(TEST, format!("[check.{check}] {path} is not there: nothing is refused by it"));
    }
    if file.entries == 0 {
        report.warn(TEST, format!("[check.{check}] {path} is empty: is it still being written to?"));
    } else {
        report.ok(TEST, format!("[check.{check}] {path}: {} entries", file.entries));
    }
    for warning in &file.warnings {
        report.warn(TEST, format!("[check.{check}] {path}: {warning}"));
    }
}
