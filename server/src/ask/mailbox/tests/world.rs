//! A mail host of tests: once as a table, once as a tree of real files, of which a snapshot can be made.

use super::super::{Host, Owner, Places, Stat, live::words};
use crate::lists::{
    Cdb,
    qmail::{Account, Assign, ControlFiles, Controls, Passwd, Users, UsersError},
};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

pub(super) const ME: &str = "mail.here.example\n";
pub(super) const LOCALS: &str = "here.example\nHack.example\n";
pub(super) const ENVNOATHOST: &str = "Here.example\n";
pub(super) const PERCENTHACK: &str = "hack.example\n";
pub(super) const VIRTUALDOMAINS: &str =
    "Virtual.example:ann-Lists\n.sub.example:bob\nexception.sub.example:\nbob@There.example:ann-there\nno colon\n";

/// Homes are `%` and what follows: the root of the tree.
const ASSIGN: &str = "\
=assigned:ann:1001:100:%/home/ann:-:foo:
=plain:ann:1001:100:%/home/ann:::
=lost:ann:1001:100:%/home/nowhere:-:foo:
+wild-:ann:1001:100:%/home/ann:-:ext-:
+quirK:ann:1001:100:%/home/ann:-:ext-:
=slashed:ann:1001:100:%/home/ann:-dir/:x:
.
";

const PASSWD: &str = "\
root:x:0:0::%/root:
alias:x:900:900::%/alias:
ann:x:1001:100::%/home/ann:
ann-two:x:1002:100::%/home/two:
bob:x:1003:100::%/home/bob:
robbed:x:1004:100::%/home/robbed:
gone:x:1005:100::%/home/gone:
abcdefghijklmnopqrstuvwxyzabcde:x:1006:100::%/home/long:
abcdefghijklmnopqrstuvwxyzabcdef:x:1007:100::%/home/longer:
";

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File,
    Folder,
    /// A home, and whose.
    Home(u32),
    /// A symbolic link that leads nowhere.
    Dangling,
    /// A symbolic link into a folder that nobody but its owner may search.
    Denied,
}

use Node::{Dangling, Denied, File, Folder, Home};

pub(super) const TREE: &[(&str, Node)] = &[
    ("/root", Home(0)),
    ("/root/.qmail-x", File),
    ("/alias", Home(900)),
    ("/alias/.qmail-postmaster", File),
    ("/alias/.qmail-gone-known", File),
    ("/home/ann", Home(1001)),
    ("/home/ann/.qmail", File),
    ("/home/ann/.qmail-foo", File),
    ("/home/ann/.qmail-a:b", File),
    ("/home/ann/.qmail-ext-default", File),
    ("/home/ann/.qmail-dir", Folder),
    ("/home/ann/.qmail-file", File),
    ("/home/ann/.qmail-dangling", Dangling),
    ("/home/ann/.qmail-denied", Denied),
    ("/home/ann/.qmail-lists-x", File),
    ("/home/ann/.qmail-there-bob", File),
    ("/home/two", Home(1002)),
    ("/home/two/.qmail-default", File),
    ("/home/bob", Home(1003)),
    ("/home/bob/.qmail-virtual", File),
    ("/home/robbed", Home(1001)),
    ("/home/robbed/.qmail-default", File),
    ("/home/long", Home(1006)),
    ("/home/longer", Home(1007)),
];

/// As whom files are made: root gives them away, anybody else keeps them, and then everybody is that user.
fn uid(uid: u32) -> u32 {
    match rustix::process::geteuid().as_raw() {
        0 => uid,
        own if uid == 0 => own.wrapping_add(1),
        own => own,
    }
}

pub(super) fn passwd(root: &str) -> Passwd {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let number: u32 = fields[2].parse().expect("a number");
        // Of a user whose home is another's, the number is nobody's.
        let number = if fields[0] == "robbed" || number == 0 { number } else { uid(number) };
        [fields[..2].join(":"), number.to_string(), fields[3..].join(":")].join(":")
    };
    let lines: Vec<String> = PASSWD.lines().map(line).collect();
    Passwd::parse(lines.join("\n").replace('%', root).as_bytes())
}

pub(super) fn assign(root: &str) -> Assign {
    Assign::parse(ASSIGN.replace('%', root).as_bytes()).expect("a file in order")
}

/// The host as a table.
pub(super) struct Table {
    pub(super) controls: Controls,
    pub(super) users: Result<Option<Assign>, UsersError>,
    pub(super) passwd: Passwd,
    /// What cannot be found out.
    pub(super) account_trouble: Option<&'static str>,
    pub(super) owner_trouble: Option<Owner>,
    pub(super) tree: BTreeMap<Vec<u8>, Node>,
}

impl Table {
    pub(super) fn new() -> Self {
        let files = ControlFiles {
            me: Some(ME.as_bytes()),
            locals: Some(LOCALS.as_bytes()),
            virtualdomains: Some(VIRTUALDOMAINS.as_bytes()),
            percenthack: Some(PERCENTHACK.as_bytes()),
            envnoathost: Some(ENVNOATHOST.as_bytes()),
        };
        Self {
            controls: Controls::read(&files),
            users: Ok(Some(assign(""))),
            passwd: passwd(""),
            account_trouble: None,
            owner_trouble: None,
            tree: TREE.iter().map(|(path, node)| (path.as_bytes().to_vec(), *node)).collect(),
        }
    }

