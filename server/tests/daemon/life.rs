//! Does the daemon start, reload and end as a postmaster expects?

use crate::harness::{Daemon, Smtp, channel, wait_for};
use rustix::process::Signal;
use std::{fs, io::Write, os::unix::net::UnixStream};
use tollgate_proto::v1::{Action, ReloadRequest, StatusRequest};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

#[test]
fn a_second_daemon_is_refused_and_a_killed_one_leaves_nothing_in_the_way() {
    let mut first = Daemon::start("", "");
    let second = first.refused();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(said.contains("another tollgated is running") && said.lines().count() == 1, "{said}");
    first.kill();
    assert!(first.path("tollgate.sock").exists(), "nobody removed it");
    first.run();
    first.signal(Signal::TERM);
    assert_eq!(first.wait().code(), Some(0));
    assert!(!first.path("tollgate.sock").exists() && !first.path("admin.sock").exists());
}

#[test]
fn a_bad_configuration_is_refused_with_every_fault_and_nothing_listens() {
    let daemon = Daemon::configured("drain_seconds = -1\nsokket = 'x'", "[nonsense]\n");
    let output = daemon.refused();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64));
    for fault in ["tollgate.toml:6: [server] drain_seconds = -1: expected 0 to 300", "sokket", "[nonsense]"] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(!daemon.path("tollgate.sock").exists() && !daemon.path("state").exists());
}

#[tokio::test]
async fn sighup_puts_lists_in_force_and_a_bad_configuration_changes_nothing() {
    let mut daemon = Daemon::configured("", "");
    daemon.configure("", &daemon.policy());
    daemon.run();
    let mut client = daemon.policy_client().await;
    let mut admin = daemon.admin_client().await;
    let smtp = || Smtp::from("192.0.2.1", "spam@bad.example");
    assert_eq!(smtp().talk(&mut client, "bob@example.net").await.action(), Action::Continue);
    daemon.control("badmailfrom", "@bad.example\n");
    daemon.signal(Signal::HUP);
    daemon.wait_for_line(&["event=reload", "result=ok", "generation=2"]);
    let refused = smtp().talk(&mut client, "bob@example.net").await;
    assert_eq!(refused.action(), Action::Reject);
    assert!(refused.text.contains(&refused.decision_id), "{}", refused.text);
    daemon.configure("", &format!("{}mode = 'strict'\n", daemon.policy()));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line(&["event=reload", "result=failed", "faults=1"]);
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    assert!(status.reload_error.contains("strict"), "{}", status.reload_error);
    assert_eq!(status.generation, 2);
    assert_eq!(smtp().talk(&mut client, "bob@example.net").await.action(), Action::Reject);
    assert_eq!(daemon.metric("tollgate_reload_failed "), Some(1.0));
    assert_eq!(daemon.metric("tollgate_reloads_total{result=\"failed\"} "), Some(1.0));
    daemon.configure("", &daemon.policy());
    let reply = admin.reload(ReloadRequest::default()).await.expect("answers").into_inner();
    assert_eq!((reply.generation, reply.faults.len()), (3, 0));
    assert_eq!(daemon.metric("tollgate_reload_failed "), Some(0.0));
}

#[tokio::test]
async fn the_log_file_is_opened_anew_by_a_reload() {
    let daemon = Daemon::start("", "");
    daemon.wait_for_line(&["event=start"]);
    fs::rename(daemon.path("decisions"), daemon.path("decisions.1")).expect("rotates");
    daemon.signal(Signal::HUP);
    wait_for("the new file", || daemon.path("decisions").exists().then_some(()));
    let mut client = daemon.policy_client().await;
    Smtp::from("192.0.2.1", "").talk(&mut client, "bob@example.net").await;
    daemon.wait_for_line(&["event=decision", "stage=rcpt"]);
}

#[tokio::test]
async fn a_drain_finishes_calls_and_does_not_wait_for_idle_sessions() {
    // A list whose resolver never answers: a call that lasts until its stage's deadline.
    let silence = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let dns = silence.local_addr().expect("an address");
    let mut daemon = Daemon::start(
        "drain_seconds = 20",
        &format!(
            "[policy]\nstage_deadline_ms = 1000\n[dns]\nservers = ['{dns}']\n[[check.rbl.list]]\nzone = 'bl.example'\n"
        ),
    );
    // A mail server between two calls, which reads nothing and so acknowledges nothing.
    let mut idle = UnixStream::connect(daemon.path("tollgate.sock")).expect("connects");
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").expect("a preface");
    let mut client = daemon.policy_client().await;
    let mut health = HealthClient::new(channel(&daemon.path("tollgate.sock")).await);
    health.check(HealthCheckRequest::default()).await.expect("serves");
    let mut smtp = Smtp::from("192.0.2.1", "ann@example.org");
    let slow = tokio::spawn({
        let request = smtp.rcpt_request("bob@example.net");
        async move { client.rcpt(request).await }
    });
    wait_for_question(&silence).await;
    daemon.signal(Signal::TERM);
    let daemon = tokio::task::spawn_blocking(move || {
        wait_for("the listener to close", || UnixStream::connect(daemon.path("tollgate.sock")).err());
        assert_eq!(daemon.wait().code(), Some(0));
        daemon
    });
    let verdict = slow.await.expect("no panic").expect("is answered in the drain").into_inner();
    assert_eq!(verdict.action(), Action::Continue);
    assert!(verdict.degraded.iter().any(|what| what == "dns" || what == "deadline"), "{:?}", verdict.degraded);
    let daemon = daemon.await.expect("ends long before its 20 seconds are over");
    assert!(daemon.log().contains("event=stop signal=SIGTERM"));
    assert!(daemon.log().contains("stage=rcpt"), "the log was flushed");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let silence = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let dns = silence.local_addr().expect("an address");
    let mut daemon = Daemon::start(
        "drain_seconds = 60",
        &format!(
            "[policy]\nstage_deadline_ms = 30000\n[dns]\nservers = ['{dns}']\ntimeout_ms = 30000\n[[check.rbl.list]]\nzone = 'bl.example'\n"
        ),
    );
    let mut client = daemon.policy_client().await;
    let request = Smtp::from("192.0.2.1", "ann@example.org").rcpt_request("bob@example.net");
    let slow = tokio::spawn(async move { client.rcpt(request).await });
    wait_for_question(&silence).await;
    daemon.signal(Signal::TERM);
    let ended = tokio::task::spawn_blocking(move || {
        daemon.wait_for_line(&["event=stop", "signal=SIGTERM"]);
        daemon.signal(Signal::TERM);
        // Within `wait`'s 20 seconds, while drain and call would last longer.
        daemon.wait().code()
    });
    assert_eq!(ended.await.expect("no panic"), Some(0));
    assert!(slow.await.expect("no panic").is_err(), "the call was cut off");
}

/// Until the daemon has sent its first question: the call is under way then.
async fn wait_for_question(silence: &std::net::UdpSocket) {
    let silence = silence.try_clone().expect("clones");
    let asked = tokio::task::spawn_blocking(move || {
        silence.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a bound");
        silence.recv(&mut [0; 512])
    });
    asked.await.expect("no panic").expect("a question");
}
