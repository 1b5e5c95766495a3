//! For which domains is mail taken, and where does it go? `rcpthosts`, `morercpthosts`, `locals`, `virtualdomains`,
//! `percenthack`.

use super::{Linter, entries::Entry, files::File, shown};
use crate::{
    lists::{Cdb, RcptHosts, control_files::single_line},
    session::Domain,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

/// The domains that are ours, in lower case; a leading dot means all below.
pub(super) struct Domains {
    ours: BTreeSet<Vec<u8>>,
    rcpthosts: Option<RcptHosts>,
}

impl Domains {
    /// Is it delivered here, or taken for somebody?
    pub(super) fn are_ours(&self, domain: &[u8]) -> bool {
        let mut forms = std::iter::once(domain).chain(Domain(domain).dot_suffixes());
        forms.any(|form| self.ours.contains(form)) || self.is_taken(domain)
    }

    /// Would qmail-smtpd take mail for it?
    pub(super) fn is_taken(&self, domain: &[u8]) -> bool {
        self.rcpthosts.as_ref().is_some_and(|hosts| hosts.holds(domain))
    }
}

pub(super) fn look(linter: &mut Linter<'_>) -> Domains {
    let rcpthosts = look_at_rcpthosts(linter);
    let locals = look_at_locals(linter);
    let virtuals = look_at_virtualdomains(linter, &locals);
    look_at_percenthack(linter);
    let domains = Domains { ours: locals.iter().chain(&virtuals).map(|(_, text)| text.clone()).collect(), rcpthosts };
    if domains.rcpthosts.is_some() {
        look_at_untaken(linter, &domains, "locals", &locals);
        look_at_untaken(linter, &domains, "virtualdomains", &virtuals);
    }
    domains
}

fn look_at_rcpthosts(linter: &mut Linter<'_>) -> Option<RcptHosts> {
    let more_path = linter.place.control.join("morercpthosts.cdb");
    let more = linter.cdb(&more_path);
    let path = linter.place.control.join("rcpthosts");
    let Some(file) = linter.lines("rcpthosts") else {
        if !path.exists() {
            linter.error(
                &path,
                0,
                "missing: qmail-smtpd takes mail for every domain, an open relay: expected our domains",
            );
        }
        if more.is_some() {
            linter.error(
                &more_path,
                0,
                "has no effect without rcpthosts: expected that file too, if only an empty one",
            );
        }
        return None;
    };
    look_at_more(linter, more.as_ref().map(|(cdb, modified)| (cdb, *modified)), &more_path);
    let entries = linter.entries(&file);
    if entries.is_empty() && more.is_none() {
        linter.warning(&file.path, 0, "no domain in it: mail from outside is refused for all: expected our domains");
    }
    look_at_domains(linter, &file, &entries);
    linter.look_at_suffixes(&file, &entries, <[u8]>::to_vec);
    Some(RcptHosts::new(&file.content, more.map(|(cdb, _)| cdb)))
}

fn look_at_domains(linter: &mut Linter<'_>, file: &File, entries: &[Entry]) {
    for (line, text) in entries {
        if let Some(at) = text.iter().position(|&byte| byte == b'@') {
            let expected = shown(&text[at + 1..]);
            linter.error(&file.path, *line, format!("{} never matches: expected a domain, {expected}", shown(text)));
        } else if text.contains(&b'*') {
            let expected = text.strip_prefix(b"*").filter(|rest| rest.starts_with(b".")).unwrap_or(b".example.com");
            let text = format!("{}: there are no patterns here: expected {}", shown(text), shown(expected));
            linter.error(&file.path, *line, text);
        }
    }
}

/// `morercpthosts` and the cdb that `qmail-newmrh` makes of it.
fn look_at_more(linter: &mut Linter<'_>, cdb: Option<(&Cdb, u64)>, path: &Path) {
    let source = linter.control("morercpthosts");
    if let Some(file) = &source {
        linter.look_at_text(file);
        let entries = linter.entries(file);
        look_at_domains(linter, file, &entries);
        match cdb {
            None if !path.exists() => {
                linter.error(&file.path, 0, "has no effect: expected morercpthosts.cdb: run qmail-newmrh")
            }
            None => {}
            Some((cdb, modified)) => {
                linter.look_at_age(file, path, modified, "qmail-newmrh");
                let missing = entries.iter().filter(|(_, text)| cdb.find(text).is_none()).count();
                if modified >= file.modified && (missing > 0 || cdb.len() < entries.len()) {
                    linter.error(
                        path,
                        0,
                        format!("{missing} domains of morercpthosts are not in it: run qmail-newmrh"),
                    );
                }
            }
        }
    }
    let Some((cdb, _)) = cdb else { return };
    linter.look_at_rights(path);
    if let Some((key, _)) = cdb.iter().find(|(key, _)| key.iter().any(u8::is_ascii_uppercase)) {
        let text =
            format!("{} is never found, for keys are in lower case: expected it made by qmail-newmrh", shown(key));
        linter.error(path, 0, text);
    }
}

/// Local domains; without the file `me` is the one.
fn look_at_locals(linter: &mut Linter<'_>) -> Vec<Entry> {
    let path = linter.place.control.join("locals");
    let Some(file) = linter.lines("locals") else {
        if path.exists() {
            return Vec::new();
        }
        let me = linter.control("me").and_then(|me| single_line(&me.content).map(<[u8]>::to_ascii_lowercase));
        let stands_in =
            me.as_ref().map_or_else(|| "nothing is local".to_owned(), |me| format!("{} alone is local", shown(me)));
        linter.note(&path, 0, format!("missing: {stands_in}"));
        return me.map(|me| (0, me)).into_iter().collect();
    };
    let entries = linter.entries(&file);
    look_at_domains(linter, &file, &entries);
    for (line, text) in entries.iter().filter(|(_, text)| text.starts_with(b".")) {
        linter.error(&file.path, *line, format!("{} never matches: expected each local domain by name", shown(text)));
    }
    entries
}

fn look_at_virtualdomains(linter: &mut Linter<'_>, locals: &[Entry]) -> Vec<Entry> {
    let Some(file) = linter.lines("virtualdomains") else { return Vec::new() };
    let local: HashMap<&[u8], usize> = locals.iter().map(|(line, text)| (&text[..], *line)).collect();
    let (mut keys, mut first): (Vec<Entry>, HashMap<Vec<u8>, usize>) = (Vec::new(), HashMap::new());
    for (line, text) in linter.entries(&file) {
        let Some(colon) = text.iter().position(|&byte| byte == b':') else {
            linter.error(
                &file.path,
                line,
                format!("{} has no colon and is passed over: expected domain:user", shown(&text)),
            );
            continue;
        };
        let (key, prepend) = (&text[..colon], &text[colon + 1..]);
        if let Some(other) = first.insert(key.to_vec(), line) {
            linter.warning(
                &file.path,
                line,
                format!("{} stands in line {other} with another user already", shown(key)),
            );
        }
        if local.contains_key(key) {
            let text = format!("{} stands in locals too, and that wins: expected it in one of them", shown(key));
            linter.error(&file.path, line, text);
        }
        look_at_user(linter, &file, line, prepend);
        // A single address is no domain, an empty user an exception, an empty key everything else.
        if !key.contains(&b'@') && !key.is_empty() && !prepend.is_empty() {
            keys.push((line, key.to_vec()));
        }
    }
    linter.look_at_suffixes(&file, &keys, <[u8]>::to_vec);
    keys
}

/// `domain:user` or `domain:user-ext`: the user is the longest part before a hyphen that there is one of.
fn look_at_user(linter: &mut Linter<'_>, file: &File, line: usize, prepend: &[u8]) {
    let accounts = &linter.place.accounts;
    let Ok(prepend) = std::str::from_utf8(prepend) else { return };
    if prepend.is_empty() || accounts.is_empty() {
        return;
    }
    let ends = prepend.match_indices('-').map(|(at, _)| at).chain([prepend.len()]);
    let is_known = ends.into_iter().any(|end| accounts.contains(&prepend[..end]));
    if !is_known && !linter.is_assigned(prepend) {
        let text = format!(
            "\"{prepend}\" is no user, nor assigned to one: alias gets the mail, as {prepend}-…@: expected a user, or an assignment"
        );
        linter.warning(&file.path, line, text);
    }
}

/// Whoever is delivered to or handed on from here must be taken from outside.
fn look_at_untaken(linter: &mut Linter<'_>, domains: &Domains, name: &str, entries: &[Entry]) {
    let path = linter.place.control.join(name);
    for (line, domain) in entries {
        if !domains.is_taken(domain) && domain != b"localhost" && !domain.starts_with(b"localhost.") {
            let text =
                format!("{} is not in rcpthosts: its mail is refused from outside: expected it there", shown(domain));
            linter.warning(&path, *line, text);
        }
    }
}

fn look_at_percenthack(linter: &mut Linter<'_>) {
    let Some(file) = linter.lines("percenthack") else { return };
    for (line, domain) in linter.entries(&file) {
        let text = format!(
            "mail to user%anywhere@{0} is sent on to anywhere, so that {0} relays for everybody: expected no such file",
            String::from_utf8_lossy(&domain)
        );
        linter.error(&file.path, line, text);
    }
}
