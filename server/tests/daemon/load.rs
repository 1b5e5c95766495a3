//! What happens to more than there is room for, and to what was decided without us?

use crate::harness::{Daemon, Smtp, wait_for};
use std::{fs, io::Read, net::UdpSocket, os::unix::net::UnixStream, time::Duration};
use tonic::Code;

#[tokio::test]
async fn the_newest_call_beyond_the_bound_is_refused_at_once() {
    let silence = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let dns = silence.local_addr().expect("an address");
    let daemon = Daemon::start(
        "calls_max = 1",
        &format!(
            "[policy]\nstage_deadline_ms = 1000\n[dns]\nservers = ['{dns}']\n[[check.rbl.list]]\nzone = 'bl.example'\n"
        ),
    );
    // `calls_max` is shared by the cores, at least one each: one connection stays on one core.
    let mut client = daemon.policy_client().await;
    let mut smtp = Smtp::from("192.0.2.1", "ann@example.org");
    let (first, second) = (smtp.rcpt_request("bob@example.net"), smtp.rcpt_request("bob@example.net"));
    let running = tokio::spawn({
        let mut client = client.clone();
        async move { client.rcpt(first).await }
    });
    let heard = tokio::task::spawn_blocking(move || {
        silence.set_read_timeout(Some(Duration::from_secs(10))).expect("a bound");
        silence.recv(&mut [0; 512]).map(|_| silence)
    });
    let _silence = heard.await.expect("no panic").expect("a question");
    let status = client.rcpt(second).await.expect_err("is refused");
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "overload"));
    assert!(!running.is_finished(), "the first call still runs");
    assert!(running.await.expect("no panic").is_ok());
    assert_eq!(daemon.metric("tollgate_calls_refused_total{reason=\"overload\"} "), Some(1.0));
}

#[test]
fn connections_beyond_the_bound_are_closed() {
    let daemon = Daemon::start("connections_max = 2", "");
    let socket = daemon.path("tollgate.sock");
    let connect = || UnixStream::connect(&socket).expect("connects");
    let _held = [connect(), connect()];
    wait_for("both to be taken", || (daemon.metric("tollgate_connections ") == Some(2.0)).then_some(()));
    let mut third = connect();
    third.set_read_timeout(Some(Duration::from_secs(10))).expect("a bound");
    assert_eq!(third.read(&mut [0; 9]).expect("the end"), 0);
    assert_eq!(daemon.metric("tollgate_connections_refused_total{what=\"connections_max\"} "), Some(1.0));
}

#[test]
fn what_was_decided_without_us_is_counted_and_the_file_emptied() {
    let daemon = Daemon::start("", "");
    let file = daemon.path("state/failures");
    let record = |line: &str| format!("{line:<127}\n");
    let mut content = record("TG1 1700000000 rcpt timeout pass 12345 0123456789abcdef0123456789abcdef 192.0.2.1");
    content += &record("TG1 1700000001 rcpt status-8 defer 12345 0123456789abcdef0123456789abcdef 192.0.2.1");
    content += &record("something else");
    fs::write(&file, content).expect("writes");
    daemon.wait_for_line(&["event=unanswered", "stage=rcpt", "reason=timeout", "outcome=pass", "client_ip=192.0.2.1"]);
    daemon.wait_for_line(&["event=unanswered_total", "records=3"]);
    let count = |labels: &str| daemon.metric(&format!("tollgate_failure_records_total{{{labels}}} "));
    assert_eq!(count("stage=\"rcpt\",reason=\"timeout\",outcome=\"pass\""), Some(1.0));
    assert_eq!(count("stage=\"rcpt\",reason=\"status\",outcome=\"defer\""), Some(1.0));
    assert_eq!(daemon.metric("tollgate_failure_records_unreadable_total "), Some(1.0));
    assert_eq!(fs::metadata(&file).expect("an empty one").len(), 0);
}
