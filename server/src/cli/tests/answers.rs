//! Is what the daemon says shown rightly, to people and to programs?

use super::{
    super::{exit, units::utc},
    ask, daemon,
    fake::Replies,
};
use serde_json::{Value, json};
use tollgate_proto::v1::{
    Action, Change, CheckReply, Counter, Deadline, Decision, EffectiveReply, Evidence, ExplainReply, Finding,
    InspectReply, InspectRow, ListFile, PathStep, PipelineReply, Rcpthosts, ReloadReply, ScoreSum, StatusReply,
    SwitchReply, SwitchState, Verdict,
};

fn refusal() -> Decision {
    Decision {
        stage: "rcpt".into(),
        recipient: "you\x1b[31m@ours.example".into(),
        verdict: Some(Verdict {
            action: Action::Reject.into(),
            code: 553,
            enhanced_status: "5.7.1".into(),
            text: "sorry, listed (#5.7.1) [0123456789abcdef]".into(),
            decision_id: "0123456789abcdef".into(),
            degraded: vec!["dns".into()],
            ..Verdict::default()
        }),
        findings: vec![
            finding("rbl", "listed", "reject", "enforce", 0),
            finding("rbl", "scored", "score", "monitor", 4),
            Finding { excused: "relay".into(), ..finding("access", "deny", "reject", "enforce", 0) },
        ],
        evidence: vec![
            evidence("A 2.0.0.127.bl.example", "found 127.0.0.2", true),
            evidence("A 2.0.0.127.dead.example", "failed: timeout", false),
        ],
        took_us: 12_345,
        decided_by: "rbl".into(),
        generation: 3,
        time_ms: 1_700_000_000_123,
        session_id: "00ff".into(),
        host: "mx1".into(),
        client_ip: "127.0.0.2".into(),
        helo: "h\\x1b".into(),
        sender: "a@b.example".into(),
        would_have: Action::Reject.into(),
        would_have_by: "score".into(),
        off: false,
        path: vec![
            step("access", "excused", "the client may relay", false),
            step("rbl", "found", "listed: reject", true),
            step("score", "passed", "0; defers at 50, rejects at 100", false),
        ],
        score: Some(ScoreSum { sum: 0, rehearsed: 4, defer_at: 50, reject_at: 100, mode: "enforce".into() }),
        deadline: Some(Deadline { budget_us: 1_500_000, missed: true }),
        changes: vec![
            Change { without: "rbl.listed (bl.example)".into(), action: Action::Defer.into(), by: "spf".into() },
            Change { without: "spf.fail".into(), action: Action::Continue.into(), by: String::new() },
        ],
        evidence_left_out: 1,
    }
}

fn step(step: &str, did: &str, detail: &str, won: bool) -> PathStep {
    PathStep { step: step.into(), did: did.into(), detail: detail.into(), won }
}

fn finding(check: &str, rule: &str, outcome: &str, mode: &str, score: i32) -> Finding {
    Finding {
        check: check.into(),
        rule: rule.into(),
        outcome: outcome.into(),
        mode: mode.into(),
        score,
        detail: "bl.example".into(),
        excused: String::new(),
    }
}

fn evidence(question: &str, answer: &str, cached: bool) -> Evidence {
    let (question, answer) = (question.into(), answer.into());
    let ttl_seconds = if cached { 288 } else { 0 };
    Evidence { question, answer, cached, age_seconds: 12, ttl_seconds, took_us: 300, stale: false, missing: !cached }
}

fn passing(stage: &str) -> Decision {
    Decision { stage: stage.into(), verdict: Some(Verdict::default()), took_us: 40, ..Decision::default() }
}

const REFUSAL: &str = "\
rcpt you\\x1b[31m@ours.example: REJECT 553 sorry, listed (#5.7.1) [0123456789abcdef]  (12 ms)
    decided by: rbl
    would have: reject by score, if everything were enforced
    degraded: dns
    found:
        rbl     listed  reject                         bl.example
        rbl     scored  score +4  (monitor only)       bl.example
        access  deny    reject    (passed over: relay)  bl.example
    evidence:
        A 2.0.0.127.bl.example    found 127.0.0.2  cached 12 s ago, 288 s left
        A 2.0.0.127.dead.example  failed: timeout  no answer within 0.3 ms
";

const EXPLANATION: &str = "    evidence left out: 1 answers
    path:
        access  excused: the client may relay
        rbl     found: listed: reject  <- decided
        score   passed: 0; defers at 50, rejects at 100
    deadline: MISSED, 12 ms of 1.5 s; without an answer: A 2.0.0.127.dead.example
    what would have to change:
        without rbl.listed (bl.example):  defer by spf
        and without spf.fail:             continue
