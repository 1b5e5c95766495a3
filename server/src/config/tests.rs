//! Does the reader tell every mistake, once, at its line?

use super::{Kind, Section};
use crate::config::{Document, Fault, Field, Tables};
use crate::mode::Mode;
use std::cell::RefCell;

static FIELDS: &[Field] = &[
    Field { name: "on", kind: Kind::Bool(true), doc: "" },
    Field { name: "weight", kind: Kind::Integer { default: 5, min: 1, max: 10 }, doc: "" },
    Field { name: "zone", kind: Kind::Text("z.example"), doc: "" },
    Field { name: "how", kind: Kind::Choice(&["plain", "fancy"]), doc: "" },
    Field { name: "mode", kind: Kind::Mode("soft"), doc: "" },
    Field { name: "file", kind: Kind::Path(""), doc: "" },
    Field { name: "names", kind: Kind::Texts(&["a"]), doc: "" },
    Field { name: "nets", kind: Kind::Networks(&["192.0.2.0/24"]), doc: "" },
    Field { name: "reply", kind: Kind::TextMap, doc: "" },
];
static TABLES: Tables = &[("list", FIELDS), ("resolver.NAME", FIELDS)];

/// Reads `[check.x]` with everything that may stand there, and returns the faults as an author sees them.
fn faults_of(text: &str) -> Vec<String> {
    let faults = RefCell::new(Vec::new());
    match Document::parse("t.toml", text) {
        Err(found) => faults.borrow_mut().extend(found),
        Ok(document) => {
            let section = Section::new(&document, "check.x", &[FIELDS], TABLES, &faults);
            read_all(&section);
            section.tables("list").iter().for_each(read_all);
            section.named_tables("resolver").iter().for_each(|(_, table)| read_all(table));
        }
    }
    Fault::sorted(faults.into_inner()).iter().map(Fault::to_string).collect()
}

fn read_all(section: &Section<'_>) {
    let _ = (section.bool("on"), section.integer("weight"), section.text("zone"), section.choice("how"));
    let _ = (section.mode("mode"), section.path("file"), section.texts("names"), section.networks("nets"));
    section.text_map("reply");
}

#[test]
fn a_missing_section_reads_as_its_defaults() {
    let (document, faults) = (Document::default(), RefCell::new(Vec::new()));
    let section = Section::new(&document, "check.x", &[FIELDS], TABLES, &faults);
    assert!(section.bool("on") && !section.is_set("on"));
    assert_eq!((section.integer("weight"), section.text("zone")), (5, "z.example".to_owned()));
    assert_eq!((section.choice("how"), section.mode("mode")), ("plain", Mode::Soft));
    assert_eq!((section.path("file"), section.texts("names")), (None, vec!["a".to_owned()]));
    assert_eq!(section.networks("nets"), ["192.0.2.0/24".parse().expect("a network")]);
    assert!(section.text_map("reply").is_empty() && section.tables("list").is_empty());
    assert!(section.named_tables("resolver").is_empty() && faults.borrow().is_empty());
}

#[test]
fn written_values_are_read() {
    let text = "[check.x]\non = false\nweight = 0x0a\nzone = \"b\"\nhow = \"fancy\"\nmode = \"off\"\nfile = \"l/f\"\n\
                names = []\nnets = [\"::1\"]\nreply = { a = \"1\" }\n[[check.x.list]]\nzone = \"l0\"\n\
                [[check.x.list]]\nzone = \"l1\"\n[check.x.resolver.z]\nzone = \"r0\"\n[check.x.resolver.a]\n";
    let document = Document::parse("/etc/t/t.toml", text).expect("a document");
    let faults = RefCell::new(Vec::new());
    let section = Section::new(&document, "check.x", &[FIELDS], TABLES, &faults);
    assert!(!section.bool("on") && section.is_set("on"));
    assert_eq!((section.integer("weight"), section.text("zone")), (10, "b".to_owned()));
    assert_eq!((section.choice("how"), section.mode("mode")), ("fancy", Mode::Off));
    assert_eq!((section.path("file"), section.texts("names")), (Some("/etc/t/l/f".into()), vec![]));
    assert_eq!(section.networks("nets"), ["::1".parse().expect("a network")]);
    assert_eq!(section.text_map("reply"), [("a".to_owned(), "1".to_owned())]);
    let zones: Vec<_> = section.tables("list").iter().map(|list| list.text("zone")).collect();
    assert_eq!(zones, ["l0", "l1"]);
    let named = section.named_tables("resolver");
    let names: Vec<_> = named.iter().map(|(name, table)| (name.as_str(), table.text("zone"))).collect();
    assert_eq!(names, [("z", "r0".to_owned()), ("a", "z.example".to_owned())], "in file order");
    assert_eq!(*faults.borrow(), []);
}

