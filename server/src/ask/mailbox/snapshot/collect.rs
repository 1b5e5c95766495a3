//! What does a mail host have to tell? Its files, its accounts, and the `.qmail` files of every home that gets mail.

use super::super::{
    Owner, Places,
    live::{owner, read_controls, read_users, stat, words},
};
use crate::lists::{
    Cdb,
    qmail::{Account, Controls, Passwd},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
};

/// Names of one home, and of all together: memory of the exporter, not of qmail.
const NAMES_MAX: usize = 10_000_000;

/// A host, collected.
#[derive(Debug)]
pub struct Collected {
    /// The host's label.
    pub host: String,
    /// Unix time in seconds.
    pub made_at: u64,
    pub(super) controls: Controls,
    pub(super) users: Option<Cdb>,
    pub(super) accounts: Vec<(Vec<u8>, Account)>,
    pub(super) homes: BTreeMap<Vec<u8>, Home>,
}

impl Collected {
    /// Accounts, homes that were looked into, and names found there.
    pub fn counts(&self) -> (usize, usize, usize) {
        let names = |home: &Home| if let Some(Listing::Names(names)) = &home.listing { names.len() } else { 0 };
        let looked_into = self.homes.values().filter(|home| home.listing.is_some()).count();
        (self.accounts.len(), looked_into, self.homes.values().map(names).sum())
    }
}

/// A home folder.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) owner: Owner,
    /// `None` = nobody's mail leads there.
    pub(super) listing: Option<Listing>,
}

/// What begins with `.qmail` in a folder.
#[derive(Debug)]
pub(super) enum Listing {
    Names(BTreeMap<Vec<u8>, What>),
    /// There is no such folder.
    Gone,
    /// Why it could not be looked into.
    Other(String),
}

/// What has such a name.
#[derive(Debug)]
pub(super) enum What {
    /// A file, or anything else that is no folder.
    File,
    Folder,
    /// Why it could not be looked at.
    Other(String),
}

/// Collects a host. One line says what could not be read: half a snapshot would refuse mail.
pub fn collect(places: &Places, passwd: &Passwd, host: &str, made_at: u64) -> Result<Collected, String> {
    let controls = read_controls(&places.control)?;
    if controls.locals.is_none() {
        return Err(format!(
            "{}: there is neither locals nor me: expected qmail's control files",
            places.control.display()
        ));
    }
    let path = places.users.join("cdb");
    let users = read_users(&path).transpose().map_err(|error| format!("{}: {error}", path.display()))?;
    let mut homes: BTreeMap<Vec<u8>, Home> = BTreeMap::new();
    let mut wanted: BTreeSet<Vec<u8>> = users.iter().flat_map(assigned_homes).collect();
    for (name, account) in passwd.iter() {
        let home = homes.entry(account.home.clone());
        let owner = &home.or_insert_with(|| Home { owner: owner(&account.home), listing: None }).owner;
        let gets_mail = account.uid != 0 && *owner == Owner::Uid(account.uid);
        if gets_mail || name == b"alias" {
            wanted.insert(account.home.clone());
        }
    }
    let mut room = NAMES_MAX;
    for home in wanted {
        let listing = list(&home, &mut room)?;
        let known = homes.entry(home.clone());
        known.or_insert_with(|| Home { owner: owner(&home), listing: None }).listing = Some(listing);
    }
    let accounts = passwd.iter().map(|(name, account)| (name.to_owned(), account.clone())).collect();
    Ok(Collected { host: host.to_owned(), made_at, controls, users, accounts, homes })
}

/// Homes in the records of `users/cdb`.
fn assigned_homes(cdb: &Cdb) -> BTreeSet<Vec<u8>> {
    let records = cdb.iter().filter(|(key, _)| !key.is_empty());
    records.filter_map(|(_, value)| value.split(|&octet| octet == 0).nth(3)).map(<[u8]>::to_owned).collect()
}

fn list(home: &[u8], room: &mut usize) -> Result<Listing, String> {
    let entries = match fs::read_dir(OsStr::from_bytes(home)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::Gone),
        Err(error) => return Ok(Listing::Other(words(&error))),
    };
    let mut names = BTreeMap::new();
    for entry in entries {
        let name = match entry {
            Ok(entry) => entry.file_name().as_bytes().to_owned(),
            Err(error) => return Ok(Listing::Other(words(&error))),
        };
        if !name.starts_with(b".qmail") {
            continue;
        }
        *room = room.checked_sub(1).ok_or(format!("more than {NAMES_MAX} .qmail files: expected fewer"))?;
        let what = match stat(&[home, b"/", &name].concat()) {
            // Gone meanwhile, or a symbolic link that leads nowhere.
            Ok(None) => continue,
            Ok(Some(seen)) if seen.is_dir() => What::Folder,
            Ok(Some(_)) => What::File,
            Err(error) => What::Other(words(&error)),
        };
        names.insert(name, what);
    }
    Ok(Listing::Names(names))
}
