//! What does a mistake in the configuration look like to its author? One line: where, what, what was expected.

use std::fmt;

/// One mistake: file and line, then the sentence. Faults sort by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file it stands in; empty = embedded defaults.
    pub file: String,
    /// Line, from 1; 0 = the file as a whole.
    pub line: usize,
    /// `[check.rbl] defer_at = 0: expected 1 to 1000`.
    pub text: String,
}

impl Fault {
    /// A fault of a whole file.
    pub fn of_file(file: &std::path::Path, text: impl Into<String>) -> Self {
        Self { file: file.display().to_string(), line: 0, text: text.into() }
    }

    /// A fault of no file in particular.
    pub fn of_nothing(text: impl Into<String>) -> Self {
        Self { file: String::new(), line: 0, text: text.into() }
    }

    /// In the order in which an editor shows them, each once: how faults leave this program.
    pub fn sorted(mut faults: Vec<Self>) -> Vec<Self> {
        faults.sort();
        faults.dedup();
        faults
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (true, _) => {}
            (false, 0) => write!(f, "{}: ", Printable(&self.file))?,
            (false, line) => write!(f, "{}:{line}: ", Printable(&self.file))?,
        }
        write!(f, "{}", Printable(&self.text))
    }
}

/// One line whatever stands in it: keys and list entries may hold control characters.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if char.is_control() { write!(f, "{}", char.escape_debug())? } else { write!(f, "{char}")? }
        }
        Ok(())
    }
}
