//! Do exceptions survive? Allowed, denied and pardoned over reload, restart and kill, with their hits; and who changes
//! something is told what became of it.

use crate::harness::{Daemon, Smtp, wait_for};
use rustix::process::Signal;
use tollgate_proto::v1::{self, Action, Exception, PardonScope};
use tonic::Code;

/// A daemon that refuses mail from bad.example, and asks no DNS.
fn daemon(state: &str) -> Daemon {
    let mut daemon = Daemon::configured("", "");
    daemon.control("badmailfrom", "@bad.example\n");
    let off = ["rdns", "helo", "sender_domain", "spf"].map(|check| format!("[check.{check}]\nmode = 'off'\n")).concat();
    let settings = "domains = ['here.example']\nown_addresses = ['203.0.113.0/28']\n";
    daemon.configure("", &format!("{}{settings}{off}[state]\n{state}\n", daemon.policy()));
    daemon.run();
    daemon
}

fn make(allow: bool, clients: &str, sender: &str) -> v1::ExceptionMakeRequest {
    v1::ExceptionMakeRequest {
        allow,
        clients: clients.to_owned(),
        sender: sender.to_owned(),
        seconds: 3_600,
        reason: "their new relay".to_owned(),
        by: "hans".to_owned(),
        ..v1::ExceptionMakeRequest::default()
    }
}

fn pardon(id: &str) -> v1::ExceptionPardonRequest {
    let (decision_id, by) = (id.to_owned(), "hans".to_owned());
    v1::ExceptionPardonRequest { decision_id, by, ..v1::ExceptionPardonRequest::default() }
}

async fn list(daemon: &Daemon) -> Vec<Exception> {
    let request = v1::ExceptionListRequest::default();
    daemon.admin_client().await.exception_list(request).await.expect("answers").into_inner().exceptions
}

async fn verdict(daemon: &Daemon, client_ip: &'static str, sender: &'static str) -> v1::Verdict {
    let mut client = daemon.policy_client().await;
    Smtp::from(client_ip, sender).talk(&mut client, "bob@example.net").await
}

async fn action(daemon: &Daemon, client_ip: &'static str, sender: &'static str) -> Action {
    verdict(daemon, client_ip, sender).await.action()
}

/// The three that every test begins with: allowed 192.0.2.1, denied dan@there.example, pardoned eve@bad.example.
async fn three(daemon: &Daemon) {
    let mut admin = daemon.admin_client().await;
    assert_eq!(action(daemon, "192.0.2.1", "spam@bad.example").await, Action::Reject);
    admin.exception_make(make(true, "192.0.2.1", "")).await.expect("is made");
    admin.exception_make(make(false, "", "Dan@There.example")).await.expect("is made");
    let refused = verdict(daemon, "198.51.100.7", "eve@bad.example").await;
    assert_eq!(refused.action(), Action::Reject);
    let reply = admin.exception_pardon(pardon(&refused.decision_id)).await.expect("is pardoned").into_inner();
    let made = reply.exception.expect("an exception");
    assert_eq!((made.clients.as_str(), made.sender.as_str()), ("198.51.100.0/24", "eve@bad.example"));
    assert_eq!((reply.renewed, made.until - made.made_at, made.needs_spf), (false, 7 * 86_400, false));
    assert_eq!(made.reason, format!("pardon of {}", refused.decision_id));
}

/// As `three` left it.
async fn hold(daemon: &Daemon) {
    assert_eq!(action(daemon, "192.0.2.1", "spam@bad.example").await, Action::Continue, "allowed");
    assert_eq!(action(daemon, "192.0.2.2", "spam@bad.example").await, Action::Reject, "a neighbour is not");
    assert_eq!(action(daemon, "192.0.2.2", "dan@there.example").await, Action::Reject, "denied");
    assert_eq!(action(daemon, "198.51.100.200", "eve@bad.example").await, Action::Continue, "pardoned, with its net");
    assert_eq!(action(daemon, "198.51.100.7", "spam@bad.example").await, Action::Reject, "others of the net are not");
}

