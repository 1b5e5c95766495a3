//! Does every call of the admin socket do what it says?

use crate::harness::{Daemon, Smtp};
use bytes::Bytes;
use std::{fs, os::unix::fs::PermissionsExt};
use tollgate_proto::v1::{self, Action};
use tonic::Code;

/// A daemon that refuses mail from bad.example.
fn daemon() -> Daemon {
    let mut daemon = Daemon::configured("", "");
    daemon.control("badmailfrom", "@bad.example\n");
    daemon.configure("", &daemon.policy());
    daemon.run();
    daemon
}

#[test]
fn only_the_daemons_user_reaches_the_admin_socket() {
    let daemon = Daemon::start("", "");
    let mode = |name: &str| fs::metadata(daemon.path(name)).expect("a socket").permissions().mode() & 0o777;
    assert_eq!((mode("admin.sock"), mode("tollgate.sock")), (0o600, 0o660));
}

#[tokio::test]
async fn check_rehearses_a_transaction_and_leaves_no_trace() {
    let daemon = daemon();
    let mut admin = daemon.admin_client().await;
    let smtp = Smtp::from("192.0.2.1", "spam@bad.example");
    let request = v1::CheckRequest {
        connection: smtp.connection(),
        helo: smtp.helo(),
        mail: smtp.mail(),
        recipients: vec![Bytes::from_static(b"bob@example.net"), Bytes::from_static(b"postmaster")],
        rcpthosts: v1::Rcpthosts::Allowed.into(),
    };
    let decisions = admin.check(request.clone()).await.expect("answers").into_inner().decisions;
    let stages: Vec<&str> = decisions.iter().map(|decision| decision.stage.as_str()).collect();
    assert_eq!(stages, ["connect", "helo", "mail", "rcpt", "rcpt", "data"]);
    assert_eq!(decisions[3].verdict.as_ref().map(v1::Verdict::action), Some(Action::Reject));
    assert_eq!(decisions[3].decided_by, "badmailfrom");
    assert!(decisions[3].findings.iter().any(|finding| finding.check == "badmailfrom" && finding.outcome == "reject"));
    assert_eq!(decisions[4].verdict.as_ref().map(v1::Verdict::action), Some(Action::Continue), "postmaster");
    assert!(!daemon.log().contains("event=decision"));
    assert_eq!(daemon.metric("tollgate_decisions_total{stage=\"rcpt\",action=\"reject\"} "), Some(0.0));
    let wrong = v1::CheckRequest { connection: Some(v1::Connection::default()), ..request };
    let status = admin.check(wrong).await.expect_err("no address");
    assert!(status.code() == Code::InvalidArgument && status.message().contains("client_ip"), "{status}");
}

