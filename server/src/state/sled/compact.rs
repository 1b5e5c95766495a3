//! When is a store copied into a fresh folder? sled gives no space back: what has expired stays on disk as waste.
//!
//! The copy lies in `sled.compact` until it is whole; then the folders change places, with the old one as `sled.old` for the
//! moment between. A crash at any point leaves one whole store, which [`finish`] puts in its place.

use super::write_to;
use std::{fs, io, path::Path};

/// A smaller folder is not worth it, in octets.
pub(super) const WASTE_MIN: u64 = 64 << 20;

/// So many times what is alive is usual for sled; more is waste.
const USUAL: u64 = 10;

/// Is most of it waste? Looks through it only if it is large.
pub(super) fn is_wasteful(db: &sled::Db, waste_min: u64) -> bool {
    let size = db.size_on_disk().unwrap_or(0);
    size > waste_min && !lives_more_than(db, size / USUAL)
}

fn lives_more_than(db: &sled::Db, octets: u64) -> bool {
    let mut alive = 0;
    for name in db.tree_names() {
        let Ok(tree) = db.open_tree(name) else { return true };
        for entry in tree.iter() {
            let Ok((key, value)) = entry else { return true };
            alive += (key.len() + value.len()) as u64;
            if alive > octets {
                return true;
            }
        }
    }
    false
}

/// Copies the store into a fresh folder, and puts that in its place. Where it does not work, the old one stays.
pub(super) fn swapped(path: &Path, db: sled::Db) -> io::Result<()> {
    let (fresh, old) = (path.with_file_name("sled.compact"), path.with_file_name("sled.old"));
    remove(&fresh)?;
    copy(&db, &fresh)?;
    drop(db);
    fs::rename(path, &old)?;
    fs::rename(&fresh, path)?;
    fs::remove_dir_all(&old)
}

fn copy(db: &sled::Db, to: &Path) -> io::Result<()> {
    let into = super::opening::attempt(to).map_err(|_| io::Error::other("a fresh store cannot be opened"))?;
    for name in db.tree_names() {
        let (from, tree) = (db.open_tree(&name)?, into.open_tree(&name)?);
        let mut failed = None;
        let entries = from.iter().map_while(|entry| match entry {
            Ok((key, value)) => Some((key.to_vec(), Some(value.to_vec()))),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        write_to(&tree, entries)?;
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    into.flush()?;
    Ok(())
}

/// Ends what a crash interrupted.
pub(super) fn finish(path: &Path) -> io::Result<()> {
    let (fresh, old) = (path.with_file_name("sled.compact"), path.with_file_name("sled.old"));
    if old.exists() && !path.exists() {
        fs::rename(&old, path)?;
    }
    remove(&old)?;
    remove(&fresh)
}

fn remove(folder: &Path) -> io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}
