//! What do `lists`, `lists report` and `lookup` print, ask and return?

use super::{super::exit, ask, daemon, fake::Replies, tollgate};
use crate::clock::Clock;
use serde_json::{Value, json};
use std::fs;
use tollgate_proto::v1::{
    Action, Contradiction, Decision, DnsList, Finding, ListAnswer, ListCard, ListCode, ListOverlap, ListReportReply,
    ListsReply, LookupReply, Verdict, Window, lookup_reply::Part,
};
use tonic::Status;

fn list(name: &str) -> DnsList {
    DnsList {
        name: name.into(),
        zone: name.into(),
        health: "healthy".into(),
        mode: "enforce".into(),
        hit_rate: Some(0.0312),
        lookups_today: 1_200,
        ..DnsList::default()
    }
}

fn lists() -> ListsReply {
    let now = Clock::system().now().unix_seconds();
    let ill = DnsList {
        zone: "[key].zen.example".into(),
        health: "half_open".into(),
        cause: "probe\x1b".into(),
        since: now - 9_000,
        mode: "monitor".into(),
        error_rate: Some(0.5),
        limit: 3_000,
        forecast: 1_709_224_800,
        probe: "good".into(),
        welcomes: true,
        probed_at: now - 90_000,
        ..list("zen")
    };
    let spent = DnsList { limit: 1_200, refused: 35, ..list("spent.example") };
    ListsReply { lists: vec![list("a.example"), ill, spent] }
}

#[test]
fn lists_that_are_not_well_stand_first_and_loud() {
    let (_folder, daemon) = daemon(Replies { lists: lists(), ..Replies::default() });
    let (code, out) = ask(&daemon, &["lists"]);
    assert_eq!(code, exit::NO, "one is not healthy");
    let rows: Vec<String> = out.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows,
        [
            "health list mode since hits errors probe look-ups today",
            "HALF_OPEN (probe ) zen ([key].zen.example) monitor, good clients 2 h 30 min ago 3.1 % 50.0 % good 1 d 1 h ago 1200 of 3000: \
             free limit reached at 16:40 UTC",
            "healthy a.example enforce start 3.1 % - none 1200",
            "healthy spent.example enforce start 3.1 % - none 1200 of 1200: FREE LIMIT REACHED, 35 not asked; failed until midnight \
             UTC",
        ]
    );
}

#[test]
fn lists_say_by_the_exit_code_whether_all_is_well() {
    for (lists, code, said) in
        [(vec![list("a.example")], exit::FINE, "a.example"), (Vec::new(), exit::FINE, "no DNS list is configured")]
    {
        let (_folder, daemon) = daemon(Replies { lists: ListsReply { lists }, ..Replies::default() });
        let (found, out) = ask(&daemon, &["lists"]);
        assert!(found == code && out.contains(said), "{out}");
    }
}

fn report() -> ListReportReply {
    let card = |name: &str, hits, needed| ListCard {
        name: name.into(),
        heard: 1_000,
        failed: 5,
        hits,
        unique_hits: 3,
        would_refuse: 40,
        needed,
        ..ListCard::default()
    };
    let asked = ListCard {
        contradictions: vec![
            Contradiction { kind: "accepted".into(), count: 2 },
            Contradiction { kind: "allowed".into(), count: 1 },
        ],
        lookups: 700,
        errors: 7,
        latency_p50_us: 2_400,
        latency_p99_us: 1_200_000,
        ..card("a.example", 50, 12)
    };
    ListReportReply {
        window: Window::Month.into(),
        from: 1_709_251_199,
        until: 1_711_843_200,
        connections: 1_000,
        lists: vec![asked, card("b.example", 0, 0), card("c.example", 62, 1)],
        overlaps: vec![ListOverlap { first: "a.example".into(), second: "c.example".into(), hits: 31 }],
    }
}

#[test]
fn a_report_says_what_each_list_is_worth() {
    let (_folder, daemon) = daemon(Replies { list_report: report(), ..Replies::default() });
    let (code, out) = ask(&daemon, &["lists", "report", "--window", "month"]);
    let rows: Vec<String> = out.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(code, exit::FINE);
    assert_eq!(
        rows,
        [
            "the last 30 days, known from 2024-02-29 23:59:59 UTC: 1000 connections",
            "list heard failed hits unique would refuse look-ups errors half within 99 % within",
            "a.example 1000 5 50 3 40 700 7 2.4 ms 1.2 s",
            "b.example 1000 5 0 3 40 0 0 - -",
            "c.example 1000 5 62 3 40 0 0 - -",
            "without list a.example: 12 fewer refusals",
            "without list b.example: no fewer refusals",
            "without list c.example: 1 fewer refusal",
            "lists that hold the same clients:",
            "a.example and c.example 31 that is 62 % and 50 % of their hits",
            "evidence against listings (no proof: a listed client may send a good message):",
            "a.example accepted 2, allowed 1",
        ]
    );
    assert_eq!(daemon.heard().list_report.expect("it was asked").window(), Window::Month);
    assert_eq!(ask(&daemon, &["lists", "report"]).0, exit::FINE);
    assert_eq!(daemon.heard().list_report.expect("it was asked").window(), Window::Day, "unless another is named");
}

