//! Tollgate: one mail policy for many mail hosts.
//!
//! The way of a message: `rpc` turns a call into facts (`session`), the engine (`pipeline`) lets every check
//! (`check.rs` is the contract, `checks` the list) ask questions (`ask`), judges the findings by precedence and mode,
//! and answers. `config` builds the immutable policy the engine runs, from lists that `files` keeps
//! current; `app` wires threads and tasks together.
//! ARCHITECTURE.md has the map and the invariants.

pub mod admin;
pub mod app;
pub mod ask;
pub mod check;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decision_log;
pub mod decisions;
pub mod dns_lists;
pub mod exceptions;
pub mod failures;
pub mod files;
pub mod lint;
pub mod lists;
pub mod metrics;
pub mod mode;
pub mod paths;
pub mod pipeline;
pub mod recall;
pub mod reload;
pub mod rpc;
pub mod session;
pub mod shutdown;
pub mod state;

#[cfg(test)]
mod snapshot;
