//! What do `tollgate spf`, `spf suite` and `spf lint` print? Without a DNS, or with one that does not answer: what there is to
//! know stands in --record.

use super::{super::exit, tollgate};
use serde_json::Value;
use std::{fs, net::UdpSocket};
use tempfile::TempDir;

/// A resolver that never answers, and a configuration that names it.
struct Silent {
    folder: TempDir,
    config: String,
    _socket: UdpSocket,
}

impl Silent {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let folder = tempfile::tempdir().expect("a folder");
        let address = socket.local_addr().expect("an address");
        let file = folder.path().join("t.toml");
        fs::write(&file, format!("[dns]\nservers = [\"{address}\"]\ntimeout_ms = 50\nattempts = 1\n")).expect("a file");
        Self { config: file.display().to_string(), folder, _socket: socket }
    }

    fn spf(&self, words: &[&str]) -> (u8, String) {
        let (code, out, err) = tollgate(&[&["--config", &self.config, "spf"], words].concat());
        assert_eq!(err, "", "{words:?}");
        (code, out)
    }

    fn lint(&self, record: &str, more: &[&str]) -> (u8, String) {
        self.spf(&[&["lint", "d.example", "--record", record], more].concat())
    }

    fn file(&self, text: &str) -> String {
        let file = self.folder.path().join("suite.yml");
        fs::write(&file, text).expect("a file");
        file.display().to_string()
    }
}

const ASK: [&str; 6] = ["--ip", "192.0.2.1", "--from", "<ann@d.example>", "--helo", "mx.example"];