policy generation 3, no longer in force (now: 4): the same mail may be treated otherwise today
";

/// Blanks folded: columns have a test of their own.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn check_prints_verdicts_findings_and_evidence() {
    let check = CheckReply { decisions: vec![passing("connect"), refusal()] };
    let (_folder, daemon) = daemon(Replies { check, ..Replies::default() });
    let line = [
        "check",
        "--ip",
        "::ffff:127.0.0.2",
        "--helo",
        "h",
        "--from",
        "<>",
        "--rcpt",
        "<a@b>",
        "--rcpt",
        "c",
        "--relay",
    ];
    let (code, out) = ask(&daemon, &[&line[..], &["--rcpthosts", "refused"]].concat());
    assert_eq!(code, exit::NO);
    assert_eq!(words(&out), words(&format!("connect: continue  (0.0 ms)\n{REFUSAL}")));
    let asked = daemon.heard().check.expect("it was asked");
    let connection = asked.connection.clone().expect("a connection");
    assert_eq!(connection.client_ip, "::ffff:127.0.0.2");
    assert_eq!(connection.relayclient, Some(bytes::Bytes::new()), "RELAYCLIENT is set and empty");
    assert_eq!(asked.mail.as_ref().expect("a sender").sender, "", "<> is the null sender");
    assert_eq!(asked.recipients, ["a@b", "c"]);
    assert_eq!(asked.rcpthosts(), Rcpthosts::Refused);
    assert_eq!(asked.helo.expect("a HELO").helo, "h");
}

#[test]
fn check_says_by_its_exit_code_what_would_happen() {
    let deferral = |action: Action| Decision {
        verdict: Some(Verdict { action: action.into(), code: 451, ..Verdict::default() }),
        ..passing("rcpt")
    };
    for (decisions, expected) in [
        (vec![passing("connect")], exit::FINE),
        (vec![passing("connect"), deferral(Action::Defer)], exit::DEFERRED),
        (vec![deferral(Action::Reject), deferral(Action::Defer)], exit::NO),
    ] {
        let (_folder, daemon) = daemon(Replies { check: CheckReply { decisions }, ..Replies::default() });
        assert_eq!(ask(&daemon, &["check", "--ip", "192.0.2.1"]).0, expected);
        let asked = daemon.heard().check.expect("it was asked");
        assert!(
            asked.helo.is_none() && asked.mail.is_none() && asked.recipients.is_empty(),
            "what is not given is absent"
        );
        assert_eq!(asked.connection.expect("a connection").relayclient, None);
    }
}

#[test]
fn check_as_json_has_the_names_of_the_protocol() {
    let check = CheckReply { decisions: vec![refusal()] };
    let (_folder, daemon) = daemon(Replies { check, ..Replies::default() });
    let (_, out) = ask(&daemon, &["check", "--ip", "192.0.2.1", "--json"]);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    let decision = &shown["decisions"][0];
    assert_eq!(decision["recipient"], "you\\x1b[31m@ours.example");
    assert_eq!(decision["verdict"]["action"], "reject");
    assert_eq!(decision["verdict"]["degraded"], json!(["dns"]));
    assert_eq!(decision["findings"][1]["score"], 4);
    assert_eq!(decision["findings"][2]["excused"], "relay");
    assert_eq!(decision["evidence"][0]["ttl_seconds"], 288);
    assert_eq!((&decision["would_have"], &decision["would_have_by"]), (&json!("reject"), &json!("score")));
    assert_eq!((&decision["took_us"], &decision["time_ms"]), (&json!(12_345), &json!(1_700_000_000_123_u64)));
}

