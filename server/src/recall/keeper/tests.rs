//! Do reader and writer keep what they promise, over a store that works and one that fails?

use super::*;
use crate::{
    ask::{Answer, StateAnswer, StateQuestion},
    check::Effect,
    recall::Bounds,
    state::{Cursor, Digest, Held, Page, Record, Subject},
};
use std::{sync::atomic::AtomicU32, time::Duration};

const NOW: u64 = 1_700_000_000;

/// A store that can be told to fail, and that may be shared.
#[derive(Default)]
struct Moody {
    kept: Memory,
    fails: AtomicBool,
    shared: bool,
    reads: AtomicU32,
}

impl<R: Record> Shelf<R> for Moody
where
    Memory: Shelf<R>,
{
    fn read(&self, keys: &[R::Key], now: u64) -> Result<Vec<Held<R>>, StateError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.mood()?;
        self.kept.read(keys, now)
    }

    fn keep(&self, records: &[(R::Key, R)]) -> Result<(), StateError> {
        assert!(records.len() <= crate::state::KEEP_MAX);
        self.mood()?;
        self.kept.keep(records)
    }

    fn remove(&self, keys: &[R::Key]) -> Result<(), StateError> {
        self.mood()?;
        Shelf::<R>::remove(&self.kept, keys)
    }

    fn walk(&self, from: Option<&Cursor>, most: usize) -> Result<Page<R>, StateError> {
        self.mood()?;
        self.kept.walk(from, most)
    }
}

impl Moody {
    fn mood(&self) -> Result<(), StateError> {
        let fails = self.fails.load(Ordering::Relaxed);
        if fails { Err(StateError::Failed("store".to_owned(), "moody".to_owned())) } else { Ok(()) }
    }

    fn is_moody(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }
}

impl RecallStore for Moody {
    fn is_shared(&self) -> bool {
        self.shared
    }
}

struct Scene {
    clock: Clock,
    store: Arc<Moody>,
    parts: Parts,
    reader: Reader,
    writer: Writer,
}

impl Scene {
    fn over(store: Arc<Moody>) -> Self {
        let clock = Clock::manual(NOW);
        let recall = Arc::new(Recall::over_store(Bounds::default(), clock.clone(), store.shared));
        let ring = LogRing::new(100);
        let parts = Parts { recall, store: store.clone(), clock: clock.clone(), ring, records_max: 1_000_000 };
        Self { clock, store, reader: Reader::new(parts.clone()), writer: Writer::new(parts.clone()), parts }
    }

    fn tried(&self, number: u64) {
        let tried = Effect::Tried(key(number), Triplet::begun(NOW));
        self.parts.recall.apply(tried, "mx1", self.clock.now());
    }

