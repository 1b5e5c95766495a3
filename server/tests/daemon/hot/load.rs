//! Does every kind of file come into force by itself, under load, and cost nobody an answer?

use super::{
    kinds::{How, Kind},
    named, usual,
};
use crate::{
    dns::{A, Said, Server, TXT},
    harness::{Daemon, Smtp, wait_for},
};
use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tollgate::{
    checks,
    config::{self, Field},
    lists::qmail::ControlFiles,
};
use tollgate_proto::v1::{Action, ReloadRequest, StatusRequest, policy_client::PolicyClient};
use tonic::transport::Channel;

/// Sessions that go on at the same time, and how often each asks: two thousand decisions a second in all.
const SESSIONS: usize = 8;
const PACE: Duration = Duration::from_millis(4);

/// What senders' domains publish, and a DNS list that has an entry for those who have the new key.
fn zone(name: &str, kind: u8) -> Said {
    let record = match name {
        "there.example" => "v=spf1 ip4:203.0.113.0/24 ?all",
        "pass.example" => "v=spf1 ip4:192.0.2.0/24 -all",
        "fail.example" => "v=spf1 -all",
        "mixed.example" => "v=spf1 ip4:198.18.0.1 -all",
        _ => "",
    };
    let is_listed =
        name == "70.2.0.192.newkey.bl.example" || (name.starts_with("2.0.0.127.") && name.ends_with("key.bl.example"));
    match kind {
        TXT if !record.is_empty() => {
            Said::Found([&[u8::try_from(record.len()).expect("short")], record.as_bytes()].concat())
        }
        A if is_listed => Said::Found(vec![127, 0, 0, 2]),
        _ if is_listed || !record.is_empty() => Said::NoData,
        _ => Said::NotThere,
    }
}

/// Writes a configuration and the files it names, as they are at first.
fn write(daemon: &Daemon, dns: &Server, (configuration, kinds): (&str, &[Kind])) {
    kinds.iter().for_each(|kind| kind.place(daemon, 0));
    let off = ["rdns", "helo", "sender_domain", "rate"].map(|check| format!("[check.{check}]\nmode = 'off'\n"));
    let dns = format!("[dns]\nservers = ['{}']\ntimeout_ms = 10000\n", dns.address);
    daemon.configure("", &format!("{}{dns}{}{configuration}", daemon.policy(), off.concat()));
}

/// Decisions about somebody whom no list names, until told to stop: how many there were.
async fn load(client: PolicyClient<Channel>, stop: Arc<AtomicBool>) -> u64 {
    let mut tick = interval(PACE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut decided = 0;
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let mut client = client.clone();
        let request = Smtp::from("203.0.113.9", "ann@there.example").rcpt_request("bob@ours.example");
        let verdict = client.rcpt(request).await.expect("every call is answered").into_inner();
        assert_eq!(verdict.action(), Action::Continue, "{}", verdict.text);
        assert_eq!(verdict.delay_ms, 0);
        assert!(!verdict.degraded.iter().any(|reason| reason == "deadline"), "{:?}", verdict.degraded);
        decided += 1;
    }
    decided
}

/// Edits one file after the other, each when the one before is in force.
async fn edit(daemon: &Daemon, kinds: &[Kind]) {
    for kind in kinds {
        kind.finds(daemon, kind.said[0]).await.expect("as before the edit");
        kind.place(daemon, 1);
        kind.in_force(daemon).await;
    }
}

/// Every file that was edited is told of, and every file that the daemon reads was edited.
async fn every_file_is_shown(daemon: &Daemon, kinds: &[Kind]) {
    let mut admin = daemon.admin_client().await;
    let status = admin.status(StatusRequest {}).await.expect("answers").into_inner();
    assert_eq!(status.reload_error, "");
    for kind in kinds.iter().filter(|kind| kind.is_shown) {
        let path = kind.path(daemon).display().to_string();
        wait_for(&path, || daemon.log().contains(&format!(" file={path} ")).then_some(()));
        // What is read only as long as something else is not there is not read any more.
        let shown: Vec<_> = status.lists.iter().filter(|list| list.path == path).collect();
        assert!(!shown.is_empty() || kind.what == "control/me", "{path} is not shown");
        for list in shown {
            assert!(list.generation >= 1 && list.loaded_at > 0 && list.refused.is_empty(), "{list:?}");
            let labels = format!("check=\"{}\",file=\"{path}\"", list.check);
            let gauge = |name: &str| daemon.metric(&format!("{name}{{{labels}}} "));
            assert_eq!(gauge("tollgate_list_entries"), Some(list.entries as f64), "{path}");
            assert_eq!(gauge("tollgate_list_generation"), Some(list.generation as f64), "{path}");
            assert_eq!(gauge("tollgate_list_refused"), Some(0.0), "{path}");
        }
    }
    let edited: BTreeSet<String> =
        usual::KINDS.iter().chain(kinds).map(|kind| kind.path(daemon)).map(|path| path.display().to_string()).collect();
    for list in status.lists {
        assert!(edited.contains(&list.path), "{} {} is read, and no row edits it", list.check, list.path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_file_comes_into_force_under_load_and_nobody_waits_for_it() {
    let dns = Server::start(zone);
    let mut daemon = Daemon::configured("", "");
    fs::create_dir(daemon.path("home")).expect("a folder");
    write(&daemon, &dns, (usual::CONFIGURATION, usual::KINDS));
    daemon.run();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(tokio::spawn(load(daemon.policy_client().await, stop.clone())));
    }
    edit(&daemon, usual::KINDS).await;
    every_file_is_shown(&daemon, usual::KINDS).await;
    write(&daemon, &dns, (named::CONFIGURATION, named::KINDS));
    let reload = daemon.admin_client().await.reload(ReloadRequest { force: false }).await;
    assert_eq!(reload.expect("answers").into_inner().faults, [""; 0]);
    edit(&daemon, named::KINDS).await;
    every_file_is_shown(&daemon, named::KINDS).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.expect("no call failed") > 0);
    }
}

/// A check that gets another file needs another row.
#[test]
fn no_key_that_names_a_file_is_forgotten() {
    let rows: BTreeSet<&str> = usual::KINDS.iter().chain(named::KINDS).map(|kind| kind.what).collect();
    let is_path = |field: &&Field| matches!(field.kind, config::Kind::Path(_));
    for def in checks::ALL {
        let own = def.fields.iter().filter(is_path).map(|field| field.name.to_owned());
        let of_table = |(table, fields): &(&str, &'static [Field])| {
            let table = (*table).to_owned();
            fields.iter().filter(is_path).map(move |field| format!("{table}.{}", field.name))
        };
        for key in own.chain(def.tables.iter().flat_map(of_table)) {
            let key = format!("check.{}.{key}", def.name);
            assert!(rows.contains(&*key), "{key} has no row");
        }
    }
    for name in ControlFiles::NAMES {
        assert!(rows.contains(&*format!("control/{name}")), "control/{name} has no row");
    }
    for how in [How::InPlace, How::Rename, How::Link, How::Cdb, How::Appears, How::Hashed, How::Exported] {
        assert!(usual::KINDS.iter().chain(named::KINDS).any(|kind| kind.how == how));
    }
}
