//! Does a store keep its promises? One suite for all of them: a new store is done when it passes.

use super::{Memory, Sled, Switches};
use crate::pipeline::SwitchState;

fn suite(store: &dyn Switches) {
    let thrown = SwitchState { until: 2_000, reason: "list gone mad".to_owned(), by: "hans".to_owned() };
    assert_eq!(store.thrown(1_000).expect("reads"), None, "nothing was stored");
    store.set_thrown(Some(&thrown)).expect("stores");
    assert_eq!(store.thrown(1_999).expect("reads"), Some(thrown.clone()));
    assert_eq!(store.thrown(2_000).expect("reads"), None, "it ends by itself");
    let later = SwitchState { until: 3_000, reason: "ü\n\0\"".to_owned(), by: String::new() };
    store.set_thrown(Some(&later)).expect("replaces");
    assert_eq!(store.thrown(2_000).expect("reads"), Some(later));
    store.set_thrown(None).expect("clears");
    assert_eq!(store.thrown(0).expect("reads"), None);
}

#[test]
fn memory_conforms() {
    suite(&Memory::default());
}

#[test]
fn sled_conforms_and_remembers() {
    let scratch = tempfile::tempdir().expect("a folder");
    let thrown = SwitchState { until: u64::MAX, reason: "r".to_owned(), by: "b".to_owned() };
    {
        let store = Sled::open(scratch.path()).expect("opens").store;
        suite(&store);
        store.set_thrown(Some(&thrown)).expect("stores");
    }
    let again = Sled::open(scratch.path()).expect("opens").store;
    assert_eq!(again.thrown(1).expect("reads"), Some(thrown));
}
