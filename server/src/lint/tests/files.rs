//! Are files told that are missing, cannot be read, may be written by anybody, or are no text?

use super::{Linter, Place, Reader, check, folder, found, place, said, write};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

#[test]
pub(super) fn what_is_missing_is_told() {
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
        ("locals", "control/locals: note: missing: \"here.example\" alone is local"),
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
pub(super) fn without_locals_and_me_nothing_is_local() {
    let all = folder(&[("control/smtpgreeting", "here.example\n")]);
    for name in ["me", "locals"] {
        fs::remove_file(all.path().join("control").join(name)).expect("removed");
    }
    assert!(said(&place(all.path())).contains(&"control/locals: note: missing: nothing is local".to_owned()));
}

#[test]
pub(super) fn what_cannot_be_read_is_told_and_does_not_hang() {
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
pub(super) fn rights_of_the_mail_servers_user_are_looked_at() {
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
    mode(&path, 0o664);
    assert_eq!(said_to(owner + 77, &[]), Vec::<String>::new());
    let virtuals = all.path().join("control/virtualdomains");
    mode(&virtuals, 0o640);
    let patched = "control/virtualdomains: warning: qmaild may not read it, and qmail-smtpd with the realrcptto patch defers all mail then: expected mode 644";
    assert_eq!(said_to(owner + 77, &[]), [patched]);
    mode(&virtuals, 0o644);
    // It is for qmail-remote.
    write(all.path(), &("control/smtproutes", ""));
    mode(&all.path().join("control/smtproutes"), 0o600);
    assert_eq!(said_to(owner + 77, &[]), Vec::<String>::new());
    mode(&all.path().join("control/smtproutes"), 0o644);
    mode(&all.path().join("control"), 0o750);
    let closed = said_to(owner + 77, &[]);
    assert!(closed.iter().all(|line| line.contains("qmaild may not enter")) && closed.len() > 5, "{closed:#?}");
    assert_eq!(said_to(0, &[]), Vec::<String>::new());
}

#[test]
pub(super) fn findings_about_one_file_are_bounded() {
    let files = [("control/badmailfrom", &*"x\0y z\n".repeat(1000))];
    let said = found(&files);
    assert_eq!(said.len(), Linter::FINDINGS_MAX + 1, "{:#?}", &said[..5]);
    let names: BTreeSet<&str> = said.iter().map(|line| line.split(':').next().expect("a name")).collect();
    assert_eq!(names.len(), 1);
}

#[test]
pub(super) fn a_heavy_list_is_felt() {
    let content: String = (0..60_000).map(|number| format!("@spammer-{number}.example\n")).collect();
    let said = found(&[("control/badmailfrom", &content)]);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("bytes, which qmail-smtpd reads for each connection"), "{said:?}");
}

#[test]
pub(super) fn whoever_may_write_a_file_or_its_folder_is_told() {
    let assign = "=ann:ann:1000:1000:/:::\n.\n";
    let all = folder(&[("users/assign", assign), ("tcp.smtp", ":allow\n"), ("control/smtproutes", "")]);
    for name in ["control", "users", "users/assign", "tcp.smtp", "control/smtproutes"] {
        let mode = |mode| fs::set_permissions(all.path().join(name), fs::Permissions::from_mode(mode)).expect("a mode");
        let expected = format!("{name}: error: everybody may write it: expected its owner alone (chmod o-w)");
        assert!(!said(&place(all.path())).contains(&expected), "{name}");
        mode(0o757);
        assert!(said(&place(all.path())).contains(&expected), "{name}");
        mode(0o755);
    }
}

#[test]
pub(super) fn names_that_qmail_does_not_read() {
    for (name, expected) in [
        ("rcpthost", Some("rcpthosts")),
        ("Local", Some("locals")),
        ("virtual-domains", Some("virtualdomains")),
        ("badmailfrom.txt", Some("badmailfrom")),
        ("databytes ", Some("databytes")),
        ("spfbehaviour", Some("spfbehavior")),
        ("rcpthosts~", None),
        ("rcpthosts.bak", None),
        ("badmailto", None),
        ("morercpthosts.old", None),
    ] {
        let said = found(&[(&format!("control/{name}"), "")]);
        let expected = expected
            .map(|known| format!("control/{name}: warning: qmail reads no file of this name: expected {known}"));
        assert_eq!(said, Vec::from_iter(expected));
    }
}

#[test]
pub(super) fn a_byte_order_mark_is_told_and_the_rest_is_read() {
    check(&[
        (
            "control/locals",
            "\u{feff}here.example\nx.example\n",
            &[
                "1: error: begins with a byte order mark, which counts as part of the line: expected none",
                "2: warning: \"x.example\" is not in rcpthosts: its mail is refused from outside: expected it there",
            ],
        ),
        (
            "tcp.smtp",
            "\u{feff}:allow\n",
            &[
                " error: has no effect: expected the cdb beside it: run tcprules",
                "1: error: begins with a byte order mark, which counts as part of the line: expected none",
            ],
        ),
    ]);
}
