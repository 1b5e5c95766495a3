//! Does an address find its mailbox as it does with qmail? The same corpus over a table, over real files, and over a
//! snapshot of these.

mod sources;
mod world;

use super::*;
use crate::lists::qmail::UsersError;
use Existence::{Exists, Missing, Unknown};
use proptest::prelude::*;
use std::{path::Path, time::Duration};
use world::Table;

/// Address, answer, and a part of the reason.
type Row = (&'static str, Existence, &'static str);

/// What the authors of qmail and of the patch meant, and what people found out.
const CORPUS: &[Row] = &[
    // A user's own address needs no .qmail file.
    ("ann@here.example", Exists, "the own address of user ann"),
    ("ANN@Here.Example", Exists, "own address"),
    ("ann-foo@here.example", Exists, "/home/ann/.qmail-foo is there"),
    ("Ann-FOO@HERE.example", Exists, "/.qmail-foo is there"),
    ("ann-a.b@here.example", Exists, "/.qmail-a:b is there"),
    ("ann-a:b@here.example", Exists, "/.qmail-a:b is there"),
    ("ann-ext-foo-bar@here.example", Exists, "/.qmail-ext-default is there"),
    ("ann-ext-@here.example", Exists, "/.qmail-ext-default is there"),
    ("ann-ext@here.example", Missing, "nothing in"),
    ("ann-nothing@here.example", Missing, "covers .qmail-nothing"),
    ("ann-@here.example", Missing, "covers .qmail-"),
    // What is there counts, whatever it is; what cannot be looked at is not known.
    ("ann-dir@here.example", Exists, "/.qmail-dir is there"),
    ("ann-file/x@here.example", Unknown, "Not a directory"),
    ("ann-nodir/x@here.example", Missing, "nothing in"),
    ("ann-dangling@here.example", Missing, "nothing in"),
    // No address climbs out of its home.
    ("ann-/../../bob/.qmail-virtual@here.example", Missing, "covers .qmail-/::/::/bob/:qmail-virtual"),
    // The longest name of a user counts; its home must be its own.
    ("ann-two-x@here.example", Exists, "/home/two/.qmail-default is there"),
    ("ann-two@here.example", Exists, "the own address of user ann-two"),
    ("ann-twox@here.example", Missing, "/home/ann covers .qmail-twox"),
    ("robbed@here.example", Missing, "/alias covers .qmail-robbed"),
    ("gone@here.example", Missing, "/alias covers .qmail-gone"),
    ("gone-known@here.example", Exists, "/alias/.qmail-gone-known is there"),
    ("root@here.example", Missing, "/alias covers .qmail-root"),
    ("root-x@here.example", Missing, "/alias covers .qmail-root-x"),
    ("postmaster@here.example", Exists, "/alias/.qmail-postmaster is there"),
    ("nobody@here.example", Missing, "/alias covers .qmail-nobody"),
    ("@here.example", Missing, "/alias covers .qmail-"),
    // 31 octets are tried, 32 are not.
    ("abcdefghijklmnopqrstuvwxyzabcde@here.example", Exists, "own address"),
    ("abcdefghijklmnopqrstuvwxyzabcde-x@here.example", Missing, "/home/long covers .qmail-x"),
    ("abcdefghijklmnopqrstuvwxyzabcdef@here.example", Missing, "/alias covers"),
    // Domains.
    ("ann", Exists, "own address"),
    ("nobody", Missing, "/alias"),
    ("", Missing, "/alias covers .qmail-"),
    ("a@b@here.example", Missing, "/alias covers .qmail-a@b"),
    ("ann@elsewhere.example", Unknown, "neither local nor virtual"),
    ("ann@mail.here.example", Unknown, "neither local nor virtual"),
    ("ann@", Unknown, "neither local nor virtual"),
    ("x@virtual.example", Exists, "/home/ann/.qmail-lists-x is there"),
    ("X@VIRTUAL.example", Exists, "/home/ann/.qmail-lists-x is there"),
    ("y@virtual.example", Missing, "/home/ann covers .qmail-lists-y"),
    ("virtual@a.sub.example", Exists, "/home/bob/.qmail-virtual is there"),
    ("virtual@b.a.sub.example", Exists, "/home/bob/.qmail-virtual is there"),
    ("other@a.sub.example", Missing, "/home/bob covers .qmail-other"),
    ("virtual@sub.example", Unknown, "neither local nor virtual"),
    ("x@exception.sub.example", Unknown, "exception.sub.example is not virtual"),
    ("bob@there.example", Exists, "/home/ann/.qmail-there-bob is there"),
    ("ann@there.example", Unknown, "neither local nor virtual"),
    // Percent hack: again and again, and only where it is named.
    ("ann%here.example@hack.example", Exists, "own address"),
    ("ann%here.example%hack.example@HACK.example", Exists, "own address"),
    ("nobody%here.example@hack.example", Missing, "/alias covers .qmail-nobody"),
    ("ann%elsewhere.example@hack.example", Unknown, "elsewhere.example is neither"),
    ("ann@hack.example", Exists, "own address"),
    ("ann%here.example@here.example", Missing, ".qmail-ann%here:example"),
    // users/cdb.
    ("assigned@here.example", Exists, "/home/ann/.qmail-foo is there"),
    ("ASSIGNED@here.example", Exists, "/home/ann/.qmail-foo is there"),
    ("plain@here.example", Exists, "own address"),
    ("lost@here.example", Missing, "/home/nowhere covers .qmail-foo"),
    ("wild-anything@here.example", Exists, "/.qmail-ext-default is there"),
    ("wild-@here.example", Exists, "/.qmail-ext-default is there"),
    ("wild@here.example", Missing, "/alias"),
    ("quirk-x@here.example", Missing, "/alias covers .qmail-quirk-x"),
    // RELAYCLIENT's suffix is part of the address.
    ("nobody@here.example@relay.example", Unknown, "relay.example is neither"),
];

