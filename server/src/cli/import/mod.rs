//! `tollgate import rblsmtpd`: which configuration does what a command line of rblsmtpd did? Nobody is asked for it.
//!
//! `words` is the shell's part, `options` rblsmtpd's, `print` ours.

mod options;
mod print;
#[cfg(test)]
mod tests;
mod words;

use super::{
    Context, Failure,
    args::{ImportArgs, ImportFrom},
    exit,
    text::one_line,
};
use std::ffi::OsString;
use words::Word;

/// A command line in octets: what a kernel takes, for one argument (Linux: 128 KiB).
const LINE_OCTETS_MAX: usize = 131_072;

pub(super) fn run(args: ImportArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let ImportFrom::Rblsmtpd { args } = args.from;
    let printed = import(&args).map_err(|error| Failure::new(exit::USAGE, one_line(&error)))?;
    for warning in &printed.warnings {
        writeln!(context.err, "tollgate: warning: {}", one_line(warning))?;
    }
    write!(context.out, "{}", printed.toml)?;
    Ok(exit::FINE)
}

/// One argument is a line or script as somebody pasted it; several were split by the shell already.
fn import(args: &[OsString]) -> Result<print::Printed, String> {
    let text = |arg: &OsString| arg.to_str().map(str::to_owned).ok_or("the line is not UTF-8");
    let args = args.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let octets: usize = args.iter().map(String::len).sum();
    if octets > LINE_OCTETS_MAX {
        return Err(format!("{octets} octets: expected a command line of at most {LINE_OCTETS_MAX}"));
    }
    let commands = match &args[..] {
        [line] => words::commands(line)?,
        words => vec![words.iter().map(|text| Word { text: text.clone(), expands: false }).collect()],
    };
    Ok(print::print(&options::read(options::ours(&commands))?))
}