    /// As a kernel walks along a path.
    fn walk(&self, home: &[u8], name: &[u8]) -> Stat {
        if !matches!(self.tree.get(home), Some(Home(_))) {
            return Stat::NotThere;
        }
        let mut at = home.to_vec();
        let mut is_folder = true;
        for part in name.split(|&octet| octet == b'/').filter(|part| !part.is_empty()) {
            match () {
                () if !is_folder => return Stat::Other("Not a directory".to_owned()),
                () if part.len() > 255 => return Stat::Other("File name too long".to_owned()),
                () => {}
            }
            at.push(b'/');
            at.extend_from_slice(part);
            match self.tree.get(&at) {
                None | Some(Dangling) => return Stat::NotThere,
                Some(Denied) => return Stat::Other("Permission denied".to_owned()),
                Some(node) => is_folder = *node != File,
            }
        }
        if !is_folder && name.ends_with(b"/") { Stat::Other("Not a directory".to_owned()) } else { Stat::There }
    }
}

impl Host for Table {
    fn envnoathost(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.controls.envnoathost)
    }

    fn is_percent_hacked(&self, domain: &[u8]) -> bool {
        self.controls.percenthack.contains(domain)
    }

    fn is_local(&self, domain: &[u8]) -> Result<bool, String> {
        self.controls.locals.as_ref().map(|locals| locals.contains(domain)).ok_or("no locals".to_owned())
    }

    fn virtualdomain(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.controls.virtualdomains.get(key).map(|prepend| Cow::Borrowed(prepend.as_slice()))
    }

    fn users(&self) -> Result<Option<&dyn Users>, UsersError> {
        self.users.as_ref().map(|users| users.as_ref().map(|users| users as &dyn Users)).map_err(Clone::clone)
    }

    fn account(&self, name: &[u8]) -> Result<Option<Account>, String> {
        self.account_trouble.map_or_else(|| Ok(self.passwd.get(name).cloned()), |error| Err(error.to_owned()))
    }

    fn owner(&self, home: &[u8]) -> Owner {
        let known = || match self.tree.get(home) {
            Some(Home(owner)) => Owner::Uid(uid(*owner)),
            _ => Owner::Unseen(words(&io::Error::from_raw_os_error(2))),
        };
        self.owner_trouble.clone().unwrap_or_else(known)
    }

    fn stat(&self, home: &[u8], name: &[u8]) -> Stat {
        self.walk(home, name)
    }
}

/// The same host as files below a folder.
pub(super) fn plant(root: &Path) -> Places {
    let places = Places { control: root.join("control"), users: root.join("users") };
    let hidden = root.join("hidden");
    for folder in [&places.control, &places.users, &hidden] {
        fs::create_dir(folder).expect("a folder");
    }
    for (name, text) in [
        ("me", ME),
        ("locals", LOCALS),
        ("virtualdomains", VIRTUALDOMAINS),
        ("percenthack", PERCENTHACK),
        ("envnoathost", ENVNOATHOST),
    ] {
        fs::write(places.control.join(name), text).expect("written");
    }
    write_users(&places, &assign(root.to_str().expect("UTF-8")));
    fs::write(hidden.join("file"), "").expect("written");
    for (path, node) in TREE {
        let path = root.join(path.trim_start_matches('/'));
        match node {
            File => fs::write(&path, "").expect("written"),
            Folder => fs::create_dir(&path).expect("a folder"),
            Home(owner) => {
                fs::create_dir_all(&path).expect("a folder");
                if rustix::process::geteuid().is_root() {
                    chown(&path, Some(*owner), None).expect("given away");
                }
            }
            Dangling => symlink("nowhere", &path).expect("a link"),
            Denied => symlink(hidden.join("file"), &path).expect("a link"),
        }
    }
    // Nobody but root can look into it.
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o000)).expect("closed");
    places
}

pub(super) fn write_users(places: &Places, assign: &Assign) {
    let path = places.users.join("cdb.tmp");
    let mut maker = cdb::CDBMake::new(fs::File::create(&path).expect("a file")).expect("a writer");
    assign.records().for_each(|(key, value)| maker.add(key, value).expect("added"));
    maker.finish().expect("finished");
    fs::rename(path, places.users.join("cdb")).expect("renamed");
}

/// A snapshot of that host, through its file.
pub(super) fn exported(places: &Places, root: &Path, made_at: u64) -> super::Snapshot {
    let passwd = passwd(root.to_str().expect("UTF-8"));
    let collected = super::collect(places, &passwd, "mx1", made_at).expect("collected");
    let path = root.join("snapshot.cdb");
    super::write(&collected, &path).expect("written");
    let cdb = Cdb::new(fs::read(path).expect("read")).expect("a cdb");
    super::Snapshot::new(cdb).expect("a snapshot")
}
