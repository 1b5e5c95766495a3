//! What becomes of a list whose folder goes away, and what is an administrator told? (What the check says in a session:
//! `tests/cases/ezmlm.toml`.)

use crate::{
    config::{Document, Fault},
    files::Files,
    pipeline::Policy,
};
use std::{fs, path::Path};

fn build(folder: &Path, lists: &str, before: Option<&Policy>) -> Result<Policy, Vec<String>> {
    let file = folder.join("tollgate.toml").display().to_string();
    let document = Document::parse(&file, &format!("[policy]\ncontrol = \"control\"\n{lists}")).expect("TOML");
    let files = before.map_or_else(Files::default, |before| Files::after(before.files(), false));
    Policy::build_from(&document, 1, files).map_err(|faults| faults.iter().map(Fault::to_string).collect())
}

fn post(policy: &Policy, args: &[&str]) -> Result<String, String> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let rows = policy.check("ezmlm").expect("the check").inspect("post", &args)?;
    Ok(rows.rows.iter().flatten().cloned().collect::<Vec<_>>().join(" "))
}

const SUBSCRIBERS: &str =
    "[[check.ezmlm.list]]\naddress = \"list@here.example\"\ndir = \"list\"\nsubscribers_only = true\n";
const DENIED: &str = "[[check.ezmlm.list]]\naddress = \"list@here.example\"\ndir = \"list\"\ndeny = true\n";

/// A list with one subscriber.
fn list() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("list/subscribers")).expect("a folder");
    fs::write(folder.path().join("list/subscribers/S"), "Tjoe@example.org\0").expect("written");
    folder
}

#[test]
fn people_who_are_known_outlive_the_folder_and_a_start_needs_it() {
    let folder = list();
    let before = build(folder.path(), SUBSCRIBERS, None).map_err(|faults| faults.join("\n")).expect("in order");
    fs::rename(folder.path().join("list/subscribers"), folder.path().join("list/moved")).expect("renamed");
    let after = build(folder.path(), SUBSCRIBERS, Some(&before)).map_err(|faults| faults.join("\n")).expect("kept");
    for (sender, expected) in [("joe@example.org", "may post"), ("eve@there.example", "no_subscriber")] {
        let said = post(&after, &[sender, "list@here.example"]).expect("rows");
        assert!(said.contains(expected), "{said}");
    }
    let faults = build(folder.path(), SUBSCRIBERS, None).err().expect("a fault").join("\n");
    assert!(faults.contains("no folder `subscribers` in it"), "{faults}");
}

#[test]
fn subscribers_that_were_never_read_are_not_known_by_those_who_are_denied() {
    let folder = list();
    let before = build(folder.path(), DENIED, None).map_err(|faults| faults.join("\n")).expect("in order");
    fs::write(folder.path().join("list/lock"), "").expect("written");
    fs::rename(folder.path().join("list/subscribers"), folder.path().join("list/moved")).expect("renamed");
    let faults = build(folder.path(), SUBSCRIBERS, Some(&before)).err().expect("a fault").join("\n");
    assert!(faults.contains("no folder `subscribers` in it"), "{faults}");
    assert!(build(folder.path(), DENIED, Some(&before)).is_ok());
}

#[test]
fn only_lists_that_are_configured_are_told_of() {
    let folder = list();
    let policy = build(folder.path(), SUBSCRIBERS, None).map_err(|faults| faults.join("\n")).expect("in order");
    for (args, expected) in [
        (["Joe@example.org", "LIST@here.example"], Ok("Joe@example.org LIST@here.example may post S")),
        (["eve@there.example", "list@here.example"], Ok("eve@there.example list@here.example no_subscriber l")),
        (
            ["joe@example.org", "other@here.example"],
            Err("no list other@here.example is configured: expected one of [[check.ezmlm.list]]"),
        ),
        (
            ["joe@example.org", "list-owner@here.example"],
            Err("list-owner@here.example takes no posts: it is the owner address of list@here.example"),
        ),
    ] {
        let said = post(&policy, &args);
        assert_eq!(said.as_ref().map(String::as_str).map_err(String::as_str), expected);
    }
}
