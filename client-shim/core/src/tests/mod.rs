//! Everything together, against made-up systems and servers.

mod connections;
mod fake;
mod forged;
mod forged_reference;
mod fuzz;
mod hpack;
mod protocol;
mod replies;
mod requests;
mod server;
mod sessions;
mod settings;

use std::env;

/// How often random tests try: `TOLLGATE_CASES`, else 64.
fn cases() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: None,
        ..proptest::test_runner::Config::with_cases(number("TOLLGATE_CASES", 64))
    }
}

/// A number from the environment.
fn number(name: &str, otherwise: u32) -> u32 {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}
