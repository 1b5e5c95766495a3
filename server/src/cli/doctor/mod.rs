//! `tollgate doctor`: what keeps the gate from working? One line for each test: ok, warn or FAIL, and what to do.

pub(super) mod account;
mod daemon;
mod dns_lists;
mod host;
mod lists;
mod reach;
mod resolver;

use super::{Context, Failure, args::DoctorArgs, client, exit, json, text::one_line};
use crate::{
    app,
    ask::dns,
    config::{Document, Fault},
    paths,
    pipeline::Policy,
    reload::{self, Loaded},
};
use serde_json::json;
use std::{cell::RefCell, path::PathBuf};

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    /// The word in front of the line; the bad one is the loud one.
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// What the tests said.
#[derive(Debug, Default)]
struct Report(Vec<(Level, &'static str, String)>);

impl Report {
    fn ok(&mut self, test: &'static str, text: impl AsRef<str>) {
        self.add(Level::Ok, test, text.as_ref());
    }

    fn warn(&mut self, test: &'static str, text: impl AsRef<str>) {
        self.add(Level::Warn, test, text.as_ref());
    }

    fn fail(&mut self, test: &'static str, text: impl AsRef<str>) {
        self.add(Level::Fail, test, text.as_ref());
    }

    fn add(&mut self, level: Level, test: &'static str, text: &str) {
        self.0.push((level, test, one_line(text)));
    }

    fn has_failed(&self) -> bool {
        self.0.iter().any(|(level, ..)| *level == Level::Fail)
    }
}

/// What is looked at: the configuration as far as it can be read.
struct Patient {
    /// Its file, if there is one.
    config: Option<PathBuf>,
    server: app::Settings,
    dns: dns::Config,
    /// `None` = it has mistakes.
    policy: Option<Policy>,
    /// Where the daemon listens for `tollgate`.
    admin_socket: PathBuf,
    /// The user the mail server runs as.
    user: String,
}

pub(super) fn run(args: &DoctorArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let mut report = Report::default();
    let patient = admit(args, context, &mut report);
    daemon::examine(&patient, context, &mut report);
    reach::examine(&patient, &mut report);
    resolver::examine(&patient, &mut report)?;
    lists::examine(&patient, &mut report);
    host::examine(&patient, &mut report);
    print(&report, context)?;
    Ok(if report.has_failed() { exit::NO } else { exit::FINE })
}

/// Reads the configuration; with mistakes, what can be read of it stands in.
fn admit(args: &DoctorArgs, context: &Context<'_>, report: &mut Report) -> Patient {
    const TEST: &str = "configuration";
    let config = paths::config_file(context.common.config.as_deref());
    let (server, dns, policy) = match reload::load(config.as_deref(), 0) {
        Ok(Loaded { server, dns, policy, .. }) => {
            let name =
                config.as_ref().map_or("no file: built-in defaults".to_owned(), |file| file.display().to_string());
            report.ok(TEST, name);
            (server, dns, Some(policy))
        }
        Err(faults) => {
            report.fail(TEST, mistakes(&faults));
            let document = Document::read(config.as_deref()).unwrap_or_default();
            let ignored = RefCell::default();
            (app::Settings::read(&document, &ignored), dns::Config::read(&document, &ignored), None)
        }
    };
    Patient { config, server, dns, policy, admin_socket: client::socket(&context.common), user: args.user.clone() }
}

fn mistakes(faults: &[Fault]) -> String {
    let first = faults.first().map(Fault::to_string).unwrap_or_default();
    let more = faults.len().saturating_sub(1);
    format!("{first} (and {more} more): see `tollgate config --check`; a running daemon keeps its old policy")
}

fn print(report: &Report, context: &mut Context<'_>) -> Result<(), Failure> {
    if context.common.json {
        let line = |(level, test, text): &(Level, &str, String)| json!({ "level": level.name().to_lowercase(), "test": test, "text": text });
        json::print(context.out, &json!(report.0.iter().map(line).collect::<Vec<_>>()))?;
    } else {
        for (level, test, text) in &report.0 {
            writeln!(context.out, "{:<4}  {test}: {text}", level.name())?;
        }
    }
    Ok(())
}
