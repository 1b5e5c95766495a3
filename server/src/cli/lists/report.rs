//! `tollgate lists report`: what is each DNS list worth, and what does it cost?

use super::super::{
    Context, Failure,
    args::Window,
    client::Server,
    exit, json,
    text::{columns, one_line},
    units::{took, utc},
};
use std::io::{self, Write};
use tollgate_proto::v1::{self, ListCard, ListOverlap, ListReportReply, ListReportRequest};

pub(in super::super) fn run(window: Window, context: &mut Context<'_>) -> Result<u8, Failure> {
    let window = match window {
        Window::Hour => v1::Window::Hour,
        Window::Day => v1::Window::Day,
        Window::Month => v1::Window::Month,
    };
    let request = ListReportRequest { window: window.into() };
    let reply = Server::connect(context)?.ask(async |mut admin| admin.list_report(request).await)?;
    if context.common.json {
        json::print(context.out, &json::list_report(&reply))?;
    } else {
        print(context.out, &reply)?;
    }
    Ok(exit::FINE)
}

/// The word of the command line.
pub(in super::super) fn window_name(window: v1::Window) -> &'static str {
    match window {
        v1::Window::Hour => "hour",
        v1::Window::Day => "day",
        v1::Window::Month => "month",
    }
}

fn print(out: &mut dyn Write, report: &ListReportReply) -> io::Result<()> {
    let span = match report.window() {
        v1::Window::Hour => "the last hour",
        v1::Window::Day => "the last 24 hours",
        v1::Window::Month => "the last 30 days",
    };
    writeln!(out, "{span}, known from {}: {} connections", utc(report.from), report.connections)?;
    if report.lists.is_empty() {
        return writeln!(out, "no DNS list is configured: see [[check.rbl.list]]");
    }
    let header = [
        "list",
        "heard",
        "failed",
        "hits",
        "unique",
        "would refuse",
        "look-ups",
        "errors",
        "half within",
        "99 % within",
    ];
    let rows = std::iter::once(header.map(str::to_owned).to_vec()).chain(report.lists.iter().map(row));
    write!(out, "{}", columns("", &rows.collect::<Vec<_>>()))?;
    for card in &report.lists {
        writeln!(out, "without list {}: {}", one_line(&card.name), fewer(card.needed))?;
    }
    section(out, "lists that hold the same clients", report.overlaps.iter().map(|pair| overlap(pair, report)))?;
    let doubted = report.lists.iter().filter(|card| !card.contradictions.is_empty());
    let title = "evidence against listings (no proof: a listed client may send a good message)";
    section(out, title, doubted.map(|card| vec![one_line(&card.name), contradictions(card)]))
}

fn row(card: &ListCard) -> Vec<String> {
    let mut cells = vec![one_line(&card.name)];
    let counts = [card.heard, card.failed, card.hits, card.unique_hits, card.would_refuse, card.lookups, card.errors];
    cells.extend(counts.map(|count| count.to_string()));
    let asked = |time: u64| if card.lookups == 0 { "-".to_owned() } else { took(time) };
    cells.extend([asked(card.latency_p50_us), asked(card.latency_p99_us)]);
    cells
}

fn fewer(needed: u64) -> String {
    match needed {
        0 => "no fewer refusals".to_owned(),
        1 => "1 fewer refusal".to_owned(),
        more => format!("{more} fewer refusals"),
    }
}

/// `a.example and b.example: 31, that is 80 % and 20 % of their hits`.
fn overlap(pair: &ListOverlap, report: &ListReportReply) -> Vec<String> {
    let share = |name: &str| {
        let hits = report.lists.iter().find(|card| card.name == name).map_or(0, |card| card.hits);
        pair.hits.saturating_mul(100).checked_div(hits).map_or("?".to_owned(), |share| format!("{share} %"))
    };
    let names = format!("{} and {}", one_line(&pair.first), one_line(&pair.second));
    let shares = format!("that is {} and {} of their hits", share(&pair.first), share(&pair.second));
    vec![names, pair.hits.to_string(), shares]
}

fn contradictions(card: &ListCard) -> String {
    let each = card.contradictions.iter().map(|each| format!("{} {}", one_line(&each.kind), each.count));
    each.collect::<Vec<_>>().join(", ")
}

fn section(out: &mut dyn Write, title: &str, rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    write!(out, "{title}:\n{}", columns("    ", &rows))
}
