//! Do `users/assign` and the `users/cdb` made from it give the same addresses to the same users as qmail's own programs do?

use super::*;
use crate::lists::Cdb;
use proptest::prelude::*;

/// A cdb of these records, as the `cdb` crate writes it.
fn made(records: &[(Vec<u8>, Vec<u8>)]) -> Cdb {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mut maker = cdb::CDBMake::new(file.reopen().expect("a second handle")).expect("a writer");
    records.iter().for_each(|(key, value)| maker.add(key, value).expect("added"));
    maker.finish().expect("finished");
    Cdb::new(std::fs::read(file.path()).expect("read")).expect("a cdb")
}

/// `qmail-newu`, transcribed as it goes over the octets of the file; `None` = bad format.
fn newu(content: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut records = Vec::new();
    let (mut rest, mut wildchars) = (content, Vec::new());
    loop {
        let end = rest.iter().position(|&c| c == b'\n');
        let line = &rest[..end.map_or(rest.len(), |at| at + 1)];
        rest = &rest[line.len()..];
        if line.first() == Some(&b'.') {
            break;
        }
        end?;
        if line.contains(&0) {
            return None;
        }
        let i = line.iter().position(|&c| c == b':').filter(|&i| i > 0)?;
        let mut key = b"!".to_vec();
        key.extend_from_slice(&line[1..i]);
        if line[0] != b'+' {
            key.push(0);
        } else if i >= 2 && !wildchars.contains(&line[i - 1]) {
            wildchars.push(line[i - 1]);
        }
        key.make_ascii_lowercase();
        let (mut data, mut colons) = (Vec::new(), 0);
        for &c in &line[i + 1..] {
            colons += usize::from(c == b':');
            if colons == 6 {
                break;
            }
            data.push(if c == b':' { 0 } else { c });
        }
        if colons < 6 {
            return None;
        }
        records.push((key, data));
    }
    records.push((Vec::new(), wildchars));
    Some(records)
}

fn cdb_of(content: &[u8]) -> Cdb {
    made(&newu(content).expect("a file in order"))
}

fn to(by: &str, user: &str, dash: &str, ext: &str) -> Option<Assigned> {
    let octets = |text: &str| text.as_bytes().to_vec();
    let home = octets(&format!("/home/{user}"));
    Some(Assigned::To { by: octets(by), user: octets(user), home, dash: octets(dash), ext: octets(ext) })
}

const ASSIGN: &[u8] = b"\
=Ann:ann:1:2:/home/ann:::
=ann:second:1:2:/home/second:::
+ann-:ann:1:2:/home/ann:-::
+ann-list-:list:1:2:/home/list:-:pre-:beyond:the:seventh
=ann-list-x:exact:1:2:/home/exact:-:x:
+List-X:never:1:2:/home/never:-::
+:rest:1:2:/home/rest:-::
.
what stands here is not read
";

#[test]
fn the_address_beats_the_longest_prefix_and_the_first_line_counts() {
    let assign = Assign::parse(ASSIGN).expect("a file in order");
    for (local, expected) in [
        ("ann", to("=ann", "ann", "", "")),
        ("ANN", to("=ANN", "ann", "", "")),
        ("ann-Foo", to("+ann-", "ann", "-", "Foo")),
        ("ann-list-Foo.Bar", to("+ann-list-", "list", "-", "pre-Foo.Bar")),
        ("Ann-List-X", to("=Ann-List-X", "exact", "-", "x")),
        // The quirk: `X` is kept as it is among the last octets, and `x` is looked for.
        ("list-x", to("+", "rest", "-", "list-x")),
        ("", to("+", "rest", "-", "")),
    ] {
        for users in [&cdb_of(ASSIGN) as &dyn Users, &assign] {
            assert_eq!(assigned(users, local.as_bytes()), Ok(expected.clone()), "{local}");
        }
    }
    assert_eq!(assign.unreachable().collect::<Vec<_>>(), [(6, b"List-X".as_slice())]);
}

