//! What does an administrator see of it? The way of an address step by step, as the author's `qtraceaddr` shows it, and who
//! is asked.

use super::read::Sources;
use crate::{
    ask::mailbox::{Kind, Source, Trace},
    check::Rows,
    clock::Now,
};
use std::sync::Arc;

pub(super) const OPERATIONS: &[(&str, &str)] = &[
    ("explain", "ADDRESS [HOST]: how it finds its mailbox, step by step"),
    ("sources", "who is asked about which mail host"),
];

pub(super) fn unknown(op: &str) -> String {
    format!("there is no operation \"{op}\": expected explain or sources")
}

pub(super) fn rows(sources: &Sources, op: &str, args: &[String], now: Now) -> Result<Rows, String> {
    match (op, args) {
        ("explain", [address]) => explained(&*only(sources)?, address, now),
        ("explain", [address, host]) => {
            let nobody = || format!("nobody is asked about {host}: expected a snapshot, or qmail's control files");
            explained(&*sources.of(host).ok_or_else(nobody)?, address, now)
        }
        ("explain", _) => Err("expected one address: explain ADDRESS [HOST]".to_owned()),
        ("sources", []) => Ok(listed(sources, now)),
        ("sources", _) => Err("expected nothing behind it: sources".to_owned()),
        _ => Err(unknown(op)),
    }
}

/// The one that is meant where no host is named.
fn only(sources: &Sources) -> Result<Arc<Source>, String> {
    let mut all = sources.iter();
    match (all.next(), all.next()) {
        (None, _) => Err("nobody is asked: expected qmail's control files, a snapshot, or a list".to_owned()),
        (Some(source), None) => Ok(source.clone()),
        (Some(_), Some(_)) => {
            let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            Err(format!("several hosts are known: expected one of {} behind the address", names.join(", ")))
        }
    }
}

/// What it takes may hang, as homes do: the caller sees to it that nobody waits for this.
fn explained(source: &Source, address: &str, now: Now) -> Result<Rows, String> {
    let mut trace = Trace::kept();
    // People paste it with its brackets.
    let address = address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address);
    let looked = source.look(address.as_bytes(), now.unix_seconds(), &mut trace);
    let mut rows: Vec<Vec<String>> = vec![vec!["source".to_owned(), source.name.clone()]];
    rows.extend(trace.steps().iter().map(|step| vec![step.what.to_owned(), step.said.clone()]));
    // What was known before anything was looked at has no steps.
    if trace.steps().last().is_none_or(|step| step.what != "answer") {
        rows.push(vec!["answer".to_owned(), looked.to_string()]);
    }
    Ok(Rows { columns: ["step", "says"].map(str::to_owned).to_vec(), rows })
}

fn listed(sources: &Sources, now: Now) -> Rows {
    let row = |source: &Arc<Source>| {
        let (kind, says) = match &source.kind {
            Kind::Live(live) => {
                ("live", format!("{}, {}", live.places().control.display(), live.places().users.display()))
            }
            Kind::Snapshot(snapshot, age_max) => {
                let (now, entries) = (now.unix_seconds(), snapshot.len());
                let says = snapshot.doubt(now, *age_max).map(|doubt| format!("{doubt}; all recipients are taken"));
                ("snapshot", format!("{entries} entries, {}", says.unwrap_or_else(|| snapshot.age(now))))
            }
            Kind::Lacking(why) => ("lacking", format!("{why}: all recipients are taken")),
            Kind::ListsAlone | Kind::Recorded => ("lists", "addresses that exist".to_owned()),
        };
        vec![source.name.clone(), kind.to_owned(), says]
    };
    let columns = ["host", "source", "says"].map(str::to_owned).to_vec();
    Rows { columns, rows: sources.iter().map(row).collect() }
}
