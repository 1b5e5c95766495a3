//! `tollgate lint`: what would a human want to know about qmail's control files? `lint/` knows, this prints it.

use super::{Context, Failure, args::LintArgs, doctor::account, exit, json, text::one_line};
use crate::lint::{self, Finding, Level, Place, Reader};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where tcpserver's rules usually stand.
const TCP_RULES: [&str; 4] =
    ["/etc/tcp.smtp", "/etc/tcprules.d/tcp.smtp", "/etc/tcprules.d/tcp.qmail-smtp", "/etc/qmail/tcp.smtp"];
/// Where the script that starts tcpserver usually stands.
const RUN: [&str; 3] = ["/service/qmail-smtpd/run", "/var/qmail/supervise/qmail-smtpd/run", "/etc/sv/qmail-smtpd/run"];
/// The mail server's user.
const USER: &str = "qmaild";

pub(super) fn run(args: &LintArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let place = place(args)?;
    let findings = lint::lint(&place);
    if context.common.json {
        json::print(context.out, &value(&findings))?;
    } else {
        for finding in &findings {
            writeln!(context.out, "{}", one_line(&finding.to_string()))?;
        }
        for passed_over in passed_over(&place) {
            writeln!(context.out, "not looked at: {passed_over}")?;
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

/// What is looked at. What the command line names has to be there.
fn place(args: &LintArgs) -> Result<Place, Failure> {
    let wrong = |name: &Path, what: &str| Failure::new(exit::USAGE, format!("{}: {what}", name.display()));
    if !args.control.is_dir() {
        let what = if args.control.exists() { "not a folder" } else { "no such folder" };
        return Err(wrong(&args.control, &format!("{what}: expected qmail's control folder")));
    }
    if let Some(users) = args.users.as_deref().filter(|users| !users.is_dir()) {
        return Err(wrong(users, "no such folder: expected the one of users/assign"));
    }
    if let Some(rules) = args.tcp_rules.as_deref().filter(|rules| !is_there(rules)) {
        return Err(wrong(rules, "no such file: expected tcpserver's rules as text"));
    }
    if let Some(run) = args.run.as_deref().filter(|run| !run.exists()) {
        return Err(wrong(run, "no such file: expected the script that starts tcpserver"));
    }
    let present = |paths: &[&str]| paths.iter().map(PathBuf::from).find(|path| is_there(path));
    Ok(Place {
        users: args.users.clone().unwrap_or_else(|| beside(&args.control)),
        tcp_rules: args.tcp_rules.clone().or_else(|| present(&TCP_RULES)),
        run: args.run.clone().or_else(|| present(&RUN)),
        accounts: account::names().map_err(|fault| Failure::from_faults(vec![fault]))?,
        reader: reader(args.user.as_deref())?,
        control: args.control.clone(),
    })
}

/// A file, or the cdb made of it.
fn is_there(path: &Path) -> bool {
    path.exists() || path.with_added_extension("cdb").exists()
}

/// `users` beside the control folder. A link counts as the place where it stands: `/var/qmail/control` is one on Debian.
fn beside(control: &Path) -> PathBuf {
    match (control.file_name(), control.parent()) {
        (Some(_), Some(parent)) => parent.join("users"),
        // `.` or `..`: what is beside it?
        _ => control.join("../users"),
    }
}

/// The mail server's user. That there is no `qmaild` is no mistake.
fn reader(name: Option<&str>) -> Result<Option<Reader>, Failure> {
    let account = account::find(name.unwrap_or(USER)).map_err(|fault| Failure::from_faults(vec![fault]))?;
    match (account, name) {
        (None, Some(name)) => {
            Err(Failure::new(exit::USAGE, format!("{name}: no such user: expected the one qmail-smtpd runs as")))
        }
        (account, name) => Ok(account.map(|account| Reader {
            name: name.unwrap_or(USER).to_owned(),
            uid: account.uid,
            gids: vec![account.gid],
        })),
    }
}

/// What could not be looked at: silence about it is no praise.
fn passed_over(place: &Place) -> Vec<String> {
    let mut passed_over = Vec::new();
    if place.tcp_rules.is_none() {
        passed_over.push(format!(
            "tcpserver's rules, for there are none in {}: name them with --tcp-rules",
            TCP_RULES.join(", ")
        ));
    }
    if place.reader.is_none() {
        passed_over.push(format!(
            "who may read the files, for there is no user {USER}: name the one of qmail-smtpd with --user"
        ));
    }
    passed_over
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_looked_for_beside_the_folder() {
        for (control, expected) in [
            ("/var/qmail/control", "/var/qmail/users"),
            ("control", "users"),
            (".", "./../users"),
            ("/x/..", "/x/../../users"),
        ] {
            assert_eq!(beside(Path::new(control)), Path::new(expected), "{control}");
        }
    }

    #[test]
    fn what_is_passed_over_is_told() {
        let reader = Some(Reader { name: "qmaild".to_owned(), uid: 1, gids: Vec::new() });
        let mut place = Place {
            control: PathBuf::new(),
            users: PathBuf::new(),
            tcp_rules: Some(PathBuf::new()),
            run: None,
            accounts: std::collections::BTreeSet::new(),
            reader,
        };
        assert_eq!(passed_over(&place), Vec::<String>::new());
        place.tcp_rules = None;
        place.reader = None;
        let told = passed_over(&place);
        assert!(told[0].contains("--tcp-rules") && told[1].contains("--user"), "{told:?}");
    }
}