/// The line of the time it took is another one every time.
fn without_time(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("took ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn rules_of_our_own_stand_before_its_failing_end() {
    let record = ["--record", "v=spf1 ip4:198.51.100.1 -all"];
    let (code, out) = Silent::new().spf(&[&ASK[..], &record, &["--rules", "ip4:192.0.2.1"]].concat());
    assert!(code == exit::FINE && out.contains("mechanism  ip4:192.0.2.1\n") && out.contains("local policy"), "{out}");
}

#[test]
fn a_record_that_is_not_published_is_evaluated() {
    let silent = Silent::new();
    let asked = |record: &str| {
        let (code, out) = silent.spf(&[&ASK[..], &["--record", record]].concat());
        (code, without_time(&out))
    };
    let pass = "result     pass\nmechanism  ip4:192.0.2.0/24\ndomain     d.example\nlook-ups   0 of 10\nvoid       0 of 2\nidentity   yes\n";
    assert_eq!(asked("v=spf1 ip4:192.0.2.0/24 -all"), (exit::FINE, pass.to_owned()));
    let (code, wide) = asked("v=spf1 +all");
    assert!(
        code == exit::FINE && wide.contains("identity   no: by all, ptr or a wide range anybody may pass\n"),
        "{wide}"
    );
    let (code, fail) = asked("v=spf1 -all");
    assert!(code == exit::FINE && fail.starts_with("result     fail\nmechanism  -all\n"), "{fail}");
    let (code, neutral) = asked("v=spf1 ip4:198.51.100.1");
    assert!(code == exit::FINE && neutral.starts_with("result    neutral\nlook-ups  0 of 10\n"), "{neutral}");
    let (code, broken) = asked("v=spf1 moo");
    let problem = "problem   the record of d.example at 8: no mechanism: expected all, include, a, mx, ptr, ip4, ip6, exists or NAME=";
    assert!(code == exit::FINE && broken.lines().any(|line| line == problem), "{broken}");
}

#[test]
fn the_null_sender_is_postmaster_at_the_helo_name() {
    let silent = Silent::new();
    for from in [&["--from", ""][..], &["--from", "<>"], &[]] {
        let words =
            [&["--ip", "192.0.2.1", "--helo", "mx.example", "--record", "v=spf1 ip4:192.0.2.1 -all"], from].concat();
        let (code, out) = silent.spf(&words);
        assert!(code == exit::FINE && out.contains("\ndomain     mx.example\n"), "{out}");
    }
}

#[test]
fn the_tree_is_shown_with_its_times() {
    let silent = Silent::new();
    let words = [&ASK[..], &["--record", "v=spf1 ip4:198.51.100.1 a:other.example -all", "--trace"]].concat();
    let (code, out) = silent.spf(&words);
    assert_eq!(code, exit::DEFERRED, "temperror: {out}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("TXT d.example: \"v=spf1 ip4:198.51.100.1 a:other.example -all\""), "{out}");
    assert!(lines[1].starts_with("record of d.example: v=spf1"), "{out}");
    assert_eq!(&lines[2..5], ["ip4:198.51.100.1", "= no match", "a:other.example"], "{out}");
    assert!(lines[5].starts_with("  A other.example: failed: timeout [") && lines[5].ends_with(" ms]"), "{out}");
    assert_eq!(&lines[6..9], ["= temperror", "result    temperror", "look-ups  1 of 10"], "{out}");
    let (_, json) = silent.spf(&[&words[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["result"], "temperror");
    assert_eq!(json["lookups"], 1);
    assert_eq!(json["trace"][5]["name"], "other.example", "{json:#}");
}

#[test]
fn mistakes_are_told_before_anybody_is_asked() {
    let silent = Silent::new();
    for (words, expected) in [
        (&["--ip", "192.0.2.1"][..], "--ip alone: expected --from or --helo with it"),
        (&["--helo", "mx.example"], "--ip"),
        (&["--ip", "mx.example", "--helo", "mx.example"], "invalid IP address"),
        (
            &["--ip", "192.0.2.1", "--helo", "a.example", "--record", "v=spf2"],
            "--record: expected a text that starts with v=spf1",
        ),
        (&["--ip", "192.0.2.1", "--helo", "a.example", "lint", "d.example"], "--ip and a command behind it: expected"),
        (
            &["--ip", "192.0.2.1", "--helo", "a.example", "--rules", "exp=x.example"],
            "--rules: at 1: exp=x.example: expected",
        ),
        (&["lint", "localhost"], "\"localhost\" is no domain that could have a record"),
        (&["lint", "\u{1b}[2J"], "\"\\x1b[2J\" is no domain"),
        (&["lint", "d.example", "--record", "x"], "--record: expected"),
        (&["suite", "/nowhere/x.yml"], "/nowhere/x.yml: No such file"),
        (&["suite"], "<FILE>"),
    ] {
        let (code, out, err) = tollgate(&[&["--config", &silent.config, "spf"], words].concat());
        assert_eq!((code, out.as_str()), (exit::USAGE, ""), "{words:?}: {err}");
        assert!(err.contains(expected) && !err.contains('\u{1b}'), "{words:?}: {err}");
    }
    fs::write(&silent.config, "[dns]\ntimeout_ms = 0\nserver = []\n").expect("a file");
    let (code, _, err) = tollgate(&[&["--config", &silent.config, "spf"], &ASK[..]].concat());
    assert_eq!((code, err.lines().count()), (exit::USAGE, 2), "{err}");
    for words in [&["spf", "--help"][..], &["spf", "suite", "--help"], &["spf", "lint", "--help"]] {
        let (code, out, _) = tollgate(words);
        assert!(code == exit::FINE && out.contains("Exit code: 0 = "), "{out}");
    }
}

const SUITE: &str = "description: one\ntests:\n  good:\n    {helo: h.example, host: 192.0.2.1, mailfrom: a@d.example, result: pass}\n  \
     other:\n    {helo: h.example, host: 192.0.2.9, mailfrom: a@d.example, result: [RESULT]}\n\
     zonedata:\n  d.example:\n    - TXT: v=spf1 ip4:192.0.2.1 -all\n";

#[test]
fn a_suite_is_run_and_counted() {
    let silent = Silent::new();
    let file = silent.file(&SUITE.replace("RESULT", "fail, softfail"));
    assert_eq!(silent.spf(&["suite", &file]), (exit::FINE, "2 of 2\n".to_owned()));
    let file = silent.file(&SUITE.replace("RESULT", "neutral, none"));
    let wrong = "one: other: fail by -all of d.example (0 look-ups, 0 void): expected neutral or none\n1 of 2\n";
    assert_eq!(silent.spf(&["suite", &file]), (exit::NO, wrong.to_owned()));
    let (code, json) = silent.spf(&["suite", &file, "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &json["passed"], &json["wrong"][0]["case"]), (exit::NO, &1.into(), &"other".into()));
    for (text, expected) in
        [("a: [", "no YAML: "), ("", "no case in it: "), ("tests: 1", "no tests: expected a mapping")]
    {
        let (code, _, err) = tollgate(&["spf", "suite", &silent.file(text)]);
        assert!(code == exit::USAGE && err.contains(expected), "{text}: {err}");
    }
}

#[test]
fn an_owner_is_told_what_is_wrong() {
    let silent = Silent::new();
    let (code, out) = silent.lint("v=spf1 ip4:192.0.2.1 -all", &["--ip", "192.0.2.1"]);
    let good = "d.example: 0 of 10 look-ups, 0 of 2 void; 0 errors, 0 warnings, 0 notes\n";
    assert_eq!((code, out.as_str()), (exit::FINE, good));
    let (code, out) = silent.lint("v=spf1 moo ptr -all", &["--ip", "192.0.2.1"]);
    let expected = [
        "error    d.example: moo: at 8: no mechanism: expected all, include, a, mx, ptr, ip4, ip6, exists or NAME=",
        "         v=spf1 moo ptr -all",
        "                ^",
    ];
    assert_eq!(out.lines().take(3).collect::<Vec<_>>(), expected, "{out}");
    assert!(
        code == exit::NO && out.contains("error    d.example: 192.0.2.1 is one of yours and does not pass: permerror"),
        "{out}"
    );
    assert!(
        out.ends_with("look-ups: ptr 1\nd.example: 1 of 10 look-ups, 0 of 2 void; 2 errors, 1 warning, 0 notes\n"),
        "{out}"
    );
    let (code, out) = silent.lint("v=spf1 a:other.example -all", &[]);
    assert!(
        code == exit::DEFERRED && out.contains("warning  d.example: a:other.example: A other.example failed: timeout"),
        "{out}"
    );
    assert!(out.contains("at least 1 of 10 look-ups"), "{out}");
}

#[test]
fn a_fault_far_behind_is_pointed_at() {
    let silent = Silent::new();
    let record = format!("v=spf1 {}moo {}-all", "ip4:192.0.2.1 ".repeat(20), "ip4:192.0.2.2 ".repeat(9));
    let (_, out) = silent.lint(&record, &[]);
    let lines: Vec<&str> = out.lines().collect();
    let caret = lines[2].find('^').expect("a caret");
    assert!(lines[1][caret..].starts_with("moo ") && lines[1].len() < 110, "{out}");
    assert!(lines[1].trim_start().starts_with("...") && lines[1].ends_with("..."), "{out}");
    let (_, json) = silent.lint(&record, &["--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["findings"][0]["level"], &json["findings"][0]["at"]), (&"error".into(), &287.into()), "{json:#}");
}

#[test]
fn other_words_are_for_the_check_of_this_name() {
    let (code, _, err) = tollgate(&["--socket", "/nowhere/admin.sock", "spf", "lnit"]);
    // With a check of this name the daemon is asked.
    assert!(code == exit::USAGE && err.contains("\"lnit\": expected ") || code == exit::UNREACHABLE, "{err}");
}
