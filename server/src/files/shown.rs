//! How are files told of? Each by itself, but those that are only parts of one list: ezmlm keeps each of its databases in 53
//! files, and nobody wants to read of all of them.

use super::{LoadedFile, take::checksum};

/// Form of files that are parts of what lies in their folder.
pub const PART: &str = "part";

/// Form of a folder that is not there yet, and whose files will be parts of one list.
pub const FOLDER: &str = "folder";

/// The files as they are shown, logged and measured: parts of one list are one row, under their folder's name.
pub fn shown(files: &[LoadedFile]) -> Vec<LoadedFile> {
    let mut rows: Vec<LoadedFile> = Vec::with_capacity(files.len());
    for file in files {
        if file.form != PART {
            let form = if file.form == FOLDER { PART } else { file.form };
            rows.push(LoadedFile { form, ..file.clone() });
            continue;
        }
        let part = whole_of(file);
        // Parts of one list are read one after the other.
        match rows.last_mut().filter(|row| row.is(part.check, PART, &part.path)) {
            Some(row) => add(row, part),
            None => rows.push(part),
        }
    }
    rows
}

/// A part in its folder's name.
fn whole_of(file: &LoadedFile) -> LoadedFile {
    let folder = file.path.parent().unwrap_or(&file.path).to_owned();
    LoadedFile { path: folder, value: None, ..file.clone() }
}

/// The version counts up whichever part changes, and the checksum is another.
fn add(row: &mut LoadedFile, part: LoadedFile) {
    if !part.checksum.is_empty() {
        row.checksum = checksum(format!("{}{}", row.checksum, part.checksum).as_bytes());
    }
    row.entries += part.entries;
    row.generation += part.generation;
    row.loaded_at = row.loaded_at.max(part.loaded_at);
    row.modified_at = row.modified_at.max(part.modified_at);
    part.warnings.into_iter().for_each(|warning| row.warn(warning));
    row.error = row.error.take().or(part.error);
}

#[cfg(test)]
mod tests {
    use super::{super::Seen, *};
    use std::path::Path;

    #[test]
    fn parts_are_one_row_and_everything_else_stays() {
        let file = |form, path: &str, entries| {
            let absent = LoadedFile::absent("ezmlm", form, Path::new(path), Seen::Missing);
            LoadedFile { entries, generation: 1, checksum: "c".to_owned(), loaded_at: entries as u64, ..absent }
        };
        let mut refused = file(PART, "/l/subscribers/B", 3);
        refused.error = Some("why".to_owned());
        let files = [
            file("keys", "/a", 1),
            file(PART, "/l/subscribers/A", 2),
            refused,
            file(PART, "/l/deny/subscribers/A", 4),
            file("keys", "/l/subscribers", 5),
        ];
        let rows = shown(&files);
        let row = |row: &LoadedFile| (row.path.display().to_string(), row.entries, row.generation, row.loaded_at);
        let expected = [
            ("/a", 1, 1, 1),
            ("/l/subscribers", 5, 2, 3),
            ("/l/deny/subscribers", 4, 1, 4),
            ("/l/subscribers", 5, 1, 5),
        ];
        assert_eq!(
            rows.iter().map(row).collect::<Vec<_>>(),
            expected.map(|(path, a, b, c)| (path.to_owned(), a, b, c))
        );
        assert_eq!(rows[1].error.as_deref(), Some("why"));
        assert_eq!(rows[1].shown_checksum(), &checksum(b"cc")[..16], "the checksum of both");
    }
}
