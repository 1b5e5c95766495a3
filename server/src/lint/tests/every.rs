//! Does some test show each finding? What the source has to say must have been said by one of the tests.

use super::{HEARD, addresses, assign, cdb, files, hosts, single, tcp};
use std::{fs, path::Path};

/// Tests that show findings. One that is not here only makes `every_finding_is_shown` ask for more.
const TESTS: &[fn()] = &[
    super::files_in_order_are_nothing_to_talk_about,
    addresses::recipients,
    addresses::senders,
    addresses::senders_of_ours_dialects_and_other_letters,
    assign::assignments,
    assign::mail_waits_for_a_folder_that_others_may_write,
    cdb::a_cdb_must_be_as_new_as_its_source_and_say_the_same,
    cdb::a_cdb_without_its_source_is_told,
    cdb::keys_in_upper_case_are_never_found,
    cdb::rules_that_only_the_cdb_has_are_told,
    files::a_byte_order_mark_is_told_and_the_rest_is_read,
    files::a_heavy_list_is_felt,
    files::findings_about_one_file_are_bounded,
    files::names_that_qmail_does_not_read,
    files::rights_of_the_mail_servers_user_are_looked_at,
    files::what_cannot_be_read_is_told_and_does_not_hang,
    files::what_is_missing_is_told,
    files::without_locals_and_me_nothing_is_local,
    files::whoever_may_write_a_file_or_its_folder_is_told,
    hosts::an_empty_rcpthosts_takes_no_mail,
    hosts::bounces_of_bounces_must_end_here,
    hosts::domains_that_no_address_has,
    hosts::local_and_virtual_domains,
    hosts::mail_that_is_taken_must_go_somewhere,
    hosts::rcpthosts,
    hosts::routes,
    single::a_greeting_is_enough_to_run,
    single::levels_and_names,
    single::numbers,
    tcp::rules_of_tcpserver,
];

/// The texts for people in a source: its string literals with a blank in them, each as what stands between its `{…}`.
fn texts(source: &str) -> Vec<Vec<String>> {
    let mut texts = Vec::new();
    for line in source.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        // Quotes in a literal, and as a byte, are no ends of literals; a backslash behind a backslash escapes nothing.
        let code = code.replace("b'\"'", "").replace("\\\\", "").replace("\\\"", "\u{1}");
        let parts: Vec<&str> = code.split('"').collect();
        assert!(parts.len() % 2 == 1, "a literal of one line is expected: {line}");
        // Of a, "b", c, "d", e every second is a literal; one behind a `b` is of bytes.
        for pair in parts.chunks_exact(2).filter(|pair| !pair[0].ends_with('b') && pair[1].contains(' ')) {
            let text = pair[1].replace('\u{1}', "\"");
            texts.push(text.split(['{', '}']).step_by(2).map(str::to_owned).collect());
        }
    }
    texts
}

/// Does a line hold all pieces, one behind the other?
fn says(line: &str, pieces: &[String]) -> bool {
    let rest = pieces.iter().try_fold(line, |rest, piece| rest.split_once(piece.as_str()).map(|(_, behind)| behind));
    rest.is_some()
}

#[test]
fn every_finding_is_shown() {
    HEARD.take();
    TESTS.iter().for_each(|test| test());
    let heard = HEARD.take();
    let (mut looked_at, mut not_shown) = (0, Vec::new());
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint")).expect("the folder") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            continue;
        }
        for pieces in texts(&fs::read_to_string(&path).expect("the source")) {
            looked_at += 1;
            if !heard.iter().any(|line| says(line, &pieces)) {
                not_shown.push(format!("{}: {}", path.display(), pieces.join("…")));
            }
        }
    }
    assert!(not_shown.is_empty(), "expected a row for each of these, in a test of TESTS: {not_shown:#?}");
    assert!(looked_at > 80, "only {looked_at} texts found");
}

#[test]
fn texts_are_found_in_a_source() {
    let source = "// \"no remark\"\nlet a = [b'\"', b\"no bytes\", \"word\", \"\\\\\"]; // \"\nsay(\"\\\"{}\\\" is {a:?} wrong\", \"b c\");\n#[cfg(test)]\nsay(\"no test\");\n";
    let source = source.replace(" // \"", "");
    let expected: [&[&str]; 2] = [&["\"", "\" is ", " wrong"], &["b c"]];
    assert_eq!(texts(&source), expected);
    let pieces = expected[0].iter().map(|&piece| piece.to_owned()).collect::<Vec<_>>();
    assert!(says("x: \"a\" is b wrong", &pieces) && !says("x: \"a\" was b wrong", &pieces));
}
