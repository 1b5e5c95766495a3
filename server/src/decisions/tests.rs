//! Is a decision found again after a restart, a kill, a full disk and a damaged one? And is what is too old or too much gone?

use super::{
    folder::Folder,
    segment::{HEAD, HEADER},
    store::PENDING_OCTETS_MAX,
    *,
};
use crate::{
    clock::{Clock, Now},
    pipeline::{Decision, DecisionId},
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, UNIX_EPOCH},
};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);

/// A folder of decisions, and a clock that is moved by hand.
struct Scene {
    scratch: TempDir,
    clock: Clock,
    store: Store,
}

fn settings(mib: u64) -> Settings {
    Settings { keep: 14 * DAY, octets: mib << 20, all: false }
}

impl Scene {
    fn new(mib: u64) -> Self {
        let scratch = tempfile::tempdir().expect("a folder");
        let store = Store::new(scratch.path().join("decisions"), settings(mib));
        Self { scratch, clock: Clock::manual(1_700_000_000), store }
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join("decisions")
    }

    fn archive(&self) -> Archive {
        Archive::new(self.path())
    }

    fn folder(&self) -> Folder {
        Folder::new(self.path())
    }

    /// Writes so many decisions, a second apart; their names.
    fn write(&mut self, count: usize) -> Vec<DecisionId> {
        let template = any_decision();
        (0..count)
            .map(|_| {
                self.clock.advance(Duration::from_secs(1));
                let id = DecisionId::random();
                self.store.add(&named(&template, id, self.clock.now()));
                assert_eq!(self.store.write(self.clock.now()), None);
                id
            })
            .collect()
    }

    /// As after a kill: whoever wrote is gone, and nothing was closed.
    fn restart(&mut self, mib: u64) {
        self.store = Store::new(self.path(), settings(mib));
    }

    fn finds(&self, id: DecisionId) -> bool {
        let found = self.archive().find(id, self.clock.steady()).expect("it can be read");
        found.is_some_and(|found| found.decision.verdict.decision_id == id)
    }

    fn scanned(&self) -> (Vec<DecisionId>, u64) {
        let mut scan = self.archive().scan(0, u64::MAX).expect("it can be read");
        let ids = scan.by_ref().map(|stored| stored.id).collect();
        (ids, scan.damaged())
    }

    fn newest_segment(&self) -> PathBuf {
        let listed = self.folder().list().expect("it can be listed");
        self.folder().segment(listed.last().expect("a segment").number)
    }
}

fn any_decision() -> Decision {
    record::tests::decision().new_tree(&mut TestRunner::deterministic()).expect("a decision").current()
}

fn named(template: &Decision, id: DecisionId, at: Now) -> Decision {
    let mut decision = Decision { at, ..template.clone() };
    decision.verdict.decision_id = id;
    decision
}

/// A decision of about that many octets.
fn large(octets: usize, at: Now) -> Decision {
    let mut decision = named(&any_decision(), DecisionId::random(), at);
    decision.verdict.headers = vec!["x".repeat(16_000); octets / 16_000];
    decision
}

fn flip(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).expect("opens");
    let mut octet = [0];
    file.read_exact_at(&mut octet, at).expect("reads");
    file.write_all_at(&[octet[0] ^ 0x10], at).expect("writes");
}

#[test]
fn what_is_written_is_found_also_after_a_kill() {
    let mut scene = Scene::new(64);
    assert!(!scene.finds(DecisionId::random()), "there is no folder yet");
    let mut ids = scene.write(20);
    scene.restart(64);
    ids.extend(scene.write(20));
    assert!(ids.iter().all(|&id| scene.finds(id)));
    assert!(!scene.finds(DecisionId::random()));
    assert_eq!(scene.scanned(), (ids, 0));
    assert_eq!(scene.folder().list().expect("it can be listed").len(), 1, "the segment had room");
}

#[test]
fn evidence_is_for_nobody_else() {
    let mut scene = Scene::new(16);
    scene.write(1);
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!((mode(&scene.path()), mode(&scene.newest_segment())), (0o700, 0o600));
}

#[test]
fn a_torn_tail_is_cut_off() {
    let mut scene = Scene::new(64);
    let ids = scene.write(5);
    let path = scene.newest_segment();
    let length = fs::metadata(&path).expect("is there").len();
    for tail in [&b"\xd7rec"[..], &[0; 100], b"\xd7rec\xff\xff\xff\xff and so on, for longer than a record's head is"] {
        OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(tail)).expect("tears");
        scene.restart(64);
        let more = scene.write(1);
        assert!(ids.iter().chain(&more).all(|&id| scene.finds(id)));
    }
    let (found, damaged) = scene.scanned();
    assert_eq!((found.len(), damaged), (8, 0), "nothing torn is left between them");
    File::options().write(true).open(&path).and_then(|file| file.set_len(length - 1)).expect("tears");
    scene.restart(64);
    scene.write(1);
    assert!(!scene.finds(ids[4]) && ids[..4].iter().all(|&id| scene.finds(id)));
}

