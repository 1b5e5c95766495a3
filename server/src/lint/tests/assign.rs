//! Are assignments told that assign nothing, or otherwise than they look?

use super::found;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
pub(super) fn assignments() {
    let folder = "/";
    let good = format!("=ann:ann:1000:1000:{folder}:::\n+ann-:ann:1000:1000:{folder}:-::\n.\n");
    for (assign, expected) in [
        (good, &[][..]),
        (
            "=ann:ann:1000:1000:/:::\n".to_owned(),
            &["users/assign: error: no line \".\" at its end, and qmail-newu refuses the file: expected one"],
        ),
        (
            "ann:ann:1000:1000:/:::\n:ann:1000:1000:/:::\n\n=a\0b:ann:1000:1000:/:::\nann\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"ann:ann:1000:1000:/:::\" begins neither with = nor with +, and assigns \"nn\": expected =local:… or +prefix:…",
                "users/assign:2: error: \":ann:1000:1000:/:::\": qmail-newu refuses it: expected =local:… or +prefix:…",
                "users/assign:3: error: \"\": qmail-newu refuses it: expected =local:… or +prefix:…",
                "users/assign:4: error: \"=a\\x00b:ann:1000:1000:/:::\": qmail-newu refuses it: expected =local:… or +prefix:…",
                "users/assign:5: error: \"ann\": qmail-newu refuses it: expected =local:… or +prefix:…",
            ],
        ),
        // What stands behind the seventh colon, a CR too, does not count; nor does what the line "." holds else.
        ("=ann:ann:1000:1000:/::: Ann\r\n.\r\n\r\n".to_owned(), &[]),
        ("=ann:ann:1000:1000:/:::\n.".to_owned(), &[]),
        (
            "=ann:ann:1000:1000:/:::\n.\n\n=bob:ann:1000:1000:/:::\n".to_owned(),
            &[
                "users/assign:4: error: \"=bob:ann:1000:1000:/:::\" stands behind the line \".\" and is not read: expected it before",
            ],
        ),
        (
            "=ann:ann:1000:1000:/\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"=ann:ann:1000:1000:/\" has 4 colons: expected 7: =local:user:uid:gid:folder:dash:ext:",
            ],
        ),
        (
            "=ann:ann:0:x:/:::\n.\n".to_owned(),
            &[
                "users/assign:1: error: gid \"x\" is no number: expected one",
                "users/assign:1: error: uid 0: qmail delivers nothing as root: expected another user",
            ],
        ),
        (
            "=ann:bob:1000:1000:home:::\n=Ann:ann:1000:1000:/no/such/folder:::\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"home\" is no folder from the root: expected one such as /home/ann",
                "users/assign:1: warning: \"bob\" is no user of this host: expected one",
                "users/assign:2: warning: \"=Ann:ann:1000:1000:/no/such/folder:::\" is assigned in line 1 already, and that counts",
                "users/assign:2: warning: there is no folder \"/no/such/folder\": its mail is deferred: expected one",
            ],
        ),
        (
            "+ListS:ann:1000:1000:/:-::\n+NEWs:ann:1000:1000:/:-::\n=ListS:ann:1000:1000:/:::\n.\n".to_owned(),
            &[
                "users/assign:1: error: \"+ListS\" can never match, for its last letter is upper case: expected it in lower case",
            ],
        ),
    ] {
        let said = found(&[("users/assign", &assign)]);
        let (no_cdb, rest): (Vec<_>, Vec<_>) = said.into_iter().partition(|line| line.contains("has no effect"));
        assert_eq!((no_cdb.len(), rest), (1, expected.iter().map(|&text| text.to_owned()).collect()), "{assign:?}");
    }
}

#[test]
pub(super) fn a_user_of_a_virtual_domain_may_be_assigned() {
    let said = found(&[
        ("control/virtualdomains", "virtual.example:shop\n.virtual.example:ann\n"),
        ("users/assign", "+shop-:ann:1000:1000:/:-::\n.\n"),
    ]);
    assert_eq!(said, ["users/assign: error: has no effect: expected users/cdb: run qmail-newu"]);
}

#[test]
pub(super) fn mail_waits_for_a_folder_that_others_may_write() {
    let home = tempfile::tempdir().expect("a folder");
    let name = home.path().display().to_string();
    let assign = format!("=ann:ann:1000:1000:{name}:::\n.\n");
    let waits = format!(
        "users/assign:1: error: \"{name}\" is sticky, or everybody may write it: its mail is deferred: expected mode 755"
    );
    for (mode, expected) in [(0o755, None), (0o770, None), (0o757, Some(&waits)), (0o1755, Some(&waits))] {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).expect("a mode");
        let said = found(&[("users/assign", &assign)]);
        let rest: Vec<&String> = said.iter().filter(|line| !line.contains("has no effect")).collect();
        assert_eq!(rest, expected.into_iter().collect::<Vec<_>>(), "{mode:o}");
    }
}
