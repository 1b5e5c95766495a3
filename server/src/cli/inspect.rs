//! `tollgate CHECK OP ARGS`: what does a check know?

use super::{
    Context, Failure,
    args::{Arguments, InspectArgs},
    client::Server,
    exit, json,
    text::{columns, one_line},
};
use crate::{checks, config::spelling};
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use tollgate_proto::v1::{InspectReply, InspectRequest};

/// `words` are the check's name and what stands behind it.
pub(super) fn run(words: &[OsString], context: &mut Context<'_>) -> Result<u8, Failure> {
    let reply = ask(words, context)?;
    print(&reply, context)
}

/// What the daemon says.
pub(super) fn ask(words: &[OsString], context: &mut Context<'_>) -> Result<InspectReply, Failure> {
    let name = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    refuse_unknown(&name)?;
    let command = InspectArgs::command().name("tollgate CHECK").bin_name(format!("tollgate {name}"));
    let args = command.try_get_matches_from(words).and_then(|matches| InspectArgs::from_arg_matches(&matches));
    let args = match args {
        Ok(args) => args,
        Err(error) => return Err(Failure::from_usage(&error, context.out)),
    };
    // Flags of every command may stand before the check's name or behind it.
    context.common.json |= args.common.json;
    context.common.socket = args.common.socket.or(context.common.socket.take());
    context.common.config = args.common.config.or(context.common.config.take());
    let request = InspectRequest { check: name, op: args.op.unwrap_or_default(), args: args.args };
    Server::connect(context)?.ask(async |mut admin| admin.inspect(request).await)
}

/// Rows in columns, or as JSON.
pub(super) fn print(reply: &InspectReply, context: &mut Context<'_>) -> Result<u8, Failure> {
    if context.common.json {
        json::print(context.out, &json::inspect(reply))?;
        return Ok(exit::FINE);
    }
    let line = |cells: &[String]| cells.iter().map(|cell| one_line(cell)).collect();
    let header = line(&reply.columns);
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(reply.rows.iter().map(|row| line(&row.cells))).collect();
    write!(context.out, "{}", columns("", &rows))?;
    Ok(exit::FINE)
}

/// A name that is neither a command nor a check.
fn refuse_unknown(name: &str) -> Result<(), Failure> {
    let checks: Vec<&str> = checks::ALL.iter().map(|def| def.name).collect();
    if checks.contains(&name) {
        return Ok(());
    }
    let arguments = Arguments::command();
    let mut known: Vec<&str> = arguments.get_subcommands().map(clap::Command::get_name).collect();
    known.extend(&checks);
    let near = spelling::meant(name, &known).map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
    let name = one_line(name);
    let line = format!("\"{name}\" is neither a command nor a check: {near}Checks are {}", checks.join(", "));
    Err(Failure::new(exit::USAGE, format!("{line}; `tollgate --help` lists commands")))
}
