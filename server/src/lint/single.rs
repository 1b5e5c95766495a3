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
/// Numbers below these are most likely meant in another unit: kilobytes, minutes, days.
const TINY: [(&str, u64, &str); 4] = [
    ("databytes", 65_536, "bytes is less than most messages have: expected bytes, 0 for no limit"),
    (
        "queuelifetime",
        3_600,
        "seconds, and mail bounces that a host does not take at once: expected seconds, 604800 is a week",
    ),
    ("timeoutsmtpd", 10, "seconds, and slow clients are cut off: expected seconds, such as 1200"),
    ("timeoutremote", 10, "seconds, and slow hosts are given up: expected seconds, such as 1200"),
];
/// Levels of the SPF patch.
const SPF_LEVEL_MAX: u64 = 6;
/// Files with a host's name.
const NAMES: [&str; 4] = ["me", "envnoathost", "localiphost", "defaulthost"];

pub(super) fn look(linter: &mut Linter<'_>) {
    look_at_me(linter);
    for name in NUMBERS {
        let Some(file) = linter.lines(name) else { continue };
        look_at_number(linter, &file);
        if let Some((_, tiny, text)) = TINY.iter().find(|(tiny, ..)| *tiny == name) {
            // 0 is no limit, or a mail server told to give up at once.
            if let Some(value) = number(&file.content).filter(|value| (1..*tiny).contains(value)) {
                linter.warning(&file.path, 1, format!("{value} {text}"));
            }
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
