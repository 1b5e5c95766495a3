//! Does the folder name nothing of the server outside itself? So it stays fit to become a crate.

use std::{
    fs,
    path::{Path, PathBuf},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ask/spf");
/// Crates it may name besides the standard library.
const CRATES: [&str; 4] = ["idna", "proptest", "saphyr", "tokio"];

/// Its sources, with the depth of their modules below that of the folder.
fn sources(folder: &Path, depth: usize, out: &mut Vec<(PathBuf, usize)>) {
    for entry in fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, depth + 1, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let is_folders_own = path.file_stem().is_some_and(|stem| stem == "mod");
            out.push((path, if is_folders_own { depth } else { depth + 1 }));
        }
    }
}

/// Words and signs of a source without its comments and texts; `::` is one.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = source.chars().peekable();
    let (mut is_in_text, mut is_in_word) = (false, false);
    while let Some(char) = chars.next() {
        let is_word = !is_in_text && (char.is_alphanumeric() || char == '_');
        match (char, tokens.last_mut()) {
            // Of an escaped character the second half means nothing; the same holds for a quote in quotes.
            ('\\', _) => _ = chars.next(),
            ('\'', _) if chars.peek() == Some(&'"') => _ = chars.next(),
            ('"', _) => is_in_text = !is_in_text,
            _ if is_in_text || char.is_whitespace() => {}
            ('/', _) if chars.peek() == Some(&'/') => _ = chars.by_ref().find(|&char| char == '\n'),
            (_, Some(last)) if is_word && is_in_word => last.push(char),
            (':', Some(last)) if last == ":" => last.push(':'),
            _ => tokens.push(char.to_string()),
        }
        is_in_word = is_word;
    }
    tokens
}

/// The longest chain of `super` in a source, less the modules that stand in it around the chain; groups of a `use` go on
/// with what stands before them.
fn leaves(tokens: &[String]) -> isize {
    let (mut longest, mut chain, mut inner) = (0, 0, 0);
    let mut groups: Vec<(isize, bool)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].as_str());
        let base = groups.last().map_or(0, |(base, _)| *base);
        match token.as_str() {
            "super" => {
                chain = if before(1) == "::" { chain + 1 } else { base + 1 };
                longest = longest.max(chain - inner);
            }
            "{" => {
                let is_module = before(2) == "mod";
                inner += isize::from(is_module);
                groups.push((if before(1) == "::" { chain } else { 0 }, is_module));
            }
            "}" => inner -= isize::from(groups.pop().is_some_and(|(_, is_module)| is_module)),
            "::" => {}
            _ => chain = base,
        }
    }
    longest
}

#[test]
fn nothing_of_the_server_is_named() {
    let mut files = Vec::new();
    sources(Path::new(FOLDER), 0, &mut files);
    assert!(files.len() > 20, "{files:?}");
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("the manifest");
    let names = manifest.lines().filter_map(|line| line.split_once(['.', ' ']).map(|(name, _)| name.replace('-', "_")));
    let foreign: Vec<String> = names.filter(|name| !CRATES.contains(&name.as_str())).collect();
    for (file, depth) in files {
        let tokens = tokens(&fs::read_to_string(&file).expect("a source"));
        let file = file.display();
        assert!(leaves(&tokens) <= depth.cast_signed(), "{file} reaches out of the folder by super");
        for pair in tokens.windows(2).filter(|pair| pair[1] == "::") {
            assert!(pair[0] != "crate" && !foreign.contains(&pair[0]), "{file} names {}", pair[0]);
        }
    }
}

#[test]
fn chains_are_followed_into_groups_and_modules() {
    for (source, expected) in [
        ("use super::super::x;", 2),
        ("use super::{super::{super::x, y}, z};", 3),
        ("use super::x; fn f() { super::super::y() }", 2),
        ("mod tests { use super::*; }", 0),
        ("pub(in super::super) fn f() {}", 2),
        ("// super::super::super\nuse self::x; f(\"super::super\", b'\"', '\\'', 'a')", 0),
        ("use super::{a::b, c}; use super::d;", 1),
    ] {
        assert_eq!(leaves(&tokens(source)), expected, "{source}");
    }
}
