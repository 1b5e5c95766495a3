//! Each guard, shown with the damage it is for.

use super::*;
use std::fs;

fn thrown() -> SwitchState {
    SwitchState { until: u64::MAX, reason: "r".to_owned(), by: "b".to_owned() }
}

/// A folder with a store in which the switch is thrown.
fn used() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("a folder");
    let store = Sled::open(scratch.path()).expect("opens").store;
    store.set_thrown(Some(&thrown())).expect("stores");
    scratch
}

fn remembers(scratch: &Path) -> bool {
    let opened = Sled::open(scratch).expect("opens");
    opened.set_aside.is_none() && opened.store.thrown(0).expect("reads") == Some(thrown())
}

fn entries(store: &Sled) -> usize {
    store.with(|db| Ok(db.iter().count())).expect("reads")
}

fn snapshots(scratch: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(scratch.join("sled")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))).collect()
}

#[test]
fn guard_1_a_half_written_snapshot_is_removed() {
    for octets in [0, 7, 20, 5000] {
        let scratch = used();
        let left = scratch.path().join("sled/snap.7FFFFFFFFFFFFFFF.generating");
        fs::write(&left, vec![0x5a; octets]).expect("writes");
        assert!(remembers(scratch.path()), "{octets} octets");
        assert!(!left.exists());
    }
}

#[test]
fn guard_2_a_damaged_snapshot_costs_nothing() {
    let scratch = used();
    let newer = scratch.path().join("sled/snap.7FFFFFFFFFFFFFFF");
    fs::write(&newer, b"cut").expect("writes");
    assert!(remembers(scratch.path()));
    let scratch = used();
    assert!(remembers(scratch.path()), "the second opening writes a snapshot");
    let found = snapshots(scratch.path());
    assert!(!found.is_empty(), "sled wrote a snapshot");
    for snapshot in found {
        File::options().write(true).open(snapshot).expect("opens").set_len(9).expect("cuts");
    }
    assert!(remembers(scratch.path()));
}

#[test]
fn guard_3_a_damaged_store_is_set_aside_and_an_empty_one_starts() {
    let scratch = used();
    let damages: [(&str, &[u8]); 2] = [("conf", b"no line of it can be read"), ("db", &[0xff; 4096])];
    for (round, (file, octets)) in damages.into_iter().enumerate() {
        fs::write(scratch.path().join("sled").join(file), octets).expect("writes");
        let opened = Sled::open(scratch.path()).expect("opens");
        let aside = opened.set_aside.expect("set aside");
        assert_eq!(aside, scratch.path().join(format!("sled.damaged-{}", round + 1)));
        assert!(aside.join(file).is_file(), "kept");
        assert_eq!(opened.store.thrown(0).expect("reads"), None);
        opened.store.set_thrown(Some(&thrown())).expect("works");
    }
}

#[test]
fn guard_4_a_panic_is_damage() {
    assert!(matches!(opening::guarded(|| panic!("as sled may")), Err(opening::Attempt::Damaged)));
}

#[test]
fn guard_5_a_large_write_goes_in_pieces_and_whole() {
    let scratch = tempfile::tempdir().expect("a folder");
    let store = Sled::open(scratch.path()).expect("opens").store;
    let count = 5 * BATCH_MAX + 1;
    let entry = |number: usize| (number.to_be_bytes().to_vec(), Some(vec![1]));
    store.write((0..count).map(entry)).expect("writes");
    assert_eq!(entries(&store), count + 1, "with the mark");
    store.write((0..count).map(|number| (number.to_be_bytes().to_vec(), None))).expect("removes");
    assert_eq!(entries(&store), 1);
}

