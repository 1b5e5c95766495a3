//! What is printed? Rates and processor time, ratios to ours, and who says something else than RFC 7208.

use super::{rounds::Measured, shape::Shape, world::Query};
use std::collections::BTreeMap;

/// Kinds of passes, in the order of the columns.
const KINDS: [(&str, &str); 4] = [
    ("cold", "caches emptied before each"),
    ("first", "empty at the start only"),
    ("warm", "all DNS answers cached"),
    ("kept", "nothing evaluated: the result was kept"),
];
/// Whose ratios are printed.
const OURS: &str = super::ours::NAME;

/// Medians over the rounds.
pub(crate) fn figures(all: &[Measured]) {
    println!("evaluations a second, and in brackets milliseconds of processor time for 1,000 of them");
    for (kind, means) in KINDS {
        println!("  {kind:<5} = {means}");
    }
    heading();
    for measured in all {
        let cell = |kind| {
            let rate = median(each(measured, kind).map(|figures| figures.per_second));
            let cpu = median(each(measured, kind).map(|figures| figures.cpu_ms_per_thousand));
            if rate.is_nan() { "-".to_owned() } else { format!("{rate:.0} ({cpu:.3})") }
        };
        row(measured.peer.name, KINDS.map(|(kind, _)| cell(kind)));
    }
}

/// How many times as good as each peer we are, round by round.
pub(crate) fn ratios(all: &[Measured]) {
    let Some(ours) = all.iter().find(|measured| measured.peer.name == OURS) else { return };
    println!("our rate / the peer's, and in brackets the peer's processor time / ours; above 1 we are better");
    println!("  (medians of the rounds' ratios; our \"kept\" against the peer's \"warm\")");
    heading();
    for peer in all.iter().filter(|measured| measured.peer.name != OURS) {
        let cell = |kind: &str| {
            // What only we have is compared with the best the peer has.
            let theirs = if kind == "kept" { "warm" } else { kind };
            let pairs = || each(ours, kind).zip(each(peer, theirs));
            let rate = median(pairs().map(|(ours, theirs)| ours.per_second / theirs.per_second));
            let cpu = median(pairs().map(|(ours, theirs)| theirs.cpu_ms_per_thousand / ours.cpu_ms_per_thousand));
            if rate.is_nan() { "-".to_owned() } else { format!("{rate:.2} ({cpu:.2})") }
        };
        row(peer.peer.name, KINDS.map(|(kind, _)| cell(kind)));
    }
}

fn heading() {
    row("", KINDS.map(|(kind, _)| kind.to_owned()));
}

fn row(name: &str, cells: [String; 4]) {
    let cells = cells.map(|cell| format!("{cell:>18}"));
    println!("  {name:<10}{}", cells.concat());
}

fn each<'a>(measured: &'a Measured, kind: &str) -> impl Iterator<Item = &'a super::rounds::Figures> {
    measured.rounds.iter().filter_map(move |round| round.get(kind))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Results that are not RFC 7208's, by shape.
pub(crate) fn disagreements(all: &[Measured], queries: &[Query]) {
    println!("results other than RFC 7208's, by shape of the record");
    let names: Vec<_> = all.iter().map(|measured| format!("{:>12}", measured.peer.name)).collect();
    println!("  {:<26}{:>8}{}", "", "queries", names.concat());
    for (shape, _) in Shape::ALL {
        let count = queries.iter().filter(|query| query.shape == shape).count();
        let others =
            all.iter().map(|measured| format!("{:>12}", others(measured, queries, shape).values().sum::<usize>()));
        println!("  {:<26}{count:>8}{}", shape.name(), others.collect::<String>());
    }
    for measured in all {
        for (shape, _) in Shape::ALL {
            for ((expected, said), count) in others(measured, queries, shape) {
                println!("  {}, {}: {said} instead of {expected}: {count}", measured.peer.name, shape.name());
            }
        }
        if measured.unsteady > 0 {
            println!("  {}: {} results changed from process to process", measured.peer.name, measured.unsteady);
        }
    }
}

/// How often was something else said than expected?
fn others<'a>(measured: &'a Measured, queries: &'a [Query], shape: Shape) -> BTreeMap<(&'a str, &'a str), usize> {
    let mut counts = BTreeMap::new();
    for (query, said) in queries.iter().zip(&measured.results) {
        if query.shape == shape && query.expected != said {
            *counts.entry((query.expected, said.as_str())).or_default() += 1;
        }
    }
    counts
}
