//! Does the gate do what it says, with real programs? Each file is one topic; the harness is `tests/src`.
//!
//! A client (a raw dialogue or swaks) → tcpserver → Exim with libtollgate → tollgated → unbound → rbldnsd, all on
//! loopback, as root (Exim insists). A failed test keeps its scratch folder with all logs.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod dialogue;
mod failure;
mod forged;
mod last_words;
mod list_breaker;
mod list_faults;
mod lists;
mod memory;
mod modes;
mod observing;
mod recipients;
mod refusals;
mod relaying;
mod reload;
mod reports;
mod spf;
