//! The command line: `tollgate check`, `status`, `doctor`, `off` … (docs/operations.md). Everything is in `cli/`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate::cli::main()
}
