//! Do many reloads leave anything behind?

use super::daemon;
use crate::harness::Daemon;
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};
use tollgate_proto::v1::ReloadRequest;

/// Reloads one after the other: first so many for everything to find its size, then those that may cost nothing.
const WARM_UP: usize = 200;
const RELOADS: usize = 1_000;

/// What memory may grow by over those, in pages: an allocator is never quite even.
const PAGES_MAX: u64 = 2_048;

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
