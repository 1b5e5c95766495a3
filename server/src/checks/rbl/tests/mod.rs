//! Rules of the check over tables of answers: no DNS, no engine.

mod health;
mod keys;
mod names;
mod order;
mod sums;

use super::*;
use crate::{
    ask::{Answer, Answered, DnsAnswer, DnsQuestion, Failure, ListId, Record, RecordType, Upstream},
    clock::Clock,
    config::{Build, Document, Section},
    session::Connection,
};
use std::{cell::RefCell, path::Path, time::Duration};

fn build(text: &str) -> (Box<dyn Check>, Vec<String>) {
    let document = Document::parse("t.toml", text).expect("TOML");
    let faults = RefCell::default();
    let section = Section::new(&document, "check.rbl", &[DEF.fields], DEF.tables, &faults);
    let (resolvers, mut files) = (["paid".to_owned()], Default::default());
    let control = Path::new("/nonexistent");
    let mut build = Build {
        check: DEF.name,
        mode: Mode::Enforce,
        control,
        resolvers: &resolvers,
        domains: &[],
        own_addresses: &[],
        defer_at: i64::MAX,
        files: &mut files,
        dns_lists: &mut Vec::new(),
        settled: &mut Default::default(),
    };
    let check = (DEF.build)(&section, &mut build);
    let faults = faults.borrow().iter().map(ToString::to_string).collect();
    (check, faults)
}

fn rbl(text: &str) -> Box<dyn Check> {
    let (check, faults) = build(text);
    assert_eq!(faults, Vec::<String>::new());
    check
}

fn client(ip: &str) -> Facts {
    let connection = Connection { client_ip: Some(ip.parse().expect("an address")), ..Connection::default() };
    Facts { connection, ..Facts::default() }
}

fn a(codes: &[&str]) -> DnsAnswer {
    DnsAnswer::Found(codes.iter().map(|code| Record::A(code.parse().expect("an address"))).collect())
}

fn txt(texts: &[&[u8]]) -> DnsAnswer {
    DnsAnswer::Found(texts.iter().map(|&text| Record::Txt(text.into())).collect())
}

fn failed() -> DnsAnswer {
    DnsAnswer::Failed(Failure::Servfail)
}

/// Asks and answers from the table until nothing new is asked, as the engine does. What is not in the table does not
/// exist. Gives the findings as lines and the names asked for.
fn judge(check: &dyn Check, facts: &Facts, table: &[(&str, RecordType, DnsAnswer)]) -> (Vec<Finding>, Vec<String>) {
    let (mut answers, mut asked) = (Answers::default(), Vec::new());
    for _round in 0..4 {
        let mut questions = Vec::new();
        check.needs(Stage::Connect, facts, &answers, &mut questions);
        questions.retain(|question| answers.get(question).is_none());
        for question in questions {
            let Question::Dns(dns) = &question else { continue };
            let known = table.iter().find(|(name, kind, _)| *name == dns.name.expose() && *kind == dns.kind);
            let answer = known.map_or(DnsAnswer::NotFound, |(_, _, answer)| answer.clone());
            asked.push(question.to_string());
            answers.insert(question, answered(answer));
        }
    }
    let mut found = Vec::new();
    check.decide(Stage::Connect, facts, &answers, Clock::manual(1_000).now(), &mut found);
    (found, asked)
}

fn answered(answer: DnsAnswer) -> Answered {
    Answered { answer: Answer::Dns(answer), ..Answered::failed(Failure::Timeout, Duration::ZERO) }
}

fn lines(found: &[Finding]) -> Vec<String> {
    let line = |f: &Finding| format!("{} {:?} {} | {}", DEF.rules[f.rule].name, f.outcome, f.mode, f.detail);
    found.iter().map(line).collect()
}

fn var<'a>(finding: &'a Finding, name: &str) -> &'a str {
    finding.vars.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

const ONE: &str = "[[check.rbl.list]]\nzone = \"bl.example\"\n";
const NAME: &str = "9.2.0.192.bl.example";

#[test]
fn a_listing_rejects_with_the_lists_text() {
    let table = [(NAME, RecordType::A, a(&["127.0.0.2"])), (NAME, RecordType::Txt, txt(&[b"see http://x\x07"]))];
    let (found, asked) = judge(&*rbl(ONE), &client("192.0.2.9"), &table);
    assert_eq!(lines(&found), ["listed Reject enforce | bl.example 127.0.0.2"]);
    assert_eq!(asked, [format!("A {NAME}"), format!("TXT {NAME}")]);
    assert_eq!((var(&found[0], "txt"), var(&found[0], "because")), ("see http://x?", ": see http://x?"));
    assert_eq!((var(&found[0], "code"), var(&found[0], "list")), ("127.0.0.2", "bl.example"));
}

