//! Does the daemon keep its promises as a process? A real one on temporary sockets, asked by tonic's own client.

#![allow(clippy::expect_used, reason = "a test that cannot go on says why and ends")]
#![allow(clippy::disallowed_methods, reason = "a test's tasks end with the test")]

mod admin;
mod believed;
mod decisions;
mod dns;
mod exceptions;
mod harness;
mod hot;
mod keys;
mod life;
mod lists;
mod load;
mod memory;
mod recipients;
mod services;
mod tcp;
