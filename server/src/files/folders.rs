//! Which folders tell of it when a file changes, is replaced, or appears? The one it lies in, those in which a symbolic
//! link on its way lies, and the nearest one above it that is there.

use std::path::{Component, Path, PathBuf};

/// Symbolic links followed on the way to one file; the system follows 40.
const LINKS_MAX: usize = 40;

/// The folders for one file. A relative path is one from the working folder.
pub(super) fn of(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match walk(&path, &mut found) {
            Some(onward) => path = onward,
            None => break,
        }
    }
    found
}

/// Goes down to the file; at a link, gives the path with the link's target in its place.
fn walk(path: &Path, found: &mut Vec<PathBuf>) -> Option<PathBuf> {
    let mut here = PathBuf::new();
    let mut rest = path.components();
    while let Some(part) = rest.next() {
        let above = if here.as_os_str().is_empty() { PathBuf::from(".") } else { here.clone() };
        here.push(part);
        if !matches!(part, Component::Normal(_)) {
            continue;
        }
        let is_last = rest.as_path().as_os_str().is_empty();
        match here.symlink_metadata() {
            Ok(meta) if meta.file_type().is_symlink() => {
                note(found, &above);
                let target = above.join(std::fs::read_link(&here).ok()?);
                return Some(if is_last { target } else { target.join(rest.as_path()) });
            }
            Ok(_) if is_last => note(found, &above),
            Ok(_) => {}
            Err(_) => {
                // A file may stand where a folder should.
                let parent = above.parent().filter(|_| !above.is_dir());
                note(found, parent.unwrap_or(&above));
                return None;
            }
        }
    }
    None
}

/// By its own name: one folder that is watched under two loses both when one of them goes.
fn note(found: &mut Vec<PathBuf>, folder: &Path) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if !found.contains(&folder) {
        found.push(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn links_and_missing_folders_are_followed() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("v1")).expect("a folder");
        fs::write(at("v1/list"), "").expect("written");
        symlink("v1", at("now")).expect("a link");
        symlink("../now/list", at("v1/linked")).expect("a link");
        let names = |path: &str| {
            let shown = |folder: &PathBuf| folder.canonicalize().expect("a folder");
            of(&at(path)).iter().map(shown).collect::<Vec<_>>()
        };
        let root_path = root.path().canonicalize().expect("a folder");
        let v1 = root_path.join("v1");
        assert_eq!(names("v1/list"), std::slice::from_ref(&v1));
        assert_eq!(names("now/list"), [root_path.clone(), v1.clone()], "the link's folder, then its target");
        assert_eq!(names("v1/linked"), [v1.clone(), root_path.clone()]);
        assert_eq!(names("later/on/list"), std::slice::from_ref(&root_path), "the nearest that is there");
        assert_eq!(names("v1/list/below"), [v1], "a file stands where a folder should");
        symlink("loop", at("loop")).expect("a link");
        assert_eq!(of(&at("loop")).len(), 1, "it ends");
    }
}