/// Every field of a message that is shown as JSON, by the names in the descriptor: a new field must be shown, too.
#[test]
fn json_leaves_out_no_field_but_the_sealed_state() {
    use prost::Message;
    let (_folder, daemon) =
        daemon(Replies { check: CheckReply { decisions: vec![refusal()] }, status: status(), ..Replies::default() });
    let of = |line: &[&str]| serde_json::from_str::<Value>(&ask(&daemon, line).1).expect("JSON");
    let (check, status) = (of(&["check", "--ip", "192.0.2.1", "--json"]), of(&["status", "--json"]));
    let decision = &check["decisions"][0];
    let shown = [
        ("Decision", decision),
        ("Verdict", &decision["verdict"]),
        ("Finding", &decision["findings"][0]),
        ("Evidence", &decision["evidence"][0]),
        ("StatusReply", &status),
        ("SwitchState", &status["off"]),
        ("ListFile", &status["lists"][0]),
        ("Counter", &status["counters"][0]),
    ];
    let set = prost_types::FileDescriptorSet::decode(tollgate_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let messages: Vec<_> = set.file.iter().flat_map(|file| &file.message_type).collect();
    for (name, value) in shown {
        let message = messages.iter().find(|message| message.name() == name).expect("a message of the protocol");
        for field in message.field.iter().map(|field| field.name()).filter(|field| *field != "session_state") {
            assert!(value.get(field).is_some(), "{name}.{field} is not shown");
        }
    }
}

fn status() -> StatusReply {
    StatusReply {
        version: "0.1.0".into(),
        started_at: 1_700_000_000,
        generation: 7,
        config: "/etc/tollgate/tollgate.toml".into(),
        reload_error: "t.toml:3: [check.rbl] x: unknown key".into(),
        loaded_at: 1_700_000_100,
        listening: vec!["/run/tollgate/tollgate.sock".into(), "127.0.0.1:9464".into()],
        mode: "enforce".into(),
        dns_lists_ailing: vec!["bl.example off (silent)".into()],
        off: Some(SwitchState { until: 1_700_003_600, reason: "the list went mad".into(), by: "ann".into() }),
        lists: vec![ListFile {
            check: "badmailfrom".into(),
            path: "/var/qmail/control/badmailfrom".into(),
            entries: 12,
            modified_at: 0,
            error: "line 3: too long".into(),
            generation: 3,
            checksum: "0123456789abcdef".into(),
            loaded_at: 1_700_000_100,
            refused: "badmailfrom: 0 entries after 12: expected at least 6".into(),
        }],
        counters: vec![Counter { name: "decisions".into(), value: 99 }],
    }
}

#[test]
fn status_tells_first_what_is_not_as_usual() {
    let (_folder, daemon) = daemon(Replies { status: status(), ..Replies::default() });
    let (code, out) = ask(&daemon, &["status"]);
    assert_eq!(code, exit::FINE);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "OFF until 2023-11-14 23:13:20 UTC by ann: the list went mad");
    assert!(lines[1].starts_with("the newest reload FAILED, the old policy is in force: t.toml:3: "));
    assert_eq!(lines[2], "a list is NOT as its file says: badmailfrom: 0 entries after 12: expected at least 6");
    assert_eq!(lines[3], "the DNS list bl.example off (silent): it changes no answer, see `tollgate lists`");
    for expected in [
        "configuration  /etc/tollgate/tollgate.toml",
        "mode           enforce",
        "listening      /run/tollgate/tollgate.sock, 127.0.0.1:9464",
        "    decisions  99",
    ] {
        assert!(lines.contains(&expected), "{expected:?} in {out}");
    }
    let list = lines.iter().find(|line| line.contains("/var/qmail/control/badmailfrom  ")).expect("the list");
    for part in ["12 entries", "version 3 0123456789abcdef, read ", "line 3: too long"] {
        assert!(list.contains(part), "{part} in {list}");
    }
}

#[test]
fn off_and_on_say_what_holds_now() {
    let off = Some(SwitchState { until: 1_700_003_600, reason: "why".into(), by: "ann".into() });
    let (_folder, thrown) = daemon(Replies { switch: SwitchReply { off }, ..Replies::default() });
    let (code, out) = ask(&thrown, &["off", "--for", "1h30m", "--reason", "why", "--by", "ann"]);
    assert_eq!(
        (code, out.as_str()),
        (exit::FINE, "OFF until 2023-11-14 23:13:20 UTC by ann: why; `tollgate on` ends it before\n")
    );
    let asked = thrown.heard().switch.expect("it was asked");
    assert_eq!((asked.seconds, asked.reason.as_str(), asked.by.as_str()), (5_400, "why", "ann"));

    let (_folder, back) = daemon(Replies::default());
    let (code, out) = ask(&back, &["on"]);
    assert_eq!((code, out.as_str()), (exit::FINE, "on: every check does what the configuration says\n"));
    assert_eq!(back.heard().switch.expect("it was asked").seconds, 0);
}

#[test]
fn reload_tells_every_fault_and_what_stays_in_force() {
    let (_folder, good) =
        daemon(Replies { reload: ReloadReply { generation: 8, ..ReloadReply::default() }, ..Replies::default() });
    assert_eq!(ask(&good, &["reload"]), (exit::FINE, "policy generation 8 is in force\n".to_owned()));
    let faults = vec!["t.toml:1: a".to_owned(), "t.toml:2: b\x1b".to_owned()];
    let (_folder, bad) =
        daemon(Replies { reload: ReloadReply { generation: 7, faults, refused: vec![] }, ..Replies::default() });
    let expected = "t.toml:1: a\nt.toml:2: b \nnothing was changed: policy generation 7 stays in force\n";
    assert_eq!(ask(&bad, &["reload"]), (exit::USAGE, expected.to_owned()));
    assert!(!bad.heard().reload.expect("it was asked").force);

    let refused = vec!["l: 0 entries after 12: expected at least 6; its 12 entries stay in force".to_owned()];
    let reload = ReloadReply { generation: 9, faults: vec![], refused };
    let (_folder, part) = daemon(Replies { reload, ..Replies::default() });
    let expected =
        "l: 0 entries after 12: expected at least 6; its 12 entries stay in force\npolicy generation 9 is in force\n";
    assert_eq!(ask(&part, &["reload", "--force"]), (exit::USAGE, expected.to_owned()));
    assert!(part.heard().reload.expect("it was asked").force);
}

