//! Do the pages name only places that exist? Whoever moves a file hears of the pages that still name its old place.

#![allow(clippy::expect_used, reason = "a test program: what cannot be read is a failure")]

use std::{collections::BTreeSet, fs, path::PathBuf};
use tollgate_tests::program;

/// README, ARCHITECTURE and everything in docs/, as far as they are there.
fn pages() -> Vec<PathBuf> {
    let root = program::root();
    let docs = fs::read_dir(root.join("docs")).into_iter().flatten().flatten().map(|entry| entry.path());
    let pages = [root.join("README.md"), root.join("ARCHITECTURE.md")].into_iter().chain(docs);
    pages.filter(|path| path.is_file() && path.extension().is_some_and(|name| name == "md")).collect()
}

/// Folders and files at the top whose names begin a path of the repository.
fn tops() -> BTreeSet<String> {
    let entries = fs::read_dir(program::root()).expect("the root can be listed").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !["target", ".git"].contains(&name.as_str())).collect()
}

/// Words that begin with a folder of the root, as in `server/src/lib.rs`, `docs/` or `proto/tollgate/v1/*.proto`.
fn paths(text: &str, tops: &BTreeSet<String>) -> BTreeSet<String> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "/._-*{},".contains(char);
    let words = text.split(|char| !is_part(char)).map(|word| word.trim_end_matches(['.', ',', '}', '{']));
    let of_tree = |word: &&str| word.split_once('/').is_some_and(|(top, _)| tops.contains(top));
    words.filter(of_tree).flat_map(|word| expanded(&closed(word))).collect()
}

/// The brace that ends a word belongs to it if it was opened there.
fn closed(word: &str) -> String {
    if word.contains('{') && !word.contains('}') { format!("{word}}}") } else { word.to_owned() }
}

/// `a/{b,c}.d` names `a/b.d` and `a/c.d`.
fn expanded(word: &str) -> Vec<String> {
    match word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (inner, after))) => inner.split(',').map(|part| format!("{before}{part}{after}")).collect(),
        None => vec![word.to_owned()],
    }
}

/// A path is there; one with a star is there if anything fits it.
fn exists(path: &str) -> bool {
    let Some((before, after)) = path.split_once('*') else { return program::root().join(path).exists() };
    let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
    let end = after.trim_start_matches('*');
    fs::read_dir(program::root().join(folder)).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(start) && (end.contains('/') || name.ends_with(end))
    })
}

/// Files that a page tells its reader to write: they stand behind the language of a code block.
fn to_be_written(text: &str) -> BTreeSet<String> {
    let infos = text.lines().filter_map(|line| line.strip_prefix("```")?.split_once(' '));
    infos.filter(|(language, _)| *language != "diff").map(|(_, file)| file.to_owned()).collect()
}

#[test]
fn every_path_that_a_page_names_exists() {
    let tops = tops();
    let mut missing = Vec::new();
    let mut named = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page in UTF-8");
        let written = to_be_written(&text);
        for path in paths(&text, &tops).difference(&written) {
            named += 1;
            if !exists(path) {
                missing.push(format!("{}: {path}", page.strip_prefix(program::root()).unwrap_or(&page).display()));
            }
        }
    }
    assert!(named > 20, "the pages name {named} paths: is the search broken?");
    assert!(missing.is_empty(), "named and not there:\n{}", missing.join("\n"));
}

#[test]
fn paths_are_found_as_people_write_them() {
    let tops = BTreeSet::from(["server".to_owned(), "docs".to_owned()]);
    let text = "See `server/src/lib.rs`, (docs/flow.md). server/src/{a,b}.rs: not /etc/server/x, target/x; \
                docs/*.md\nserver/src/checks/. http://docs.rs/x";
    let found: Vec<String> = paths(text, &tops).into_iter().collect();
    let expected =
        ["docs/*.md", "docs/flow.md", "server/src/a.rs", "server/src/b.rs", "server/src/checks/", "server/src/lib.rs"];
    assert_eq!(found, expected);
    assert!(exists("docs/*.md") && exists("server/src/*.rs") && !exists("server/src/*.toml") && !exists("docs/none"));
}