#[test]
fn guard_6_what_was_flushed_is_there_after_a_kill() {
    let scratch = tempfile::tempdir().expect("a folder");
    let store = Sled::open(scratch.path()).expect("opens").store;
    store.write([(b"k".to_vec(), Some(b"v".to_vec()))]).expect("writes");
    store.flush().expect("flushes");
    // A copy of the files as they are now is what a killed process leaves.
    let copy = tempfile::tempdir().expect("a folder");
    fs::create_dir(copy.path().join("sled")).expect("makes");
    for entry in fs::read_dir(scratch.path().join("sled")).expect("a folder") {
        let from = entry.expect("an entry").path();
        if from.is_file() {
            fs::copy(&from, copy.path().join("sled").join(from.file_name().expect("a name"))).expect("copies");
        }
    }
    let opened = Sled::open(copy.path()).expect("opens");
    assert_eq!(opened.store.with(|db| db.get(b"k")).expect("reads").as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_store_in_use_is_named() {
    let scratch = tempfile::tempdir().expect("a folder");
    let _first = Sled::open(scratch.path()).expect("opens");
    let error = Sled::open(scratch.path()).expect_err("in use");
    assert!(error.to_string().contains("another tollgated is running"), "{error}");
}

/// A store that holds much that is gone, and a little that is not.
fn wasteful(scratch: &Path) -> sled::Db {
    let store = Sled::open(scratch).expect("opens").store;
    let entry = |number: u32, value| (number.to_be_bytes().to_vec(), value);
    for round in 0..20_u8 {
        store.write((0..3_000).map(|number| entry(number, Some(vec![round; 100])))).expect("writes");
        store.flush().expect("flushes");
    }
    store.write((7..3_000).map(|number| entry(number, None))).expect("removes");
    store.flush().expect("flushes");
    store.handle().take().expect("open")
}

#[test]
fn guard_7_waste_is_left_behind() {
    let scratch = tempfile::tempdir().expect("a folder");
    let db = wasteful(scratch.path());
    let (path, before) = (scratch.path().join("sled"), db.size_on_disk().expect("a size"));
    assert!(!compact::is_wasteful(&db, before), "a small one is left alone");
    assert!(compact::is_wasteful(&db, before / 2), "{before}");
    drop(db);
    let store = Sled::open(scratch.path()).expect("opens").store;
    assert!(!store.tidy().expect("looks") && store.tidy_from(before / 2).expect("copies"));
    let after = store.with(|db| db.size_on_disk()).expect("a size");
    assert!(after * 2 < before, "{before} {after}");
    assert_eq!(entries(&store), 7 + 1, "with the mark");
    store.write([(b"k".to_vec(), Some(b"v".to_vec()))]).expect("works");
    drop(store);
    assert!(path.is_dir());
    let names: Vec<_> =
        fs::read_dir(scratch.path()).expect("a folder").map(|entry| entry.expect("one").file_name()).collect();
    assert!(names.iter().all(|name| name == "sled" || name == "sled.lock"), "{names:?}");
}

#[test]
fn guard_7_a_crash_while_the_folders_change_places_loses_nothing() {
    let scratch = used();
    let path = |name: &str| scratch.path().join(name);
    fs::create_dir(path("sled.compact")).expect("makes");
    fs::write(path("sled.compact/db"), b"half of it").expect("writes");
    assert!(remembers(scratch.path()), "not whole yet");
    fs::rename(path("sled"), path("sled.old")).expect("renames");
    fs::create_dir(path("sled.compact")).expect("makes");
    assert!(remembers(scratch.path()), "the old one was out of its place");
    fs::create_dir(path("sled.old")).expect("makes");
    assert!(remembers(scratch.path()) && !path("sled.old").exists(), "the new one was in place");
}

#[test]
fn guard_8_it_works_again_after_a_failure() {
    let scratch = used();
    let opened = Sled::open(scratch.path()).expect("opens");
    assert_eq!(opened.store.reopen().expect("opens anew"), None);
    assert_eq!(opened.store.thrown(0).expect("reads"), Some(thrown()));
    let panicked = opened.store.with::<()>(|_| panic!("as sled may"));
    assert!(panicked.expect_err("damage").to_string().contains("damaged"));
    let aside = opened.store.reopen().expect("opens anew").expect("the damaged one is kept");
    assert!(aside.join("db").is_file());
    assert_eq!(opened.store.thrown(0).expect("reads"), None, "an empty one is in its place");
}

/// Unmounts when the test is over.
struct Small(tempfile::TempDir);

impl Small {
    /// A folder on a disk of 3 MiB; `None` = nobody may mount one here.
    fn disk() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = std::process::Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn guard_8_a_full_disk_is_survived() {
    let Some(disk) = Small::disk() else {
        eprintln!("\nSKIPPED: a full disk, for no file system can be mounted here");
        return;
    };
    let folder = disk.0.path();
    let store = Sled::open(folder).expect("opens").store;
    let entry = |number: u32| (number.to_be_bytes().to_vec(), Some(vec![7; 100]));
    store.write((0..100).map(entry)).expect("writes");
    store.flush().expect("flushes");
    let mut ballast = File::create(folder.join("ballast")).expect("a file");
    while std::io::Write::write_all(&mut ballast, &[0; 4_096]).is_ok() {}
    let mut from = 100;
    // A disk of 3 MiB does not hold so many.
    while from < 100_000 && store.write((from..from + 100).map(entry)).and_then(|()| store.flush()).is_ok() {
        from += 100;
    }
    assert!(from < 100_000, "it is full");
    assert!(store.flush().is_err(), "and stays so");
    let still = store.reopen();
    drop(ballast);
    fs::remove_file(folder.join("ballast")).expect("there is room again");
    let set_aside = store.reopen().unwrap_or_else(|error| panic!("{error}, and before: {still:?}"));
    assert_eq!(set_aside, None, "nothing is damaged");
    let count = entries(&store);
    assert!(count > 100, "{count}: what was flushed is there");
    store.write((0..200).map(entry)).and_then(|()| store.flush()).expect("it works");
}
