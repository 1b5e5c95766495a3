//! Is every mistake in a configuration told, in one line that says where, what and what was expected?
//!
//! Each `bad-configs/*.toml` goes the way of a start and a reload; its `.expected` holds all faults, a line each.
//! `TOLLGATE_BLESS=1` writes them anew: read the difference before it is committed.

#![allow(clippy::expect_used, reason = "a test program: what cannot be done is a failure")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};
use tollgate::{config::Fault, reload};

fn bad_configs() -> Vec<PathBuf> {
    // Tests run in the folder of their crate: faults name the files by this relative path on every machine.
    let entries = fs::read_dir("bad-configs").expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|name| name == "toml")).collect();
    found.sort();
    found
}

fn faults_of(path: &Path) -> String {
    match reload::load(Some(path), 1) {
        Ok(_) => String::new(),
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    }
}

#[test]
fn every_bad_configuration_is_refused_with_all_its_faults() {
    let paths = bad_configs();
    assert!(paths.len() >= 15, "bad-configs/ has lost files: {}", paths.len());
    for path in paths {
        let (found, expected) = (faults_of(&path), path.with_extension("expected"));
        assert!(!found.is_empty(), "{}: accepted", path.display());
        if env::var_os("TOLLGATE_BLESS").is_some() {
            fs::write(&expected, &found).expect("it can be written");
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn faults_are_sorted_printable_and_name_a_place() {
    for path in bad_configs() {
        let faults = reload::load(Some(&path), 1).err().unwrap_or_default();
        assert_eq!(faults, Fault::sorted(faults.clone()), "{}", path.display());
        for fault in faults {
            let line = fault.to_string();
            assert!(line.starts_with("bad-configs/"), "{line}: expected the file's name in front");
            assert!(!line.contains(char::is_control), "{line:?}: expected one printable line");
            let names_a_list = fault.file != path.display().to_string();
            assert!(fault.line > 0 || names_a_list, "{line}: expected a line number");
        }
    }
}