#[test]
fn an_answer_that_holds_for_ever_says_so() {
    let spf =
        |cached| Evidence { ttl_seconds: u32::MAX, missing: false, ..evidence("SPF a@b.example", "none", cached) };
    let decision = Decision { evidence: vec![spf(true), spf(false)], ..passing("rcpt") };
    let explain = ExplainReply { decision: Some(decision), policy_in_force: true, generation_in_force: 4 };
    let (_folder, daemon) = daemon(Replies { explain, ..Replies::default() });
    let (_, out) = ask(&daemon, &["explain", "0123456789abcdef"]);
    assert!(
        out.contains("none  cached 12 s ago, no expiry\n") && out.contains("none  asked, 0.3 ms, no expiry\n"),
        "{out}"
    );
    let (_, out) = ask(&daemon, &["explain", "0123456789abcdef", "--json"]);
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(said["evidence"][0]["ttl_seconds"], Value::Null, "{out}");
}

#[test]
fn explain_shows_who_spoke_and_why() {
    let explain = ExplainReply { decision: Some(refusal()), policy_in_force: false, generation_in_force: 4 };
    let (_folder, daemon) = daemon(Replies { explain, ..Replies::default() });
    let (code, out) = ask(&daemon, &["explain", "[O123456789ABCDEF]"]);
    assert_eq!(code, exit::FINE);
    let session = format!(
        "decision_id 0123456789abcdef\ntime {}\nhost mx1\nsession_id 00ff\nclient_ip 127.0.0.2\nhelo h\\x1b\nsender a@b.example\n",
        utc(1_700_000_000)
    );
    assert_eq!(words(&out), words(&format!("{session}{REFUSAL}{EXPLANATION}")));
    assert_eq!(daemon.heard().explain.expect("it was asked").decision_id, "0123456789abcdef", "as people copy it");
    let (_, out) = ask(&daemon, &["explain", "0123456789abcdef", "--json"]);
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(said["path"][1], json!({ "step": "rbl", "did": "found", "detail": "listed: reject", "won": true }));
    assert_eq!((&said["score"]["rehearsed"], &said["deadline"]["missed"]), (&json!(4), &json!(true)));
    assert_eq!(said["changes"][0]["by"], "spf");
    assert_eq!((&said["policy_in_force"], &said["generation_in_force"]), (&json!(false), &json!(4)));
}

#[test]
fn a_check_shows_its_rows() {
    let row = |cells: [&str; 2]| InspectRow { cells: cells.map(str::to_owned).to_vec() };
    let rows = vec![row(["bl.example", "reject"]), row(["x\x1b", "score +4"])];
    let inspect = InspectReply { columns: vec!["zone".into(), "does".into()], rows };
    let (_folder, daemon) = daemon(Replies { inspect, ..Replies::default() });
    let expected = "zone        does\nbl.example  reject\nx           score +4\n";
    assert_eq!(ask(&daemon, &["rbl", "lists", "a", "b"]), (exit::FINE, expected.to_owned()));
    let asked = daemon.heard().inspect.expect("it was asked");
    assert_eq!(
        (asked.check.as_str(), asked.op.as_str(), asked.args),
        ("rbl", "lists", vec!["a".to_owned(), "b".to_owned()])
    );
    let (_, out) = ask(&daemon, &["rbl", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON")["rows"][0]["cells"], json!(["bl.example", "reject"]));
    assert_eq!(daemon.heard().inspect.expect("it was asked").op, "", "without an operation, the operations are listed");
}

#[test]
fn pipeline_and_effective_show_what_is_in_force() {
    let pipeline = PipelineReply { table: "rcpt  rbl\n".into() };
    let effective = EffectiveReply { config: String::new(), generation: 4, text: "[policy]\nmode = \"soft\"\n".into() };
    let (_folder, daemon) = daemon(Replies { pipeline, effective, ..Replies::default() });
    assert_eq!(ask(&daemon, &["pipeline"]), (exit::FINE, "rcpt  rbl\n".to_owned()));
    let expected = "# in force: policy generation 4\n[policy]\nmode = \"soft\"\n";
    assert_eq!(ask(&daemon, &["config", "--effective"]), (exit::FINE, expected.to_owned()));
}
