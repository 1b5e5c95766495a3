//! Is each oddity told with its place, and nothing about files that are in order? A row: files, and what is said of them.

mod cdb;
mod tables;

use super::{Place, Reader, lint};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};
use tempfile::TempDir;

/// Files in order: control folder, `users/` beside it, `tcp.smtp` and `run`.
const GOOD: &[(&str, &str)] = &[
    ("control/me", "mx.here.example\n"),
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

/// What is said, without the folder's name.
fn said(place: &Place) -> Vec<String> {
    let root = place.control.parent().expect("a folder").display().to_string();
    lint(place).iter().map(|finding| finding.to_string().replace(&format!("{root}/"), "")).collect()
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    said(&place(folder(files).path()))
}

#[test]
fn files_in_order_are_nothing_to_talk_about() {
    assert_eq!(found(&[]), Vec::<String>::new());
    assert_eq!(
        found(&[("tcp.smtp", "")]),
        ["tcp.smtp: error: has no effect: expected the cdb beside it: run tcprules"]
    );
}

#[test]
fn what_is_missing_is_told() {
    let all = folder(&[]);
    for (name, expected) in [
        (
            "rcpthosts",
            "control/rcpthosts: error: missing: qmail-smtpd takes mail for every domain, an open relay: expected our domains",
        ),
        (
            "me",
            "control/me: error: missing, and smtpgreeting too: qmail-smtpd refuses to run: expected this host's name",
        ),
        ("locals", "control/locals: note: missing: \"mx.here.example\" alone is local"),
    ] {
        let path = all.path().join("control").join(name);
        let content = fs::read(&path).expect("the file");
        fs::remove_file(&path).expect("removed");
        let said = said(&place(all.path()));
        assert!(said.contains(&expected.to_owned()), "{said:#?}");
        fs::write(path, content).expect("a file");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_does_not_hang() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let all = folder(&[]);
    let control = all.path().join("control");
    fs::create_dir(control.join("percenthack")).expect("a folder");
    mknodat(CWD, control.join("envnoathost"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
    fs::File::create(control.join("localiphost")).and_then(|file| file.set_len(1 << 32)).expect("a sparse file");
    let regular = "not a regular file: expected one: expected a regular file that can be read";
    assert_eq!(
        said(&place(all.path())),
        [
            format!("control/envnoathost: error: {regular}"),
            "control/localiphost: error: 4294967296 bytes: expected at most 67108864: expected a regular file that can be read".to_owned(),
            format!("control/percenthack: error: {regular}"),
        ]
    );
}

#[test]
fn rights_of_the_mail_servers_user_are_looked_at() {
    let all = folder(&[]);
    let path = all.path().join("control/badmailfrom");
    let owner = fs::metadata(&path).expect("the file").uid();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    let said_to = |uid, gids: &[u32]| {
        let reader = Some(Reader { name: "qmaild".to_owned(), uid, gids: gids.to_vec() });
        said(&Place { reader, ..place(all.path()) })
    };
    // The folder of temporary files is private: everybody may enter it for this test.
    mode(all.path(), 0o755);
    assert_eq!(said_to(owner + 77, &[]), Vec::<String>::new());
    mode(&path, 0o640);
    let unreadable =
        "control/badmailfrom: error: qmaild may not read it, and qmail-smtpd defers all mail then: expected mode 644";
    assert_eq!(said_to(owner + 77, &[]), [unreadable]);
    assert_eq!(said_to(owner + 77, &[fs::metadata(&path).expect("the file").gid()]), Vec::<String>::new());
    mode(&path, 0o646);
    let writable = "control/badmailfrom: error: everybody may write it: expected its owner alone (chmod o-w)";
    assert_eq!(said_to(owner + 77, &[]), [writable]);
    mode(&path, 0o644);
    mode(&all.path().join("control"), 0o750);
    let closed = said_to(owner + 77, &[]);
    assert!(closed.iter().all(|line| line.contains("qmaild may not enter")) && closed.len() > 5, "{closed:#?}");
    assert_eq!(said_to(0, &[]), Vec::<String>::new());
}

#[test]
fn findings_about_one_file_are_bounded() {
    let files = [("control/badmailfrom", &*"x\0y z\n".repeat(1000))];
    let said = found(&files);
    assert_eq!(said.len(), super::Linter::FINDINGS_MAX + 1, "{:#?}", &said[..5]);
    let names: BTreeSet<&str> = said.iter().map(|line| line.split(':').next().expect("a name")).collect();
    assert_eq!(names.len(), 1);
}
