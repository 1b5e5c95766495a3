//! Which tests could not run here, and why? They say so past libtest's capture, and `tests/run` collects the lines.

use std::io::{self, Write};

/// Says that a test, or a part of one, was not run.
pub fn say(test: &str, reason: &str) {
    let _nobody_listens = write!(io::stderr(), "\nSKIPPED: {test}, for {reason}\n");
}
