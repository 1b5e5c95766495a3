//! A made-up system: a clock that moves when somebody waits, an environment, and a daemon behind the socket.

use crate::{Address, Connect, Sys, Transfer, Wanted};
use core::ffi::CStr;
use std::collections::{HashMap, VecDeque};

/// Whatever listens at the other end.
pub(super) trait Daemon {
    /// Somebody connects.
    fn connect(&mut self) -> Connect {
        Connect::Done
    }
    /// Bytes came; what is answered.
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8>;
    /// Nothing more will come, once what was said is read.
    fn is_gone(&mut self) -> bool {
        false
    }
}

pub(super) struct Fake<D> {
    pub(super) daemon: D,
    pub(super) now: u64,
    pub(super) pid: u32,
    pub(super) env: HashMap<&'static str, Vec<u8>>,
    pub(super) control: Vec<u8>,
    /// The client speaks at this time.
    pub(super) client_speaks_at: Option<u64>,
    pub(super) is_open: bool,
    pub(super) connects: u32,
    /// Every address that was asked for.
    pub(super) addresses: Vec<String>,
    inbox: VecDeque<u8>,
    /// The most bytes one receive gives and one send takes.
    pub(super) chunk: usize,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) logged: Vec<u8>,
    randoms: u8,
}

impl<D: Daemon> Fake<D> {
    pub(super) fn new(daemon: D) -> Self {
        Fake {
            daemon,
            now: 1_000_000,
            pid: 4711,
            env: HashMap::new(),
            control: Vec::new(),
            client_speaks_at: None,
            is_open: false,
            connects: 0,
            addresses: Vec::new(),
            inbox: VecDeque::new(),
            chunk: usize::MAX,
            records: Vec::new(),
            logged: Vec::new(),
            randoms: 0,
        }
    }
}

impl<D: Daemon> Sys for Fake<D> {
    fn now_ms(&mut self) -> u64 {
        self.now
    }

    fn unix_seconds(&mut self) -> u64 {
        1_700_000_000
    }

    fn pid(&mut self) -> u32 {
        self.pid
    }

    fn env(&self, name: &CStr) -> Option<&[u8]> {
        self.env.get(name.to_str().unwrap()).map(Vec::as_slice)
    }

    fn read_file(&mut self, path: &CStr, into: &mut [u8]) -> usize {
        assert_eq!(path, c"control/tollgate");
        crate::buffer::copy(into, &self.control)
    }

    fn random(&mut self, into: &mut [u8]) {
        self.randoms += 1;
        into.fill(self.randoms);
    }

    fn append(&mut self, path: &CStr, record: &[u8], size_max: u64) {
        assert!(!path.is_empty());
        assert_eq!(size_max, crate::FILE_MAX);
        self.records.push(record.to_vec());
    }

    fn log(&mut self, line: &[u8]) {
        assert!(line.len() <= 512);
        self.logged.extend_from_slice(line);
    }

    fn watch_client(&mut self, speaks: bool, ms: u32) -> bool {
        let end = self.now + u64::from(ms);
        match self.client_speaks_at {
            Some(at) if speaks && at <= end => {
                self.now = self.now.max(at);
                true
            }
            _ => {
                self.now = end;
                false
            }
        }
    }

    fn pause(&mut self, ms: u32) {
        self.now += u64::from(ms);
    }

    fn connect(&mut self, to: Address<'_>) -> Connect {
        assert!(!self.is_open, "one socket at a time");
        self.connects += 1;
        self.addresses.push(format!("{to:?}"));
        self.inbox.clear();
        let how = self.daemon.connect();
        self.is_open = how != Connect::Refused;
        how
    }

    fn is_connected(&mut self) -> bool {
        true
    }

    fn wait(&mut self, wanted: Wanted, ms: u32) -> bool {
        assert!(self.is_open);
        if wanted != Wanted::Read || !self.inbox.is_empty() || self.daemon.is_gone() {
            return true;
        }
        self.now += u64::from(ms);
        false
    }

    fn send(&mut self, first: &[u8], second: &[u8]) -> Transfer {
        assert!(self.is_open);
        assert!(first.len() + second.len() > 0, "nothing to send");
        let bytes: Vec<u8> = first.iter().chain(second).copied().take(self.chunk).collect();
        let answer = self.daemon.hear(&bytes);
        self.inbox.extend(answer);
        Transfer::Done(bytes.len())
    }

    fn receive(&mut self, into: &mut [u8]) -> Transfer {
        assert!(self.is_open);
        if self.inbox.is_empty() {
            return if self.daemon.is_gone() { Transfer::Done(0) } else { Transfer::Later };
        }
        let count = into.len().min(self.inbox.len()).min(self.chunk);
        for (place, byte) in into.iter_mut().zip(self.inbox.drain(..count)) {
            *place = byte;
        }
        Transfer::Done(count)
    }

    fn close(&mut self) {
        self.is_open = false;
    }
}