#[tokio::test]
async fn explain_finds_a_refusal_by_the_id_the_client_saw() {
    let daemon = daemon();
    let mut client = daemon.policy_client().await;
    let refused = Smtp::from("192.0.2.1", "spam@bad.example").talk(&mut client, "bob@example.net").await;
    daemon.wait_for_line(&["event=decision", "action=reject", &format!("decision_id={}", refused.decision_id)]);
    let mut admin = daemon.admin_client().await;
    let request = v1::ExplainRequest { decision_id: format!("[{}]", refused.decision_id.to_uppercase()) };
    let decision = admin.explain(request).await.expect("answers").into_inner().decision.expect("is remembered");
    assert_eq!((decision.stage.as_str(), decision.host.as_str()), ("rcpt", "mx1"));
    assert_eq!((decision.client_ip.as_str(), decision.sender.as_str()), ("192.0.2.1", "spam@bad.example"));
    assert_eq!(decision.verdict.map(|verdict| verdict.text), Some(refused.text));
    let unknown = v1::ExplainRequest { decision_id: "0000000000000000".to_owned() };
    assert!(admin.explain(unknown).await.expect("answers").into_inner().decision.is_none());
    let wrong = v1::ExplainRequest { decision_id: "what".to_owned() };
    assert_eq!(admin.explain(wrong).await.expect_err("is no id").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_kill_switch_holds_at_once_and_over_a_kill() {
    let mut daemon = daemon();
    let mut client = daemon.policy_client().await;
    let mut admin = daemon.admin_client().await;
    let spam = || Smtp::from("192.0.2.1", "spam@bad.example");
    let throw = |seconds, reason: &str| v1::SwitchRequest { seconds, reason: reason.to_owned(), by: "ann".to_owned() };
    for wrong in [throw(604_801, "too long"), throw(60, " ")] {
        assert_eq!(admin.switch(wrong).await.expect_err("is refused").code(), Code::InvalidArgument);
    }
    let off = admin.switch(throw(3600, "list gone mad")).await.expect("answers").into_inner().off.expect("thrown");
    assert_eq!((off.reason.as_str(), off.by.as_str()), ("list gone mad", "ann"));
    assert_eq!(spam().talk(&mut client, "bob@example.net").await.action(), Action::Continue);
    assert_eq!(daemon.metric("tollgate_switched_off "), Some(1.0));
    daemon.kill();
    daemon.run();
    let mut client = daemon.policy_client().await;
    let mut admin = daemon.admin_client().await;
    let status = admin.status(v1::StatusRequest {}).await.expect("answers").into_inner();
    assert_eq!(status.off.map(|state| state.until), Some(off.until));
    assert_eq!(spam().talk(&mut client, "bob@example.net").await.action(), Action::Continue);
    assert!(admin.switch(throw(0, "")).await.expect("answers").into_inner().off.is_none());
    assert_eq!(spam().talk(&mut client, "bob@example.net").await.action(), Action::Reject);
    daemon.kill();
    daemon.run();
    let status = daemon.admin_client().await.status(v1::StatusRequest {}).await.expect("answers").into_inner();
    assert!(status.off.is_none());
}

#[tokio::test]
async fn status_says_what_runs() {
    let daemon = daemon();
    let mut client = daemon.policy_client().await;
    Smtp::from("192.0.2.1", "spam@bad.example").talk(&mut client, "bob@example.net").await;
    let status = daemon.admin_client().await.status(v1::StatusRequest {}).await.expect("answers").into_inner();
    assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((status.generation, status.mode.as_str()), (1, "enforce"));
    assert_eq!(status.config, daemon.path("tollgate.toml").display().to_string());
    assert!(status.started_at > 1_700_000_000 && status.loaded_at >= status.started_at);
    assert!(status.listening.contains(&format!("unix:{}", daemon.path("tollgate.sock").display())));
    let list = status.lists.iter().find(|list| list.path.ends_with("/badmailfrom")).expect("the list");
    assert_eq!((list.check.as_str(), list.entries), ("badmailfrom", 1));
    let rejected = "tollgate_decisions_total{stage=\"rcpt\",action=\"reject\"}";
    assert!(status.counters.iter().any(|counter| counter.name == rejected && counter.value == 1), "{status:?}");
}

#[tokio::test]
async fn effective_pipeline_inspect_and_a_refused_reload() {
    let daemon = daemon();
    let mut admin = daemon.admin_client().await;
    let effective = admin.effective(v1::EffectiveRequest {}).await.expect("answers").into_inner();
    assert!(effective.text.contains("[server]") && effective.text.contains("drain_seconds = 10"), "{}", effective.text);
    let table = admin.pipeline(v1::PipelineRequest {}).await.expect("answers").into_inner().table;
    assert!(table.contains("badmailfrom"), "{table}");
    let inspect =
        |check: &str, op: &str| v1::InspectRequest { check: check.to_owned(), op: op.to_owned(), args: vec![] };
    let operations = admin.inspect(inspect("rbl", "")).await.expect("answers").into_inner();
    assert_eq!(operations.columns.len(), 2);
    assert_eq!(admin.inspect(inspect("nonsense", "")).await.expect_err("none").code(), Code::NotFound);
    assert_eq!(admin.inspect(inspect("rbl", "nonsense")).await.expect_err("none").code(), Code::InvalidArgument);
    daemon.configure("", "[check.rbl]\nmode = 'on'\n[check.nonsense]\n");
    let reply = admin.reload(v1::ReloadRequest::default()).await.expect("answers").into_inner();
    assert_eq!((reply.generation, reply.faults.len()), (1, 2), "{:?}", reply.faults);
}