#[test]
fn all_faults_come_at_once_with_their_lines() {
    let text = "[check.x]\non = 1\nweight = 11\nzone = 2\nhow = \"plan\"\nmode = \"on\"\nfile = true\nnames = [\"a\",\n3]\n\
                nets = [\n\"192.0.2.1/24\"]\nreply = { a = 1 }\n";
    assert_eq!(
        faults_of(text),
        [
            "t.toml:2: [check.x] on = 1: expected true or false",
            "t.toml:3: [check.x] weight = 11: expected 1 to 10",
            "t.toml:4: [check.x] zone = 2: expected a text in quotes",
            "t.toml:5: [check.x] how = \"plan\": expected plain, fancy",
            "t.toml:6: [check.x] mode = \"on\": expected enforce, soft, monitor or off",
            "t.toml:7: [check.x] file = true: expected a text in quotes",
            "t.toml:9: [check.x] names holds a number: expected a text in quotes",
            "t.toml:11: [check.x] nets: \"192.0.2.1/24\" has host bits set: expected 192.0.2.0/24",
            "t.toml:12: [check.x.reply] a: a number: expected a text in quotes",
        ]
    );
}

#[test]
fn misspelt_and_unknown_keys_are_faults() {
    assert_eq!(
        faults_of("[check.x]\nwieght = 1\n"),
        ["t.toml:2: [check.x] wieght: unknown key: did you mean \"weight\"?"]
    );
    assert_eq!(
        faults_of("[check.x]\nsomething = 1\n"),
        [
            "t.toml:2: [check.x] something: unknown key: expected on, weight, zone, how, mode, file, names, nets, reply, \
             list, resolver"
        ]
    );
    assert_eq!(
        faults_of("[[check.x.list]]\nzoen = \"\"\n"),
        ["t.toml:2: [check.x.list] zoen: unknown key: did you mean \"zone\"?"]
    );
    assert_eq!(
        faults_of("[check.x.resolver.a]\nzoen = \"\"\n"),
        ["t.toml:2: [check.x.resolver.a] zoen: unknown key: did you mean \"zone\"?"]
    );
}

#[test]
fn a_section_of_another_shape_is_one_fault() {
    assert_eq!(faults_of("check = 1\n"), ["t.toml:1: check is a number: expected a table [check]"]);
    assert_eq!(faults_of("[[check.x]]\n"), ["t.toml:1: check.x is a list: expected a table [check.x]"]);
    assert_eq!(
        faults_of("[check.x]\nlist = 1\n"),
        ["t.toml:2: [check.x] list is a number: expected [[check.x.list]] tables"]
    );
    assert_eq!(
        faults_of("[check.x]\nresolver = 1\n"),
        ["t.toml:2: [check.x] resolver is a number: expected [check.x.resolver.NAME] tables"]
    );
    assert_eq!(faults_of("[check.x]\nlist = [1]\n"), ["t.toml:2: check.x.list is a number: expected a table"]);
}

#[test]
fn limits_are_told_and_hold() {
    let long = "x".repeat(Section::TEXT_OCTETS_MAX + 1);
    assert_eq!(
        faults_of(&format!("[check.x]\nzone = \"{long}\"\n")),
        ["t.toml:2: [check.x] zone = 1025 bytes: expected at most 1024"]
    );
    assert_eq!(
        faults_of(&format!("[check.x]\nnames = [\"{long}\"]\n")),
        ["t.toml:2: [check.x] names holds a text of 1025 bytes: expected at most 1024"]
    );
    let many = "\"a\",".repeat(Section::ITEMS_MAX + 1);
    assert_eq!(
        faults_of(&format!("[check.x]\nnames = [{many}]\n")),
        ["t.toml:2: [check.x] names: 10001 items: expected at most 10000"]
    );
    let tables = "[[check.x.list]]\nweight = 0\n".repeat(Section::FAULTS_MAX + 1);
    assert_eq!(faults_of(&tables).len(), Section::FAULTS_MAX);
    assert_eq!(
        faults_of("[check.x]\nweight = 99999999999999999999\n"),
        ["t.toml:2: [check.x] weight is a number beyond 64 bits: expected a whole number, 1 to 10"]
    );
}

#[test]
fn syntax_errors_have_lines_and_stay_on_one_line() {
    for text in ["[check.x\n", "[check.x]\non = \n", "a = 1\na = 2\n", "\u{0}", "x = \"\n\"\n"] {
        let faults = faults_of(text);
        assert!(!faults.is_empty(), "{text:?}");
        assert!(faults.iter().all(|fault| fault.starts_with("t.toml:") && !fault.contains('\n')), "{faults:?}");
    }
    assert_eq!(faults_of("a = 1\na = 2\n"), ["t.toml:2: duplicate key"]);
}

#[test]
fn a_fault_shows_hostile_text_escaped() {
    assert_eq!(
        faults_of("[check.x]\nhow = \"a\\n\\u001b[31m\"\n"),
        ["t.toml:2: [check.x] how = \"a\\n\\u{1b}[31m\": expected plain, fancy"]
    );
}

#[test]
fn a_key_with_control_characters_stays_on_one_line() {
    assert_eq!(
        faults_of("[check.x]\n\"on\\n\" = 1\n\"\\u001b\" = 2\n"),
        [
            "t.toml:2: [check.x] on\\n: unknown key: did you mean \"on\"?",
            "t.toml:3: [check.x] \\u{1b}: unknown key: expected on, weight, zone, how, mode, file, names, nets, reply, \
             list, resolver",
        ]
    );
}