fn part(part: Part) -> Result<LookupReply, Status> {
    Ok(LookupReply { part: Some(part) })
}

fn listed() -> ListAnswer {
    let code = |code: &str, label: &str| ListCode { code: code.into(), label: label.into() };
    ListAnswer {
        name: "zen".into(),
        zone: "[key].zen.example".into(),
        standing: "listed".into(),
        codes: vec![code("127.0.0.2", "sbl"), code("127.0.0.9", "")],
        text: "see https://zen.example/".into(),
        cached: true,
        age_seconds: 12,
        ttl_seconds: 288,
        health: "suspect".into(),
        findings: vec![Finding {
            check: "rbl".into(),
            rule: "listed".into(),
            outcome: "reject".into(),
            mode: "monitor".into(),
            detail: "zen 127.0.0.2 sbl".into(),
            ..Finding::default()
        }],
        ..ListAnswer::default()
    }
}

fn other(standing: &str, reason: &str) -> ListAnswer {
    ListAnswer {
        name: "a.example".into(),
        zone: "a.example".into(),
        standing: standing.into(),
        reason: reason.into(),
        ttl_seconds: 60,
        took_us: 2_400,
        health: "healthy".into(),
        ..ListAnswer::default()
    }
}

fn decision() -> Decision {
    let verdict = Verdict { action: Action::Defer.into(), code: 451, text: "later".into(), ..Verdict::default() };
    Decision { stage: "rcpt".into(), verdict: Some(verdict), decided_by: "rbl".into(), ..Decision::default() }
}