#[test]
fn a_damaged_record_costs_itself_and_no_other() {
    let mut scene = Scene::new(64);
    let ids = scene.write(10);
    let path = scene.newest_segment();
    let record = (fs::metadata(&path).expect("is there").len() - HEADER as u64) / 10;
    let starts = |number: u64| HEADER as u64 + number * record;
    // Its payload, its length, its mark.
    for at in [starts(2) + HEAD as u64 + 3, starts(5) + 4, starts(8)] {
        flip(&path, at);
    }
    let (found, damaged) = scene.scanned();
    assert_eq!((found.len(), damaged), (7, 3));
    assert!(!scene.finds(ids[2]) && scene.finds(ids[3]) && scene.finds(ids[9]));
    scene.restart(64);
    scene.write(1);
    assert_eq!(scene.scanned().0.len(), 8);
}

#[test]
fn a_segment_that_is_none_is_left_alone() {
    let mut scene = Scene::new(64);
    scene.write(1);
    let path = scene.newest_segment();
    flip(&path, 3);
    scene.restart(64);
    let ids = scene.write(1);
    assert!(scene.finds(ids[0]) && scene.newest_segment() != path && path.exists());
}

/// Segments of 1 MiB, about half a MiB at a time.
fn fill(scene: &mut Scene, halves: usize) -> Vec<DecisionId> {
    let halves = 0..halves;
    halves
        .map(|_| {
            scene.clock.advance(Duration::from_secs(61));
            let mut ids = Vec::new();
            for _ in 0..6 {
                let decision = large(100_000, scene.clock.now());
                ids.push(decision.verdict.decision_id);
                scene.store.add(&decision);
            }
            assert_eq!(scene.store.write(scene.clock.now()), None);
            ids[0]
        })
        .collect()
}

#[test]
fn the_oldest_go_when_there_is_too_much() {
    let mut scene = Scene::new(16);
    let ids = fill(&mut scene, 60);
    scene.clock.advance(DAY / 24);
    scene.write(1);
    let listed = scene.folder().list().expect("it can be listed");
    let octets: u64 = listed.iter().map(|segment| segment.octets).sum();
    assert!(octets <= (16 << 20) + (1 << 20), "{octets} with the segment that is written to");
    assert!(octets > 12 << 20, "{octets}: no more is deleted than need be");
    assert!(!scene.finds(ids[0]) && scene.finds(ids[59]) && scene.finds(ids[40]));
}

#[test]
fn the_oldest_go_when_they_are_too_old() {
    let mut scene = Scene::new(64);
    let ids = fill(&mut scene, 20);
    let listed = scene.folder().list().expect("it can be listed");
    for segment in &listed {
        let written = if segment.number < 3 { 0 } else { 1_700_000_000 };
        let file = File::options().append(true).open(scene.folder().segment(segment.number)).expect("opens");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(written)).expect("is dated");
    }
    scene.clock.advance(DAY);
    assert_eq!(scene.store.write(scene.clock.now()), None);
    let left = scene.folder().list().expect("it can be listed");
    assert_eq!(
        left,
        listed[2..]
            .iter()
            .map(|segment| folder::Listed { written_ms: 1_700_000_000_000, ..*segment })
            .collect::<Vec<_>>()
    );
    assert!(!scene.finds(ids[0]) && scene.finds(ids[19]));
    // Nothing is decided any more: the segment that was written to goes as well.
    scene.clock.advance(15 * DAY);
    assert_eq!(scene.store.write(scene.clock.now()), None);
    assert_eq!(fs::read_dir(scene.path()).expect("it can be listed").count(), 0);
}

#[test]
fn switched_off_nothing_is_kept() {
    let mut scene = Scene::new(64);
    let ids = scene.write(2);
    scene.store.set(Settings { keep: Duration::ZERO, ..settings(64) });
    scene.store.add(&any_decision());
    assert_eq!((scene.store.waiting(), scene.store.write(scene.clock.now())), (0, None));
    assert!(!scene.finds(ids[0]));
    assert_eq!(fs::read_dir(scene.path()).expect("it can be listed").count(), 0);
}

