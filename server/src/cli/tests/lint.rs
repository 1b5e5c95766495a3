//! What does `tollgate lint` print of a control folder, and how does it end?

use super::{super::exit, tollgate};
use serde_json::Value;
use std::{fs, path::Path};

fn lint(folder: &Path, more: &[&str]) -> super::Seen {
    let control = folder.join("control").display().to_string();
    tollgate(&[&["lint", &control, "--tcp-rules", "/no/such/rules"], more].concat())
}

#[test]
fn each_oddity_is_a_line_with_its_place_and_errors_end_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = folder.path().join("control");
    let write = |name: &str, content: &str| fs::write(control.join(name), content).expect("a file");
    fs::create_dir(&control).expect("a folder");
    write("me", "mx.here.example\n");
    write("rcpthosts", "here.example\n");
    write("locals", "here.example\n");
    write("badmailfrom", "@here.example\n");
    let name = control.display();
    let note = "@here.example\" is ours: our users elsewhere, lists that keep the sender and forwarders are refused too; SPF is more exact";
    let expected = format!("{name}/badmailfrom:1: note: \"{note}\n{name}: 0 errors, 0 warnings, 1 note\n");
    assert_eq!(lint(folder.path(), &[]), (exit::FINE, expected, String::new()));

    write("badmailfrom", "here.example\n");
    let (code, out, _) = lint(folder.path(), &[]);
    assert!(code == exit::NO && out.ends_with("1 error, 0 warnings, 0 notes\n"), "{out}");
    let (code, out, _) = lint(folder.path(), &["--json"]);
    let found: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &found[0]["line"], &found[0]["level"]), (exit::NO, &Value::from(1), &Value::from("error")));
}

#[test]
fn a_folder_that_is_not_there_is_a_wrong_command_line() {
    let (code, out, err) = tollgate(&["lint", "/no/such/folder"]);
    assert_eq!((code, out.as_str()), (exit::USAGE, ""));
    assert_eq!(err, "tollgate: /no/such/folder: no such folder: expected qmail's control folder\n");
}
