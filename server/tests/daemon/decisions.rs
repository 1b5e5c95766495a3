//! Is a decision explained when the daemon that made it is gone? A real daemon, killed, asked by the command line.

use crate::harness::{Daemon, Smtp, wait_for};
use serde_json::Value;
use std::{fs, process::Command};
use tollgate_proto::v1::{self, Action};

fn tollgate(daemon: &Daemon, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let output = command.arg("--config").arg(daemon.path("tollgate.toml")).args(args).output().expect("runs");
    let said = [output.stdout, output.stderr].iter().map(|text| String::from_utf8_lossy(text)).collect();
    (output.status.success(), said)
}

/// A daemon that refuses `@bad.example`, and keeps nothing in memory.
fn forgetful(more: &str) -> Daemon {
    let mut daemon = Daemon::configured("", "");
    daemon.control("badmailfrom", "@bad.example\n");
    daemon.configure("", &format!("remember = 0\n{}{more}", daemon.policy()));
    daemon.run();
    daemon
}

async fn refused(daemon: &Daemon) -> v1::Verdict {
    let mut client = daemon.policy_client().await;
    let verdict = Smtp::from("192.0.2.1", "spam@bad.example").talk(&mut client, "bob@example.net").await;
    assert_eq!(verdict.action(), Action::Reject);
    // Its record is written before its line.
    daemon.wait_for_line(&["event=decision", &format!("decision_id={}", verdict.decision_id)]);
    verdict
}

#[tokio::test]
async fn a_refusal_is_explained_after_a_kill() {
    let mut daemon = forgetful("");
    let verdict = refused(&daemon).await;
    let (good, said) = tollgate(&daemon, &["explain", &verdict.decision_id]);
    assert!(good && said.contains("policy generation 1, the one in force"), "{said}");
    daemon.kill();
    daemon.run();
    let other = refused(&daemon).await;
    for id in [&verdict.decision_id, &other.decision_id] {
        let (good, said) = tollgate(&daemon, &["explain", id]);
        assert!(good, "{said}");
        // Columns have tests of their own.
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "host mx1 ",
            "client_ip 192.0.2.1 ",
            "sender spam@bad.example ",
            "rcpt bob@example.net: REJECT 553 ",
            "badmailfrom found: ",
            " <- decided ",
            "rcpthosts passed: the mail server takes the recipient ",
            "deadline: met, ",
            "without badmailfrom.",
            ": continue policy ",
        ] {
            assert!(words.contains(part), "{part} in {said}");
        }
        let whose = if *id == verdict.decision_id { "generation 1 of an earlier start" } else { "the one in force" };
        assert!(said.contains(whose), "{said}");
        let (_, said) = tollgate(&daemon, &["explain", id, "--json"]);
        let said: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!((&said["decided_by"], &said["changes"][0]["action"]), (&"badmailfrom".into(), &"continue".into()));
        assert_eq!(said["policy_in_force"], Value::Bool(*id == other.decision_id));
    }
    let (good, said) = tollgate(&daemon, &["explain", "0123456789abcdef"]);
    assert!(!good && said.contains("is not known (any more)"), "{said}");
}

#[tokio::test]
async fn nothing_is_recorded_where_that_is_switched_off() {
    let daemon = forgetful("[decisions]\nkeep_days = 14\n");
    let verdict = refused(&daemon).await;
    daemon.configure("", &format!("remember = 0\n{}[decisions]\nkeep_days = 0\n", daemon.policy()));
    let (good, said) = tollgate(&daemon, &["reload"]);
    assert!(good, "{said}");
    let is_empty = || fs::read_dir(daemon.path("state/decisions")).is_ok_and(|mut files| files.next().is_none());
    wait_for("the segments to be deleted", || is_empty().then_some(()));
    refused(&daemon).await;
    let (good, said) = tollgate(&daemon, &["explain", &verdict.decision_id]);
    assert!(!good && is_empty(), "{said}");
}

#[tokio::test]
async fn a_disk_without_room_stops_neither_mail_nor_log() {
    let mut daemon = Daemon::configured("", "");
    daemon.control("badmailfrom", "@bad.example\n");
    daemon.configure("", &format!("remember = 0\n{}", daemon.policy()));
    // In the way of the folder: whatever keeps the disk from taking more looks the same from here.
    fs::create_dir_all(daemon.path("state")).expect("makes the state folder");
    fs::write(daemon.path("state/decisions"), "in the way").expect("writes");
    daemon.run();
    let verdict = refused(&daemon).await;
    let line = daemon.wait_for_line(&["event=decisions_failed"]);
    assert!(line.contains("state/decisions"), "{line}");
    assert!(daemon.metric("tollgate_decisions_write_failed_total ").is_some_and(|failed| failed > 0.5));
    refused(&daemon).await;
    fs::remove_file(daemon.path("state/decisions")).expect("is there");
    daemon.wait_for_line(&["event=decisions_resumed", "lost=0"]);
    let (good, said) = tollgate(&daemon, &["explain", &verdict.decision_id]);
    assert!(good, "{said}");
}