    fn ask(&mut self, number: u64) -> StateAnswer {
        let mut receiver = self.parts.recall.ask(StateQuestion::Triplet(key(number)));
        self.reader.turn();
        match receiver.try_recv().expect("an answer").answer {
            Answer::State(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn stored(&self, number: u64) -> Option<Triplet> {
        let held = Shelf::<Triplet>::read(&self.store.kept, &[key(number)], NOW).expect("reads");
        held.into_iter().next().and_then(Held::all)
    }

    fn warm(&mut self) {
        // One page a kind, and a turn to notice.
        (0..4).for_each(|_| self.writer.turn());
    }
}

fn key(number: u64) -> Digest {
    Digest::of(&[&number.to_be_bytes()])
}

#[test]
fn what_is_remembered_is_written_and_read_again() {
    let store = Arc::new(Moody::default());
    let mut scene = Scene::over(store.clone());
    (0..1_000).for_each(|number| scene.tried(number));
    // The first round reads what the store holds, the next ones write.
    scene.writer.turn();
    assert!((0..1_000).all(|number| scene.stored(number) == Some(Triplet::begun(NOW))));
    let mut after = Scene::over(store);
    assert_eq!(after.parts.recall.at_hand(&StateQuestion::Triplet(key(1))), None, "not at hand yet");
    assert_eq!(after.ask(1), StateAnswer::Triplet(Triplet::begun(NOW)), "but point reads work");
    assert_eq!(after.ask(5_000), StateAnswer::Nothing);
    after.warm();
    let reads = after.store.reads.load(Ordering::Relaxed);
    let at_hand = |scene: &Scene, number| scene.parts.recall.at_hand(&StateQuestion::Triplet(key(number)));
    assert!((0..2_000).all(|number| at_hand(&after, number).is_some()), "all that is there, and what is not");
    assert_eq!(after.store.reads.load(Ordering::Relaxed), reads, "nobody asks the store any more");
}

#[test]
fn memory_decides_alone_while_the_store_fails_and_nothing_is_lost() {
    let mut scene = Scene::over(Arc::new(Moody::default()));
    scene.store.is_moody(true);
    assert_eq!(scene.ask(1), StateAnswer::Unknown);
    assert!(scene.parts.recall.is_troubled());
    let unknown = scene.parts.recall.at_hand(&StateQuestion::Triplet(key(2))).expect("at once");
    assert_eq!(unknown.answer, Answer::State(StateAnswer::Unknown));
    (0..500).for_each(|number| scene.tried(number));
    let reads = scene.store.reads.load(Ordering::Relaxed);
    (0..20).for_each(|_| {
        scene.writer.turn();
        scene.reader.turn();
    });
    assert!(scene.store.reads.load(Ordering::Relaxed) <= reads + 1, "it is left alone for a while");
    scene.store.is_moody(false);
    scene.clock.advance(Duration::from_secs(40));
    scene.reader.turn();
    assert!(!scene.parts.recall.is_troubled(), "it is found to be back although nobody asked");
    (0..3).for_each(|_| scene.writer.turn());
    assert!((0..500).all(|number| scene.stored(number) == Some(Triplet::begun(NOW))));
    assert_eq!(scene.ask(1), StateAnswer::Triplet(Triplet::begun(NOW)));
}

#[test]
fn a_store_that_lost_something_is_told_again() {
    let mut scene = Scene::over(Arc::new(Moody { shared: true, ..Moody::default() }));
    scene.tried(1);
    scene.writer.turn();
    Shelf::<Triplet>::remove(&scene.store.kept, &[key(1)]).expect("removes");
    scene.clock.advance(Duration::from_secs(60));
    assert!(scene.parts.recall.at_hand(&StateQuestion::Triplet(key(1))).is_some());
    scene.reader.turn();
    scene.writer.turn();
    assert_eq!(scene.stored(1), Some(Triplet::begun(NOW)));
}

#[test]
fn what_has_expired_is_forgotten_in_store_and_memory() {
    let mut scene = Scene::over(Arc::new(Moody::default()));
    (0..300).for_each(|number| scene.tried(number));
    scene.warm();
    scene.clock.advance(Duration::from_secs(Triplet::WAITING_SECONDS + 1));
    // A turn looks at one shard of memory and one page of the store.
    (0..300).for_each(|_| scene.writer.turn());
    assert!((0..300).all(|number| scene.stored(number).is_none()));
    assert_eq!(scene.parts.recall.triplets.size().0, 0);
}

#[test]
fn a_store_that_is_too_large_loses_what_would_expire_first() {
    let mut scene = Scene::over(Arc::new(Moody::default()));
    scene.writer = Writer::new(Parts { records_max: 1_000, ..scene.parts.clone() });
    for number in 0..4_000 {
        let tried = Effect::Tried(key(number), Triplet::begun(NOW + number));
        scene.parts.recall.apply(tried, "mx1", scene.clock.now());
    }
    (0..60).for_each(|_| scene.writer.turn());
    let left: Vec<u64> = (0..4_000).filter(|&number| scene.stored(number).is_some()).collect();
    assert!((900..=1_100).contains(&left.len()), "{}", left.len());
    assert!(left[0] > 2_700, "the oldest are gone: {}", left[0]);
}

#[test]
fn both_threads_end_when_everything_is_written() {
    let store = Arc::new(Moody::default());
    let scene = Scene::over(store);
    let keeper = Keeper::start(scene.parts.clone()).expect("threads");
    (0..5_000).for_each(|number| scene.tried(number));
    let subject = Subject::Domain("example.org".into());
    let experience = crate::state::Experience::Accepted;
    let effect = Effect::Experienced { subject: subject.clone(), experience, hundredths: 100, witness: None };
    scene.parts.recall.apply(effect, "mx1", scene.clock.now());
    keeper.stop();
    assert!((0..5_000).all(|number| scene.stored(number).is_some()));
    let held = Shelf::<Standing>::read(&scene.store.kept, &[subject], NOW).expect("reads");
    assert_eq!(held[0].own.expect("stored").events, 1);
}