/// The corpus, and what needs longer words.
fn corpus() -> Vec<(String, Existence, &'static str)> {
    let long = "x".repeat(300);
    let mut rows: Vec<_> = CORPUS.iter().map(|&(address, answer, why)| (address.to_owned(), answer, why)).collect();
    rows.push((format!("ann-{long}@here.example"), Unknown, "File name too long"));
    rows.push((format!("ann-nodir/{long}@here.example"), Missing, "nothing in"));
    rows.push((format!("ann-foo\0{long}@elsewhere.example"), Exists, "/.qmail-foo is there"));
    rows
}

fn check(name: &str, look: impl Fn(&[u8], &mut Trace) -> Looked) {
    for (address, existence, why) in corpus() {
        let mut trace = Trace::kept();
        let looked = look(address.as_bytes(), &mut trace);
        let steps = trace.steps();
        assert_eq!(looked.existence, existence, "{name}: {address}: {looked}\n{steps:#?}");
        assert!(looked.why.contains(why) && !looked.is_ours, "{name}: {address}: {looked}");
        assert_eq!(steps.last().map(|step| step.said.as_str()), Some(looked.to_string().as_str()), "{name}: {address}");
    }
}

fn live(places: Places, root: &Path) -> Live {
    let said = Said::read(&places);
    Live::new(places, Box::new(world::passwd(root.to_str().expect("UTF-8"))), said)
}

const AGE_MAX: Duration = Duration::from_secs(3_600);

#[test]
fn the_corpus_holds_over_a_table() {
    let table = Table::new();
    check("table", |address, trace| look(&table, address, trace));
    let denied = look(&table, b"ann-denied@here.example", &mut Trace::default());
    assert_eq!(denied.to_string(), "unknown: unable to stat /home/ann/.qmail-denied: Permission denied");
}

#[test]
fn the_corpus_holds_over_files_and_over_their_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = world::plant(folder.path());
    let snapshot = world::exported(&places, folder.path(), 1_000);
    let live = live(places, folder.path());
    check("live", |address, trace| live.look(address, trace));
    check("snapshot", |address, trace| snapshot.look(address, (1_000, AGE_MAX), trace));
    // Root sees what is behind the link, anybody else does not.
    let denied = live.look(b"ann-denied@here.example", &mut Trace::default());
    let expected = if rustix::process::geteuid().is_root() { Exists } else { Unknown };
    assert_eq!(denied.existence, expected, "{denied}");
}

#[test]
fn what_qmail_smtpd_would_close_for_is_not_known() {
    let ask = |change: &dyn Fn(&mut Table), address: &str| {
        let mut table = Table::new();
        change(&mut table);
        look(&table, address.as_bytes(), &mut Trace::default())
    };
    let nobody = "nobody@here.example";
    for (address, change, why) in [
        (
            nobody,
            (&|table: &mut Table| table.users = Err(UsersError::Unreadable("cut off".to_owned())))
                as &dyn Fn(&mut Table),
            "users/cdb: cut off",
        ),
        (nobody, &|table| table.account_trouble = Some("unable to read system user database"), "user database"),
        (
            "ann@here.example",
            &|table| table.owner_trouble = Some(Owner::Trouble("Stale file handle".to_owned())),
            "Stale",
        ),
        (nobody, &|table| table.controls.locals = None, "no locals"),
    ] {
        let looked = ask(change, address);
        assert!(looked.existence == Unknown && looked.is_ours && looked.why.contains(why), "{looked}");
    }
    // A home that cannot be seen at all makes its user invisible, as for qmail-getpw.
    let unseen = |table: &mut Table| table.owner_trouble = Some(Owner::Unseen("Permission denied".to_owned()));
    assert_eq!(ask(&unseen, "ann@here.example").existence, Missing);
    let nul_in_me = |table: &mut Table| table.controls.envnoathost = b"x\0y@here.example".to_vec();
    assert_eq!(ask(&nul_in_me, "ann-foo").to_string(), "missing: nothing in /home/ann covers .qmail-foo@x");
    let no_users = |table: &mut Table| table.users = Ok(None);
    assert_eq!(ask(&no_users, "assigned@here.example").existence, Missing);
    let no_alias = |table: &mut Table| table.passwd = Default::default();
    let looked = ask(&no_alias, nobody);
    assert_eq!(looked.to_string(), "missing: nobody is no user's, and there is no user alias");
}

