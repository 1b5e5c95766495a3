//! Where does mail go that is not for a mailbox here? `smtproutes`, and domains that are taken, but go nowhere.

use super::{Linter, files::File, hosts::Domains, shown};
use crate::{
    lists::{control, control_files::single_line},
    session::Domain,
};
use std::collections::BTreeSet;

/// Domains with a route, in lower case; a leading dot means all below, "" everything else.
type Routes = BTreeSet<Vec<u8>>;

pub(super) fn look(linter: &mut Linter<'_>, domains: &Domains) {
    let routes = look_at_routes(linter, domains);
    look_at_transit(linter, domains, &routes);
    look_at_me(linter, domains, &routes);
}

fn look_at_routes(linter: &mut Linter<'_>, domains: &Domains) -> Routes {
    let mut routes = Routes::new();
    let Some(file) = linter.lines("smtproutes") else { return routes };
    // Not looked at for blanks: patches put a name and a password behind them.
    for entry in control::entries(&file.content) {
        let Some(colon) = entry.text.iter().position(|&byte| byte == b':') else {
            let text = format!("{} has no colon and is passed over: expected domain:relay", shown(entry.text));
            linter.error(&file.path, entry.line, text);
            continue;
        };
        let (key, relay) = (entry.text[..colon].to_ascii_lowercase(), &entry.text[colon + 1..]);
        if !key.is_empty() {
            linter.look_at_host(&file, entry.line, &key);
        }
        if domains.are_delivered(&key) {
            let text = format!("{} has no effect, for its mail stays here: expected no such route", shown(entry.text));
            linter.warning(&file.path, entry.line, text);
        }
        look_at_port(linter, &file, entry.line, relay);
        routes.insert(key);
    }
    routes
}

/// `relay`, `relay:port`, `[address]:port`.
fn look_at_port(linter: &mut Linter<'_>, file: &File, line: usize, relay: &[u8]) {
    let behind = if relay.starts_with(b"[") { relay.iter().position(|&byte| byte == b']').unwrap_or(0) } else { 0 };
    let Some(colon) = relay[behind..].iter().position(|&byte| byte == b':') else { return };
    let port = &relay[behind + colon + 1..];
    if !port.first().is_some_and(u8::is_ascii_digit) {
        let text = format!("{} is no port and counts as 0: expected digits, or no colon behind the relay", shown(port));
        linter.error(&file.path, line, text);
    }
}

/// Mail for what is taken without being ours goes on to the MX. If that is this host, qmail-remote bounces it.
fn look_at_transit(linter: &mut Linter<'_>, domains: &Domains, routes: &Routes) {
    let path = linter.place.control.join("rcpthosts");
    let goes_somewhere = |domain: &[u8]| domains.are_named(domain) || has_route(routes, domain);
    let is_domain = |domain: &[u8]| !domain.iter().any(|byte| matches!(byte, b'@' | b'*'));
    let mut lost = domains.taken().iter().filter(|(_, domain)| is_domain(domain) && !goes_somewhere(domain));
    let Some((line, domain)) = lost.next() else { return };
    let them = match lost.count() {
        0 => shown(domain),
        more => format!("{} (and {more} more)", shown(domain)),
    };
    let text = format!(
        "{them}: neither in locals nor in virtualdomains or smtproutes: sent on to its MX, and bounced if that is this host: expected it there, unless this is a backup MX"
    );
    linter.note(&path, *line, text);
}

fn has_route(routes: &Routes, domain: &[u8]) -> bool {
    let mut forms = std::iter::once(domain).chain(Domain(domain).dot_suffixes()).chain([&b""[..]]);
    forms.any(|form| routes.contains(form))
}

/// The host's own name is where its bounces end, and mail to `root`.
fn look_at_me(linter: &mut Linter<'_>, domains: &Domains, routes: &Routes) {
    let Some(file) = linter.control("me") else { return };
    let Some(me) = single_line(&file.content).map(<[u8]>::to_ascii_lowercase) else { return };
    let bounces_go_elsewhere = linter.control("doublebouncehost").is_some();
    if !bounces_go_elsewhere && !domains.are_named(&me) && !has_route(routes, &me) {
        let text = format!(
            "{} is not local: double bounces to postmaster there leave this host: expected it in locals, or doublebouncehost",
            shown(&me)
        );
        linter.note(&file.path, 1, text);
    }
}