fn hits(all: &[Exception]) -> Vec<(u32, u32)> {
    all.iter().map(|one| (one.hits, one.changed)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_survive_reload_restart_and_kill() {
    for state in ["", "store = 'memory'"] {
        let mut daemon = daemon(state);
        three(&daemon).await;
        hold(&daemon).await;
        assert_eq!(hits(&list(&daemon).await), [(1, 1); 3]);
        assert_eq!(daemon.metric("tollgate_exceptions{action=\"allow\"} "), Some(2.0));
        assert_eq!(daemon.metric("tollgate_exception_hits_total{action=\"deny\",changed=\"yes\"} "), Some(1.0));
        let reloaded =
            daemon.admin_client().await.reload(v1::ReloadRequest::default()).await.expect("answers").into_inner();
        assert_eq!((reloaded.generation, reloaded.faults.len()), (2, 0));
        hold(&daemon).await;
        daemon.signal(Signal::TERM);
        daemon.wait();
        daemon.run();
        let before = list(&daemon).await;
        assert_eq!(hits(&before), [(2, 2); 3], "an orderly end writes all hits");
        hold(&daemon).await;
        // What the daemon counted before it is killed is in the store at the latest when it had a second to write.
        let counted = list(&daemon).await;
        assert_eq!(hits(&counted), [(3, 3); 3]);
        daemon.kill();
        daemon.run();
        let after = list(&daemon).await;
        assert_eq!(after.len(), 3, "what was made is there at once");
        let lost = |(one, other): (&Exception, &Exception)| one.hits - other.hits;
        assert!(counted.iter().zip(&after).map(lost).all(|lost| lost <= 1), "{after:?}");
        hold(&daemon).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_a_moment_before_a_kill_is_there_after_it() {
    let mut daemon = daemon("");
    for round in 0..3_u8 {
        let made = daemon.admin_client().await.exception_make(make(true, &format!("192.0.2.{round}"), "")).await;
        let made = made.expect("is made").into_inner().exception.expect("an exception");
        daemon.kill();
        daemon.run();
        assert!(list(&daemon).await.contains(&made), "{round}");
    }
    let first = list(&daemon).await.remove(0);
    let request = v1::ExceptionRemoveRequest { id: first.id[..12].to_owned(), by: "ann".to_owned() };
    daemon.admin_client().await.exception_remove(request).await.expect("is removed");
    daemon.kill();
    daemon.run();
    assert!(!list(&daemon).await.iter().any(|one| one.id == first.id), "and what was ended stays ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_in_the_log_with_who_and_why() {
    let daemon = daemon("");
    three(&daemon).await;
    let mut admin = daemon.admin_client().await;
    let again = admin.exception_make(make(true, "192.0.2.1", "")).await.expect("is made").into_inner();
    assert!(again.renewed);
    let id = again.exception.expect("an exception").id;
    let request = v1::ExceptionRemoveRequest { id: id.clone(), by: "ann".to_owned() };
    admin.exception_remove(request.clone()).await.expect("is removed");
    let gone = admin.exception_remove(request).await.expect_err("is gone");
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(action(&daemon, "192.0.2.1", "spam@bad.example").await, Action::Reject);
    let scope = "scope=\"clients 192.0.2.1/32\"";
    let pardoned = "scope=\"clients 198.51.100.0/24, sender eve@bad.example\"";
    for words in [
        &[" event=exception ", " action=allow ", scope, " renewed=false by=hans reason=\"their new relay\""][..],
        &[" event=exception ", " action=deny ", "scope=\"sender dan@there.example\"", " renewed=false "],
        &[" event=exception ", " action=allow ", scope, " renewed=true "],
        &[" event=pardon ", " decision_id=", " session_id=", pardoned, " by=hans "],
        &[" event=exception_removed ", &id[..12], scope, " by=ann"],
    ] {
        let log = wait_for("the log", || Some(daemon.log()).filter(|log| log.contains("event=exception_removed")));
        assert!(log.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_in_one_line() {
    let daemon = daemon("");
    let mut admin = daemon.admin_client().await;
    let to = |recipient: &str| v1::ExceptionMakeRequest { recipient: recipient.to_owned(), ..make(false, "", "") };
    for (request, expected) in [
        (make(true, "", ""), "about everybody"),
        (make(true, "0.0.0.0/0", ""), "clients 0.0.0.0/0"),
        (make(true, "192.0.2.1/24", ""), "host bits"),
        (make(true, "", "ann"), "expected user@host"),
        (make(false, "203.0.113.1", ""), "is our own"),
        (to("postmaster@here.example"), "stay reachable"),
        (v1::ExceptionMakeRequest { seconds: 0, ..make(true, "192.0.2.1", "") }, "seconds = 0"),
        (v1::ExceptionMakeRequest { reason: String::new(), ..make(true, "192.0.2.1", "") }, "reason"),
        (v1::ExceptionMakeRequest { by: " ".to_owned(), ..make(true, "192.0.2.1", "") }, "by"),
    ] {
        let status = admin.exception_make(request).await.expect_err(expected);
        assert!(status.code() == Code::InvalidArgument && status.message().contains(expected), "{status}");
    }
    let passed = verdict(&daemon, "192.0.2.1", "ann@good.example").await;
    daemon.wait_for_line(&["event=decision", &format!("decision_id={}", passed.decision_id)]);
    let denied = verdict(&daemon, "192.0.2.1", "spam@bad.example").await;
    let wide =
        v1::ExceptionPardonRequest { scope: PardonScope::Sender.into(), exact: false, ..pardon(&denied.decision_id) };
    let made = admin.exception_pardon(wide).await.expect("is pardoned").into_inner().exception.expect("an exception");
    assert!(made.needs_spf && made.clients.is_empty());
    assert_eq!(action(&daemon, "192.0.2.1", "spam@bad.example").await, Action::Reject, "no SPF, no pardon");
    for (id, code, expected) in [
        ("0000000000000000", Code::NotFound, "no such decision"),
        ("what", Code::InvalidArgument, "what"),
        (passed.decision_id.as_str(), Code::FailedPrecondition, "refused nothing"),
    ] {
        let status = admin.exception_pardon(pardon(id)).await.expect_err(expected);
        assert!(status.code() == code && status.message().contains(expected), "{status}");
    }
    assert_eq!(list(&daemon).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_decision_is_pardoned_after_a_restart() {
    let mut daemon = daemon("");
    let refused = verdict(&daemon, "192.0.2.1", "spam@bad.example").await;
    daemon.wait_for_line(&["event=decision", &format!("decision_id={}", refused.decision_id)]);
    daemon.signal(Signal::TERM);
    daemon.wait();
    daemon.run();
    let mut admin = daemon.admin_client().await;
    let first = admin.exception_pardon(pardon(&refused.decision_id)).await.expect("is pardoned").into_inner();
    let second = admin.exception_pardon(pardon(&refused.decision_id)).await.expect("is renewed").into_inner();
    assert_eq!((first.renewed, second.renewed), (false, true));
    assert_eq!(action(&daemon, "192.0.2.1", "spam@bad.example").await, Action::Continue);
    // Memory learns from a pardon once, and behind.
    let known = |row: &v1::Reputation| row.experiences.iter().any(|told| told.kind == "pardoned" && told.count < 1.5);
    let request = v1::ReputationExportRequest { kind: "ip".to_owned(), ..v1::ReputationExportRequest::default() };
    let mut pages = admin.reputation_export(request).await.expect("exports").into_inner();
    let page = pages.message().await.expect("a page").expect("one");
    assert!(page.rows.iter().any(|row| row.subject == "192.0.2.1" && known(row)), "{page:?}");
    wait_for("its hit to be counted", || {
        (daemon.metric("tollgate_exception_hits_total{action=\"allow\",changed=\"yes\"} ")? > 0.5).then_some(())
    });
}
