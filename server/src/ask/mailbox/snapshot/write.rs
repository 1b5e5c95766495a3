//! How does a snapshot come into its file? Whole or not at all: written beside it, brought to the disk, read back, renamed.

use super::{
    super::Owner,
    Snapshot, TITLE, VERSION,
    collect::{Collected, Listing, What},
    keyed, named,
};
use crate::{
    config::{Build, read_regular},
    lists::Cdb,
};
use cdb::CDBMake;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Writes a snapshot, in place of what was there.
///
/// # Errors
/// One line; what was there stays.
pub fn write(collected: &Collected, path: &Path) -> Result<(), String> {
    let say = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let name = path.file_name().ok_or_else(|| format!("{}: expected the name of a file", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside: PathBuf = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let done = fill(collected, &aside).and_then(|()| {
        check(&aside)?;
        fs::rename(&aside, path).map_err(|error| say(path, &error))?;
        // The name, too, is to survive.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| say(folder, &error))
    });
    if done.is_err() {
        // It may not be there at all.
        let _ = fs::remove_file(&aside);
    }
    done
}

fn fill(collected: &Collected, path: &Path) -> Result<(), String> {
    let written = || -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let synced = file.try_clone()?;
        let mut maker = CDBMake::new(file)?;
        records(collected, &mut |kind, key, value| maker.add(&keyed(kind, key), value))?;
        maker.finish()?;
        synced.sync_all()
    };
    written().map_err(|error| format!("{}: {error}", path.display()))
}

/// What no daemon would read must not replace what it can.
fn check(path: &Path) -> Result<(), String> {
    let read = read_regular(path, Build::FILE_OCTETS_MAX).map_err(|error| error.to_string());
    let cdb = read.and_then(|(content, _)| Cdb::new(content.unwrap_or_default()).map_err(|error| error.to_string()));
    let snapshot = cdb.and_then(|cdb| Snapshot::new(cdb).map_err(|error| error.to_string()));
    snapshot.map(|_| ()).map_err(|error| format!("{}: {error}", path.display()))
}

type Add<'a> = dyn FnMut(u8, &[u8], &[u8]) -> io::Result<()> + 'a;

fn records(collected: &Collected, add: &mut Add<'_>) -> io::Result<()> {
    let Collected { host, made_at, controls, users, accounts, .. } = collected;
    add(b't', b"", format!("{TITLE}\0{VERSION}\0{host}\0{made_at}").as_bytes())?;
    add(b'e', b"", &controls.envnoathost)?;
    if let Some(locals) = &controls.locals {
        add(b'L', b"", b"")?;
        locals.iter().try_for_each(|domain| add(b'l', domain, b""))?;
    }
    controls.percenthack.iter().try_for_each(|domain| add(b'p', domain, b""))?;
    controls.virtualdomains.iter().try_for_each(|(key, prepend)| add(b'v', key, prepend))?;
    if let Some(users) = users {
        add(b'A', b"", b"")?;
        users.iter().try_for_each(|(key, value)| add(b'a', key, value))?;
    }
    for (name, account) in accounts {
        add(b'u', name, &named(account.uid.to_string().as_bytes(), &account.home))?;
    }
    homes(collected, add)
}

fn homes(collected: &Collected, add: &mut Add<'_>) -> io::Result<()> {
    for (home, known) in &collected.homes {
        let owner = match &known.owner {
            Owner::Uid(uid) => format!("u{uid}"),
            Owner::Unseen(why) => format!("n{why}"),
            Owner::Trouble(why) => format!("t{why}"),
        };
        add(b'o', home, owner.as_bytes())?;
        match &known.listing {
            None => {}
            Some(Listing::Gone) => add(b'd', home, b"n")?,
            Some(Listing::Other(why)) => add(b'd', home, format!("x{why}").as_bytes())?,
            Some(Listing::Names(names)) => {
                add(b'd', home, b"y")?;
                for (name, what) in names {
                    let what = match what {
                        What::File => "f".to_owned(),
                        What::Folder => "d".to_owned(),
                        What::Other(why) => format!("x{why}"),
                    };
                    add(b'q', &named(home, name), what.as_bytes())?;
                }
            }
        }
    }
    Ok(())
}
