//! Who is asked about which mail host? Read from the configuration, once.

use crate::{
    ask::mailbox::{Kind, KnownAddresses, Live, Named, Places, Said, Snapshot, Source, System},
    config::{Build, Fault, Section},
    files::{Absence, Demands, Notes, Reader},
    lists::{
        Cdb, KeyList, control, load,
        qmail::{Assign, ControlFiles, Controls},
    },
};
use bytes::Bytes;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

const HOUR: u64 = 3_600;

/// Who knows the mailboxes, by mail host.
pub(super) struct Sources {
    /// By label, in lower case.
    by_host: BTreeMap<String, Arc<Source>>,
    /// Of all other hosts.
    others: Others,
    lists: Arc<KnownAddresses>,
}

enum Others {
    /// One source, whatever the host is called.
    One(Arc<Source>),
    /// Each host lacks a snapshot of its own.
    Lacking,
    /// Nobody is asked: there is nothing to ask.
    Nobody,
}

impl Sources {
    pub(super) fn build(section: &Section<'_>, build: &mut Build<'_>) -> Self {
        let lists = Arc::new(lists(section, build));
        let snapshots = section.tables("snapshot");
        let mut by_host = BTreeMap::new();
        for table in &snapshots {
            let host = table.text("host").to_ascii_lowercase();
            let file = table.path("file");
            let kind = match file {
                _ if host.is_empty() => Err(("host", "not set: expected the label of a mail host".to_owned())),
                None => Err(("file", "not set: expected a file that `tollgate recipients export` wrote".to_owned())),
                Some(path) => Ok(snapshot(table, build, &path)),
            };
            match kind {
                Err((field, text)) => table.fault(field, text),
                Ok(_) if by_host.contains_key(&host) => {
                    table.fault("host", format!("{host} has a snapshot already: expected one for each host"));
                }
                Ok(kind) => {
                    _ = by_host.insert(host.clone(), Arc::new(Source { name: host, lists: lists.clone(), kind }))
                }
            }
        }
        let on_this_host = match section.choice("source") {
            "live" => Some(OnThisHost::read(build)),
            "snapshots" => None,
            _ if snapshots.is_empty() => Some(OnThisHost::read(build)).filter(OnThisHost::is_qmail),
            _ => None,
        };
        let one =
            |name: &str, kind| Others::One(Arc::new(Source { name: name.to_owned(), lists: lists.clone(), kind }));
        let others = match on_this_host {
            Some(here) => one("live", Kind::Live(Arc::new(live(section, build, here)))),
            None if !snapshots.is_empty() || section.choice("source") == "snapshots" => Others::Lacking,
            None if !lists.lists.is_empty() => one("lists", Kind::ListsAlone),
            None => Others::Nobody,
        };
        Self { by_host, others, lists }
    }

    /// Who knows this host's mailboxes; `None` = nobody is asked.
    pub(super) fn of(&self, host: &str) -> Option<Arc<Source>> {
        let host = host.to_ascii_lowercase();
        match (self.by_host.get(&host), &self.others) {
            (Some(source), _) | (None, Others::One(source)) => Some(source.clone()),
            (None, Others::Lacking) => {
                let kind = Kind::Lacking(format!("no snapshot of {} is configured", host.escape_default()));
                Some(Arc::new(Source { name: host, lists: self.lists.clone(), kind }))
            }
            (None, Others::Nobody) => None,
        }
    }

    /// Those that are configured.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        let one = if let Others::One(source) = &self.others { Some(source) } else { None };
        self.by_host.values().chain(one)
    }
}

/// The content of a control file, if there is one; `Err` = it cannot be read.
type Content = Result<Option<Arc<Bytes>>, String>;

/// The control files that say whether qmail runs here.
struct OnThisHost([Content; 2]);

impl OnThisHost {
    fn read(build: &mut Build<'_>) -> Self {
        let [me, locals, ..] = ControlFiles::NAMES;
        Self([me, locals].map(|name| control_file(build, name)))
    }

    /// There is one of them.
    fn is_qmail(&self) -> bool {
        self.0.iter().any(|content| !matches!(content, Ok(None)))
    }
}

fn control_file(build: &mut Build<'_>, name: &str) -> Content {
    let parse = |_: &Path, content: Bytes, notes: &mut Notes| {
        notes.entries = control::entries(&content).count();
        Ok(content)
    };
    let reader = Reader { form: "qmail", absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE };
    build.list_or_reason(&build.control_file(name), &reader)
}

fn live(section: &Section<'_>, build: &mut Build<'_>, OnThisHost([me, locals]): OnThisHost) -> Live {
    let [_, _, others @ ..] = ControlFiles::NAMES;
    let [virtualdomains, percenthack, envnoathost] = others.map(|name| control_file(build, name));
    let contents: Result<Vec<_>, String> = [me, locals, virtualdomains, percenthack, envnoathost].into_iter().collect();
    let controls = contents.map(|contents| {
        let content = |place: usize| contents.get(place)?.as_ref().map(|content| &content[..]);
        Arc::new(Controls::read(&ControlFiles::named(content)))
    });
    let beside = || build.control.parent().unwrap_or(Path::new("/")).join("users");
    let places = Places { control: build.control.to_owned(), users: section.path("users").unwrap_or_else(beside) };
    let users = users(build, &places.users);
    Live::new(places, Box::new(System), Said { controls, users })
}

