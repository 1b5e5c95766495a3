//! Does the list before stay in force where what lies in a file's place cannot be believed?

use super::{action, daemon, row};
use crate::harness::{Daemon, wait_for};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};
use tollgate_proto::v1::{Action, ReloadRequest, StatusRequest};

/// Why a list is not as its file says, once the daemon says so.
async fn complaint(daemon: &Daemon, path: &Path) -> String {
    let mut admin = daemon.admin_client().await;
    for _ in 0..1_000 {
        let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
        let list = status.lists.into_iter().find(|list| Path::new(&list.path) == path && !list.refused.is_empty());
        if let Some(list) = list {
            return list.refused.replace(&format!("{}: ", path.display()), "");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}: nothing is said", path.display());
}

/// Puts something else in a file's place.
fn replace(path: &Path, make: impl FnOnce(&Path)) {
    if path.is_dir() {
        fs::remove_dir(path).expect("removed");
    } else {
        fs::remove_file(path).expect("removed");
    }
    make(path);
}

#[tokio::test]
async fn what_cannot_be_a_list_leaves_the_one_before_and_one_clear_line() {
    let daemon = daemon();
    let badmailfrom = row("control/badmailfrom");
    let many: String = (0..20).map(|number| format!("@d{number}.example\n")).collect();
    fs::write(daemon.path(badmailfrom.file), format!("{many}@bad.example\n")).expect("written");
    badmailfrom.in_force(&daemon).await;
    let path = daemon.path(badmailfrom.file);
    type Make = fn(&Path);
    let unreadable: Make = |path| symlink(path.file_name().expect("a name"), path).expect("a link to itself");
    let wrecks: [(&str, Make); 6] = [
        ("not a regular file: expected one", |path| fs::create_dir(path).expect("a folder")),
        ("not a regular file: expected one", |path| {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
        }),
        ("4294967296 bytes: expected at most 536870912", |path| {
            fs::File::create(path).expect("a file").set_len(4 << 30).expect("a sparse file");
        }),
        ("Too many levels of symbolic links (os error 40)", unreadable),
        ("no entries after 21: expected some, or no file; `tollgate reload --force` takes it", |path| {
            fs::write(path, "").expect("written");
        }),
        ("1 entries after 21: expected at least 10; `tollgate reload --force` takes it", |path| {
            fs::write(path, "@cut.exa").expect("written");
        }),
    ];
    for (expected, make) in wrecks {
        replace(&path, make);
        let mut said = complaint(&daemon, &path).await;
        while said != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
            said = complaint(&daemon, &path).await;
        }
        assert_eq!(action(&daemon, badmailfrom).await, Action::Reject, "the old list stays");
        wait_for("the log to say it", || {
            daemon
                .log()
                .contains(&expected.replace(' ', "\\x20"))
                .then_some(())
                .or_else(|| daemon.log().contains(expected).then_some(()))
        });
    }
    // A human may take it all the same.
    let mut admin = daemon.admin_client().await;
    let reply = admin.reload(ReloadRequest { force: false }).await.expect("answers").into_inner();
    assert_eq!((reply.faults.len(), reply.refused.len()), (0, 1), "{reply:?}");
    let reply = admin.reload(ReloadRequest { force: true }).await.expect("answers").into_inner();
    assert_eq!((reply.faults.len(), reply.refused.len()), (0, 0), "{reply:?}");
    assert_eq!(action(&daemon, badmailfrom).await, Action::Continue);
    // Lines of a DOS editor count, and are told.
    fs::write(&path, "@bad.example\r\n").expect("written");
    badmailfrom.in_force(&daemon).await;
    wait_for("the warning", || daemon.log().contains("CR").then_some(()));
}

#[tokio::test]
async fn a_cdb_that_is_cut_off_or_flipped_leaves_the_one_before() {
    let daemon = daemon();
    let cdb = row("lists/recipients.cdb");
    cdb.place(&daemon, 1);
    cdb.in_force(&daemon).await;
    let path = daemon.path(cdb.file);
    let good = fs::read(&path).expect("the cdb");
    for (at, expected) in [(good.len() - 9, "cut off or damaged"), (100, "expected a cdb file of at least 2048")] {
        fs::write(&path, &good[..at]).expect("written");
        let mut said = complaint(&daemon, &path).await;
        while !said.contains(expected) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            said = complaint(&daemon, &path).await;
        }
        assert_eq!(action(&daemon, cdb).await, Action::Reject);
    }
    let mut flipped = good.clone();
    flipped[2_050] ^= 0x80;
    fs::write(&path, flipped).expect("written");
    wait_for("the record's length to be doubted", || daemon.log().contains("record").then_some(()));
    assert_eq!(action(&daemon, cdb).await, Action::Reject);
}
