//! Is a cdb that does not fit its source found out?

use super::{Place, folder, place, said};
use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

fn write_cdb(path: &Path, records: &[(&[u8], &[u8])]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    let mut maker = ::cdb::CDBMake::new(File::create(path).expect("a file")).expect("a writer");
    for (key, data) in records {
        maker.add(key, data).expect("a record");
    }
    maker.finish().expect("tables");
}

/// A source, and what its tool would make of it.
struct Made {
    source: &'static str,
    text: &'static str,
    cdb: &'static str,
    records: &'static [(&'static [u8], &'static [u8])],
    tool: &'static str,
    differs: &'static str,
}

const MADE: [Made; 3] = [
    Made {
        source: "control/morercpthosts",
        text: "More.example\n",
        cdb: "control/morercpthosts.cdb",
        records: &[(b"more.example", b"")],
        tool: "qmail-newmrh",
        differs: "1 domains of morercpthosts are not in it: run qmail-newmrh",
    },
    Made {
        source: "users/assign",
        text: "=Ann:ann:1000:1000:/:-:x:\n.\n",
        cdb: "users/cdb",
        records: &[(b"!ann\0", b"ann\x001000\x001000\0/\0-\0x"), (b"", b"")],
        tool: "qmail-newu",
        differs: "1 assignments differ from users/assign: run qmail-newu",
    },
    Made {
        source: "tcp.smtp",
        text: "10.0.0.1-2:deny\n:allow,A=\"1\"\n",
        cdb: "tcp.smtp.cdb",
        records: &[(b"10.0.0.1", b"D\0"), (b"10.0.0.2", b"D\0"), (b"", b"+A=1\0")],
        tool: "tcprules",
        differs: "other rules than tcp.smtp has: run tcprules",
    },
];

#[test]
pub(super) fn a_cdb_must_be_as_new_as_its_source_and_say_the_same() {
    for made in MADE {
        let all = folder(&[(made.source, made.text)]);
        let (source, cdb) = (all.path().join(made.source), all.path().join(made.cdb));
        let said = || said(&place(all.path()));
        let no_cdb = said();
        assert!(no_cdb[0].starts_with(&format!("{}: error: has no effect", made.source)), "{no_cdb:?}");
        write_cdb(&cdb, made.records);
        assert_eq!(said(), Vec::<String>::new());

        let set = |path: &Path, seconds| {
            let file = File::options().write(true).open(path).expect("the file");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).expect("a time");
        };
        set(&source, 2000);
        set(&cdb, 1000);
        let older = format!(
            "{}: error: older than {}: what was changed there has no effect: run {}",
            made.cdb, made.source, made.tool
        );
        assert_eq!(said(), [older]);

        write_cdb(&cdb, &made.records[1..]);
        set(&cdb, 3000);
        assert_eq!(said(), [format!("{}: error: {}", made.cdb, made.differs)]);

        fs::write(&cdb, "no cdb").expect("a file");
        let damaged = "6 bytes: expected a cdb file of at least 2048: expected one that its tool has made";
        assert_eq!(said(), [format!("{}: error: {damaged}", made.cdb)]);
    }
}

#[test]
pub(super) fn rules_that_only_the_cdb_has_are_told() {
    let all = folder(&[("tcp.smtp", ":allow\n")]);
    write_cdb(&all.path().join("tcp.smtp.cdb"), &[(b"", b""), (b"62.", b"+RELAYCLIENT=\0")]);
    assert_eq!(said(&place(all.path())), ["tcp.smtp.cdb: error: other rules than tcp.smtp has: run tcprules"]);
}

#[test]
pub(super) fn keys_in_upper_case_are_never_found() {
    let all = folder(&[]);
    write_cdb(&all.path().join("control/morercpthosts.cdb"), &[(b"More.example", b"")]);
    let expected = "control/morercpthosts.cdb: error: \"More.example\" is never found, for keys are in lower case: expected it made by qmail-newmrh";
    assert_eq!(said(&place(all.path())), [expected]);
    fs::remove_file(all.path().join("control/rcpthosts")).expect("removed");
    let said = said(&place(all.path()));
    assert!(said[0].contains("has no effect without rcpthosts"), "{said:?}");
}

#[test]
pub(super) fn a_cdb_without_its_source_is_told() {
    let all = folder(&[]);
    write_cdb(&all.path().join("tcp.smtp.cdb"), &[(b"", b"")]);
    write_cdb(&all.path().join("users/cdb"), &[(b"", b"")]);
    // The domains of a cdb alone count: there is no more to know about them.
    write_cdb(&all.path().join("control/morercpthosts.cdb"), &[(b"x.example", b"")]);
    let place = Place { tcp_rules: Some(all.path().join("tcp.smtp")), ..place(all.path()) };
    assert_eq!(
        said(&place),
        [
            "tcp.smtp: note: missing, but there is a cdb beside it: what it holds cannot be looked at",
            "users/assign: note: missing, but there is a users/cdb: what it holds cannot be looked at",
        ]
    );
}