/// `users/cdb`. `users/assign` is read by nobody but `qmail-newu`: what was written there and not compiled does not count.
/// Nothing that is wrong with either file is a fault of ours.
fn users(build: &mut Build<'_>, folder: &Path) -> Option<Result<Cdb, String>> {
    let parse = |path: &Path, content: Bytes, notes: &mut Notes| {
        let cdb = Cdb::new(content).map_err(|error| vec![Fault::of_file(path, error.to_string())])?;
        notes.entries = cdb.iter().count();
        Ok(cdb)
    };
    let reader = Reader { form: "users_cdb", absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE };
    let cdb = build.list_or_reason(&folder.join("cdb"), &reader).transpose();
    if let Some(Err(_)) = &cdb {
        build.warn("no recipient is refused, and qmail defers all mail");
    }
    let cdb = cdb.map(|cdb| cdb.map(|cdb| Cdb::clone(&cdb)));
    warn_of_assign(build, &folder.join("assign"), cdb.as_ref().and_then(|cdb| cdb.as_ref().ok()));
    cdb
}

fn warn_of_assign(build: &mut Build<'_>, path: &Path, cdb: Option<&Cdb>) {
    // No version of it is ever in force, so none is kept.
    let parse = |_: &Path, content: Bytes, notes: &mut Notes| {
        let assign = Assign::parse(&content).map_err(|error| error.to_string());
        notes.entries = assign.as_ref().map_or(0, |assign| assign.records().count());
        Ok(assign)
    };
    let reader = Reader { form: "users_assign", absence: Absence::IsEmpty, parse: &parse, demands: Demands::NONE };
    let Ok(Some(assign)) = build.list_or_reason(path, &reader) else { return };
    let assign = match &*assign {
        Ok(assign) => assign,
        Err(error) => return build.warn(format!("{error}: qmail-newu refuses the file")),
    };
    for (line, prefix) in assign.unreachable() {
        let prefix = prefix.escape_ascii();
        build.warn(format!(
            "line {line}: +{prefix} matches nothing, for its last letter is upper case: expected lower case"
        ));
    }
    if !cdb.is_some_and(|cdb| assign.records().all(|(key, value)| cdb.find(key) == Some(value))) {
        build.warn("users/cdb does not say what users/assign says: expected qmail-newu to be run after a change");
    }
}

/// A file that is not there yet is no fault: its host's recipients are all taken meanwhile.
fn snapshot(table: &Section<'_>, build: &mut Build<'_>, path: &Path) -> Kind {
    let age_max = Duration::from_secs(table.integer("age_max_hours").unsigned_abs() * HOUR);
    let reader = Reader { form: "snapshot", absence: Absence::IsEmpty, parse: &read_snapshot, demands: Demands::NONE };
    match build.list(path, &reader) {
        Ok(Some(snapshot)) => {
            if !snapshot.host.eq_ignore_ascii_case(&table.text("host")) {
                build.warn(format!(
                    "a snapshot of {}: expected one of {}",
                    snapshot.host.escape_default(),
                    table.text("host")
                ));
            }
            Kind::Snapshot(snapshot, age_max)
        }
        Ok(None) => {
            let host = table.text("host");
            build.warn(format!("no snapshot of {host} yet: until there is one, all its recipients are taken"));
            Kind::Lacking(format!("there is no {}", path.display()))
        }
        Err(faults) => {
            faults.into_iter().for_each(|fault| table.push(fault));
            Kind::Lacking(String::new())
        }
    }
}

fn read_snapshot(path: &Path, content: Bytes, notes: &mut Notes) -> Result<Snapshot, Vec<Fault>> {
    let cdb = Cdb::new(content).map_err(|error| error.to_string());
    let snapshot = cdb.and_then(|cdb| Snapshot::new(cdb).map_err(|error| error.to_string()));
    let snapshot = snapshot.map_err(|error| vec![Fault::of_file(path, error)])?;
    notes.entries = snapshot.len();
    Ok(snapshot)
}

fn lists(section: &Section<'_>, build: &mut Build<'_>) -> KnownAddresses {
    let mailing_lists = Arc::clone(&build.settled.mailing_lists);
    let mut known = KnownAddresses { mailing_lists, ..KnownAddresses::default() };
    for table in section.tables("also") {
        let place = load::Place { texts: "addresses", file: "file" };
        let keys: KeyList = load::keys(&table, build, place, None);
        if keys.is_empty() && !table.is_set("file") {
            table.fault("file", "neither file nor addresses: expected addresses that exist");
        }
        let name = table.path("file").map_or("the list".to_owned(), |path| path.display().to_string());
        let domain = table.text("domain").to_ascii_lowercase();
        if let Some(entry) = keys.find_entry(|entry| domain.is_empty() && !entry.contains(&b'@')) {
            build.warn(format!(
                "\"{}\" has no @: it is nobody's address; expected `domain` for local parts",
                entry.escape_ascii()
            ));
        }
        known.lists.push(Named { name, domain, keys });
        known.complete.extend(table.texts("complete").iter().map(|domain| domain.to_ascii_lowercase().into_bytes()));
    }
    known
}
