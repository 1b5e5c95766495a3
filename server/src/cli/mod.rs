//! What can a postmaster type? One file for each command of `tollgate`; this one reads the command line and dispatches.

mod args;
mod check;
mod client;
mod config;
mod decision;
mod doctor;
mod exceptions;
mod explain;
mod explained;
mod failure;
mod import;
mod inspect;
mod json;
mod lint;
mod lists;
mod lookup;
mod pipeline;
mod recipients;
mod reload;
mod reputation;
mod spf;
mod status;
mod switch;
mod text;
mod units;

use args::{Arguments, Command};
use clap::{CommandFactory, FromArgMatches};
use failure::Failure;
use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

/// Exit codes, after sysexits(3) where it has one.
pub mod exit {
    /// Everything is fine.
    pub const FINE: u8 = 0;
    /// The answer is no: refused, not found, a doctor's FAIL.
    pub const NO: u8 = 1;
    /// The command line or the configuration is wrong (EX_USAGE).
    pub const USAGE: u8 = 64;
    /// The server cannot be reached (EX_UNAVAILABLE).
    pub const UNREACHABLE: u8 = 69;
    /// The server could not do it (EX_SOFTWARE).
    pub const SERVER: u8 = 70;
    /// Deferred: ask again later (EX_TEMPFAIL).
    pub const DEFERRED: u8 = 75;
    /// Not permitted (EX_NOPERM).
    pub const FORBIDDEN: u8 = 77;
}

/// What every command is given.
struct Context<'a> {
    /// `--config`, `--socket`, `--json`.
    common: args::Common,
    /// Standard output.
    out: &'a mut dyn Write,
    /// Standard error, for what is no failure and must not stand in the output.
    err: &'a mut dyn Write,
}

/// The whole of `tollgate`.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr().lock()))
}

/// Runs one command line (the program's name first) and returns the exit code.
pub fn run(line: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let command = Arguments::command().after_help(args::after_help());
    let parsed = command.try_get_matches_from(line).and_then(|matches| Arguments::from_arg_matches(&matches));
    let done = match parsed {
        Ok(arguments) => dispatch(arguments, out, err),
        Err(error) => Err(Failure::from_usage(&error, out)),
    };
    match done.and_then(|code| out.flush().map(|()| code).map_err(Failure::from)) {
        Ok(code) => code,
        Err(failure) => {
            // Nobody is left to be told when this fails, too.
            let _ = failure.tell(err);
            failure.code
        }
    }
}

fn dispatch(arguments: Arguments, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    let context = &mut Context { common: arguments.common, out, err };
    match arguments.command {
        Command::Allow(args) => exceptions::make(true, args, context),
        Command::Check(args) => check::run(args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Deny(args) => exceptions::make(false, args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Exceptions(args) => exceptions::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Lint(args) => lint::run(&args, context),
        Command::Lists(args) => lists::run(&args, context),
        Command::Lookup(args) => lookup::run(args, context),
        Command::Off(args) => switch::off(args, context),
        Command::On => switch::on(context),
        Command::Pardon(args) => exceptions::pardon(args, context),
        Command::Pipeline => pipeline::run(context),
        Command::Recipients(args) => recipients::run(args, context),
        Command::Reload { force } => reload::run(context, force),
        Command::Reputation(args) => reputation::run(args, context),
        Command::Spf(args) => spf::run(args, context),
        Command::Status => status::run(context),
        Command::Inspect(words) => inspect::run(&words, context),
    }
}

#[cfg(test)]
mod tests;
