//! Do we read cdb files as other programs write and read them? Random records, beside tinycdb's `cdb`, the `cdb` crate and
//! `tcprules`.

#![allow(clippy::expect_used, reason = "a test program: what cannot be run or read is a failure")]

use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Stdio},
};
use tollgate::lists::Cdb;

/// Files tried; each costs three processes.
const FILES: u32 = 48;

type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// The form of `cdb -c` and `cdb -d`: `+klen,dlen:key->data`, and an empty line at the end.
fn text<'a>(records: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, data) in records {
        text.extend(format!("+{},{}:", key.len(), data.len()).as_bytes());
        text.extend([key, b"->", data, b"\n"].concat());
    }
    text.extend(b"\n");
    text
}

fn text_of(records: &Records) -> Vec<u8> {
    text(records.iter().map(|(key, data)| (&key[..], &data[..])))
}

fn by_tinycdb(path: &Path, records: &Records) {
    let mut cdb = Command::new("cdb");
    let mut child = cdb.arg("-c").arg(path).stdin(Stdio::piped()).spawn().expect("cdb runs");
    child.stdin.take().expect("its input").write_all(&text_of(records)).expect("it reads");
    assert!(child.wait().expect("it ends").success());
}

fn by_crate(path: &Path, records: &Records) {
    let mut maker = cdb::CDBMake::new(File::create(path).expect("a file")).expect("a writer");
    for (key, data) in records {
        maker.add(key, data).expect("a record");
    }
    maker.finish().expect("tables");
}

/// What `cdb -d` prints, and that `cdb -s` finds nothing wrong.
fn dumped(path: &Path) -> Vec<u8> {
    assert!(Command::new("cdb").arg("-s").arg(path).stdout(Stdio::null()).status().expect("cdb runs").success());
    Command::new("cdb").arg("-d").arg(path).output().expect("cdb runs").stdout
}

fn read(path: &Path) -> Cdb {
    Cdb::new(fs::read(path).expect("the file")).expect("a sound cdb")
}

/// Neither a panic nor more than the file holds, whatever is in it.
fn exercise(octets: Vec<u8>, keys: &Records) {
    let held = octets.len();
    let Ok(cdb) = Cdb::new(octets) else { return };
    assert!(cdb.iter().map(|(key, data)| key.len() + data.len()).sum::<usize>() <= held);
    for (key, _) in keys {
        let _found_or_not = cdb.find(key);
    }
}

fn is_there(program: &str, package: &str) -> bool {
    let there = Command::new(program).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        tollgate_tests::skip::say(program, &format!("{package} is not installed"));
    }
    there
}

fn octets(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..longest), "[a-c@.]{0,3}".prop_map(String::into_bytes)]
}

#[test]
fn files_of_all_writers_are_read_alike_and_damage_never_hurts() {
    if !is_there("cdb", "tinycdb") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (theirs, ours) = (folder.path().join("tinycdb"), folder.path().join("crate"));
    let config = ProptestConfig { cases: FILES, failure_persistence: None, ..ProptestConfig::default() };
    let records = prop::collection::vec((octets(9), octets(40)), 0..80);
    let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9);
    let verdict = proptest::test_runner::TestRunner::new(config).run(
        &(records, flips, any::<prop::sample::Index>()),
        |(records, flips, cut)| {
            by_tinycdb(&theirs, &records);
            by_crate(&ours, &records);
            let mut first: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
            for (key, data) in &records {
                first.entry(key).or_insert(data);
            }
            for path in [&theirs, &ours] {
                let cdb = read(path);
                prop_assert_eq!(&text(cdb.iter()), &text_of(&records));
                prop_assert_eq!(dumped(path), text_of(&records));
                for (key, data) in &first {
                    prop_assert_eq!(cdb.find(key), Some(*data));
                }
                prop_assert_eq!(cdb.find(b"no such key"), None);
            }
            let whole = fs::read(&theirs).expect("the file");
            exercise(whole[..cut.index(whole.len())].to_vec(), &records);
            let mut damaged = whole;
            for (at, value) in flips {
                let at = at.index(damaged.len());
                damaged[at] = value;
            }
            exercise(damaged, &records);
            Ok(())
        },
    );
    verdict.unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn what_tcprules_makes_is_read_as_tinycdb_reads_it() {
    if !is_there("cdb", "tinycdb") || !is_there("tcprules", "ucspi-tcp") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (source, made) = (folder.path().join("rules"), folder.path().join("rules.cdb"));
    let rules =
        "10.0.0.1-9:deny\n=.x.test:allow,A=\"1\",B=\"\"\nme@10.0.0.1:allow\n10.0.0.1:allow\n:allow,RBLSMTPD=\"-no\"\n";
    fs::write(&source, rules).expect("rules");
    let mut tcprules = Command::new("tcprules");
    tcprules.arg(&made).arg(folder.path().join("tmp")).stdin(File::open(source).expect("rules"));
    assert!(tcprules.status().expect("tcprules runs").success());
    let cdb = read(&made);
    assert_eq!(cdb.len(), 13);
    assert_eq!(text(cdb.iter()), dumped(&made));
}
