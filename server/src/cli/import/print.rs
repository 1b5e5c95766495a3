//! How is a line of rblsmtpd written as configuration? Its lists in their order, and in comments what differs.

use super::options::{Does, Line, List};
use crate::dns_lists::gone;
use std::fmt::Write;

/// A list's name is a word in replies, logs and metrics: the configuration's limit.
const NAME_OCTETS_MAX: usize = 64;
/// Below these, the first label is the customer's key.
const KEYED: &[&str] = &[".dq.spamhaus.net", ".mail.abusix.zone"];

/// What is printed, and what is told beside it.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) toml: String,
    /// One line each.
    pub(super) warnings: Vec<String>,
}

/// The configuration that does the same.
pub(super) fn print(line: &Line) -> Printed {
    let mut printed = Printed::default();
    head(line, &mut printed);
    for (at, list) in line.lists.iter().enumerate() {
        let earlier = &line.lists[..at];
        let same = |other: &&List| other.zone == list.zone;
        let repeats = |other: &List| std::mem::discriminant(&other.does) == std::mem::discriminant(&list.does);
        if earlier.iter().filter(same).any(repeats) {
            let shown = Zone::of(list).shown;
            printed.toml += &format!("\n# {shown} stood here once more: the first time counts.\n");
            printed.warnings.push(format!("{shown} stands more than once"));
        } else {
            one(list, at + 1, earlier.iter().any(|other| same(&other)), &mut printed);
        }
    }
    printed
}

fn head(line: &Line, printed: &mut Printed) {
    let toml = &mut printed.toml;
    *toml += "# As rblsmtpd: lists from top to bottom, and the first that settles the matter is heard.\n";
    *toml +=
        "# Unlike it: all are asked at once; refusals are spoken at RCPT, so that postmaster can be reached and the\n";
    *toml += "# log knows the recipient; and RBLSMTPD, set by tcprules, is obeyed by [check.access].\n";
    if let Some(seconds) = &line.session_seconds {
        let zero = seconds.bytes().all(|byte| byte == b'0');
        let does = if zero { "ended the session right after the reply" } else { "ended a refused session" };
        *toml += &format!(
            "# -t {seconds} {does}; here it is qmail-smtpd's own session, and control/timeoutsmtpd ends it.\n"
        );
    }
    if line.greets_late {
        *toml += "# -w, -W: the delay of the greeting has no equivalent among DNS lists.\n";
    }
    if line.chained > 0 {
        *toml += "# One rblsmtpd started another; here an allowing list speaks for all lists below it.\n";
        printed.warnings.push(format!("{} rblsmtpd in a row became one list of lists", line.chained + 1));
    }
    *toml += "[check.rbl]\n";
    if line.only_tells {
        *toml += "# -i refused nobody: it only told qmail-smtpd. Here the log tells what would have been refused.\n";
        *toml += "mode = \"monitor\"\n";
    }
    *toml += "# The list's own text is the whole reply. \"explained\" also names address and list.\n";
    *toml += "replies = \"rblsmtpd\"\n";
    *toml += "# A listing only defers (451) when a list above it failed: rblsmtpd \"must not bounce\" then.\n";
    *toml += "defer_after_error = true\n";
}

fn one(list: &List, number: usize, needs_name: bool, printed: &mut Printed) {
    let zone = Zone::of(list);
    let toml = &mut printed.toml;
    *toml += "\n";
    if list.is_default {
        *toml += "# No -r was given: this is rblsmtpd's own default.\n";
        printed.warnings.push(format!("without -r, rblsmtpd asks {}", zone.shown));
    }
    let gone = gone(&list.zone);
    if let Some(reason) = gone {
        *toml += &format!("# Switched off: {}: {reason}.\n", zone.shown);
        printed.warnings.push(format!("{}: {reason}: it is switched off", zone.shown));
    }
    match (&list.does, list.fail_closed) {
        (Does::Allow, false) => {
            *toml +=
                "# rblsmtpd let everybody in while this list failed. Here it allows nobody then: the others decide.\n";
        }
        (Does::Refuse { .. } | Does::Answer { .. }, true) => {
            *toml += "# -c: rblsmtpd deferred everybody while this list failed. Here a failed list refuses nobody.\n";
        }
        _ => {}
    }
    *toml += "[[check.rbl.list]]\n";
    *toml += &format!("zone = \"{}\"\n", zone.written);
    if let Some(key) = &zone.key {
        *toml += &format!("# Or key_file, so that this file can be shown around.\nkey = \"{key}\"\n");
    }
    if needs_name || zone.shown.len() > NAME_OCTETS_MAX {
        *toml += &format!("name = \"{}\"\n", name(&zone.shown, number));
    }
    does(&list.does, toml);
    if gone.is_some() {
        *toml += "mode = \"off\"\n";
    }
}

fn does(does: &Does, toml: &mut String) {
    let action = |bounce: bool| if bounce { "reject" } else { "defer" };
    match does {
        Does::Allow => *toml += "query = \"a\"\naction = \"allow\"\n",
        Does::Refuse { bounce } => {
            *toml += "# -r saw texts only, and took a list's refusal for a listing: \"both\" can tell them apart.\n";
            *toml += &format!("query = \"txt\"\naction = \"{}\"\n", action(*bounce));
        }
        Does::Answer { bounce, message } => {
            *toml += &format!("query = \"a\"\naction = \"{}\"\ntext = {}\n", action(*bounce), quoted(message));
        }
    }
}

/// A zone as the configuration writes it, and as it may be shown.
struct Zone {
    written: String,
    key: Option<String>,
    shown: String,
}

impl Zone {
    fn of(list: &List) -> Self {
        let front = KEYED.iter().find_map(|suffix| list.zone.strip_suffix(suffix));
        match (list.zone.split_once('.'), front.is_some_and(|front| front.contains('.'))) {
            (Some((key, rest)), true) => {
                Self { written: format!("%{{key}}.{rest}"), key: Some(key.to_owned()), shown: rest.to_owned() }
            }
            _ => Self { written: list.zone.clone(), key: None, shown: list.zone.clone() },
        }
    }
}

/// A name that no zone has: a colon stands in none.
fn name(zone: &str, number: usize) -> String {
    let name = format!("{zone}:{number}");
    if name.len() <= NAME_OCTETS_MAX { name } else { format!("list:{number}") }
}

/// Printable ASCII as a TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        let escape = if matches!(char, '"' | '\\') { "\\" } else { "" };
        // Writing into a String cannot fail.
        let _ = write!(out, "{escape}{char}");
    }
    out + "\""
}