#[test]
fn the_text_is_asked_for_only_where_something_is_listed() {
    let (found, asked) = judge(&*rbl(ONE), &client("192.0.2.9"), &[]);
    assert_eq!((found.len(), asked), (0, vec![format!("A {NAME}")]));
    let silent = format!("{ONE}query = \"a\"\n");
    let (found, asked) = judge(&*rbl(&silent), &client("192.0.2.9"), &[(NAME, RecordType::A, a(&["127.0.0.2"]))]);
    assert_eq!(asked, [format!("A {NAME}")]);
    assert_eq!(var(&found[0], "because"), "");
}

#[test]
fn failed_is_neither_listed_nor_clean() {
    let table = [(NAME, RecordType::A, failed())];
    assert_eq!(lines(&judge(&*rbl(ONE), &client("192.0.2.9"), &table).0), Vec::<String>::new());
    let strict = "[check.rbl]\ndefer_after_error = true\n[[check.rbl.list]]\nzone = \"bl.example\"\n\
                  [[check.rbl.list]]\nzone = \"two.example\"\n";
    let table = [table[0].clone(), ("9.2.0.192.two.example", RecordType::A, a(&["127.0.0.3"]))];
    assert_eq!(
        lines(&judge(&*rbl(strict), &client("192.0.2.9"), &table).0),
        ["listed Defer enforce | two.example 127.0.0.3"]
    );
    let easy = strict.replace("true", "false");
    assert_eq!(
        lines(&judge(&*rbl(&easy), &client("192.0.2.9"), &table).0),
        ["listed Reject enforce | two.example 127.0.0.3"]
    );
}

#[test]
fn only_an_earlier_list_that_counts_softens_a_later_refusal() {
    let two = |first: &str, second: &str| {
        format!(
            "[check.rbl]\ndefer_after_error = true\n[[check.rbl.list]]\nzone = \"bl.example\"\n{first}\
             [[check.rbl.list]]\nzone = \"two.example\"\n{second}"
        )
    };
    let on_trial = [(NAME, RecordType::A, failed()), ("9.2.0.192.two.example", RecordType::A, a(&["127.0.0.3"]))];
    assert_eq!(
        lines(&judge(&*rbl(&two("mode = \"monitor\"\n", "")), &client("192.0.2.9"), &on_trial).0),
        ["listed Reject enforce | two.example 127.0.0.3"]
    );
    let later = [(NAME, RecordType::A, a(&["127.0.0.2"])), ("9.2.0.192.two.example", RecordType::A, failed())];
    assert_eq!(
        lines(&judge(&*rbl(&two("", "")), &client("192.0.2.9"), &later).0),
        ["listed Reject enforce | bl.example 127.0.0.2"]
    );
}

#[test]
fn refusals_and_wildcards_are_never_listings() {
    for codes in [
        &["127.255.255.254"][..],
        &["127.0.0.1"],
        &["192.0.2.1"],
        &["127.0.1.255"],
        &["127.0.0.255"],
        &["127.0.0.2", "127.255.255.254"],
        &["127.0.0.2", "10.0.0.1"],
    ] {
        let table = [(NAME, RecordType::A, a(codes))];
        let (found, asked) = judge(&*rbl(ONE), &client("192.0.2.9"), &table);
        assert_eq!((lines(&found), asked.len()), (vec![], 1), "{codes:?}");
    }
}

#[test]
fn codes_choose_and_mean_different_things() {
    let text = "[[check.rbl.list]]\nzone = \"bl.example\"\nname = \"bl\"\ncodes = [\"127.0.0.9\"]\n\
                [[check.rbl.code]]\nlist = \"bl\"\ncodes = [\"127.0.0.2-3\"]\nlabel = \"sbl\"\n\
                [[check.rbl.code]]\nlist = \"bl\"\ncodes = [\"127.0.0.0/24 mask 8\"]\nlabel = \"dial\"\n\
                action = \"score\"\nweight = 4\nmode = \"monitor\"\n\
                [[check.rbl.code]]\nlist = \"bl\"\ncodes = [\"127.0.0.4\"]\nmode = \"off\"\n";
    let judged =
        |codes: &[&str]| lines(&judge(&*rbl(text), &client("192.0.2.9"), &[(NAME, RecordType::A, a(codes))]).0);
    assert_eq!(judged(&["127.0.0.3", "127.0.0.2"]), ["listed Reject enforce | bl 127.0.0.2,127.0.0.3 sbl"]);
    // 127.0.0.9 has bit 8: it means dial-up, and is not counted again as the list's own code.
    assert_eq!(judged(&["127.0.0.9"]), ["scored Score(4) monitor | bl 127.0.0.9 dial"]);
    assert_eq!(
        judged(&["127.0.0.10", "127.0.0.2"]),
        ["listed Reject enforce | bl 127.0.0.2 sbl", "scored Score(4) monitor | bl 127.0.0.10 dial"]
    );
    assert_eq!(judged(&["127.0.0.4"]), Vec::<String>::new());
    assert_eq!(judged(&["127.0.0.5"]), Vec::<String>::new());
}

