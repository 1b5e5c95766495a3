//! Is a file meant for qmail, but under a name that qmail does not read? And who may put one there?

use super::Linter;
use std::fs;

/// Files of netqmail, and of the patches that lint knows.
const KNOWN: [&str; 33] = [
    "badmailfrom",
    "badrcptto",
    "bouncefrom",
    "bouncehost",
    "concurrencylocal",
    "concurrencyremote",
    "databytes",
    "defaultdomain",
    "defaulthost",
    "doublebouncehost",
    "doublebounceto",
    "envnoathost",
    "helohost",
    "idhost",
    "localiphost",
    "locals",
    "me",
    "morercpthosts",
    "percenthack",
    "plusdomain",
    "qmqpservers",
    "queuelifetime",
    "rcpthosts",
    "smtpgreeting",
    "smtproutes",
    "spfbehavior",
    "spfexp",
    "spfguess",
    "spfrules",
    "timeoutconnect",
    "timeoutremote",
    "timeoutsmtpd",
    "virtualdomains",
];
/// Files of the folder that are looked at.
const NAMES_MAX: usize = 10_000;

pub(super) fn look(linter: &mut Linter<'_>) {
    let place = linter.place;
    for folder in [&place.control, &place.users] {
        linter.look_at_writers(folder);
    }
    let Ok(files) = fs::read_dir(&place.control) else { return };
    for path in files.take(NAMES_MAX).filter_map(Result::ok).map(|file| file.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(known) = meant(&name) {
            linter.warning(&path, 0, format!("qmail reads no file of this name: expected {known}"));
        }
    }
}

/// The name that was meant: this one but for case, blanks, hyphens, an `s` at its end, `.txt`.
fn meant(name: &str) -> Option<&'static str> {
    if KNOWN.contains(&name) {
        return None;
    }
    let name = name.trim().to_ascii_lowercase();
    let name = name.strip_suffix(".txt").unwrap_or(&name).replace(['-', '_'], "").replace("behaviour", "behavior");
    let root = |name: &str| name.trim_end_matches('s').to_owned();
    KNOWN.into_iter().find(|known| root(known) == root(&name))
}
