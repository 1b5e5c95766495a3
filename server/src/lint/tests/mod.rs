//! Is each oddity told with its place, and nothing about files that are in order? A row: files, and what is said of them.

mod addresses;
mod assign;
mod cdb;
mod every;
mod files;
mod hosts;
mod single;
mod tcp;

use super::{Linter, Place, Reader, lint};
use std::{cell::RefCell, fs, path::Path};
use tempfile::TempDir;

/// Files in order: control folder, `users/` beside it, `tcp.smtp` and `run`.
const GOOD: &[(&str, &str)] = &[
    ("control/me", "here.example\n"),
    ("control/rcpthosts", "# ours\nhere.example\nvirtual.example\n.virtual.example\n"),
    ("control/locals", "localhost\nhere.example\n"),
    (
        "control/virtualdomains",
        "virtual.example:ann-lists\n.virtual.example:ann\nann@elsewhere.example:ann\nold.example:\n",
    ),
    ("control/badmailfrom", "@spam.example\n.spam.example\nu@here.example\n"),
    ("control/badrcptto", "sales@here.example\n@virtual.example\n"),
    ("control/databytes", "20000000\n"),
    ("control/spfbehavior", "3\n"),
];

fn write(folder: &Path, (name, content): &(&str, &str)) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(path, content).expect("a file");
}

fn place(folder: &Path) -> Place {
    let present = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
    Place {
        control: folder.join("control"),
        users: folder.join("users"),
        tcp_rules: present("tcp.smtp"),
        run: present("run"),
        accounts: ["root", "alias", "ann"].map(str::to_owned).into(),
        reader: None,
    }
}

/// A folder of files in order, and these over them.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    GOOD.iter().chain(files).for_each(|file| write(folder.path(), file));
    folder
}

thread_local! {
    /// All that was said in this thread: `every` looks what was not.
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What is said, without the folder's name.
fn said(place: &Place) -> Vec<String> {
    let root = place.control.parent().expect("a folder").display().to_string();
    let said: Vec<String> =
        lint(place).iter().map(|finding| finding.to_string().replace(&format!("{root}/"), "")).collect();
    HEARD.with_borrow_mut(|heard| heard.extend(said.iter().cloned()));
    said
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    said(&place(folder(files).path()))
}

#[test]
pub(super) fn files_in_order_are_nothing_to_talk_about() {
    assert_eq!(found(&[]), Vec::<String>::new());
    assert_eq!(
        found(&[("tcp.smtp", "")]),
        ["tcp.smtp: error: has no effect: expected the cdb beside it: run tcprules"]
    );
}

/// File, its content, and what is said of it (the file's name left out, but of other files).
type Row = (&'static str, &'static str, &'static [&'static str]);

fn check(rows: &[Row]) {
    for (name, content, expected) in rows {
        let whole = |text: &&str| {
            let is_whole = ["control/", "users/"].iter().any(|folder| text.starts_with(folder));
            if is_whole { (*text).to_owned() } else { format!("{name}:{text}") }
        };
        let expected: Vec<String> = expected.iter().map(whole).collect();
        assert_eq!(found(&[(name, content)]), expected, "{name}: {content:?}");
    }
}
