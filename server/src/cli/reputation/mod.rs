//! `tollgate reputation`: who is remembered for what? `args` is the command line, `lines` reads and writes exports, `zone`
//! writes them for rbldnsd.

mod args;
mod lines;
mod zone;

use super::{
    Context, Failure,
    client::Server,
    exit, inspect, json,
    switch::user,
    text::{columns, one_line},
    units::span,
};
use crate::{clock::Clock, pipeline::KillSwitch};
pub(super) use args::ReputationArgs;
use args::{Kind, What, Why};
use serde_json::json;
use std::{ffi::OsString, io::Write, path::Path};
use tollgate_proto::v1::{
    Reputation, ReputationExportRequest, ReputationImportRequest, ReputationResetRequest, ReputationTopRequest,
};
use zone::Zone;

/// Rows of one message of an import: the daemon takes no more.
const ROWS: usize = 500;

/// Below this an rbldnsd zone lists somebody: nobody comes there by one mistake.
const LISTED_BELOW: i32 = -50;

pub(super) fn run(args: ReputationArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    match args.what {
        What::Show { subject } => inspected("show", subject, context),
        What::Trap { address } => inspected("trap", address, context),
        What::Top { best, kind, count } => top(best, kind, count, context),
        What::Reset { subject, why } => reset(subject, why, context),
        What::Export { kind, below, rbldnsd: false } => export(kind, below, context),
        What::Export { kind, below, rbldnsd: true } => export_zone(kind, below.unwrap_or(LISTED_BELOW), context),
        What::Import { file, why } => import(&file, why, context),
    }
}

/// What the check itself can show.
fn inspected(op: &str, of: String, context: &mut Context<'_>) -> Result<u8, Failure> {
    // Behind `--`: whatever it is, it is no flag.
    inspect::run(&["reputation", op, "--", &of].map(OsString::from), context)
}

fn top(best: bool, kind: Option<Kind>, count: u32, context: &mut Context<'_>) -> Result<u8, Failure> {
    let request = ReputationTopRequest { kind: Kind::word(kind), best, count };
    let reply = Server::connect(context)?.ask_to_work(async |mut admin| admin.reputation_top(request).await)?;
    if context.common.json {
        let rows: Vec<_> = reply.rows.iter().map(lines::json).collect();
        json::print(context.out, &json!({ "rows": rows }))?;
        return Ok(exit::FINE);
    }
    let now = Clock::system().now().unix_seconds();
    if reply.rows.is_empty() {
        writeln!(context.out, "nobody has a {} reputation", if best { "good" } else { "bad" })?;
        return Ok(exit::FINE);
    }
    let header = ["reputation", "subject", "latest", "remembered for"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(reply.rows.iter().map(|row| cells(row, now))).collect();
    write!(context.out, "{}", columns("", &rows))?;
    Ok(exit::FINE)
}

fn cells(row: &Reputation, now: u64) -> Vec<String> {
    vec![
        format!("{:+.0}", row.reputation),
        one_line(&row.subject),
        format!("{} ago", span(now.saturating_sub(row.at))),
        what_for(row),
    ]
}

/// `refused 12.0, trap 1.0`.
fn what_for(row: &Reputation) -> String {
    let told = row.experiences.iter().filter(|experience| experience.count >= 0.05);
    let words: Vec<String> = told.map(|told| format!("{} {:.1}", one_line(&told.kind), told.count)).collect();
    words.join(", ")
}

/// Reason and name, as the daemon will have them.
fn words(why: Why) -> Result<(String, String), Failure> {
    let by = why.by.unwrap_or_else(user);
    for (flag, text) in [("--reason", &why.reason), ("--by", &by)] {
        if text.len() > KillSwitch::TEXT_OCTETS_MAX || text.trim().is_empty() {
            let line = format!("{flag}: {} bytes: expected 1 to {}", text.trim().len(), KillSwitch::TEXT_OCTETS_MAX);
            return Err(Failure::new(exit::USAGE, line));
        }
    }
    Ok((why.reason, by))
}

fn reset(subject: String, why: Why, context: &mut Context<'_>) -> Result<u8, Failure> {
    let (reason, by) = words(why)?;
    let request = ReputationResetRequest { subject: subject.clone(), reason, by };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.reputation_reset(request).await)?;
    if context.common.json {
        json::print(context.out, &json!({ "before": reply.before.as_ref().map(lines::json) }))?;
    } else {
        match &reply.before {
            Some(row) => {
                let (name, was) = (one_line(&row.subject), row.reputation);
                writeln!(context.out, "{name}: forgotten; it was {was:+.0} ({})", what_for(row))?;
            }
            None => writeln!(context.out, "{}: nothing is remembered", one_line(&subject))?,
        }
    }
    Ok(if reply.before.is_some() { exit::FINE } else { exit::NO })
}

fn export(kind: Option<Kind>, below: Option<i32>, context: &mut Context<'_>) -> Result<u8, Failure> {
    each_exported(kind, below, context, |out, row| Ok(writeln!(out, "{}", lines::json(row))?))?;
    Ok(exit::FINE)
}

/// A dataset's lines stand together: the zone is written when all has come.
fn export_zone(kind: Option<Kind>, below: i32, context: &mut Context<'_>) -> Result<u8, Failure> {
    let mut zone = Zone::default();
    each_exported(kind, Some(below), context, |_, row| {
        zone.add(row, &what_for(row));
        Ok(())
    })?;
    zone.write(context.out, below)?;
    Ok(exit::FINE)
}

fn each_exported(
    kind: Option<Kind>,
    below: Option<i32>,
    context: &mut Context<'_>,
    mut take: impl FnMut(&mut dyn Write, &Reputation) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let request = ReputationExportRequest { kind: Kind::word(kind), below };
    let server = Server::connect(context)?;
    server.ask_for_all(
        async |mut admin| admin.reputation_export(request).await,
        |reply| reply.rows.iter().try_for_each(|row| take(context.out, row)),
    )
}

fn import(file: &Path, why: Why, context: &mut Context<'_>) -> Result<u8, Failure> {
    let (reason, by) = words(why)?;
    let rows = lines::read(file)?;
    let mut pieces: Vec<ReputationImportRequest> = rows
        .chunks(ROWS)
        .map(|rows| ReputationImportRequest { rows: rows.to_vec(), ..ReputationImportRequest::default() })
        .collect();
    match pieces.first_mut() {
        Some(first) => (first.reason, first.by) = (reason, by),
        None => return Err(Failure::new(exit::USAGE, format!("{}: holds no line", file.display()))),
    }
    let pieces = tokio_stream::iter(pieces);
    let reply = Server::connect(context)?.ask_to_work(async |mut admin| admin.reputation_import(pieces).await)?;
    let (taken, known, refused) = (reply.taken, reply.known, reply.refused);
    if context.common.json {
        json::print(context.out, &json!({ "taken": taken, "known": known, "refused": refused }))?;
    } else {
        writeln!(context.out, "taken {taken}, known as well or better {known}, refused {refused}")?;
    }
    Ok(if refused == 0 { exit::FINE } else { exit::NO })
}
