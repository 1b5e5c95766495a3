//! `tollgate spf lint`: what is wrong with a domain's record? `ask/spf/lint/` knows, this prints it.

use super::{
    super::{Context, Failure, exit, json, text::one_line},
    args::LintArgs,
    dns, usage,
};
use crate::ask::spf::{
    Instead, LOOKUPS_MAX, VOIDS_MAX,
    lint::{self, Finding, Level, OURS_MAX, Place, Report},
};
use serde_json::{Value, json};
use std::{io, os::unix::ffi::OsStrExt};

/// Columns of a record that are shown with a fault, and how many of them before it.
const SHOWN: usize = 90;
const SHOWN_BEFORE: usize = 50;
/// Where texts begin: behind the level.
const INDENT: usize = 9;

pub(super) fn run(args: &LintArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let domain = dns::domain(args.domain.as_bytes())?;
    if args.ours.len() > OURS_MAX {
        return Err(usage(&format!("{} addresses: expected at most {OURS_MAX}", args.ours.len())));
    }
    let record = args.record.as_deref().map(dns::record).transpose()?;
    let report = dns::with_dns(context, async |dns| match record {
        Some(record) => lint::lint(&Instead::new(dns, domain.clone(), record), &domain, &args.ours).await,
        None => lint::lint(dns, &domain, &args.ours).await,
    })?;
    if context.common.json {
        json::print(context.out, &value(&domain, &report))?;
    } else {
        print(context.out, &domain, &report)?;
    }
    Ok(match (report.count(Level::Error), report.has_failed) {
        (0, false) => exit::FINE,
        (0, true) => exit::DEFERRED,
        _ => exit::NO,
    })
}

fn print(out: &mut dyn io::Write, domain: &str, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{:<INDENT$}{}", finding.level.name(), one_line(&finding.to_string()))?;
        if let Some(place) = &finding.place {
            let (text, caret) = window(place);
            writeln!(out, "{:INDENT$}{text}\n{:INDENT$}{:caret$}^", "", "", "")?;
        }
    }
    if !report.costs.is_empty() {
        let costs: Vec<String> =
            report.costs.iter().map(|(term, lookups)| format!("{} {lookups}", one_line(term))).collect();
        writeln!(out, "look-ups: {}", costs.join(", "))?;
    }
    let more = if report.is_incomplete { "at least " } else { "" };
    let (lookups, voids) = (report.lookups, report.voids);
    let count = |level, word: &str| match report.count(level) {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    };
    writeln!(
        out,
        "{domain}: {more}{lookups} of {LOOKUPS_MAX} look-ups, {more}{voids} of {VOIDS_MAX} void; {}, {}, {}",
        count(Level::Error, "error"),
        count(Level::Warning, "warning"),
        count(Level::Note, "note")
    )
}

/// As much of the record as fits into a line, and how far in it the place is.
fn window(place: &Place) -> (String, usize) {
    const CUT: &str = "...";
    // One character is one octet there.
    let record = &*place.record;
    let at = place.at.min(record.len());
    let start = if record.len() <= SHOWN { 0 } else { at.saturating_sub(SHOWN_BEFORE) };
    let end = record.len().min(start + SHOWN);
    let (before, behind) = (if start > 0 { CUT } else { "" }, if end < record.len() { CUT } else { "" });
    (format!("{before}{}{behind}", record.get(start..end).unwrap_or_default()), before.len() + at - start)
}

fn value(domain: &str, report: &Report) -> Value {
    let finding = |finding: &Finding| {
        let place = finding.place.as_ref();
        json!({
            "level": finding.level.name(),
            "domain": &*finding.domain,
            "term": finding.term,
            "text": finding.text,
            "record": place.map(|place| &*place.record),
            "at": place.map(|place| place.at),
        })
    };
    let cost = |(term, lookups): &(String, usize)| json!({ "term": term, "lookups": lookups });
    json!({
        "domain": domain,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "lookups": report.lookups,
        "lookups_max": LOOKUPS_MAX,
        "voids": report.voids,
        "voids_max": VOIDS_MAX,
        "costs": report.costs.iter().map(cost).collect::<Vec<_>>(),
        "incomplete": report.is_incomplete,
        "failed": report.has_failed,
    })
}
