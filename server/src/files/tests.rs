//! Does a list come into force when it should, and stay when it should not?

use super::{take::checksum, *};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A list of numbers, one a line; a folder to write it in; what is in force.
struct Desk {
    folder: tempfile::TempDir,
    before: Vec<LoadedFile>,
    parsed: AtomicUsize,
    absence: Absence,
    remembered: Forced,
}

type Numbers = Vec<u32>;

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            before: Vec::new(),
            parsed: AtomicUsize::new(0),
            absence: Absence::IsEmpty,
            remembered: Forced::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("numbers")
    }

    /// Writes a list that has rested.
    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("written");
        self.rest();
    }

    fn rest(&self) {
        let file = fs::File::options().append(true).open(self.path()).expect("the list");
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        file.set_modified(long_ago).expect("dated");
    }

    /// The next policy; what it takes.
    fn load(&mut self, forced: bool) -> Result<Option<Arc<Numbers>>, Vec<String>> {
        let parse = |path: &Path, content: Bytes, notes: &mut Notes| {
            self.parsed.fetch_add(1, Ordering::SeqCst);
            let text = String::from_utf8_lossy(&content).into_owned();
            let numbers = text.lines().map(|line| line.parse().map_err(|_| vec![Fault::of_file(path, line)]));
            let numbers = numbers.collect::<Result<Numbers, _>>()?;
            if numbers.contains(&0) {
                notes.doubt(Fault::of_file(path, "all"));
            }
            notes.entries = numbers.len();
            Ok(numbers)
        };
        let always = |numbers: &Numbers| if numbers.contains(&13) { Err("13".to_owned()) } else { Ok(()) };
        let since = |old: &Numbers, new: &Numbers| {
            if new.contains(&7) && !old.contains(&7) { Err("7 is new".to_owned()) } else { Ok(()) }
        };
        let unless_forced = |numbers: &Numbers| if numbers.contains(&66) { Err("66".to_owned()) } else { Ok(()) };
        let demands = Demands { always: &always, unless_forced: &unless_forced, since: &since };
        let reader = Reader { form: "numbers", absence: self.absence, parse: &parse, demands };
        let mut files = Files::after(&self.before, forced);
        files.remember(self.remembered.clone());
        let taken = files.take("test", &self.path(), &reader);
        let loaded = files.into_loaded();
        if taken.is_ok() {
            self.before = loaded;
        }
        let prefix = format!("{}: ", self.path().display());
        taken.map_err(|faults| faults.iter().map(|fault| fault.to_string().replace(&prefix, "")).collect())
    }

    fn numbers(&mut self) -> Numbers {
        self.load(false).expect("taken").expect("a list").to_vec()
    }

    fn error(&self) -> String {
        let prefix = format!("{}: ", self.path().display());
        self.before[0].error.clone().unwrap_or_default().replace(&prefix, "")
    }

    fn generation(&self) -> u64 {
        self.before[0].generation
    }
}

fn up_to(most: u32) -> String {
    (100..100 + most).map(|number| format!("{number}\n")).collect()
}

#[test]
fn a_file_is_parsed_once_for_as_long_as_it_stays() {
    let mut desk = Desk::new();
    desk.write("1\n");
    assert_eq!(desk.numbers(), [1]);
    let first = desk.before[0].value::<Numbers>().expect("a list");
    assert_eq!(desk.numbers(), [1]);
    assert!(Arc::ptr_eq(&first, &desk.before[0].value().expect("a list")), "it is shared");
    fs::write(desk.path(), "1\n").expect("written");
    assert_eq!(desk.numbers(), [1]);
    assert_eq!((desk.parsed.load(Ordering::SeqCst), desk.generation()), (1, 1), "the same content is no new version");
    desk.write("2\n3\n");
    assert_eq!(desk.numbers(), [2, 3]);
    assert_eq!((desk.parsed.load(Ordering::SeqCst), desk.generation()), (2, 2));
    let file = &desk.before[0];
    assert_eq!((file.entries, file.modified_at), (2, 1_700_000_000));
    assert_eq!(file.shown_checksum(), &checksum(b"2\n3\n")[..16]);
}

#[test]
fn checksums_are_those_of_sha256sum() {
    assert!(checksum(b"abc").starts_with("ba7816bf8f01cfea414140de5dae2223b00361a3"));
    let secret =
        LoadedFile { checksum: checksum(b"abc"), ..LoadedFile::absent("c", SECRET, Path::new("x"), Seen::Missing) };
    assert_eq!(secret.shown_checksum(), "");
}

