//! All logic of libtollgate: HTTP/2, HPACK, gRPC, deadlines, replies. No standard library, no heap, and nothing that
//! can panic: the C library around it does not link otherwise.
//!
//! From the outside in: [`Session`] (stages, failures) → `request`, `verdict`, `reply` (messages and what becomes of
//! them) → `call` (deadline, retries) → `http2`, `hpack` → [`Sys`] (the system). Beside it stands what is done with the
//! mail itself: `message` → `forged` → `authserv_id`.

#![cfg_attr(not(test), no_std)]

mod authserv_id;
mod buffer;
mod call;
mod facts;
mod forged;
mod hpack;
mod http2;
mod known;
mod message;
mod protobuf;
mod record;
mod reply;
mod request;
mod session;
mod settings;
mod sys;
mod verdict;

pub use facts::Fact;
pub use record::{FILE_MAX, RECORD_LEN};
pub use session::Session;
pub use sys::{Address, Connect, Sys, Transfer, Wanted};

/// How we introduce ourselves to servers.
const USER_AGENT: &[u8] = concat!("tollgate-shim/", env!("CARGO_PKG_VERSION")).as_bytes();

/// The stages of a session at which the daemon is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connect,
    Helo,
    Mail,
    Rcpt,
    Data,
}

impl Stage {
    /// The method's `:path`.
    fn path(self) -> &'static [u8] {
        match self {
            Stage::Connect => b"/tollgate.v1.Policy/Connect",
            Stage::Helo => b"/tollgate.v1.Policy/Helo",
            Stage::Mail => b"/tollgate.v1.Policy/Mail",
            Stage::Rcpt => b"/tollgate.v1.Policy/Rcpt",
            Stage::Data => b"/tollgate.v1.Policy/Data",
        }
    }

    /// The stage in records and log lines.
    fn name(self) -> &'static [u8] {
        match self {
            Stage::Connect => b"connect",
            Stage::Helo => b"helo",
            Stage::Mail => b"mail",
            Stage::Rcpt => b"rcpt",
            Stage::Data => b"data",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nobody listens, or the socket is not permitted, or it is badly named.
    Connect,
    /// Nothing came in time.
    Timeout,
    /// The server broke the protocol or hung up.
    Broken,
    /// gRPC's status, or what a proxy's HTTP status stands for.
    Status(u16),
    /// What came is no Verdict.
    Malformed,
}

#[cfg(test)]
mod tests;
