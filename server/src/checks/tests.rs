//! Does every check keep the registry's rules? A check that forgets its line or its words fails here (its cases: tests/cases).

use super::ALL;
use crate::{
    check::{Def, Rule},
    config::{Document, Field, Kind},
    pipeline::{Policy, check_text, common_fields, is_status},
    session::Stage,
};
use std::{collections::BTreeSet, fs, path::Path};

/// Files of this folder that are no checks.
const NO_CHECKS: [&str; 5] = ["client_name", "mod", "penalty", "sending_side", "tests"];

fn is_name(word: &str) -> bool {
    let letters = word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
    letters && word.starts_with(|first: char| first.is_ascii_lowercase())
}

fn unique<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = BTreeSet::new();
    words.into_iter().all(|word| seen.insert(word))
}

#[test]
fn files_and_list_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of this file")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !NO_CHECKS.contains(&name.as_str()))
        .collect();
    let listed: BTreeSet<String> = ALL.iter().map(|def| def.name.to_owned()).collect();
    assert_eq!(files, listed, "left: files in checks/, right: the list in checks/mod.rs");
    assert_eq!(listed.len(), ALL.len(), "a name stands twice");
}

/// I/O, time, threads and metrics are the engine's; a check decides from what it is given.
const FOREIGN: [&str; 7] = ["tokio", "metrics::", "std::thread", "std::fs", "Instant::now", "SystemTime", "Clock"];

#[test]
fn checks_do_nothing_but_decide() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let for_tests = path.file_stem().is_some_and(|stem| stem == "tests");
            if for_tests {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("a source file");
                let own = text.split("#[cfg(test)]").next().unwrap_or_default();
                let found = FOREIGN.iter().find(|word| own.contains(**word));
                assert_eq!(found, None, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > ALL.len(), "every check and the list were read");
}

#[test]
fn every_check_says_what_it_is() {
    for def in ALL {
        assert!(is_name(def.name), "{}", def.name);
        assert!(def.doc.len() > 20 && def.doc.ends_with('.'), "{}: doc", def.name);
        assert!(!def.rules.is_empty() && unique(def.rules.iter().map(|rule| rule.name)), "{}: rules", def.name);
        def.rules.iter().for_each(|rule| check_rule(def, rule));
        check_fields(def);
    }
}

/// Rules that are meant to close the connection.
const CLOSING: [&str; 1] = ["rate.too_many_missing"];

fn check_rule(def: &Def, rule: &Rule) {
    let name = format!("{}.{}", def.name, rule.name);
    assert!(is_name(rule.name) && !rule.doc.is_empty(), "{name}");
    assert!((500..600).contains(&rule.code), "{name}: code");
    // 421 closes the connection.
    let may_be = |code| code != 421 || CLOSING.contains(&name.as_str());
    assert!((400..500).contains(&rule.code_defer) && may_be(rule.code_defer), "{name}: code_defer");
    assert!(rule.status.is_empty() || (is_status(rule.status) && rule.status.starts_with('5')), "{name}: status");
    assert_eq!(check_text(rule.text), Ok(()), "{name}: text");
}

fn check_fields(def: &Def) {
    let common = common_fields(def);
    let tables = def.tables.iter().map(|(table, _)| *table);
    assert!(unique(common.iter().chain(def.fields).map(|field| field.name).chain(tables)), "{}: keys", def.name);
    let of_tables = def.tables.iter().flat_map(|(_, fields)| fields.iter());
    for Field { name, kind, doc } in def.fields.iter().chain(of_tables) {
        assert!(is_name(name) && !doc.is_empty(), "{}: {name}", def.name);
        if let Kind::Integer { default, min, max } = kind {
            assert!(min <= default && default <= max, "{}: {name}", def.name);
        }
    }
}

#[test]
fn stages_ascend_and_outcome_is_none_of_them() {
    for def in ALL {
        assert!(!def.stages.is_empty() && def.stages.is_sorted(), "{}: stages", def.name);
        assert!(!def.stages.contains(&Stage::Outcome), "{}: outcome is told, never judged", def.name);
    }
}

#[test]
fn the_defaults_build_and_unknown_keys_do_not() {
    let policy = Policy::build(&Document::default(), 1).map_err(|faults| format!("{faults:?}")).expect("the defaults");
    for def in ALL {
        assert!(policy.check(def.name).is_some(), "{}", def.name);
        let wrong = format!("[check.{}]\nno_such_key = 1\n", def.name);
        let faults =
            Policy::build(&Document::parse("t.toml", &wrong).expect("TOML"), 1).map(|_| ()).expect_err("a fault");
        assert!(faults.iter().any(|fault| fault.line == 2), "{faults:?}");
    }
}
