//! Can a mailing list's people be read from this folder? Asked before its files are: most of those 53 are not there even in
//! a list that is in order, so that a wrong folder would pass for a list without people.

use crate::{
    config::{Build, Section},
    files,
    lists::ezmlm::subscribers::bucket_name,
};
use std::{fs, io, path::Path};

/// Files of a list whose people are in a database of another program (ezmlm-idx, `initsub`): then those in the folder, if
/// there are any, are not the list's.
const FOREIGN: [&str; 2] = ["subdb", "sql"];
/// What lies in the folder of a list of ezmlm's (`config` of ezmlm-idx's only), or what is read of it.
const SIGNS: [&str; 5] = ["subscribers", "deny", "editor", "lock", "config"];

/// Is it the list's folder? If not, that is a fault in `dir`. People that were read before stay as they were, whatever
/// has become of the folder. `needs_subscribers`: without them nobody could post.
pub fn is_list_folder(section: &Section<'_>, build: &Build<'_>, folder: &Path, needs_subscribers: bool) -> bool {
    let are_known = if needs_subscribers {
        build.knows(&folder.join("subscribers").join(bucket_name(0).to_string()), files::PART)
    } else {
        super::are_known(build, folder)
    };
    let wrong = if are_known { None } else { wrong_with(folder, needs_subscribers) };
    if let Some(wrong) = &wrong {
        section.fault("dir", format!("{}: {wrong}", folder.display()));
    }
    wrong.is_none()
}

fn wrong_with(folder: &Path, needs_subscribers: bool) -> Option<String> {
    let is_there = |name: &&str| folder.join(name).exists();
    match is_folder(folder) {
        Ok(true) => {}
        Ok(false) => return Some("no such folder: expected the list's".to_owned()),
        Err(error) => return Some(format!("{error}: expected the list's folder, readable for Tollgate")),
    }
    let has_subscribers = match is_folder(&folder.join("subscribers")) {
        Ok(is_folder) => is_folder,
        Err(error) => return Some(format!("subscribers: {error}: expected one that is readable for Tollgate")),
    };
    if let Some(name) = FOREIGN.iter().find(|name| is_there(name)) {
        return Some(format!(
            "`{name}` in it says that the list's people are in a database: expected a list that keeps them in files"
        ));
    }
    if needs_subscribers && !has_subscribers {
        return Some("no folder `subscribers` in it: expected the list's, as given to ezmlm-make".to_owned());
    }
    if !SIGNS.iter().any(is_there) {
        let signs = SIGNS.join("`, `");
        return Some(format!("none of `{signs}` in it: expected the list's folder, as given to ezmlm-make"));
    }
    None
}

/// `Err` = that cannot be seen.
fn is_folder(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(seen) => Ok(seen.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_lists_are_told_from_others() {
        // What lies in the folder; what is wrong with it for posts of subscribers only, and for those who are denied.
        let rows: [(&[&str], &str, &str); 8] = [
            (&["subscribers/"], "", ""),
            (&["subscribers/", "deny/", "editor", "lock", "config"], "", ""),
            (&["editor", "lock"], "no folder `subscribers`", ""),
            (&["config", "deny/"], "no folder `subscribers`", ""),
            (&["subscribers"], "no folder `subscribers`", ""),
            (&[], "no folder `subscribers`", "none of `subscribers`, `deny`, `editor`, `lock`, `config`"),
            (&["subscribers/", "lock", "sql"], "`sql` in it", "`sql` in it"),
            (&["subscribers/", "lock", "subdb"], "`subdb` in it", "`subdb` in it"),
        ];
        for (entries, posters, denied) in rows {
            let folder = tempfile::tempdir().expect("a folder");
            for entry in entries {
                let path = folder.path().join(entry);
                if entry.ends_with('/') { fs::create_dir(path) } else { fs::write(path, "") }.expect("made");
            }
            for (needs_subscribers, expected) in [(true, posters), (false, denied)] {
                let wrong = wrong_with(folder.path(), needs_subscribers).unwrap_or_default();
                let is_as_expected = if expected.is_empty() { wrong.is_empty() } else { wrong.starts_with(expected) };
                assert!(is_as_expected, "{entries:?}, {needs_subscribers}: {wrong:?}");
            }
        }
    }

    #[test]
    fn what_is_no_folder_or_is_out_of_reach_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        for (path, expected) in [
            (folder.path().join("none"), "no such folder: expected the list's"),
            (file.clone(), "no such folder: expected the list's"),
            (file.join("list"), "Not a directory (os error 20): expected the list's folder, readable for Tollgate"),
        ] {
            assert_eq!(wrong_with(&path, true).as_deref(), Some(expected), "{}", path.display());
        }
        // A link that leads to itself stands for what its user may not look into: root may look anywhere.
        std::os::unix::fs::symlink("subscribers", folder.path().join("subscribers")).expect("a link");
        let wrong = wrong_with(folder.path(), false).unwrap_or_default();
        assert!(wrong.starts_with("subscribers: ") && wrong.ends_with("readable for Tollgate"), "{wrong}");
    }
}
