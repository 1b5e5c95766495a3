//! `tollgate recipients`: who exists here, and how does one know? `args` is the command line.

mod args;

use super::{Context, Failure, exit, inspect, json};
use crate::{
    ask::mailbox::{Existence, Places, collect, write},
    clock::Clock,
    config::Document,
    config::{Build, read_regular},
    lists::{control::first_line, qmail::Passwd},
    paths,
    pipeline::Policy,
    recall::{Bounds, Recall},
};
pub(super) use args::RecipientsArgs;
use args::What;
use serde_json::json;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};
use tollgate_proto::v1::InspectReply;

/// The check behind it.
const CHECK: &str = "recipient";
/// The step of an explanation with its answer.
const ANSWER: &str = "answer";

pub(super) fn run(args: RecipientsArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    match args.what {
        What::Sources => {
            let reply = inspected("sources", Vec::new(), context)?;
            inspect::print(&reply, context)
        }
        What::Explain { address, host, local } => {
            let words = words(address, host);
            let reply = if local { here(&words, context) } else { inspected("explain", words, context) }?;
            inspect::print(&reply, context)?;
            Ok(if is_missing(&reply) { exit::NO } else { exit::FINE })
        }
        What::Export { output, control, users, passwd, host } => {
            let beside = || control.parent().unwrap_or(Path::new("/")).join("users");
            let users = users.unwrap_or_else(beside);
            export(&Places { control, users }, &passwd, (host, &output), context)
        }
    }
}

fn words(address: String, host: Option<String>) -> Vec<String> {
    std::iter::once(address).chain(host).collect()
}

/// What the daemon's check shows. Behind `--`: whatever an address is, it is no flag.
fn inspected(op: &str, args: Vec<String>, context: &mut Context<'_>) -> Result<InspectReply, Failure> {
    let words = [CHECK, op, "--"].map(OsString::from).into_iter().chain(args.into_iter().map(OsString::from));
    inspect::ask(&words.collect::<Vec<_>>(), context)
}

/// The last step is the answer.
fn is_missing(reply: &InspectReply) -> bool {
    let answer = reply.rows.last().map(|row| row.cells.as_slice());
    matches!(answer, Some([step, says]) if step == ANSWER && says.starts_with(Existence::Missing.name()))
}

/// What a check with this configuration would show here.
fn here(args: &[String], context: &Context<'_>) -> Result<InspectReply, Failure> {
    let document = Document::read(paths::config_file(context.common.config.as_deref()).as_deref());
    let policy = document.and_then(|document| Policy::build(&document, 0)).map_err(Failure::from_faults)?;
    let memory = Recall::alone(Bounds::default(), Clock::system());
    let check = policy.check(CHECK).ok_or_else(|| Failure::new(exit::SERVER, "there is no such check"))?;
    let rows = check.inspect_memory("explain", args, &memory).map_err(|line| Failure::new(exit::USAGE, line))?;
    Ok(crate::rpc::convert::rows(rows))
}

fn export(
    places: &Places,
    passwd: &Path,
    (host, output): (Option<String>, &PathBuf),
    context: &mut Context<'_>,
) -> Result<u8, Failure> {
    let failed = |line: String| Failure::new(exit::SERVER, line);
    if !rustix::process::geteuid().is_root() {
        let line = "warning: not root: recipients in homes that you may not search will all be taken";
        writeln!(context.err, "{line}")?;
    }
    let accounts =
        read(passwd)?.ok_or_else(|| failed(format!("{}: no such file: expected accounts", passwd.display())))?;
    let host = match host {
        Some(host) => host,
        None => {
            let me = read(&places.control.join("me"))?.unwrap_or_default();
            String::from_utf8_lossy(first_line(&me)).into_owned()
        }
    };
    if host.is_empty() || host.contains('\0') {
        return Err(Failure::new(exit::USAGE, "the host has no name: expected --host, or one in control/me"));
    }
    let now = Clock::system().now().unix_seconds();
    let collected = collect(places, &Passwd::parse(&accounts), &host, now).map_err(failed)?;
    write(&collected, output).map_err(failed)?;
    let (accounts, homes, names) = collected.counts();
    if context.common.json {
        let value = json!({ "host": host, "file": output, "accounts": accounts, "homes": homes, "names": names });
        json::print(context.out, &value)?;
    } else {
        let file = output.display();
        writeln!(context.out, "{file}: {host}, {accounts} accounts, {homes} homes with {names} .qmail files")?;
    }
    Ok(exit::FINE)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match read_regular(path, Build::FILE_OCTETS_MAX) {
        Ok((content, _)) => Ok(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(exit::SERVER, format!("{}: {error}", path.display()))),
    }
}