#[test]
fn a_letter_that_another_prefix_ends_in_makes_the_quirk_go_away() {
    let text = b"+List-X:x:1:2:/home/x:-::\n+y-x:y:1:2:/home/y:-::\n.\n";
    let assign = Assign::parse(text).expect("a file in order");
    assert_eq!(assigned(&assign, b"list-xa"), Ok(to("+list-x", "x", "-", "a")));
    assert_eq!((assign.unreachable().count(), assigned(&assign, b"z")), (0, Ok(None)));
}

#[test]
fn what_qmail_newu_refuses_is_refused_with_its_line() {
    for (text, line, part) in [
        ("=a:a:1:2:/a:::\n", 2, "a last line"),
        ("=a:a:1:2:/a:::", 1, "cut off"),
        ("=a:a:1:2:/a:::\n=b:b:1:2:/b::\n.\n", 2, "seven colons"),
        (":a:1:2:/a::::\n.\n", 1, "begins with a colon"),
        ("\n.\n", 1, "seven colons"),
        ("=a:a\0:1:2:/a:::\n.\n", 1, "a NUL"),
    ] {
        assert_eq!(newu(text.as_bytes()), None, "{text:?}");
        let error = Assign::parse(text.as_bytes()).expect_err(text);
        assert!(error.line == line && error.wrong.contains(part), "{text:?}: {error}");
    }
    assert!(Assign::parse(b".").is_ok() && newu(b".").is_some());
}

#[test]
fn a_file_that_is_none_of_qmail_newus_is_told_from_one_without_the_address() {
    let short = (b"!short\0".to_vec(), b"ann\x001\x002\0/home/ann\0-".to_vec());
    let cdb = made(std::slice::from_ref(&short));
    assert_eq!(assigned(&cdb, b"short"), Err(UsersError::NoWildcards));
    let cdb = made(&[short, Default::default()]);
    assert_eq!(assigned(&cdb, b"short"), Ok(Some(Assigned::Malformed { by: b"=short".to_vec() })));
    assert_eq!(assigned(&cdb, b"other"), Ok(None));
}

/// Lines that are mostly in order, and anything else.
fn assign_file() -> impl Strategy<Value = Vec<u8>> {
    let address = "[=+x][abAB.-]{0,4}";
    let line = prop_oneof![
        8 => (address, "[a-c]{1,2}", "[-]{0,1}", "[ab-]{0,3}")
            .prop_map(|(address, user, dash, ext)| format!("{address}:{user}:1:2:/home/{user}:{dash}:{ext}:")),
        1 => "[=+:.a\0]{0,12}",
    ];
    let lines = prop::collection::vec(line, 0..12);
    (lines, prop_oneof![5 => Just("\n.\n"), 1 => Just("\n"), 1 => Just("")])
        .prop_map(|(lines, end)| (lines.join("\n") + end).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn text_and_cdb_answer_alike(content in assign_file(), locals in prop::collection::vec("[abcAB.-]{0,6}", 1..20)) {
        let read = Assign::parse(&content);
        match newu(&content) {
            None => prop_assert!(read.is_err(), "{:?}", read),
            Some(records) => {
                let (assign, cdb) = (read.expect("as qmail-newu"), made(&records));
                for local in locals {
                    prop_assert_eq!(assigned(&assign, local.as_bytes()), assigned(&cdb, local.as_bytes()), "{}", local);
                }
                for (key, value) in assign.records() {
                    prop_assert_eq!(cdb.find(key), Some(value));
                }
            }
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(Assign::parse(&content).is_ok(), newu(&content).is_some());
        Passwd::parse(&content);
        let file = Some(content.as_slice());
        let files = ControlFiles { me: file, locals: file, virtualdomains: file, percenthack: file, envnoathost: file };
        let controls = Controls::read(&files);
        prop_assert!(controls.virtualdomains.keys().all(|key| !key.contains(&b':')));
    }
}
