//! Does `users/assign` assign what it seems to, and is `users/cdb` made of it? qmail-newu's rules.

use super::{Linter, files::File, shown};
use std::{collections::HashMap, fs, os::unix::fs::MetadataExt};

/// Fields of a line: name, user, uid, gid, folder, dash, extension.
const FIELDS: usize = 7;
/// Rights of a folder that make qmail-local wait: others may write (conf-patrn), or somebody is at work (sticky).
const DEFERRING: u32 = 0o1002;

pub(super) fn look(linter: &mut Linter<'_>) {
    let (source, cdb_path) = (linter.place.users.join("assign"), linter.place.users.join("cdb"));
    let cdb = linter.cdb(&cdb_path);
    let Some(file) = linter.text(&source) else {
        if cdb.is_some() && !source.exists() {
            linter.note(&source, 0, "missing, but there is a users/cdb: what it holds cannot be looked at");
        }
        return;
    };
    let assignments = look_at_lines(linter, &file);
    match cdb {
        None if !cdb_path.exists() => linter.error(&source, 0, "has no effect: expected users/cdb: run qmail-newu"),
        None => {}
        Some((cdb, modified)) => {
            linter.look_at_age(&file, &cdb_path, modified, "qmail-newu");
            let differs = |(key, (_, data)): (&Vec<u8>, &(usize, Vec<u8>))| cdb.find(key) != Some(data);
            let missing = assignments.iter().filter(|(key, value)| differs((key, value))).count();
            if missing > 0 && modified >= file.modified {
                linter.error(&cdb_path, 0, format!("{missing} assignments differ from users/assign: run qmail-newu"));
            }
        }
    }
}

/// Records as qmail-newu makes them, with the line of each.
fn look_at_lines(linter: &mut Linter<'_>, file: &File) -> HashMap<Vec<u8>, (usize, Vec<u8>)> {
    let mut records: HashMap<Vec<u8>, (usize, Vec<u8>)> = HashMap::new();
    let mut lines = (1..).zip(file.content.split(|&byte| byte == b'\n')).peekable();
    while let Some((line, text)) = lines.next() {
        if text.starts_with(b".") {
            if let Some((line, text)) = lines.find(|(_, text)| !text.trim_ascii().is_empty()) {
                let text = format!("{} stands behind the line \".\" and is not read: expected it before", shown(text));
                linter.error(&file.path, line, text);
            }
            return records;
        }
        if text.is_empty() && lines.peek().is_none() {
            break;
        }
        match record(text) {
            Err(wrong) => linter.error(&file.path, line, wrong),
            Ok((key, data)) => {
                look_at_assignment(linter, file, line, text);
                if let Some((first, _)) = records.get(&key) {
                    linter.warning(
                        &file.path,
                        line,
                        format!("{} is assigned in line {first} already, and that counts", shown(text)),
                    );
                } else {
                    records.insert(key, (line, data));
                }
            }
        }
    }
    linter.error(&file.path, 0, "no line \".\" at its end, and qmail-newu refuses the file: expected one");
    records
}

/// Key and data of a line.
fn record(text: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let fields: Vec<&[u8]> = text.splitn(FIELDS + 1, |&byte| byte == b':').collect();
    let (head, name) = match fields.first().and_then(|first| first.split_first()) {
        Some((head, name)) if fields.len() > 1 && !text.contains(&0) => (*head, name),
        _ => return Err(format!("{}: qmail-newu refuses it: expected =local:… or +prefix:…", shown(text))),
    };
    if !matches!(head, b'=' | b'+') {
        let (text, name) = (shown(text), shown(name));
        return Err(format!(
            "{text} begins neither with = nor with +, and assigns {name}: expected =local:… or +prefix:…"
        ));
    }
    if fields.len() <= FIELDS {
        let text = shown(text);
        return Err(format!(
            "{text} has {} colons: expected {FIELDS}: =local:user:uid:gid:folder:dash:ext:",
            fields.len() - 1
        ));
    }
    let end: &[u8] = if head == b'=' { b"\0" } else { b"" };
    let key = [b"!", &name.to_ascii_lowercase()[..], end].concat();
    Ok((key, fields[1..FIELDS].join(&0)))
}

fn look_at_assignment(linter: &mut Linter<'_>, file: &File, line: usize, text: &[u8]) {
    let fields: Vec<&str> =
        text.split(|&byte| byte == b':').map(|field| std::str::from_utf8(field).unwrap_or("?")).collect();
    let [name, user, uid, gid, folder, ..] = fields[..] else { return };
    if name.starts_with('+') && name.ends_with(|last: char| last.is_ascii_uppercase()) {
        let text = format!("\"{name}\" can never match, for its last letter is upper case: expected it in lower case");
        linter.error(&file.path, line, text);
    }
    for (what, number) in [("uid", uid), ("gid", gid)] {
        match number.parse::<u32>() {
            Ok(0) if what == "uid" => {
                linter.error(&file.path, line, "uid 0: qmail delivers nothing as root: expected another user")
            }
            Ok(_) => {}
            Err(_) => linter.error(&file.path, line, format!("{what} \"{number}\" is no number: expected one")),
        }
    }
    let accounts = &linter.place.accounts;
    if !accounts.is_empty() && !accounts.contains(user) {
        linter.warning(&file.path, line, format!("\"{user}\" is no user of this host: expected one"));
    }
    if !folder.starts_with('/') {
        linter.error(
            &file.path,
            line,
            format!("\"{folder}\" is no folder from the root: expected one such as /home/ann"),
        );
        return;
    }
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {
            if metadata.mode() & DEFERRING != 0 {
                let text = format!(
                    "\"{folder}\" is sticky, or everybody may write it: its mail is deferred: expected mode 755"
                );
                linter.error(&file.path, line, text);
            }
        }
        _ => {
            let text = format!("there is no folder \"{folder}\": its mail is deferred: expected one");
            linter.warning(&file.path, line, text);
        }
    }
}

impl Linter<'_> {
    /// Does an assignment cover the local part? By name, or by a prefix of it.
    pub(super) fn is_assigned(&mut self, local: &str) -> bool {
        let Some(file) = self.text(&self.place.users.join("assign")) else { return false };
        let local = format!("{local}-");
        let covers = |line: &[u8]| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default().to_ascii_lowercase();
            name.strip_prefix(b"+").is_some_and(|prefix| local.as_bytes().starts_with(prefix))
        };
        file.content.split(|&byte| byte == b'\n').any(covers)
    }
}