#[test]
fn what_cannot_be_believed_leaves_the_version_before() {
    let mut desk = Desk::new();
    desk.write(&up_to(20));
    assert_eq!(desk.numbers().len(), 20);
    for (text, error) in [
        ("1\nx\n", "x".to_owned()),
        ("13\n", "13".to_owned()),
        ("", "no entries after 20: expected some, or no file; `tollgate reload --force` takes it".to_owned()),
        (&up_to(9), "9 entries after 20: expected at least 10; `tollgate reload --force` takes it".to_owned()),
        (&up_to(201), "201 entries after 20: expected at most 200; `tollgate reload --force` takes it".to_owned()),
        (&(up_to(19) + "7\n"), "7 is new; `tollgate reload --force` takes it".to_owned()),
        (&(up_to(19) + "66\n"), "66; `tollgate reload --force` takes it".to_owned()),
        (&(up_to(19) + "0\n"), "all; `tollgate reload --force` takes it".to_owned()),
        (&(up_to(19) + "0\n66\n"), "all; `tollgate reload --force` takes it (and 1 more)".to_owned()),
    ] {
        desk.write(text);
        assert_eq!(desk.numbers().len(), 20, "{text}");
        assert_eq!((desk.error(), desk.generation()), (error, 1));
        let parsed = desk.parsed.load(Ordering::SeqCst);
        assert_eq!(desk.numbers().len(), 20);
        // What cannot be read stays so; what nobody wants may be wanted once something else has changed.
        let again = usize::from(desk.error() != "x");
        assert_eq!(desk.parsed.load(Ordering::SeqCst), parsed + again, "{text}");
    }
    desk.write(&up_to(21));
    assert_eq!((desk.numbers().len(), desk.error()), (21, String::new()));
}

#[test]
fn a_human_takes_what_is_out_of_bounds_but_nothing_that_is_wrong() {
    let mut desk = Desk::new();
    desk.write(&up_to(20));
    desk.numbers();
    for (text, taken) in [("", 0), ("7\n", 1), ("13\n", 1), ("x\n", 1)] {
        desk.write(text);
        desk.load(false).expect("taken");
        assert_eq!(desk.load(true).expect("taken").expect("a list").len(), taken, "{text}");
    }
    assert_eq!(desk.error(), "x");
}

#[test]
fn what_a_human_took_stays_and_is_told() {
    let mut desk = Desk::new();
    desk.write("1\n");
    desk.numbers();
    desk.write("0\n66\n");
    assert_eq!(desk.numbers(), [1]);
    assert!(!desk.before[0].forced);
    assert_eq!(desk.load(true).expect("taken").expect("a list").to_vec(), [0, 66]);
    assert!(desk.before[0].forced);
    assert_eq!(desk.before[0].warnings, ["taken by force: all", "taken by force: 66"]);
    desk.write("0\n66\n");
    assert_eq!((desk.numbers(), desk.before[0].forced), (vec![0, 66], true), "the same content was taken already");
    desk.write("66\n");
    assert_eq!(desk.numbers(), [0, 66], "this one was not");
    assert_eq!(desk.error(), "66; `tollgate reload --force` takes it");
    desk.before[0].warn("at odds with another file".to_owned());
    desk.numbers();
    assert_eq!(
        desk.before[0].warnings,
        ["taken by force: all", "taken by force: 66"],
        "what is not said again is over"
    );
    desk.write("2\n");
    assert_eq!((desk.numbers(), desk.before[0].forced), (vec![2], false));
    assert_eq!(desk.before[0].warnings, Vec::<String>::new());
}

#[test]
fn what_a_human_took_is_there_after_a_restart() {
    let mut desk = Desk::new();
    desk.write("0\n66\n");
    let refused = ["all; `tollgated --force` takes it", "66; `tollgated --force` takes it"];
    assert_eq!(desk.load(false), Err(refused.map(str::to_owned).to_vec()));
    desk.load(true).expect("taken");
    desk.remembered = Forced::among(&desk.before);
    desk.before.clear();
    assert_eq!((desk.numbers(), desk.before[0].forced), (vec![0, 66], true));
    assert_eq!(desk.before[0].warnings, ["taken by force: all", "taken by force: 66"]);
    desk.before.clear();
    desk.write("0\n66\n1\n");
    assert!(desk.load(false).is_err(), "another version was never taken");
}

