//! `tollgate spf`: what does a domain's record say about a client, do we evaluate as others do, and what is wrong with a
//! record of ours? All within the command: no daemon is asked.

mod args;
mod dns;
mod evaluate;
mod lint;
mod suite;

pub(super) use args::SpfArgs;

use super::{Context, Failure, exit, inspect, text::one_line};
use crate::checks;
use args::SpfWhat;
use std::ffi::OsString;

/// What can be typed behind `spf`.
const EXPECTED: &str = "expected --ip ADDRESS with --from or --helo, or suite FILE, or lint DOMAIN";

pub(super) fn run(args: SpfArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let query = args.query;
    match (args.what, query.ip) {
        (Some(_), Some(_)) => Err(usage(&format!("--ip and a command behind it: {EXPECTED}"))),
        (Some(SpfWhat::Suite(args)), None) => suite::run(&args, context),
        (Some(SpfWhat::Lint(args)), None) => lint::run(&args, context),
        (Some(SpfWhat::Inspect(words)), None) => ask_check(words, context),
        (None, Some(ip)) => evaluate::run(ip, &query, context),
        (None, None) => ask_check(Vec::new(), context),
    }
}

/// What the check of the same name shows of itself, as `tollgate CHECK OP` does for every check.
fn ask_check(words: Vec<OsString>, context: &mut Context<'_>) -> Result<u8, Failure> {
    if checks::ALL.iter().any(|def| def.name == "spf") {
        let words: Vec<OsString> = std::iter::once("spf".into()).chain(words).collect();
        return inspect::run(&words, context);
    }
    let what = words.first().map(|word| format!("\"{}\": ", one_line(&word.to_string_lossy()))).unwrap_or_default();
    Err(usage(&format!("{what}{EXPECTED}")))
}

fn usage(line: &str) -> Failure {
    Failure::new(exit::USAGE, line)
}