#[test]
fn a_lookup_prints_each_list_and_what_would_follow() {
    let lookup = vec![
        part(Part::List(Box::new(other("not_listed", "")))),
        part(Part::List(Box::new(other("failed", "refused (127.255.255.254)")))),
        part(Part::List(Box::new(other("not_asked", "it holds domains")))),
        part(Part::List(Box::new(listed()))),
        part(Part::Decision(Box::new(decision()))),
    ];
    let (_folder, daemon) = daemon(Replies { lookup, ..Replies::default() });
    let (code, out) = ask(&daemon, &["lookup", "192.0.2.1"]);
    assert_eq!(code, exit::NO, "one holds it");
    let expected = "\
not listed  a.example  asked, 2.4 ms, may be kept 60 s
failed      a.example  refused (127.255.255.254)  asked, 2.4 ms, may be kept 60 s
not asked   a.example  it holds domains
LISTED      zen  127.0.0.2 (sbl)  127.0.0.9  cached 12 s ago, 288 s left
    zone: [key].zen.example
    says: see https://zen.example/
    would: rbl  listed  reject  (monitor only)  zen 127.0.0.2 sbl
    but: the list is suspect: what it says changes nothing
what would follow:
rcpt: DEFER 451 later  (0.0 ms)
    decided by: rbl
";
    assert_eq!(out, expected);
    let asked = daemon.heard().lookup.expect("it was asked");
    assert_eq!((asked.subject.as_str(), asked.zones.len()), ("192.0.2.1", 0));
    let (_, out) = ask(&daemon, &["lookup", "192.0.2.1", "--json"]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON in each line")).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[1]["list"]["reason"], "refused (127.255.255.254)");
    assert_eq!(lines[3]["list"]["codes"][0], json!({ "code": "127.0.0.2", "label": "sbl" }));
    assert_eq!(lines[4]["decision"]["verdict"]["action"], "defer");
}

#[test]
fn a_lookup_says_by_its_exit_code_what_is_known() {
    let answer = |standing: &str| part(Part::List(Box::new(other(standing, ""))));
    for (lookup, expected) in [
        (vec![answer("not_listed"), answer("not_asked")], exit::FINE),
        (vec![answer("not_listed"), answer("failed")], exit::DEFERRED),
        (vec![answer("failed"), answer("listed")], exit::NO),
        (Vec::new(), exit::FINE),
    ] {
        let nobody = lookup.is_empty();
        let (_folder, daemon) = daemon(Replies { lookup, ..Replies::default() });
        let (code, out) = ask(&daemon, &["lookup", "mail.example"]);
        assert_eq!((code, out.starts_with("no DNS list is configured")), (expected, nobody));
    }
}

#[test]
fn a_lookup_that_breaks_off_says_so_behind_what_came() {
    let lookup = vec![part(Part::List(Box::new(other("not_listed", "")))), Err(Status::internal("a look-up broke: x"))];
    let (_folder, daemon) = daemon(Replies { lookup, ..Replies::default() });
    let socket = daemon.socket.display().to_string();
    let (code, out, err) = tollgate(&["--socket", &socket, "lookup", "192.0.2.1"]);
    assert_eq!((code, out.lines().count(), err.lines().count()), (exit::SERVER, 1, 1), "{out}{err}");
    assert!(err.contains("a look-up broke: x"), "{err}");
    let (code, out, err) = tollgate(&["--socket", &socket, "lookup", "10.0.0.1"]);
    assert_eq!((code, out.as_str()), (exit::USAGE, ""));
    assert_eq!(err, "tollgate: 10.0.0.1 is no address of the public Internet\n");
}

#[test]
fn zones_come_from_a_file() {
    let (folder, daemon) = daemon(Replies { lookup: vec![part(Part::List(Box::new(listed())))], ..Replies::default() });
    let file = folder.path().join("zones");
    let name = file.display().to_string();
    fs::write(&file, "# mine\nbl.example\n\n  other.example  # and why\n").expect("a file");
    assert_eq!(ask(&daemon, &["lookup", "192.0.2.1", "--zones", &name]).0, exit::NO);
    assert_eq!(daemon.heard().lookup.expect("it was asked").zones, ["bl.example", "other.example"]);
    let many = (0..49).map(|at| format!("z{at}.example\n")).collect::<String>();
    for (content, expected) in [
        (&b"# nothing\n"[..], "names no zone"),
        (many.as_bytes(), "49 zones: expected at most 48"),
        (&[b'#'; 65_537], "expected at most 65536 octets"),
        (b"\xff\n", "UTF-8"),
    ] {
        fs::write(&file, content).expect("a file");
        let (code, out, err) = tollgate(&["lookup", "192.0.2.1", "--zones", &name]);
        assert_eq!((code, out.as_str()), (exit::USAGE, ""));
        assert!(err.starts_with(&format!("tollgate: {name}: ")) && err.contains(expected), "{err}");
    }
    let (code, _, err) = tollgate(&["lookup", "192.0.2.1", "--zones", "/nonexistent"]);
    assert!(code == exit::USAGE && err.contains("/nonexistent: "), "{err}");
}

/// Every field of a message that is shown as JSON, by the names in the descriptor: a new field must be shown, too.
#[test]
fn json_leaves_out_no_field_of_lists() {
    use prost::Message;
    let lookup = vec![part(Part::List(Box::new(listed()))), part(Part::Decision(Box::new(decision())))];
    let replies = Replies { lists: lists(), list_report: report(), lookup, ..Replies::default() };
    let (_folder, daemon) = daemon(replies);
    let of = |line: &[&str]| serde_json::from_str::<Value>(&ask(&daemon, line).1).expect("JSON");
    let (lists, report) = (of(&["lists", "--json"]), of(&["lists", "report", "--json"]));
    let (_, out) = ask(&daemon, &["lookup", "192.0.2.1", "--json"]);
    let answer: Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    let shown = [
        ("ListsReply", &lists),
        ("DnsList", &lists["lists"][0]),
        ("ListReportReply", &report),
        ("ListCard", &report["lists"][0]),
        ("Contradiction", &report["lists"][0]["contradictions"][0]),
        ("ListOverlap", &report["overlaps"][0]),
        ("ListAnswer", &answer["list"]),
        ("ListCode", &answer["list"]["codes"][0]),
    ];
    let set = prost_types::FileDescriptorSet::decode(tollgate_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let messages: Vec<_> = set.file.iter().flat_map(|file| &file.message_type).collect();
    for (name, value) in shown {
        let message = messages.iter().find(|message| message.name() == name).expect("a message of the protocol");
        for field in message.field.iter().map(|field| field.name()) {
            assert!(value.get(field).is_some(), "{name}.{field} is not shown");
        }
    }
    assert_eq!((&report["window"], &report["lists"][0]["needed"]), (&json!("month"), &json!(12)));
}
