//! What does this host say, at this moment? Accounts and homes are looked at whenever somebody asks: a new `.qmail` file
//! counts at once. Control files and `users/cdb` are as the policy has them: half of one that is being written is never
//! believed.
//!
//! Everything here may block: homes may lie on another machine, and accounts too.

use super::{Host, Looked, Owner, Stat, Trace, look};
use crate::{
    config::{Build, read_regular},
    lists::{
        Cdb,
        qmail::{Account, ControlFiles, Controls, Passwd, Users, UsersError},
    },
};
use rustix::io::Errno;
use std::{
    borrow::Cow,
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where qmail's files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The control folder.
    pub control: PathBuf,
    /// The folder of `users/cdb` and `users/assign`.
    pub users: PathBuf,
}

/// Who knows the accounts.
pub trait Accounts: Send + Sync + 'static {
    /// The account of this name; one line if it cannot be said whether there is one.
    fn by_name(&self, name: &[u8]) -> Result<Option<Account>, String>;
}

/// The system's accounts, wherever it has them from.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Accounts for System {
    fn by_name(&self, name: &[u8]) -> Result<Option<Account>, String> {
        use nix::errno::Errno;
        // Names of accounts are texts; what is none is nobody's.
        let Ok(name) = str::from_utf8(name) else { return Ok(None) };
        match nix::unistd::User::from_name(name) {
            Ok(user) => {
                Ok(user
                    .map(|user| Account { uid: user.uid.as_raw(), home: user.dir.as_os_str().as_bytes().to_owned() }))
            }
            // getpwnam(3) has these for a name that is not there.
            Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
            Err(error) => Err(format!("unable to read system user database: {}", error.desc())),
        }
    }
}

impl Accounts for Passwd {
    fn by_name(&self, name: &[u8]) -> Result<Option<Account>, String> {
        Ok(self.get(name).cloned())
    }
}

/// This host.
pub struct Live {
    places: Places,
    accounts: Box<dyn Accounts>,
    said: Said,
}

/// What its files say, as they are in force.
pub struct Said {
    /// The control files; `Err` = one of them cannot be read.
    pub controls: Result<Arc<Controls>, String>,
    /// `users/cdb`: there is none, or it cannot be read, or it is there.
    pub users: Option<Result<Cdb, String>>,
}

impl Said {
    /// Reads them here and now.
    pub fn read(places: &Places) -> Self {
        let controls = read_controls(&places.control).map(Arc::new);
        Self { controls, users: read_users(&places.users.join("cdb")) }
    }
}

impl Live {
    /// A host with its files at these places.
    pub fn new(places: Places, accounts: Box<dyn Accounts>, said: Said) -> Self {
        Self { places, accounts, said }
    }

    /// Where its files lie.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Looks for a mailbox. May block for as long as the file system does.
    pub fn look(&self, address: &[u8], trace: &mut Trace) -> Looked {
        let controls = match &self.said.controls {
            Ok(controls) => controls,
            Err(error) => return Looked::trouble(format!("unable to read controls: {error}")),
        };
        look(&Now { controls, users: self.said.users.as_ref(), accounts: &*self.accounts }, address, trace)
    }
}

/// The control files of a folder.
pub(super) fn read_controls(control: &Path) -> Result<Controls, String> {
    let mut contents = Vec::with_capacity(ControlFiles::NAMES.len());
    for name in ControlFiles::NAMES {
        let path = control.join(name);
        contents.push(content(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    let at = |place: usize| contents.get(place).and_then(Option::as_deref);
    Ok(Controls::read(&ControlFiles::named(at)))
}

/// `users/cdb`, if there is one.
pub(super) fn read_users(path: &Path) -> Option<Result<Cdb, String>> {
    match content(path) {
        Ok(None) => None,
        Ok(Some(content)) => Some(Cdb::new(content).map_err(|error| error.to_string())),
        Err(error) => Some(Err(error.to_string())),
    }
}

fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read_regular(path, Build::FILE_OCTETS_MAX) {
        Ok((content, _)) => Ok(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose is a folder?
pub(super) fn owner(home: &[u8]) -> Owner {
    match fs::metadata(OsStr::from_bytes(home)) {
        Ok(seen) => Owner::Uid(seen.uid()),
        Err(error) if is_temporary(&error) => Owner::Trouble(words(&error)),
        Err(error) => Owner::Unseen(words(&error)),
    }
}

/// Is there anything at a path? Symbolic links are followed.
pub(super) fn stat(path: &[u8]) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(OsStr::from_bytes(path)) {
        Ok(seen) => Ok(Some(seen)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Errors after which qmail tries again later (`error_temp`).
fn is_temporary(error: &io::Error) -> bool {
    const TEMPORARY: &[Errno] = &[
        Errno::INTR,
        Errno::NOMEM,
        Errno::TXTBSY,
        Errno::IO,
        Errno::TIMEDOUT,
        Errno::AGAIN,
        Errno::DEADLK,
        Errno::BUSY,
        Errno::NFILE,
        Errno::MFILE,
        Errno::FBIG,
        Errno::NOSPC,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::NETRESET,
        Errno::CONNABORTED,
        Errno::CONNRESET,
        Errno::NOBUFS,
        Errno::TOOMANYREFS,
        Errno::CONNREFUSED,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::USERS,
        Errno::DQUOT,
        Errno::STALE,
        Errno::NOLCK,
    ];
    Errno::from_io_error(error).is_some_and(|errno| TEMPORARY.contains(&errno))
}

/// An error without the number that Rust puts behind it.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The host as it is while one question is answered.
struct Now<'a> {
    controls: &'a Controls,
    users: Option<&'a Result<Cdb, String>>,
    accounts: &'a dyn Accounts,
}

impl Host for Now<'_> {
    fn envnoathost(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.controls.envnoathost)
    }

    fn is_percent_hacked(&self, domain: &[u8]) -> bool {
        self.controls.percenthack.contains(domain)
    }

    fn is_local(&self, domain: &[u8]) -> Result<bool, String> {
        let missing = || "unable to read controls: there is neither locals nor me".to_owned();
        self.controls.locals.as_ref().map(|locals| locals.contains(domain)).ok_or_else(missing)
    }

    fn virtualdomain(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.controls.virtualdomains.get(key).map(|prepend| Cow::Borrowed(prepend.as_slice()))
    }

    fn users(&self) -> Result<Option<&dyn Users>, UsersError> {
        match self.users {
            None => Ok(None),
            Some(Ok(cdb)) => Ok(Some(cdb)),
            Some(Err(error)) => Err(UsersError::Unreadable(error.clone())),
        }
    }

    fn account(&self, name: &[u8]) -> Result<Option<Account>, String> {
        self.accounts.by_name(name)
    }

    fn owner(&self, home: &[u8]) -> Owner {
        owner(home)
    }

    fn stat(&self, home: &[u8], name: &[u8]) -> Stat {
        match stat(&[home, b"/", name].concat()) {
            Ok(Some(_)) => Stat::There,
            Ok(None) => Stat::NotThere,
            Err(error) => Stat::Other(words(&error)),
        }
    }
}
