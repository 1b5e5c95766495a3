//! What does `tollgate lint` print of a control folder, and how does it end?

use super::{super::exit, tollgate};
use serde_json::Value;
use std::{fs, path::Path};

/// Rules and their cdb, which hold nothing, and root, who may read all: so that no file of this machine counts.
fn lint(folder: &Path, more: &[&str]) -> super::Seen {
    let (control, rules) = (folder.join("control"), folder.join("tcp.smtp"));
    fs::write(&rules, "").expect("a file");
    let cdb = fs::File::create(folder.join("tcp.smtp.cdb")).expect("a file");
    ::cdb::CDBMake::new(cdb).and_then(::cdb::CDBMake::finish).expect("a cdb");
    let words = ["lint", &control.display().to_string(), "--tcp-rules", &rules.display().to_string(), "--user", "root"];
    tollgate(&[&words, more].concat())
}

#[test]
fn each_oddity_is_a_line_with_its_place_and_errors_end_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = folder.path().join("control");
    let write = |name: &str, content: &str| fs::write(control.join(name), content).expect("a file");
    fs::create_dir(&control).expect("a folder");
    write("me", "here.example\n");
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
fn what_is_named_and_not_there_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = folder.path().join("control");
    fs::create_dir(&control).expect("a folder");
    fs::write(control.join("me"), "here.example\n").expect("a file");
    let (control, me) = (control.display().to_string(), control.join("me").display().to_string());
    for (words, expected) in [
        (&["/no/such"][..], "/no/such: no such folder: expected qmail's control folder"),
        (&[&me], &format!("{me}: not a folder: expected qmail's control folder")),
        (&[&control, "--users", "/no/such"], "/no/such: no such folder: expected the one of users/assign"),
        (&[&control, "--tcp-rules", "/no/such"], "/no/such: no such file: expected tcpserver's rules as text"),
        (&[&control, "--run", "/no/such"], "/no/such: no such file: expected the script that starts tcpserver"),
        (&[&control, "--user", "no-such"], "no-such: no such user: expected the one qmail-smtpd runs as"),
    ] {
        let (code, out, err) = tollgate(&[&["lint"], words].concat());
        assert_eq!((code, &*out, err), (exit::USAGE, "", format!("tollgate: {expected}\n")), "{words:?}");
    }
}
