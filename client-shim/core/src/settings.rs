//! What did the postmaster set, by environment (so by tcprules for each client) or by `control/tollgate`?

use crate::{
    buffer::{Buffer, decimal, first},
    sys::{Address, Sys},
};
use core::ffi::CStr;

/// The file, relative to the mail server's directory. Lines `name=value`; `#` starts a comment line.
const FILE: &CStr = c"control/tollgate";
/// Of a longer file the rest is not read.
const FILE_MAX: usize = 2048;
/// Every variable starts with this; in the file it is left out and the rest is in lower case.
const PREFIX: &[u8] = b"TOLLGATE_";
/// The longest path of a socket FreeBSD takes, without NUL; Linux takes four bytes more.
const SOCKET_PATH_MAX: usize = 103;

const SOCKET_DEFAULT: &[u8] = b"/run/tollgate/tollgate.sock";
const FAILURE_FILE_DEFAULT: &[u8] = b"/var/lib/tollgate/failures";
const TIMEOUT_DEFAULT_MS: u64 = 2_000;
const TIMEOUT_MIN_MS: u64 = 100;
const TIMEOUT_MAX_MS: u64 = 30_000;

/// The settings of this session.
pub(crate) struct Settings {
    socket: Buffer<255>,
    pub(crate) timeout_ms: u64,
    /// Without an answer RCPT and DATA get a 451; otherwise mail passes.
    pub(crate) defers_on_failure: bool,
    pub(crate) host: Buffer<255>,
    pub(crate) is_via_proxy: bool,
    pub(crate) is_off: bool,
    pub(crate) logs: bool,
    /// NUL-ended; empty = no record is kept.
    failure_file: Buffer<256>,
}

impl Settings {
    pub(crate) const fn new() -> Self {
        Settings {
            socket: Buffer::new(),
            timeout_ms: 0,
            defers_on_failure: false,
            host: Buffer::new(),
            is_via_proxy: false,
            is_off: false,
            logs: false,
            failure_file: Buffer::new(),
        }
    }

    /// Reads them anew. A value that cannot be understood counts as not given.
    pub(crate) fn load<S: Sys>(&mut self, sys: &mut S) {
        let mut file = Buffer::<FILE_MAX>::new();
        let length = sys.read_file(FILE, file.space());
        file.set_len(length);
        let lines = file.as_slice();
        let value = |name: &'static CStr| value(sys, lines, name);
        self.socket.set(value(c"TOLLGATE_SOCKET").filter(|path| !path.is_empty()).unwrap_or(SOCKET_DEFAULT));
        let timeout_ms = value(c"TOLLGATE_TIMEOUT_MS").and_then(decimal).unwrap_or(TIMEOUT_DEFAULT_MS);
        self.timeout_ms = timeout_ms.clamp(TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
        self.defers_on_failure = value(c"TOLLGATE_ON_FAILURE").is_some_and(|word| word == b"defer");
        self.host.set(value(c"TOLLGATE_HOST").unwrap_or(b""));
        self.is_via_proxy = is_yes(value(c"TOLLGATE_VIA_PROXY"));
        self.is_off = is_yes(value(c"TOLLGATE_OFF"));
        self.logs = is_yes(value(c"TOLLGATE_LOG"));
        self.failure_file.clear();
        let path = value(c"TOLLGATE_FAILURE_FILE").unwrap_or(FAILURE_FILE_DEFAULT);
        if !self.failure_file.push(path) || !self.failure_file.push(&[0]) {
            self.failure_file.clear();
        }
    }

    /// Where the daemon listens; `None` if the setting is no path and no loopback address.
    pub(crate) fn address(&self) -> Option<Address<'_>> {
        let text = self.socket.as_slice();
        if text.starts_with(b"/") {
            return (text.len() <= SOCKET_PATH_MAX).then_some(Address::Unix(text));
        }
        if let Some(port) = text.strip_prefix(b"[::1]:") {
            return port_of(port).map(Address::Loopback6);
        }
        let colon = text.iter().position(|byte| *byte == b':')?;
        let port = port_of(text.get(colon + 1..)?)?;
        ipv4(first(text, colon)).filter(|address| address.first() == Some(&127)).map(|ip| Address::Loopback4(ip, port))
    }

    /// The file failures are recorded in.
    pub(crate) fn failure_file(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(self.failure_file.as_slice()).ok().filter(|path| !path.is_empty())
    }
}

fn port_of(text: &[u8]) -> Option<u16> {
    decimal(text).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
}

fn ipv4(text: &[u8]) -> Option<[u8; 4]> {
    let mut parts = text.split(|byte| *byte == b'.').map(|part| decimal(part).and_then(|part| u8::try_from(part).ok()));
    let mut next = || parts.next().flatten();
    let address = [next()?, next()?, next()?, next()?];
    parts.next().is_none().then_some(address)
}

fn is_yes(value: Option<&[u8]>) -> bool {
    value.is_some_and(|word| matches!(word, b"1" | b"yes" | b"true" | b"on"))
}

/// The environment, else the file.
fn value<'a, S: Sys>(sys: &'a S, file: &'a [u8], name: &CStr) -> Option<&'a [u8]> {
    sys.env(name).or_else(|| in_file(file, name.to_bytes().strip_prefix(PREFIX)?))
}

/// The value on the last line of that name.
fn in_file<'a>(file: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let line_value = |line: &'a [u8]| {
        let equals = line.iter().position(|byte| *byte == b'=')?;
        let (key, value) = line.split_at_checked(equals)?;
        key.trim_ascii().eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or(&[]).trim_ascii())
    };
    file.split(|byte| *byte == b'\n').rev().find_map(line_value)
}
