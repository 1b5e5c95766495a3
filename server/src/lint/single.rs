//! Do the files with one line say something that qmail can use? `me`, numbers, `spfbehavior`, `envnoathost`.

use super::{Linter, files::File, shown};
use crate::lists::control_files::{number, single_line};

/// Files with a number.
const NUMBERS: [&str; 7] = [
    "databytes",
    "timeoutsmtpd",
    "timeoutremote",
    "timeoutconnect",
    "concurrencylocal",
    "concurrencyremote",
    "queuelifetime",
];
/// A limit on the size of messages below this is most likely a mistake for kilobytes.
const DATABYTES_TINY: u64 = 65_536;
/// Levels of the SPF patch.
const SPF_LEVEL_MAX: u64 = 6;
/// Files with a host's name.
const NAMES: [&str; 4] = ["me", "envnoathost", "localiphost", "defaulthost"];

pub(super) fn look(linter: &mut Linter<'_>) {
    look_at_me(linter);
    for name in NUMBERS {
        let Some(file) = linter.lines(name) else { continue };
        look_at_number(linter, &file);
        if name == "databytes" {
            look_at_databytes(linter, &file);
        }
    }
    if let Some(file) = linter.lines("spfbehavior") {
        look_at_spf(linter, &file);
    }
    for name in NAMES {
        let Some(file) = linter.lines(name) else { continue };
        look_at_name(linter, &file);
    }
}

fn look_at_me(linter: &mut Linter<'_>) {
    let (me, greeting) = ("me", "smtpgreeting");
    let says =
        |linter: &mut Linter<'_>, name| linter.control(name).is_some_and(|file| single_line(&file.content).is_some());
    if says(linter, me) {
        return;
    }
    let path = linter.place.control.join(me);
    if says(linter, greeting) {
        linter.warning(
            &path,
            0,
            "missing: expected this host's name; without it locals and envnoathost have no default",
        );
    } else {
        linter.error(&path, 0, "missing, and smtpgreeting too: qmail-smtpd refuses to run: expected this host's name");
    }
}

fn look_at_number(linter: &mut Linter<'_>, file: &File) {
    let line = single_line(&file.content).unwrap_or_default();
    match number(&file.content) {
        None => {
            linter.error(&file.path, 1, format!("{} is no number: the default holds: expected digits", shown(line)))
        }
        Some(value) if line.iter().any(|byte| !byte.is_ascii_digit()) => {
            linter.error(&file.path, 1, format!("{} counts as {value}: expected digits alone", shown(line)));
        }
        Some(_) => {}
    }
}

fn look_at_databytes(linter: &mut Linter<'_>, file: &File) {
    let value = number(&file.content).unwrap_or(0);
    if (1..DATABYTES_TINY).contains(&value) {
        let text = format!("{value} bytes is less than most messages have: expected bytes, 0 for no limit");
        linter.warning(&file.path, 1, text);
    }
}

fn look_at_spf(linter: &mut Linter<'_>, file: &File) {
    let line = single_line(&file.content).unwrap_or_default();
    let level = number(&file.content).filter(|&level| level <= SPF_LEVEL_MAX && line.len() == 1);
    if level.is_none() {
        let text = format!("{}: expected a level from 0 (off) to {SPF_LEVEL_MAX}", shown(line));
        linter.error(&file.path, 1, text);
    }
}

fn look_at_name(linter: &mut Linter<'_>, file: &File) {
    let Some(line) = single_line(&file.content) else {
        return linter.error(&file.path, 1, "empty: expected a host's name, or no such file");
    };
    if !line.contains(&b'.') || line.iter().any(|&byte| byte == b'@' || byte.is_ascii_whitespace()) {
        linter.warning(&file.path, 1, format!("{}: expected a full name such as mx.example.com", shown(line)));
    }
    let more = file.content.split(|&byte| byte == b'\n').skip(1).position(|line| !line.trim_ascii().is_empty());
    if let Some(at) = more {
        linter.warning(&file.path, at + 2, "only the first line counts: expected no other");
    }
}
