//! How does a command end that could not do its work? With an exit code and lines that say what to try.

use super::exit;
use crate::config::Fault;
use std::io::{self, Write};

/// An exit code, and what is told on standard error: one line, or one for each fault.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    lines: Vec<String>,
}

impl Failure {
    pub(super) fn new(code: u8, line: impl Into<String>) -> Self {
        Self { code, lines: vec![line.into()] }
    }

    /// Mistakes in a configuration, each with its line.
    pub(super) fn from_faults(faults: Vec<Fault>) -> Self {
        let lines = Fault::sorted(faults).iter().map(Fault::to_string).collect();
        Self { code: exit::USAGE, lines }
    }

    /// A command line that clap refused, or a wish for help, which is no failure: it goes to `out`.
    pub(super) fn from_usage(error: &clap::Error, out: &mut dyn Write) -> Self {
        let text = error.render().to_string();
        if error.use_stderr() {
            return Self::new(exit::USAGE, text.trim_start_matches("error: ").trim_end());
        }
        match write!(out, "{text}") {
            Ok(()) => Self { code: exit::FINE, lines: Vec::new() },
            Err(error) => error.into(),
        }
    }

    /// The first line.
    pub(super) fn line(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// Says it, each line behind the program's name.
    pub(super) fn tell(&self, err: &mut dyn Write) -> io::Result<()> {
        self.lines.iter().try_for_each(|line| writeln!(err, "tollgate: {line}"))
    }
}

/// Whoever reads our output has enough of it (`| head`): that is no failure worth a word. A full disk is.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: exit::FINE, lines: Vec::new() };
        }
        Self::new(exit::SERVER, format!("cannot write the output: {error}"))
    }
}
