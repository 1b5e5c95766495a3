//! Until when is a snapshot believed, what becomes of half a one, and who is asked first?

use super::*;
use crate::lists::{KeyList, Keys, MailingList, MailingLists};
use std::sync::Arc;

#[test]
fn a_snapshot_is_believed_for_a_while_and_says_whose_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = world::plant(folder.path());
    let snapshot = world::exported(&places, folder.path(), 10_000);
    assert_eq!((snapshot.host.as_str(), snapshot.made_at), ("mx1", 10_000));
    let ask = |now| snapshot.look(b"nobody@here.example", (now, AGE_MAX), &mut Trace::default());
    // Clocks may differ by five minutes.
    assert_eq!((ask(13_600).existence, ask(9_700).existence), (Missing, Missing));
    for (now, minutes) in [(9_699, 6), (0, 167)] {
        let ahead = ask(now);
        let expected = format!(
            "unknown: the snapshot is dated {minutes} minutes ahead: expected at most 5; set the clocks of both hosts"
        );
        assert_eq!((ahead.to_string(), ahead.is_ours), (expected, true));
    }
    let old = ask(20_801);
    assert_eq!(old.to_string(), "unknown: the snapshot is 3 hours old: expected at most 1");
    assert!(old.is_ours);
    // Nothing is left lying about.
    let mut names =
        std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert!(names.find(|name| name.to_string_lossy().starts_with('.')).is_none());
}

#[test]
fn half_a_snapshot_replaces_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = world::plant(folder.path());
    let passwd = world::passwd(folder.path().to_str().expect("UTF-8"));
    std::fs::write(places.users.join("cdb"), "cut off").expect("written");
    let error = collect(&places, &passwd, "mx1", 1).expect_err("refused");
    assert!(error.contains("users/cdb: 7 bytes"), "{error}");
    std::fs::remove_file(places.users.join("cdb")).expect("removed");
    let collected = collect(&places, &passwd, "mx1", 1).expect("collected");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).expect("a folder");
    std::fs::write(taken.join("x"), "").expect("written");
    assert!(write(&collected, &taken).is_err(), "a folder is in the way");
    assert!(write(&collected, &folder.path().join("no/such/folder")).is_err());
    let Places { control, .. } = &places;
    for name in ["me", "locals"] {
        std::fs::remove_file(control.join(name)).expect("removed");
    }
    assert!(collect(&places, &passwd, "mx1", 1).expect_err("refused").contains("neither locals nor me"));
}

fn lists(domain: &str, entries: &str, complete: &str) -> KnownAddresses {
    let keys = KeyList::new(vec![Arc::new(Keys::sorted(entries.split_whitespace().map(str::as_bytes)))]);
    let complete = complete.split_whitespace().map(|domain| domain.as_bytes().to_vec()).collect();
    let lists = vec![Named { name: "list".to_owned(), domain: domain.to_owned(), keys }];
    KnownAddresses { lists, complete, ..KnownAddresses::default() }
}

#[test]
fn lists_add_addresses_and_close_domains_they_are_complete_for() {
    let whole = lists("", "a@x.example @all.example :f@x.example :@ff.example :any@", "x.example");
    let part = lists("v.example", "ann bob", "v.example");
    for (lists, address, expected) in [
        (&whole, "A@X.example", Some(Exists)),
        (&whole, "b@x.example", Some(Missing)),
        (&whole, "f@x.example", Some(Exists)),
        (&whole, "b@all.example", Some(Exists)),
        (&whole, "b@ff.example", Some(Exists)),
        (&whole, "any@other.example", Some(Exists)),
        (&whole, "b@other.example", None),
        (&whole, "nodomain", None),
        (&part, "ann@V.example", Some(Exists)),
        (&part, "cat@v.example", Some(Missing)),
        (&part, "ann@x.example", None),
    ] {
        let found = lists.find(address.as_bytes(), &mut Trace::default());
        assert_eq!(found.map(|looked| looked.existence), expected, "{address}");
    }
}

#[test]
fn what_is_a_mailing_lists_own_is_left_to_others_in_a_complete_domain() {
    let talk = MailingList { address: "talk@x.example".to_owned(), ..MailingList::default() };
    let known = KnownAddresses {
        mailing_lists: MailingLists::new(vec![talk]).into(),
        ..lists("", "a@x.example a@y.example", "x.example y.example")
    };
    for (address, expected) in [
        ("a@x.example", Some(Exists)),
        ("Talk@X.example", None),
        ("talk-owner@x.example", None),
        ("talk-help@x.example", None),
        ("talk-digest-subscribe@x.example", None),
        ("talk-return-12-joe=example.org@x.example", None),
        ("talk-sc.1062345678.abcdefghijklmnopabcd-joe=example.org@x.example", None),
        // Neither an ending that no list has, nor another domain.
        ("talk-nonsense@x.example", Some(Missing)),
        ("talk-sc.1062345678-joe=example.org@x.example", Some(Missing)),
        ("talking-owner@x.example", Some(Missing)),
        ("talk-owner@y.example", Some(Missing)),
    ] {
        let found = known.find(address.as_bytes(), &mut Trace::default());
        assert_eq!(found.map(|looked| looked.existence), expected, "{address}");
    }
    let mut trace = Trace::kept();
    let source = Source { name: "x".to_owned(), lists: known.into(), kind: Kind::ListsAlone };
    let looked = source.look(b"talk-return-1-joe=example.org@x.example", 0, &mut trace);
    assert!(looked.existence == Unknown && !looked.is_ours, "{looked}");
    let said = "it is the mailing list talk@x.example's (bounce)";
    assert!(trace.steps().iter().any(|step| step.said == said), "{:?}", trace.steps());
}

#[test]
fn lists_are_asked_before_anybody_else() {
    let source = |kind| Source { name: "x".to_owned(), lists: lists("", "a@x.example", "").into(), kind };
    let ask = |source: &Source, address: &str| source.at_hand(address.as_bytes(), 0, &mut Trace::default());
    let lacking = source(Kind::Lacking("no snapshot of mx9 is configured".to_owned()));
    assert_eq!(ask(&lacking, "a@x.example").map(|looked| looked.existence), Some(Exists));
    assert!(ask(&lacking, "b@x.example").is_some_and(|looked| looked.is_ours));
    let alone = ask(&source(Kind::ListsAlone), "b@x.example").expect("an answer");
    assert!(alone.existence == Unknown && !alone.is_ours);
    let folder = tempfile::tempdir().expect("a folder");
    let live = source(Kind::Live(live(world::plant(folder.path()), folder.path()).into()));
    assert_eq!(ask(&live, "b@x.example"), None, "the file system is not asked in passing");
    assert_eq!(live.look(b"ann@here.example", 0, &mut Trace::default()).existence, Exists);
}
