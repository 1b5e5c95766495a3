//! Does a list's key go to the resolver, and nowhere else?

use super::*;

const KEY: &str = "planted-k3y";
const KEYED: &str = "[[check.rbl.list]]\nzone = \"%{key}.zen.dq.example\"\nkey = \"Planted-K3Y\"\n";

#[test]
fn the_key_goes_to_the_resolver_and_nowhere_else() {
    let check = rbl(KEYED);
    let name = format!("9.2.0.192.{KEY}.zen.dq.example");
    let table =
        [(name.as_str(), RecordType::A, a(&["127.0.0.2"])), (name.as_str(), RecordType::Txt, txt(&[b"listed there"]))];
    let (found, asked) = judge(&*check, &client("192.0.2.9"), &table);
    assert_eq!(lines(&found), ["listed Reject enforce | zen.dq.example 127.0.0.2"]);
    assert_eq!(asked[0], "A 9.2.0.192.[key].zen.dq.example");
    let shown = format!("{found:?} {asked:?} {:?}", check.inspect("lists", &[]));
    assert!(!shown.to_lowercase().contains(KEY), "{shown}");
}

#[test]
fn a_key_may_stand_in_a_file() {
    let scratch = tempfile::tempdir().expect("a folder");
    let path = scratch.path().join("zen.key");
    std::fs::write(&path, format!("{KEY}\nanother line\n")).expect("writes");
    let text = format!("[[check.rbl.list]]\nzone = \"%{{key}}.zen.example\"\nkey_file = \"{}\"\n", path.display());
    let mut questions = Vec::new();
    rbl(&text).needs(Stage::Connect, &client("192.0.2.9"), &Answers::default(), &mut questions);
    let [Question::Dns(question)] = &questions[..] else { panic!("{questions:?}") };
    assert_eq!(question.name.expose(), format!("9.2.0.192.{KEY}.zen.example"));
}

#[test]
fn no_fault_shows_a_key() {
    let list = |rest: &str| format!("[[check.rbl.list]]\n{rest}\n");
    for (text, expected) in [
        (list("zone = \"zen.example\"\nkey = \"planted-k3y\""), "has no place for the key: expected %{key} in it"),
        (list("zone = \"%{key}.zen.example\""), "has a place for a key: expected `key` or `key_file`"),
        (list("zone = \"%{key}.zen.example\"\nkey = \"planted-k3y!\""), "its key included"),
        (list("zone = \"%{key}.zen.example\"\nkey = \"planted-k3y\"\nkey_file = \"x\""), "expected one of them"),
        (list("zone = \"%{key}.zen.example\"\nkey_file = \"nowhere\""), "nowhere: no such file"),
        (list("zone = \"%{key}.zen.example\"\nkey = [\"planted-k3y\"]"), "expected a text in quotes"),
    ] {
        let (_, faults) = build(&text);
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}\n{faults:#?}");
        assert!(!faults.join("\n").contains(KEY), "{faults:#?}");
    }
}
