//! Do lists come into force by themselves, under load and whatever is done to their files, and cost nobody an answer?

use crate::harness::{Daemon, Smtp, wait_for};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};
use tokio::time::{MissedTickBehavior, interval};
use tollgate_proto::v1::{Action, ReloadRequest, StatusRequest};

/// Sessions that go on at the same time, and how often each asks: two thousand decisions a second in all.
const SESSIONS: usize = 8;
const PACE: Duration = Duration::from_millis(4);

/// Reloads one after the other: first so many for everything to find its size, then those that may cost nothing.
const WARM_UP: usize = 200;
const RELOADS: usize = 1_000;

/// What memory may grow by over those, in pages: an allocator is never quite even.
const PAGES_MAX: u64 = 2_048;

/// A file and how it says that somebody is refused.
struct Kind {
    /// Below the daemon's folder.
    file: &'static str,
    /// What it holds before, and after; text, or the records of a cdb.
    content: [&'static str; 2],
    how: How,
    /// Who is refused afterwards.
    client_ip: &'static str,
    sender: &'static str,
    recipient: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    /// Written over.
    InPlace,
    /// Written beside, and renamed.
    Rename,
    /// A link is pointed elsewhere, by renaming another over it.
    Link,
    /// As `tcprules` and the like do: another cdb, renamed.
    Cdb,
    /// It and its folder have not been there before.
    Appears,
}

const KINDS: &[Kind] = &[
    Kind {
        file: "control/badmailfrom",
        content: ["@else.example\n", "@else.example\n@bad.example\n"],
        how: How::InPlace,
        client_ip: "192.0.2.1",
        sender: "x@bad.example",
        recipient: "bob@ours.example",
    },
    Kind {
        file: "control/badrcptto",
        content: ["", "sales@ours.example\n"],
        how: How::Appears,
        client_ip: "192.0.2.1",
        sender: "ann@there.example",
        recipient: "sales@ours.example",
    },
    Kind {
        file: "lists/clients",
        content: ["198.51.100.1\n", "198.51.100.1\n198.51.100.2 ; new\n"],
        how: How::Rename,
        client_ip: "198.51.100.2",
        sender: "ann@there.example",
        recipient: "bob@ours.example",
    },
    Kind {
        file: "lists/senders",
        content: ["@else.example\n", "@worse.example\n"],
        how: How::Link,
        client_ip: "192.0.2.1",
        sender: "x@worse.example",
        recipient: "bob@ours.example",
    },
    Kind {
        file: "lists/recipients.cdb",
        content: ["old@ours.example", "new@ours.example"],
        how: How::Cdb,
        client_ip: "192.0.2.1",
        sender: "ann@there.example",
        recipient: "new@ours.example",
    },
    Kind {
        file: "lists/tcp.smtp",
        content: [":allow\n", "198.51.100.3:deny\n:allow\n"],
        how: How::Rename,
        client_ip: "198.51.100.3",
        sender: "ann@there.example",
        recipient: "bob@ours.example",
    },
];

fn write_cdb(path: &Path, keys: &str) {
    let mut maker = cdb::CDBMake::new(fs::File::create(path).expect("a file")).expect("a writer");
    keys.split_whitespace().for_each(|key| maker.add(key.as_bytes(), b"").expect("a record"));
    maker.finish().expect("tables");
}

impl Kind {
    fn place(&self, daemon: &Daemon, version: usize) {
        let (path, content) = (daemon.path(self.file), self.content[version]);
        let beside = path.with_extension("new");
        match self.how {
            How::InPlace => fs::write(path, content).expect("written"),
            How::Appears if version == 0 => {}
            How::Rename | How::Appears => {
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::write(&beside, content).expect("written");
                fs::rename(beside, path).expect("renamed");
            }
            How::Link => {
                let target = format!("senders.{version}");
                fs::write(path.with_file_name(&target), content).expect("written");
                symlink(target, &beside).expect("a link");
                fs::rename(beside, path).expect("renamed");
            }
            How::Cdb => {
                write_cdb(&beside, content);
                fs::rename(beside, path).expect("renamed");
            }
        }
    }
}

/// A daemon that reads a file of every kind.
fn daemon() -> Daemon {
    let mut daemon = Daemon::configured("", "");
    fs::create_dir(daemon.path("lists")).expect("a folder");
    KINDS.iter().for_each(|kind| kind.place(&daemon, 0));
    let access = "[check.access]\nclients_deny_file = 'lists/clients'\nsenders_deny_file = 'lists/senders'\n\
                  recipients_deny_file = 'lists/recipients.cdb'\ntcp_rules = 'lists/tcp.smtp'\n";
    daemon.configure("", &format!("{}{access}", daemon.policy()));
    daemon.run();
    daemon
}

/// What the daemon decides about one recipient.
async fn action(daemon: &Daemon, kind: &Kind) -> Action {
    let mut client = daemon.policy_client().await;
    Smtp::from(kind.client_ip, kind.sender).talk(&mut client, kind.recipient).await.action()
}

/// Waits until it is refused.
async fn refused(daemon: &Daemon, kind: &Kind) {
    for _ in 0..1_000 {
        if action(daemon, kind).await == Action::Reject {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} is not in force", kind.file);
}

/// Decisions about somebody whom no list names, until told to stop: how many there were.
async fn load(
    client: tollgate_proto::v1::policy_client::PolicyClient<tonic::transport::Channel>,
    stop: Arc<AtomicBool>,
) -> u64 {
    let mut tick = interval(PACE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut decided = 0;
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let mut client = client.clone();
        let request = Smtp::from("203.0.113.9", "ann@there.example").rcpt_request("bob@ours.example");
        let verdict = client.rcpt(request).await.expect("every call is answered").into_inner();
        assert_eq!(verdict.action(), Action::Continue, "{}", verdict.text);
        assert!(!verdict.degraded.iter().any(|reason| reason == "deadline"), "{:?}", verdict.degraded);
        decided += 1;
    }
    decided
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_file_comes_into_force_under_load_and_nobody_waits_for_it() {
    let daemon = daemon();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(tokio::spawn(load(daemon.policy_client().await, stop.clone())));
    }
    for kind in KINDS {
        assert_eq!(action(&daemon, kind).await, Action::Continue, "{}", kind.file);
        kind.place(&daemon, 1);
        refused(&daemon, kind).await;
        let path = daemon.path(kind.file).display().to_string();
        daemon.wait_for_line(&["event=list", &format!("file={path}")]);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.expect("no call failed") > 0);
    }
    let mut admin = daemon.admin_client().await;
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    for kind in KINDS {
        let path = daemon.path(kind.file).display().to_string();
        let list = status.lists.iter().find(|list| list.path == path && list.check != "policy").expect("it is shown");
        assert!(list.generation >= 1 && list.entries >= 1 && list.checksum.len() == 16, "{list:?}");
        assert!(list.loaded_at > 0 && list.refused.is_empty(), "{list:?}");
        let labels = format!("check=\"{}\",file=\"{path}\"", list.check);
        let gauge = |name: &str| daemon.metric(&format!("{name}{{{labels}}} "));
        assert_eq!(gauge("tollgate_list_entries"), Some(list.entries as f64));
        assert_eq!(gauge("tollgate_list_generation"), Some(list.generation as f64));
        assert_eq!(gauge("tollgate_list_refused"), Some(0.0));
    }
    assert_eq!(status.reload_error, "");
}

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
    let badmailfrom = &KINDS[0];
    let many: String = (0..20).map(|number| format!("@d{number}.example\n")).collect();
    fs::write(daemon.path(badmailfrom.file), format!("{many}@bad.example\n")).expect("written");
    refused(&daemon, badmailfrom).await;
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
        ("0 entries after 21: expected at least 10; `tollgate reload --force` takes it", |path| {
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
    refused(&daemon, badmailfrom).await;
    wait_for("the warning", || daemon.log().contains("CR").then_some(()));
}

#[tokio::test]
async fn a_cdb_that_is_cut_off_or_flipped_leaves_the_one_before() {
    let daemon = daemon();
    let cdb = KINDS.iter().find(|kind| kind.how == How::Cdb).expect("one");
    cdb.place(&daemon, 1);
    refused(&daemon, cdb).await;
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

/// Who writes under another name of the same file, in a folder of which nobody knows, is not reported: as over NFS.
#[tokio::test]
async fn what_the_system_does_not_report_is_found_by_looking() {
    let mut daemon = daemon();
    daemon.kill();
    let text = fs::read_to_string(daemon.path("tollgate.toml")).expect("the configuration");
    fs::write(daemon.path("tollgate.toml"), format!("{text}\n[lists]\npoll_s = 1\n")).expect("written");
    let elsewhere = daemon.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let kind = KINDS.iter().find(|kind| kind.file == "lists/clients").expect("one");
    fs::hard_link(daemon.path(kind.file), elsewhere.join("clients")).expect("another name");
    daemon.run();
    assert_eq!(action(&daemon, kind).await, Action::Continue);
    fs::write(elsewhere.join("clients"), kind.content[1]).expect("written");
    refused(&daemon, kind).await;
}

/// Resident pages and open descriptors of the daemon.
fn costs(daemon: &Daemon) -> (u64, usize) {
    let of = |name: &str| PathBuf::from(format!("/proc/{}/{name}", daemon.id()));
    let pages = fs::read_to_string(of("statm")).expect("statm");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("resident pages");
    (pages, fs::read_dir(of("fd")).expect("descriptors").count())
}

#[tokio::test]
async fn a_thousand_reloads_leak_nothing() {
    if !Path::new("/proc/self/statm").exists() {
        eprintln!("SKIPPED: this system does not say what a process holds");
        return;
    }
    let daemon = daemon();
    let path = daemon.path("lists/clients");
    let mut admin = daemon.admin_client().await;
    let turn = AtomicU64::new(0);
    let mut reload = async || {
        // Another list each time, long enough to matter, dated so that nobody waits for it to rest.
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let networks = (0..5_000).map(|number| Ipv4Addr::from(0x0a00_0000 + number * 256 + (turn % 200) as u32));
        let beside = path.with_extension("new");
        fs::write(&beside, networks.map(|ip| format!("{ip}\n")).collect::<String>()).expect("written");
        let date = UNIX_EPOCH + Duration::from_secs(1_600_000_000 + turn);
        fs::File::options().append(true).open(&beside).expect("it").set_modified(date).expect("dated");
        fs::rename(&beside, &path).expect("renamed");
        let force = turn == 0;
        let reply = admin.reload(ReloadRequest { force }).await.expect("answers").into_inner();
        assert_eq!((reply.faults.len(), reply.refused.len()), (0, 0), "{reply:?}");
    };
    for _ in 0..WARM_UP {
        reload().await;
    }
    let (pages, descriptors) = costs(&daemon);
    for _ in 0..RELOADS {
        reload().await;
    }
    let (pages_after, descriptors_after) = costs(&daemon);
    assert!(pages_after < pages + PAGES_MAX, "{pages} pages became {pages_after}");
    // A scrape or a look at a file may be under way.
    assert!(descriptors_after <= descriptors + 2, "{descriptors} descriptors became {descriptors_after}");
}
