//! Do lists come into force by themselves, whatever is done to their files?
//!
//! `kinds` says what a kind of file is, `usual` and `named` are all of them, `load` edits each while others are answered;
//! `damaged` is about files that are no lists, `costs` about what many reloads leave behind.

mod costs;
mod damaged;
mod kinds;
mod load;
mod named;
mod usual;

use crate::harness::Daemon;
use kinds::Kind;
use std::fs;
use tollgate_proto::v1::Action;

/// The row of a file.
fn row(file: &str) -> &'static Kind {
    usual::KINDS.iter().find(|kind| kind.file == file).expect("a row")
}

/// A daemon that reads a few of them.
fn daemon() -> Daemon {
    let mut daemon = Daemon::configured("", "");
    for file in ["control/badmailfrom", "lists/clients", "lists/recipients.cdb"] {
        row(file).place(&daemon, 0);
    }
    let access = "[check.access]\nclients_deny_file = 'lists/clients'\nrecipients_deny_file = 'lists/recipients.cdb'\n";
    daemon.configure("", &format!("{}{access}", daemon.policy()));
    daemon.run();
    daemon
}

async fn action(daemon: &Daemon, kind: &Kind) -> Action {
    kind.verdict(daemon).await.action()
}

/// Who writes under another name of the same file, in a folder of which nobody knows, is not reported: as over NFS.
#[tokio::test]
async fn what_the_system_does_not_report_is_found_by_looking() {
    let mut daemon = daemon();
    daemon.kill();
    let text = fs::read_to_string(daemon.path("tollgate.toml")).expect("the configuration");
    fs::write(daemon.path("tollgate.toml"), format!("{text}\n[lists]\npoll_s = 1\n")).expect("written");
    let elsewhere = daemon.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let kind = row("lists/clients");
    fs::hard_link(daemon.path(kind.file), elsewhere.join("clients")).expect("another name");
    daemon.run();
    assert_eq!(action(&daemon, kind).await, Action::Continue);
    fs::write(elsewhere.join("clients"), kind.content[1]).expect("written");
    kind.in_force(&daemon).await;
}