/// Two files of which neither is wrong by itself: what the context says, and a list that is held against it.
#[test]
fn news_that_contradict_a_list_are_held_back_until_either_is_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, list) = (folder.path().join("ours"), folder.path().join("list"));
    let parse = |_: &Path, content: Bytes, _: &mut Notes| Ok(content);
    let load = |mut files: Files| {
        let reader = Reader { form: "text", absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE };
        let context = files.take(Files::CONTEXT, &ours, &reader)?.expect("our domains");
        let always = |list: &Bytes| if *list == *context { Err("refuses ours".to_owned()) } else { Ok(()) };
        let demands = Demands { always: &always, ..Demands::NONE };
        files.take("test", &list, &Reader { demands, ..reader })?;
        Ok::<_, Vec<Fault>>(files.into_loaded())
    };
    let write = |path: &Path, text: &str| {
        fs::write(path, text).expect("written");
        fs::File::options()
            .append(true)
            .open(path)
            .and_then(|file| file.set_modified(std::time::UNIX_EPOCH))
            .expect("dated");
    };
    let values =
        |files: &[LoadedFile]| files.iter().map(|file| file.value::<Bytes>().expect("text")).collect::<Vec<_>>();
    write(&ours, "a");
    write(&list, "b");
    let before = load(Files::default()).expect("loads");
    write(&ours, "b");
    let faults = load(Files::after(&before, false)).expect_err("they contradict each other");
    let again = Files::after(&before, false).holding_back(&faults).expect("the context has changed");
    let held = load(again).expect("loads");
    assert_eq!(values(&held), [Bytes::from("a"), Bytes::from("b")].map(Arc::new));
    let told = held[0].error.clone().expect("it is told");
    assert_eq!(told, format!("{}: not in force beside {}: refuses ours", ours.display(), list.display()));
    assert!(held[0].depends && held[1].error.is_none());
    // It stays so until one of them changes; then what was held back is looked at again.
    assert!(load(Files::after(&held, false)).is_err());
    write(&list, "c");
    let mended = load(Files::after(&held, false)).expect("loads");
    assert_eq!(values(&mended), [Bytes::from("b"), Bytes::from("c")].map(Arc::new));
    assert!(mended.iter().all(|file| file.error.is_none() && !file.depends));
    assert!(Files::after(&mended, false).holding_back(&faults).is_none(), "nothing is new");
}

#[test]
fn files_come_and_go() {
    let mut desk = Desk::new();
    assert_eq!(desk.load(false), Ok(None), "it need not be there");
    assert_eq!(desk.generation(), 0);
    fs::create_dir(desk.path()).expect("a folder");
    assert_eq!(desk.load(false), Ok(None));
    assert_eq!(desk.error(), "not a regular file: expected one");
    fs::remove_dir(desk.path()).expect("removed");
    desk.write("1\n");
    assert_eq!((desk.numbers(), desk.error()), (vec![1], String::new()));
    fs::remove_file(desk.path()).expect("removed");
    assert_eq!(desk.load(false), Ok(None), "a short list may go");
    desk.write(&up_to(20));
    desk.numbers();
    fs::remove_file(desk.path()).expect("removed");
    assert_eq!(desk.numbers().len(), 20, "a long one does not go unnoticed");
    assert!(desk.error().starts_with("the file is gone: 0 entries after 20"), "{}", desk.error());
    assert_eq!(desk.load(true), Ok(None), "but if a human says so");
    desk.absence = Absence::IsAFault;
    desk.before.clear();
    assert_eq!(desk.load(false), Err(vec!["no such file: expected one, if only an empty one".to_owned()]));
}

#[test]
fn whoever_starts_takes_what_is_there_or_says_what_is_wrong() {
    let mut desk = Desk::new();
    desk.write("13\n");
    assert_eq!(desk.load(false), Err(vec!["13".to_owned()]));
    desk.write("7\n");
    assert_eq!(desk.numbers(), [7]);
}

#[test]
fn files_that_would_hurt_are_one_line() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let mut desk = Desk::new();
    desk.write("1\n");
    desk.numbers();
    fs::remove_file(desk.path()).expect("removed");
    mknodat(CWD, desk.path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
    assert_eq!((desk.numbers(), desk.error().as_str()), (vec![1], "not a regular file: expected one"));
    fs::remove_file(desk.path()).expect("removed");
    let sparse = fs::File::create(desk.path()).expect("a file");
    sparse.set_len(4 << 30).expect("4 GiB of nothing");
    desk.rest();
    assert_eq!(desk.numbers(), [1]);
    assert_eq!(desk.error(), format!("4294967296 bytes: expected at most {OCTETS_MAX}"));
}