#[test]
fn an_index_is_made_anew_where_it_is_missing_or_damaged() {
    let mut scene = Scene::new(16);
    let ids = fill(&mut scene, 6);
    let index = scene.folder().index(1);
    let written = fs::read(&index).expect("a full segment has one");
    flip(&index, 20);
    assert!(scene.finds(ids[0]));
    assert_eq!(fs::read(&index).expect("is there"), written);
    fs::remove_file(&index).expect("is there");
    assert!(scene.finds(ids[1]));
    assert_eq!(fs::read(&index).expect("is there"), written);
    // What a record says counts, not what an index says.
    let segment = scene.folder().segment(1);
    flip(&segment, HEADER as u64 + HEAD as u64 + 3);
    assert!(!scene.finds(ids[0]) && scene.finds(ids[1]));
}

#[test]
fn a_span_of_time_is_read_and_no_more() {
    let mut scene = Scene::new(16);
    fill(&mut scene, 8);
    let ids = scene.write(1_000);
    let times: Vec<u64> = scene.archive().scan(0, u64::MAX).expect("reads").map(|stored| stored.time_ms).collect();
    assert_eq!(times.len(), 48 + 1_000);
    assert!(times.is_sorted());
    let (from, to) = (times[48 + 300], times[48 + 700]);
    let found: Vec<DecisionId> = scene.archive().scan(from, to).expect("reads").map(|stored| stored.id).collect();
    assert_eq!(found, ids[300..=700]);
    let stored = scene.archive().scan(from, from).expect("reads").next().expect("one");
    let read = stored.decode(scene.clock.steady()).expect("is of this version");
    assert_eq!((read.decision.verdict.decision_id, stored.octets() > 100), (ids[300], true));
}

/// A file system of one MiB; `None` = this test may not mount one.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tollgate-test"]).arg(folder.path());
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_loses_what_has_no_room_and_nothing_else() {
    let Some(small) = Small::mount() else {
        eprintln!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    };
    let (folder, clock) = (small.0.path().join("decisions"), Clock::manual(1_700_000_000));
    let mut store = Store::new(folder.clone(), settings(64));
    let archive = Archive::new(folder.clone());
    let add = |store: &mut Store, count: usize| {
        let some: Vec<Decision> = (0..count).map(|_| large(100_000, clock.now())).collect();
        some.iter().for_each(|decision| store.add(decision));
        some
    };
    let first = add(&mut store, 4);
    assert_eq!(store.write(clock.now()), None);
    fs::write(small.0.path().join("ballast"), vec![0; 500_000]).expect("has room");
    let waits = add(&mut store, 4);
    let Some(News::Failed(why)) = store.write(clock.now()) else { panic!("the disk is full") };
    assert!(why.contains("decisions"), "{why}");
    // Told once, tried again after a while, and bounded: mail goes on meanwhile.
    assert_eq!(store.write(clock.now()), None);
    clock.advance(Duration::from_secs(2));
    assert_eq!(store.write(clock.now()), None);
    while store.waiting() + 101_000 <= PENDING_OCTETS_MAX {
        add(&mut store, 1);
    }
    add(&mut store, 3);
    let find = |some: &[Decision]| {
        let one =
            |decision: &Decision| archive.find(decision.verdict.decision_id, clock.steady()).expect("reads").is_some();
        some.iter().all(one)
    };
    assert!(find(&first) && !find(&waits));
    // Room again: it goes on by itself.
    let remount = ["-o", "remount,size=64m", "tollgate-test"];
    assert!(Command::new("mount").args(remount).arg(small.0.path()).status().is_ok_and(|done| done.success()));
    clock.advance(Duration::from_secs(120));
    assert!(matches!(store.write(clock.now()), Some(News::Resumed(1..=3))));
    assert!(find(&first) && find(&waits) && store.waiting() == 0);
    let mut scan = archive.scan(0, u64::MAX).expect("reads");
    assert_eq!((scan.by_ref().count() > 40, scan.damaged()), (true, 0), "what was half written is gone");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_and_tried_again() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (folder, clock) = (scratch.path().join("decisions"), Clock::manual(1_700_000_000));
    fs::write(&folder, "a file in the way").expect("writes");
    let mut store = Store::new(folder.clone(), settings(64));
    store.add(&any_decision());
    assert!(matches!(store.write(clock.now()), Some(News::Failed(_))));
    fs::remove_file(&folder).expect("is there");
    assert_eq!(store.write(clock.now()), None, "not so soon");
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.write(clock.now()), Some(News::Resumed(0)));
}
