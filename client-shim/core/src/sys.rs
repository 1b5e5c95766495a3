//! What does the library ask of the system it runs on?
//!
//! One trait, so that everything above it runs in tests against a made-up system with a made-up clock.

use core::ffi::CStr;

/// Where the daemon listens. No names: a resolver has no deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// Path of a Unix socket.
    Unix(&'a [u8]),
    /// An address of 127.0.0.0/8 and a port.
    Loopback4([u8; 4], u16),
    /// `::1` and a port.
    Loopback6(u16),
}

/// How an attempt to connect began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// Connected.
    Done,
    /// Under way; the socket becomes writable when it is decided.
    Started,
    /// The listener's queue is full: worth another attempt in a moment.
    Busy,
    /// No.
    Refused,
}

/// How a transfer of bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes; 0 received bytes are the end of the stream.
    Done(usize),
    /// Nothing can be moved now.
    Later,
    /// The connection is gone.
    Broken,
}

/// The system: a clock, one socket to the daemon, the environment, a few small files.
pub trait Sys {
    /// Milliseconds of a clock that never goes back.
    fn now_ms(&mut self) -> u64;
    /// Seconds since 1970, for records.
    fn unix_seconds(&mut self) -> u64;
    /// Id of the calling process.
    fn pid(&mut self) -> u32;
    /// An environment variable; `None` if it is not set.
    fn env(&self, name: &CStr) -> Option<&[u8]>;
    /// Reads the start of a file; how many bytes were read, 0 if none could be.
    fn read_file(&mut self, path: &CStr, into: &mut [u8]) -> usize;
    /// Fills `into` with bytes nobody else will get.
    fn random(&mut self, into: &mut [u8]);
    /// Appends `record` by one write if the file is regular and stays within `size_max` bytes.
    fn append(&mut self, path: &CStr, record: &[u8], size_max: u64);
    /// Writes one line to the log unless that would block.
    fn log(&mut self, line: &[u8]);
    /// Waits at most `ms` for the client on descriptor 0: to say something (`speaks`), or to be gone.
    /// Never reads. True if the client spoke.
    fn watch_client(&mut self, speaks: bool, ms: u32) -> bool;
    /// Waits.
    fn pause(&mut self, ms: u32);
    /// Begins to connect the socket, which must be closed.
    fn connect(&mut self, to: Address<'_>) -> Connect;
    /// Whether an attempt that had `Started` and has become writable succeeded.
    fn is_connected(&mut self) -> bool;
    /// Waits at most `ms` until the socket can be written (`writable`) or, else, read. False after `ms`.
    fn wait(&mut self, wanted: Wanted, ms: u32) -> bool;
    /// Sends `first`, then `second`, as far as possible without waiting. Not called with nothing to send.
    fn send(&mut self, first: &[u8], second: &[u8]) -> Transfer;
    /// Receives without waiting.
    fn receive(&mut self, into: &mut [u8]) -> Transfer;
    /// Closes the socket, if it is open.
    fn close(&mut self);
}

/// What is waited for on the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Bytes to read.
    Read,
    /// Room to write.
    Write,
    /// Either.
    Both,
}
