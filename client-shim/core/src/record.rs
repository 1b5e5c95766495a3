//! What is left behind when the daemon could not be asked, so that what passed unasked is known afterwards?
//!
//! One record for each call that failed (at most two a session), appended to the failure file by a single write.
//! Every record has `RECORD_LEN` bytes, so a reader can cut the file up and skip what it does not understand:
//!
//! ```text
//! TG1 1700000000 rcpt timeout pass 12345 0123456789abcdef0123456789abcdef 192.0.2.1        …\n
//! ```
//!
//! version, seconds since 1970, stage, reason (`connect`, `timeout`, `broken`, `malformed` or `status-N` with the
//! gRPC status), what became of it (`pass` or `defer`), process id, session id, client address; single spaces between
//! them, spaces behind the last up to the LF. Who collects them renames the file, waits a second for writes under way,
//! reads it and removes it; the library makes a new one, and writes nothing to a file of `FILE_MAX` bytes.

use crate::{
    NoAnswer, Stage,
    buffer::{Buffer, first, push_decimal},
};

/// Bytes of a record, with its LF.
pub const RECORD_LEN: usize = 128;
/// The file grows no further.
pub const FILE_MAX: u64 = 1 << 20;

/// What is left for the address beside everything else at its longest; no system writes one as long.
const IP_MAX: usize = 43;

/// What a record tells.
pub(crate) struct Record<'a> {
    pub(crate) unix_seconds: u64,
    pub(crate) stage: Stage,
    pub(crate) reason: NoAnswer,
    /// The client got a 451; otherwise the session went on.
    pub(crate) is_deferred: bool,
    pub(crate) pid: u32,
    pub(crate) session_id: &'a [u8; 16],
    pub(crate) client_ip: &'a [u8],
}

impl Record<'_> {
    pub(crate) fn to_bytes(&self) -> Buffer<RECORD_LEN> {
        let mut line = Buffer::new();
        line.push(b"TG1 ");
        push_decimal(&mut line, self.unix_seconds);
        line.push(b" ");
        line.push(self.stage.name());
        line.push(b" ");
        push_reason(&mut line, self.reason);
        line.push(if self.is_deferred { b" defer " } else { b" pass " });
        push_decimal(&mut line, u64::from(self.pid));
        line.push(b" ");
        for byte in self.session_id {
            let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' - 10 + half };
            line.push(&[digit(byte >> 4), digit(byte & 15)]);
        }
        line.push(b" ");
        // Only what can stand in an address: nobody writes lines into this file by TCPREMOTEIP.
        let is_of_address = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'%');
        let is_address = !self.client_ip.is_empty() && self.client_ip.iter().all(is_of_address);
        line.push(if is_address { first(self.client_ip, IP_MAX) } else { b"-" });
        line.truncate(RECORD_LEN - 1);
        while line.len() < RECORD_LEN - 1 {
            line.push(b" ");
        }
        line.push(b"\n");
        line
    }
}

/// The reason as records and log lines name it.
pub(crate) fn push_reason<const N: usize>(to: &mut Buffer<N>, reason: NoAnswer) {
    match reason {
        NoAnswer::Connect => to.push(b"connect"),
        NoAnswer::Timeout => to.push(b"timeout"),
        NoAnswer::Broken => to.push(b"broken"),
        NoAnswer::Malformed => to.push(b"malformed"),
        NoAnswer::Status(code) => to.push(b"status-") && push_decimal(to, u64::from(code)),
    };
}
