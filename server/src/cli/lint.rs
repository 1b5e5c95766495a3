//! `tollgate lint`: what would a human want to know about qmail's control files? `lint/` knows, this prints it.

use super::{Context, Failure, args::LintArgs, doctor::account, exit, json, text::one_line};
use crate::lint::{self, Finding, Level, Place, Reader};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where tcpserver's rules usually stand.
const TCP_RULES: [&str; 2] = ["/etc/tcp.smtp", "/etc/tcprules.d/tcp.smtp"];
/// Where the script that starts tcpserver usually stands.
const RUN: [&str; 3] = ["/service/qmail-smtpd/run", "/var/qmail/supervise/qmail-smtpd/run", "/etc/sv/qmail-smtpd/run"];

pub(super) fn run(args: &LintArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let control = args.control.clone();
    if !control.is_dir() {
        let text = format!("{}: no such folder: expected qmail's control folder", control.display());
        return Err(Failure::new(exit::USAGE, text));
    }
    let present = |paths: &[&str]| paths.iter().map(PathBuf::from).find(|path| path.exists());
    let users = control.parent().unwrap_or(Path::new("/")).join("users");
    let place = Place {
        users: args.users.clone().unwrap_or(users),
        tcp_rules: args.tcp_rules.clone().or_else(|| present(&TCP_RULES)),
        run: args.run.clone().or_else(|| present(&RUN)),
        accounts: account::names().map_err(|fault| Failure::from_faults(vec![fault]))?,
        reader: reader(&args.user)?,
        control,
    };
    let findings = lint::lint(&place);
    if context.common.json {
        json::print(context.out, &value(&findings))?;
    } else {
        for finding in &findings {
            writeln!(context.out, "{}", one_line(&finding.to_string()))?;
        }
        let count = |level: Level, word: &str| match findings.iter().filter(|finding| finding.level == level).count() {
            1 => format!("1 {word}"),
            number => format!("{number} {word}s"),
        };
        let counts = [count(Level::Error, "error"), count(Level::Warning, "warning"), count(Level::Note, "note")];
        writeln!(context.out, "{}: {}", place.control.display(), counts.join(", "))?;
    }
    let is_error = |finding: &Finding| finding.level == Level::Error;
    Ok(if findings.iter().any(is_error) { exit::NO } else { exit::FINE })
}

/// The mail server's user, if there is one of this name.
fn reader(name: &str) -> Result<Option<Reader>, Failure> {
    let account = account::find(name).map_err(|fault| Failure::from_faults(vec![fault]))?;
    Ok(account.map(|account| Reader { name: name.to_owned(), uid: account.uid, gids: vec![account.gid] }))
}

fn value(findings: &[Finding]) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "file": finding.file.display().to_string(),
            "line": finding.line,
            "level": finding.level.name(),
            "text": finding.text,
        })
    };
    json!(findings.iter().map(finding).collect::<Vec<_>>())
}
