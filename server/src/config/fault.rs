//! What does a mistake in the configuration look like to its author? One line: where, what, what was expected.

use std::fmt;

/// One mistake: file and line, then the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file it stands in; empty = embedded defaults.
    pub file: String,
    /// Line, from 1; 0 = the file as a whole.
    pub line: usize,
    /// `[check.rbl] defer_at = 0: expected 1 to 1000`.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (true, _) => write!(f, "{}", self.text),
            (false, 0) => write!(f, "{}: {}", self.file, self.text),
            (false, line) => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}
