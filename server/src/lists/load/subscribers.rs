//! How do a mailing list's own files become sets of senders? ezmlm's folder, as it is when the policy is built.

use crate::{
    config::{Build, Fault, Section},
    files::{self, Absence, Demands, Notes, Reader},
    lists::{
        ezmlm::subscribers::{BUCKETS, addresses, bucket_name},
        keys::Sorted,
    },
};
use bytes::Bytes;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Databases of those who may post where only subscribers may; the first is the list's own. As ezmlm-issubn tests them for
/// a list made with `-u`.
const POSTERS: [&str; 4] = ["", "digest", "allow", "mod"];
/// The database of those who may not: a list made with `-k`.
const DENIED: &str = "deny";

/// Who may post to the list in this folder, as far as only subscribers may.
pub fn posters(section: &Section<'_>, build: &mut Build<'_>, folder: &Path) -> Vec<Arc<Sorted>> {
    read(section, build, folder, &POSTERS)
}

/// Who may not.
pub fn denied(section: &Section<'_>, build: &mut Build<'_>, folder: &Path) -> Vec<Arc<Sorted>> {
    read(section, build, folder, &[DENIED])
}

/// Have this list's people been read before? Without its folder they stay as they were.
pub fn are_known(build: &Build<'_>, folder: &Path) -> bool {
    ["", DENIED].iter().any(|database| {
        let folder = folder.join(database).join("subscribers");
        build.knows(&folder, files::FOLDER) || build.knows(&bucket(&folder, 0), files::PART)
    })
}

fn bucket(folder: &Path, number: u8) -> PathBuf {
    folder.join(bucket_name(number).to_string())
}

fn read(section: &Section<'_>, build: &mut Build<'_>, folder: &Path, databases: &[&str]) -> Vec<Arc<Sorted>> {
    let folders = databases.iter().map(|database| folder.join(database).join("subscribers"));
    folders.flat_map(|folder| database(section, build, &folder)).collect()
}

/// All files of one database, or none.
fn database(section: &Section<'_>, build: &mut Build<'_>, folder: &Path) -> Vec<Arc<Sorted>> {
    let is_there = folder.is_dir();
    if !is_there && !build.knows(&bucket(folder, 0), files::PART) {
        // All 53 files of all databases that lists do not have need not be looked for.
        build.files.note_missing(build.check, folder);
        return Vec::new();
    }
    // Nobody unsubscribes by taking the folder away.
    let absence = if is_there { Absence::IsEmpty } else { Absence::IsDoubted };
    let reader = Reader { form: files::PART, absence, parse: &parse, demands: Demands::NONE };
    let from = build.files.count();
    for path in (0..BUCKETS).map(|number| bucket(folder, number)) {
        if let Err(faults) = build.list(&path, &reader) {
            faults.into_iter().for_each(|fault| section.push(fault));
        }
    }
    build.files.guard_whole(from);
    build.files.values(from).collect()
}

/// The file's name is its hash.
fn parse(path: &Path, content: Bytes, notes: &mut Notes) -> Result<Sorted, Vec<Fault>> {
    let bucket = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.chars().next());
    let mut all = Vec::new();
    let misplaced = addresses(bucket.unwrap_or_default(), &content, &mut all);
    notes.entries = all.len();
    if misplaced > 0 {
        notes.warn(format!("{misplaced} records that ezmlm does not find here: they do not count"));
    }
    Ok(Sorted::new(all.iter().map(Vec::as_slice)))
}