#[test]
fn an_allowing_list_covers_the_lists_after_it() {
    let lists = |first: &str, second: &str| {
        let list = |zone: &str, rest: &str| format!("[[check.rbl.list]]\nzone = \"{zone}.example\"\n{rest}");
        list("one", first) + &list("two", second)
    };
    let table = [
        ("9.2.0.192.one.example", RecordType::A, a(&["127.0.0.2"])),
        ("9.2.0.192.two.example", RecordType::A, a(&["127.0.0.3"])),
    ];
    let judged = |first: &str, second: &str| {
        let (found, asked) = judge(&*rbl(&lists(first, second)), &client("192.0.2.9"), &table);
        (lines(&found), asked.len())
    };
    let allow = "action = \"allow\"\n";
    assert_eq!(judged(allow, "").0, ["allowed Allow enforce | one.example 127.0.0.2"]);
    assert_eq!(judged("", allow).0, ["listed Reject enforce | one.example 127.0.0.2"]);
    // On trial it changes nothing, and both are asked whatever the first says. Texts explain refusals only.
    let trial = judged(&format!("{allow}mode = \"monitor\"\n"), "");
    let both = ["allowed Allow monitor | one.example 127.0.0.2", "listed Reject enforce | two.example 127.0.0.3"];
    assert_eq!(trial, (both.map(str::to_owned).to_vec(), 3));
}

#[test]
fn weights_add_and_may_be_negative() {
    let text = "[[check.rbl.list]]\nzone = \"one.example\"\naction = \"score\"\nweight = 7\n\
                [[check.rbl.list]]\nzone = \"two.example\"\naction = \"score\"\nweight = -3\nmode = \"soft\"\n";
    let table = [
        ("9.2.0.192.one.example", RecordType::A, a(&["127.0.0.2"])),
        ("9.2.0.192.two.example", RecordType::A, a(&["127.0.0.3"])),
    ];
    assert_eq!(
        lines(&judge(&*rbl(text), &client("192.0.2.9"), &table).0),
        ["scored Score(7) enforce | one.example 127.0.0.2", "scored Score(-3) soft | two.example 127.0.0.3"]
    );
}

#[test]
fn rblsmtpds_way_any_txt_lists_and_is_the_reply() {
    let text = "[check.rbl]\nreplies = \"rblsmtpd\"\n[[check.rbl.list]]\nzone = \"bl.example\"\nquery = \"txt\"\n";
    let long = [b'y'; 300];
    let table = [(NAME, RecordType::Txt, txt(&[b"second rr\xff", b"Listed one", &long]))];
    let (found, asked) = judge(&*rbl(text), &client("192.0.2.9"), &table);
    assert_eq!(lines(&found), ["listed_plain Reject enforce | bl.example"]);
    let expected = format!("Listed onesecond rr?{}", "y".repeat(180));
    assert_eq!((var(&found[0], "txt"), asked), (&*expected, vec![format!("TXT {NAME}")]));
    let (found, _) = judge(&*rbl(text), &client("192.0.2.9"), &[(NAME, RecordType::Txt, txt(&[b""]))]);
    assert_eq!(lines(&found), ["listed Reject enforce | bl.example"]);
    let (found, _) = judge(&*rbl(text), &client("192.0.2.9"), &[(NAME, RecordType::A, a(&["127.0.0.2"]))]);
    assert_eq!(found.len(), 0);
}

#[test]
fn nobody_is_asked_about_addresses_of_our_own_or_where_tcprules_decided() {
    let check = rbl(ONE);
    let asked = |facts: &Facts| judge(&*check, facts, &[]).1.len();
    for ip in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.0.1", "::1", "fe80::1", "fd00::1"] {
        assert_eq!(asked(&client(ip)), 0, "{ip}");
    }
    assert_eq!(asked(&Facts::default()), 0);
    for (value, expected) in [(None, 1), (Some(""), 0), (Some("-no"), 0), (Some("later"), 0)] {
        let mut facts = client("192.0.2.9");
        facts.connection.rblsmtpd = value.map(|value| value.to_owned().into());
        assert_eq!(asked(&facts), expected, "{value:?}");
    }
    let mut facts = client("192.0.2.9");
    facts.connection.server_ip = facts.connection.client_ip;
    assert_eq!(asked(&facts), 0);
    let mut questions = Vec::new();
    check.needs(Stage::Outcome, &client("192.0.2.9"), &Answers::default(), &mut questions);
    assert!(questions.is_empty());
}

