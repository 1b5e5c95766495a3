//! `tollgate status`: what is the daemon doing, and with which policy?

use super::{
    Context, Failure,
    client::Server,
    exit, json, switch,
    text::{columns, one_line},
    units::{span, utc},
};
use crate::clock::Clock;
use std::io::{self, Write};
use tollgate_proto::v1::{ListFile, StatusReply, StatusRequest};

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Failure> {
    let reply = Server::connect(context)?.ask(async |mut admin| admin.status(StatusRequest {}).await)?;
    if context.common.json {
        json::print(context.out, &json::status(&reply))?;
    } else {
        print(context.out, &reply, Clock::system().now().unix_seconds())?;
    }
    Ok(exit::FINE)
}

fn print(out: &mut dyn Write, status: &StatusReply, now: u64) -> io::Result<()> {
    // What is not as usual comes first.
    if let Some(off) = &status.off {
        writeln!(out, "OFF {}", switch::since(off))?;
    }
    if !status.reload_error.is_empty() {
        writeln!(out, "the newest reload FAILED, the old policy is in force: {}", one_line(&status.reload_error))?;
    }
    for list in status.lists.iter().filter(|list| !list.refused.is_empty()) {
        writeln!(out, "a list is NOT as its file says: {}", one_line(&list.refused))?;
    }
    for ailing in &status.dns_lists_ailing {
        writeln!(out, "the DNS list {}: it changes no answer, see `tollgate lists`", one_line(ailing))?;
    }
    let config = if status.config.is_empty() { "none: built-in defaults" } else { &status.config };
    let ago = |time: u64| format!("{} ago ({})", span(now.saturating_sub(time)), utc(time));
    let rows = [
        ("version", one_line(&status.version)),
        ("started", ago(status.started_at)),
        ("policy", format!("generation {}, loaded {}", status.generation, ago(status.loaded_at))),
        ("configuration", one_line(config)),
        ("mode", one_line(&status.mode)),
        ("listening", one_line(&status.listening.join(", "))),
    ];
    write!(out, "{}", columns("", &rows.map(|(name, value)| vec![name.to_owned(), value])))?;
    section(out, "lists", status.lists.iter().map(|list| row(list, now)).collect())?;
    let counters = status.counters.iter().map(|counter| vec![one_line(&counter.name), counter.value.to_string()]);
    section(out, "counters", counters.collect())
}

fn row(list: &ListFile, now: u64) -> Vec<String> {
    let ago = |time: u64| span(now.saturating_sub(time));
    let (entries, version) = match list.generation {
        0 => ("is not there".to_owned(), String::new()),
        generation => {
            let entries = format!("{} entries", list.entries);
            (entries, format!("version {generation} {}, read {} ago", list.checksum, ago(list.loaded_at)))
        }
    };
    let age = if list.modified_at == 0 { String::new() } else { format!("changed {} ago", ago(list.modified_at)) };
    vec![one_line(&list.check), one_line(&list.path), entries, one_line(&version), age, one_line(&list.error)]
}

fn section(out: &mut dyn Write, title: &str, rows: Vec<Vec<String>>) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    write!(out, "{title}:\n{}", columns("    ", &rows))
}
