//! The daemon: reads its arguments, runs, and says in one line a fault what is wrong.

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};
use tollgate::{
    app::{self, Failed},
    paths,
};

/// Exit code for a bad configuration (sysexits.h, EX_USAGE), apart from 1 for everything else.
const BAD_CONFIGURATION: u8 = 64;

/// Answers mail servers: may this go on?
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file. Without it: TOLLGATE_CONFIG, else /etc/tollgate/tollgate.toml, else built-in defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take lists that hold all addresses or cover our own hosts, and remember that they were taken.
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match app::run(paths::config_file(arguments.config.as_deref()), arguments.force) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Configuration(faults)) => {
            faults.iter().for_each(|fault| eprintln!("tollgated: {fault}"));
            ExitCode::from(BAD_CONFIGURATION)
        }
        Err(Failed::Start(line)) => {
            eprintln!("tollgated: {line}");
            ExitCode::FAILURE
        }
    }
}