#[test]
fn families_and_resolvers_are_chosen_by_list() {
    let text = "[[check.rbl.list]]\nzone = \"Four.example.\"\nipv6 = false\nresolver = \"paid\"\n\
                [[check.rbl.list]]\nzone = \"six.example\"\nipv4 = false\n\
                [[check.rbl.list]]\nzone = \"off.example\"\nmode = \"off\"\n";
    let check = rbl(text);
    let asked = |ip: &str| {
        let mut questions = Vec::new();
        check.needs(Stage::Connect, &client(ip), &Answers::default(), &mut questions);
        questions
    };
    let question = |front: &str, zone: &str, resolver| {
        let (upstream, list) = (Upstream::named(resolver), ListId::named(zone));
        let name = format!("{front}.{zone}");
        Question::Dns(DnsQuestion { upstream, list, ..DnsQuestion::new(name, RecordType::A) })
    };
    assert_eq!(asked("192.0.2.9"), [question("9.2.0.192", "four.example", "paid")]);
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    assert_eq!(asked("2001:db8::1"), [question(nibbles, "six.example", "")]);
}

#[test]
fn every_mistake_is_told() {
    let (_, faults) = build(
        "[[check.rbl.list]]\nname = \"a b\"\n[[check.rbl.list]]\nzone = \"x..example\"\naction = \"score\"\n\
         [[check.rbl.list]]\nzone = \"t.example\"\nquery = \"txt\"\ncodes = [\"127.0.0.2\"]\nresolver = \"free\"\n\
         [[check.rbl.list]]\nzone = \"t.example\"\ncodes = [\"10.0.0.1\", \"127.0.0.1\"]\nweight = 5\n\
         [[check.rbl.list]]\nzone = \"u.example\"\ncodes = []\n\
         [[check.rbl.code]]\nlist = \"nobody\"\n[[check.rbl.code]]\nlist = \"u.example\"\ncodes = [\"x\"]\n\
         action = \"score\"\n[[check.rbl.code]]\nlist = \"u.example\"\ncodes = [\"127.0.0.2\"]\nweight = 1\n",
    );
    for expected in [
        "t.toml:1: [check.rbl.list] zone: missing",
        "t.toml:2: [check.rbl.list] name: expected at most 64 printable",
        "t.toml:4: [check.rbl.list] zone: expected a domain",
        "[check.rbl.list] weight: 0: expected what a listing adds",
        "t.toml:10: [check.rbl.list] resolver: \"free\" is unknown",
        "t.toml:9: [check.rbl.list] codes: query = \"txt\" sees no codes",
        "t.toml:13: [check.rbl.list] codes: \"10.0.0.1\": expected return codes",
        "t.toml:13: [check.rbl.list] codes: 127.0.0.1 is never a listing",
        "t.toml:14: [check.rbl.list] weight: has no effect with action = \"reject\"",
        "[check.rbl.list] name: \"t.example\" stands twice",
        "t.toml:17: [check.rbl.list] codes: missing",
        "t.toml:19: [check.rbl.code] list: \"nobody\": expected the name of",
        "t.toml:22: [check.rbl.code] codes: \"x\": expected return codes",
        "[check.rbl.code] weight: 0: expected",
        "[check.rbl.code] weight: has no effect with action = \"as_list\"",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}\n{faults:#?}");
    }
    assert_eq!(faults.len(), 15, "{faults:#?}");
}

#[test]
fn lists_are_shown_as_they_are_used() {
    let text = "[[check.rbl.list]]\nzone = \"bl.example\"\nname = \"bl\"\nipv6 = false\nmode = \"soft\"\n\
                [[check.rbl.code]]\nlist = \"bl\"\ncodes = [\"127.0.0.2\"]\nlabel = \"sbl\"\naction = \"score\"\n\
                weight = 4\n[[check.rbl.list]]\nzone = \"t.example\"\nquery = \"txt\"\nresolver = \"paid\"\n";
    let rows = rbl(text).inspect("lists", &[]).expect("rows");
    assert_eq!(
        rows.rows.iter().map(|row| row.join("|")).collect::<Vec<_>>(),
        [
            "bl|bl.example|client|both|127.0.0.2|sbl|score +4|soft|connect|ipv4|",
            "t.example|t.example|client|txt|127.0.0.0/8||reject|enforce|connect|ipv4,ipv6|paid",
        ]
    );
    assert!(rows.rows.iter().all(|row| row.len() == rows.columns.len()));
    assert!(rbl(text).inspect("health", &[]).is_err());
}
