//! What does the daemon believe that cannot be right: what a human takes by force, for as long as it stays, and what two
//! files say together, not at all?

use crate::harness::{Daemon, Smtp, wait_for};
use std::{fs, process::Command};
use tollgate::{lists::bucket_of, session::Address};
use tollgate_proto::v1::{Action, ListFile, ReloadReply, ReloadRequest, StatusRequest};

const LIST: &str = "clients";
const COVERS_ALL: &str = "0.0.0.0/0 covers every client: expected smaller networks";
const COVERS_OURS: &str = "198.51.100.0/24 covers our own 198.51.100.1/32: expected other networks";

/// One with a list of denied clients, one of its own addresses, and one client that is allowed all the same.
fn daemon(list: &str) -> Daemon {
    let daemon = Daemon::configured("", "");
    fs::write(daemon.path(LIST), list).expect("written");
    let text = "own_addresses = ['198.51.100.1']\n[check.access]\nclients_deny_file = 'clients'\n\
                clients_allow = ['203.0.113.7']\n";
    daemon.configure("", &format!("{}{text}", daemon.policy()));
    daemon
}

async fn action(daemon: &Daemon, client_ip: &'static str) -> Action {
    let mut client = daemon.policy_client().await;
    Smtp::from(client_ip, "ann@there.example").talk(&mut client, "bob@ours.example").await.action()
}

async fn reload(daemon: &Daemon, force: bool) -> ReloadReply {
    let mut admin = daemon.admin_client().await;
    admin.reload(ReloadRequest { force }).await.expect("answers").into_inner()
}

/// How the list is shown.
async fn shown(daemon: &Daemon) -> ListFile {
    let mut admin = daemon.admin_client().await;
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    let path = daemon.path(LIST).display().to_string();
    status.lists.into_iter().find(|list| list.path == path).expect("it is shown")
}

fn remembered(daemon: &Daemon) -> Option<String> {
    fs::read_to_string(daemon.path("state/forced-lists")).ok()
}

#[tokio::test]
async fn what_a_human_takes_by_force_survives_kill_9_and_ends_with_the_version() {
    let mut daemon = daemon("192.0.2.1\n");
    daemon.run();
    fs::write(daemon.path(LIST), "0.0.0.0/0\n198.51.100.0/24\n").expect("written");
    let reply = reload(&daemon, false).await;
    let expected =
        format!("{COVERS_ALL}; `tollgate reload --force` takes it (and 2 more); its 1 entries stay in force");
    assert!(reply.faults.is_empty() && reply.refused.len() == 1, "{reply:?}");
    assert!(reply.refused[0].ends_with(&expected), "{reply:?}");
    assert_eq!(action(&daemon, "192.0.2.2").await, Action::Continue);
    assert_eq!(remembered(&daemon), None);
    let reply = reload(&daemon, true).await;
    assert_eq!((reply.faults.len(), reply.refused.len()), (0, 0), "{reply:?}");
    for round in ["by force", "after kill -9"] {
        assert_eq!(action(&daemon, "192.0.2.2").await, Action::Reject, "{round}");
        assert_eq!(action(&daemon, "203.0.113.7").await, Action::Continue, "the smaller network counts");
        assert_eq!(action(&daemon, "198.51.100.1").await, Action::Continue, "we are exempt all the same");
        let list = shown(&daemon).await;
        assert_eq!((list.refused.as_str(), list.entries), ("", 2));
        assert!(list.error.contains(COVERS_ALL) && list.error.contains(COVERS_OURS), "{}", list.error);
        let path = daemon.path(LIST).display().to_string();
        assert!(remembered(&daemon).is_some_and(|text| text.starts_with(&list.checksum) && text.contains(&path)));
        wait_for("the log to say it", || daemon.log().contains("taken by force").then_some(()));
        daemon.kill();
        fs::remove_file(daemon.path("decisions")).expect("the log");
        daemon.run();
    }
    let sums = Command::new("sha256sum").arg("--check").arg(daemon.path("state/forced-lists")).output();
    assert!(sums.expect("runs").status.success(), "anybody can check it");
    fs::write(daemon.path(LIST), "0.0.0.0/0\n").expect("written");
    assert_eq!(reload(&daemon, false).await.refused.len(), 1, "this version was never taken");
    fs::write(daemon.path(LIST), "192.0.2.1\n").expect("written");
    assert_eq!(reload(&daemon, false).await.refused.len(), 0);
    assert_eq!((action(&daemon, "192.0.2.2").await, remembered(&daemon)), (Action::Continue, None));
}

#[tokio::test]
async fn what_cannot_be_remembered_is_not_taken() {
    let mut daemon = daemon("192.0.2.1\n");
    daemon.run();
    // Somebody has put a folder where it would be written.
    fs::create_dir(daemon.path("state/forced-lists.new")).expect("a folder");
    fs::write(daemon.path(LIST), "0.0.0.0/0\n").expect("written");
    let reply = reload(&daemon, true).await;
    assert!(reply.faults.len() == 1 && reply.faults[0].contains("cannot be remembered, and is not taken"), "{reply:?}");
    assert_eq!(action(&daemon, "192.0.2.2").await, Action::Continue);
    fs::remove_dir(daemon.path("state/forced-lists.new")).expect("removed");
    assert_eq!(reload(&daemon, true).await.faults.len(), 0);
    assert_eq!(action(&daemon, "192.0.2.2").await, Action::Reject);
}

