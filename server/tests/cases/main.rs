//! Do all checks say what the case files expect? `tests/cases/README.md` has the format.

#![allow(clippy::expect_used, reason = "a test program: what cannot be read is a failure")]

mod case;
mod play;
mod table;
mod zone;

use case::Case;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases")
}

/// All case files with their cases, by name of the file.
fn files() -> Vec<(String, Vec<Case>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let cases = |path: &Path| {
        let text = std::fs::read_to_string(path).expect("a readable file");
        case::read(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()))
    };
    paths.iter().map(|path| (name(path), cases(path))).collect()
}

#[test]
fn every_case_holds() {
    let mut failures = Vec::new();
    let mut played = 0;
    for (file, cases) in files() {
        for case in cases {
            played += 1;
            if let Err(wrong) = play::play(&file, &case) {
                failures.push(format!("{file}: {}\n    {}", case.name, wrong.replace('\n', "\n    ")));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {played} cases fail:\n\n{}\n", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_check_has_cases() {
    let files = files();
    for def in tollgate::checks::ALL {
        let cases = files.iter().find(|(file, _)| file == def.name).map_or(0, |(_, cases)| cases.len());
        assert!(cases > 0, "tests/cases/{}.toml: expected at least one case", def.name);
    }
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let base = "[[case]]\nname = \"x\"\n[case.files]\n\"control/badmailfrom\" = \"@a.example\\n\"\n";
    let told = |steps: &str| {
        let cases = case::read(&base.replace("[case.files]", &format!("steps = [{steps}]\n[case.files]")));
        play::play("x", &cases.expect("a case")[0])
    };
    let refused = "{ mail = \"u@a.example\" }, { rcpt = \"u@here.example\", expect = \"reject 553\", ";
    assert_eq!(told(&format!("{refused} by = \"badmailfrom\" }}")), Ok(()));
    for wrong in [
        "{ mail = \"u@a.example\" }, { rcpt = \"u@here.example\" }".to_owned(),
        "{ mail = \"u@b.example\" }, { rcpt = \"u@here.example\", expect = \"reject 553\" }".to_owned(),
        format!("{refused} by = \"access\" }}"),
        format!("{refused} text = \"no\" }}"),
        format!("{refused} findings = [] }}"),
        format!("{refused} findings = [\"badmailfrom.listed reject monitor\"] }}"),
        format!("{refused} would_have = \"reject\" }}"),
        format!("{refused} degraded = [\"dns\"] }}"),
    ] {
        assert!(told(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_misspelt_case_is_refused() {
    for text in [
        "[[case]]\nname = \"x\"\nstep = []\n",
        "[[case]]\nname = \"x\"\nsteps = []\n",
        "[[case]]\nname = \"x\"\nsteps = [{ mial = \"u@a.example\" }]\n",
        "[[case]]\nname = \"x\"\nsteps = [{ mail = \"a\", rcpt = \"b\" }]\n",
        "[[case]]\nname = \"x\"\nclient = { adress = \"192.0.2.1\" }\nsteps = [{ data = true }]\n",
        "[[case]]\nname = \"x\"\nzone = \"a.example CNAME 1 b\"\nsteps = [{ data = true }]\n",
        "[[case]]\nname = \"x\"\nsteps = [{ data = true }]\n[[case]]\nname = \"x\"\nsteps = [{ data = true }]\n",
        "[[cases]]\n",
    ] {
        assert!(case::read(text).is_err(), "{text}");
    }
}