#[test]
fn what_changes_in_a_home_counts_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let live = live(world::plant(folder.path()), folder.path());
    let ask = |address: &str| live.look(address.as_bytes(), &mut Trace::default());
    assert_eq!(ask("ann-new@here.example").existence, Missing);
    std::fs::write(folder.path().join("home/ann/.qmail-new"), "").expect("written");
    assert_eq!(ask("ann-new@here.example").existence, Exists);
}

#[test]
fn control_files_count_as_they_were_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = world::plant(folder.path());
    let ask = |address: &str| live(places.clone(), folder.path()).look(address.as_bytes(), &mut Trace::default());
    assert_eq!(ask("nobody@new.example").existence, Unknown);
    std::fs::write(places.control.join("locals"), "here.example\nnew.example\n").expect("written");
    assert_eq!(ask("nobody@new.example").existence, Missing);
    std::fs::remove_file(places.users.join("cdb")).expect("removed");
    assert_eq!(ask("assigned@here.example").existence, Missing);
    std::fs::write(places.users.join("cdb"), "cut off").expect("written");
    let looked = ask("assigned@here.example");
    assert!(looked.is_ours && looked.why.contains("users/cdb: 7 bytes"), "{looked}");
    world::write_users(&places, &world::assign(folder.path().to_str().expect("UTF-8")));
    assert_eq!(ask("assigned@here.example").existence, Exists);
    std::fs::remove_file(places.control.join("locals")).expect("removed");
    assert_eq!(ask("nobody@mail.here.example").existence, Missing, "me stands in for locals");
    std::fs::remove_file(places.control.join("me")).expect("removed");
    assert!(ask("nobody@here.example").is_ours, "neither locals nor me");
    std::fs::create_dir(places.control.join("locals")).expect("a folder");
    assert!(ask("nobody@here.example").why.contains("unable to read controls"), "a folder is no file");
}

#[test]
fn the_systems_accounts_are_asked() {
    let root = System.by_name(b"root").expect("an answer").expect("root");
    assert_eq!(root.uid, 0);
    assert!(!root.home.is_empty());
    for nobody in [b"no-such-user-here".as_slice(), b"\xff\xfe", b"a\0b", b""] {
        assert_eq!(System.by_name(nobody), Ok(None));
    }
}

/// Addresses around those of the corpus.
fn address() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            "ann", "bob", "gone", "robbed", "root", "alias", "wild-", "assigned", "quirk", "two", "ext", "foo", "dir",
            "file", "a.b", "lists", "x", "default", "dangling",
        ])
        .prop_map(str::to_owned),
        1 => "[a-dA-D./:%@-]{0,3}",
    ];
    let local = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("-"));
    let domain = prop::sample::select(vec![
        "@here.example",
        "@virtual.example",
        "@a.sub.example",
        "@hack.example",
        "@elsewhere.example",
        "@there.example",
        "%here.example@hack.example",
        "",
    ]);
    (local, domain).prop_map(|(local, domain)| local + domain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn table_files_and_snapshot_agree(addresses in prop::collection::vec(address(), 400)) {
        let folder = tempfile::tempdir().expect("a folder");
        let places = world::plant(folder.path());
        let (table, snapshot) = (Table::new(), world::exported(&places, folder.path(), 0));
        let live = live(places, folder.path());
        for address in addresses {
            let address = address.as_bytes();
            let live = live.look(address, &mut Trace::default());
            let of_table = look(&table, address, &mut Trace::default());
            prop_assert_eq!(live.existence, of_table.existence, "{}: {} / {}", address.escape_ascii(), &live, &of_table);
            let snapshot = snapshot.look(address, (0, AGE_MAX), &mut Trace::default());
            // Into folders a snapshot does not look: it refuses nobody for what may be there.
            if !snapshot.why.contains("does not look") {
                prop_assert_eq!(live.existence, snapshot.existence, "{}: {} / {}", address.escape_ascii(), live, snapshot);
            }
        }
    }
}