#[tokio::test]
async fn a_new_host_starts_with_such_a_list_only_if_told() {
    let mut daemon = daemon("198.51.100.0/24\n");
    let refused = daemon.refused();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains(&format!("{COVERS_OURS}; `tollgated --force` takes it")), "{said}");
    daemon.run_with(&["--force"]);
    assert_eq!(action(&daemon, "198.51.100.2").await, Action::Reject);
    daemon.kill();
    daemon.run();
    assert_eq!(action(&daemon, "198.51.100.2").await, Action::Reject, "it was remembered");
}

/// What two files say together may be wrong, though neither is by itself.
#[tokio::test]
async fn one_file_that_contradicts_another_holds_back_nothing_else() {
    let mut daemon = daemon("192.0.2.1\n");
    daemon.control("rcpthosts", "ours.example\n");
    daemon.control("badrcptto", "postmaster@new.example\n");
    daemon.run();
    daemon.control("rcpthosts", "ours.example\nnew.example\n");
    let path = daemon.path("control/rcpthosts").display().to_string();
    let refused = |value| {
        let series = format!("tollgate_list_refused{{check=\"policy\",file=\"{path}\"}} ");
        wait_for("the contradiction to be told", || (daemon.metric(&series) == Some(value)).then_some(()));
    };
    refused(1.0);
    let mut admin = daemon.admin_client().await;
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    let rcpthosts = status.lists.iter().find(|list| list.path == path).expect("it is shown");
    assert!(rcpthosts.refused.contains("not in force beside") && rcpthosts.entries == 1, "{rcpthosts:?}");
    assert!(rcpthosts.refused.contains("postmaster@new.example"), "{}", rcpthosts.refused);
    assert_eq!((status.reload_error.as_str(), daemon.metric("tollgate_reload_failed ")), ("", Some(0.0)));
    // Everything else comes into force as ever.
    fs::write(daemon.path(LIST), "192.0.2.1\n192.0.2.2\n").expect("written");
    let path = daemon.path(LIST).display().to_string();
    daemon.wait_for_line(&["event=list", &format!("file={path}"), "entries=2"]);
    assert_eq!(action(&daemon, "192.0.2.2").await, Action::Reject);
    refused(1.0);
    daemon.control("badrcptto", "sales@new.example\n");
    refused(0.0);
    let mut client = daemon.policy_client().await;
    let request = Smtp::from("192.0.2.3", "ann@there.example").rcpt_request("sales@new.example");
    assert_eq!(client.rcpt(request).await.expect("answers").into_inner().action(), Action::Reject);
}

/// What may happen to a file while others change, and in which row of the status it is told.
type Mishap = (&'static str, fn(&Daemon), &'static str);

const MISHAPS: &[Mishap] = &[
    ("control/spfexp", |daemon| daemon.control("spfexp", "%{wrong\n"), "expected ASCII with macros"),
    ("control/spfrules", |daemon| daemon.control("spfrules", "redirect=there.example\n"), "expected mechanisms only"),
    ("control/spfguess", |daemon| daemon.control("spfguess", "\u{e4}/24\n"), "expected a line of ASCII"),
    ("key", |daemon| fs::write(daemon.path("key"), "\n").expect("written"), "has no key in its first line"),
    (
        "list/allow/subscribers",
        |daemon| fs::create_dir_all(daemon.path("list/allow/subscribers/T")).expect("made"),
        "not a regular file",
    ),
    (
        "list/subscribers",
        |daemon| fs::rename(daemon.path("list"), daemon.path("moved")).expect("renamed"),
        "out of reach",
    ),
];

#[tokio::test]
async fn whatever_happens_to_one_file_the_others_come_into_force() {
    let mut daemon = daemon("192.0.2.1\n");
    fs::create_dir_all(daemon.path("list/subscribers")).expect("a list's folder");
    fs::write(daemon.path("key"), "a-key\n").expect("a key");
    let subscriber = "ann@there.example";
    let bucket = bucket_of(&Address::new(subscriber.into())).to_string();
    fs::write(daemon.path("list/subscribers").join(bucket), format!("T{subscriber}\0")).expect("a subscriber");
    let rest = "[[check.rbl.list]]\nname = 'l'\nzone = '%{key}.list.example'\nkey_file = 'key'\nmode = 'off'\n\
                [[check.ezmlm.list]]\naddress = 'talk@ours.example'\ndir = 'list'\nsubscribers_only = true\n";
    let text = fs::read_to_string(daemon.path("tollgate.toml")).expect("the configuration");
    fs::write(daemon.path("tollgate.toml"), format!("{text}{rest}")).expect("written");
    daemon.run();
    for (number, (row, happen, expected)) in (2..).zip(MISHAPS) {
        happen(&daemon);
        let path = daemon.path(row).display().to_string();
        let told = wait_for(&format!("{row} to be refused"), || {
            let line = daemon.log().lines().find(|line| line.contains(&path) && line.contains("refused="))?.to_owned();
            Some(line)
        });
        assert!(told.contains(expected), "{told}");
        let others: String = (1..=number).map(|host| format!("192.0.2.{host}\n")).collect();
        fs::write(daemon.path(LIST), others).expect("written");
        let path = daemon.path(LIST).display().to_string();
        daemon.wait_for_line(&["event=list", &format!("file={path}"), &format!("entries={number}")]);
        assert_eq!(daemon.metric("tollgate_reload_failed "), Some(0.0), "{row}");
    }
    // Nobody has been unsubscribed by that.
    let mut client = daemon.policy_client().await;
    for (sender, expected) in [(subscriber, Action::Continue), ("eve@there.example", Action::Reject)] {
        let request = Smtp::from("203.0.113.7", sender).rcpt_request("talk@ours.example");
        assert_eq!(client.rcpt(request).await.expect("answers").into_inner().action(), expected, "{sender}");
    }
}
