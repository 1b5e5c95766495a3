//! For which domains is mail taken, and where does it go? `rcpthosts`, `morercpthosts`, `locals`,
//! `percenthack`.

use super::{Level, Linter, entries::Entry, files::File, shown, virtuals};
use crate::{
    lists::{Cdb, RcptHosts, control_files::single_line},
    session::Domain,
};
use std::{collections::BTreeSet, path::Path};

/// Top-level names that are nobody else's: a private network may take mail for all below.
const PRIVATE: [&[u8]; 8] = [b"corp", b"example", b"home", b"internal", b"lan", b"local", b"localdomain", b"test"];

/// The domains that are ours, in lower case; a leading dot means all below.
pub(super) struct Domains {
    ours: BTreeSet<Vec<u8>>,
    /// Besides, what `virtualdomains` says anything about; "" = about everything.
    named: BTreeSet<Vec<u8>>,
    rcpthosts: Option<RcptHosts>,
    taken: Vec<Entry>,
}

impl Domains {
    /// Is it delivered here, or taken for somebody?
    pub(super) fn are_ours(&self, domain: &[u8]) -> bool {
        self.are_delivered(domain) || self.is_taken(domain)
    }

    /// Is it delivered here?
    pub(super) fn are_delivered(&self, domain: &[u8]) -> bool {
        forms(domain).any(|form| self.ours.contains(form))
    }

    /// Is it delivered here, at least in part, or left out on purpose? `.dom` is with any domain below it.
    pub(super) fn are_named(&self, domain: &[u8]) -> bool {
        let is_named = |form: &[u8]| self.ours.contains(form) || self.named.contains(form);
        let is_below = |name: &Vec<u8>| name.ends_with(domain);
        forms(domain).chain([&b""[..]]).any(is_named)
            || (domain.starts_with(b".") && self.ours.iter().chain(&self.named).any(is_below))
    }

    /// The entries of `rcpthosts`.
    pub(super) fn taken(&self) -> &[Entry] {
        &self.taken
    }

    /// Would qmail-smtpd take mail for it?
    pub(super) fn is_taken(&self, domain: &[u8]) -> bool {
        self.rcpthosts.as_ref().is_some_and(|hosts| hosts.holds(domain))
    }
}

/// What qmail looks for: the domain, then every suffix from a dot on.
fn forms(domain: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::once(domain).chain(Domain(domain).dot_suffixes())
}

pub(super) fn look(linter: &mut Linter<'_>) -> Domains {
    let (rcpthosts, taken) = look_at_rcpthosts(linter).unzip();
    let locals = look_at_locals(linter);
    let virtuals = virtuals::look(linter, &locals);
    look_at_percenthack(linter);
    let ours = locals.iter().chain(&virtuals.keys).map(|(_, text)| text.clone()).collect();
    let domains = Domains { ours, named: virtuals.named, rcpthosts, taken: taken.unwrap_or_default() };
    if domains.rcpthosts.is_some() {
        look_at_untaken(linter, &domains, "locals", &locals);
        look_at_untaken(linter, &domains, "virtualdomains", &virtuals.keys);
    }
    domains
}

fn look_at_rcpthosts(linter: &mut Linter<'_>) -> Option<(RcptHosts, Vec<Entry>)> {
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
    Some((RcptHosts::new(&file.content, more.map(|(cdb, _)| cdb)), entries))
}

fn look_at_domains(linter: &mut Linter<'_>, file: &File, entries: &[Entry]) {
    for (line, text) in entries {
        linter.look_at_host(file, *line, text);
        let is_public = |below: &[u8]| !below.is_empty() && !below.contains(&b'.') && !PRIVATE.contains(&below);
        if text.strip_prefix(b".").is_some_and(is_public) {
            let text =
                format!("{} is a whole top-level domain, an open relay to it: expected our domains", shown(text));
            linter.error(&file.path, *line, text);
        }
    }
}

impl Linter<'_> {
    /// A domain, not an address or a pattern.
    pub(super) fn look_at_host(&mut self, file: &File, line: usize, text: &[u8]) {
        if let Some(at) = text.iter().position(|&byte| byte == b'@') {
            let expected = shown(&text[at + 1..]);
            self.error(&file.path, line, format!("{} never matches: expected a domain, {expected}", shown(text)));
        } else if text.contains(&b'*') {
            let expected = text.strip_prefix(b"*").filter(|rest| rest.starts_with(b".")).unwrap_or(b".example.com");
            let text = format!("{}: there are no patterns here: expected {}", shown(text), shown(expected));
            self.error(&file.path, line, text);
        } else {
            self.look_at_domain(file, line, text);
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
    linter.look_at_reader(path, Level::Error);
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
    for (line, text) in &entries {
        linter.look_at_host(&file, *line, text);
    }
    for (line, text) in entries.iter().filter(|(_, text)| text.starts_with(b".")) {
        linter.error(&file.path, *line, format!("{} never matches: expected each local domain by name", shown(text)));
    }
    entries
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
