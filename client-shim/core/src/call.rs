//! How does one gRPC call end within its deadline, whatever the daemon does?

use crate::{
    NoAnswer,
    http2::{Connection, Fault, Received},
    sys::{Address, Connect, Sys, Wanted},
};

/// How often one call may be put on the wire: the daemon may have said good-bye on the first connection, and a proxy
/// on the second.
const ATTEMPTS_MAX: u32 = 3;
/// Looks at the socket before a request goes out: enough for the good-byes that may lie there.
const LOOKS_MAX: u32 = 16;
/// Pause before knocking again at a listener whose queue is full.
const KNOCK_AGAIN_MS: u64 = 10;

/// Why an attempt gave no answer.
enum Setback {
    /// The server did not work on the request: it may be sent again.
    Again,
    Final(NoAnswer),
}

impl From<Fault> for Setback {
    fn from(Fault: Fault) -> Self {
        Setback::Final(NoAnswer::Broken)
    }
}

/// Where a call goes, and when it must be over.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) address: Address<'a>,
    /// `:path` of the method.
    pub(crate) path: &'a [u8],
    /// By the clock of `Sys::now_ms`.
    pub(crate) until: u64,
}

impl Connection {
    /// Calls with the request in `body`; the answer is `exchange.message()`.
    pub(crate) fn call<S: Sys>(&mut self, sys: &mut S, target: Target<'_>) -> Result<(), NoAnswer> {
        let mut result = NoAnswer::Broken;
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(sys, target) {
                Ok(()) => {
                    let is_sound = self.is_sent() && self.exchange.message().is_ok();
                    if !is_sound {
                        self.close(sys);
                    }
                    return self.exchange.message().map(|_| ());
                }
                Err(Setback::Again) => {}
                Err(Setback::Final(reason)) => {
                    result = reason;
                    break;
                }
            }
        }
        self.close(sys);
        Err(result)
    }

    /// Sends the request in `body` without waiting for anything; its answer is read by a later call or by `settle`.
    /// Says whether it is out.
    pub(crate) fn post<S: Sys>(&mut self, sys: &mut S, target: Target<'_>) -> bool {
        let until = sys.now_ms();
        let timeout_ms = target.until.saturating_sub(until);
        let is_out = self.ready(sys, Target { until, ..target }).is_ok()
            && self.request(target.path, timeout_ms).is_ok()
            && self.flush(sys).is_ok()
            && self.is_sent();
        if !is_out {
            // A request cut in the middle would spoil the next one.
            self.close(sys);
        }
        is_out
    }

    /// Waits for the answers nobody waited for.
    pub(crate) fn settle<S: Sys>(&mut self, sys: &mut S, until: u64) {
        while self.is_open && self.in_flight > 0 {
            if self.turn(sys, until).is_err() {
                self.close(sys);
            }
        }
    }

    fn attempt<S: Sys>(&mut self, sys: &mut S, target: Target<'_>) -> Result<(), Setback> {
        self.ready(sys, target)?;
        let timeout_ms = target.until.saturating_sub(sys.now_ms());
        self.request(target.path, timeout_ms)?;
        loop {
            if self.flush(sys).is_err() {
                return Err(self.lost(sys));
            }
            if self.exchange.is_refused {
                return Err(Setback::Again);
            }
            if self.exchange.is_over() {
                return Ok(());
            }
            self.turn(sys, target.until)?;
        }
    }

    /// Makes sure of a connection that takes one more request.
    fn ready<S: Sys>(&mut self, sys: &mut S, target: Target<'_>) -> Result<(), Setback> {
        for _ in 0..LOOKS_MAX {
            if !self.is_open {
                break;
            }
            match self.receive(sys) {
                Ok(Received::Some) => {}
                Ok(Received::Nothing) => break,
                Ok(Received::End) | Err(Fault) => self.close(sys),
            }
        }
        if self.is_open && self.is_leaving {
            self.close(sys);
        }
        if !self.is_open {
            establish(sys, target).map_err(Setback::Final)?;
            self.start()?;
        }
        while self.in_flight >= self.streams_max {
            self.turn(sys, target.until)?;
        }
        Ok(())
    }

    /// Waits for the socket once and takes what it has.
    fn turn<S: Sys>(&mut self, sys: &mut S, until: u64) -> Result<(), Setback> {
        if self.flush(sys).is_err() {
            return Err(self.lost(sys));
        }
        let wanted = if self.wants_to_write() { Wanted::Both } else { Wanted::Read };
        let left = until.saturating_sub(sys.now_ms());
        if left == 0 {
            return Err(Setback::Final(NoAnswer::Timeout));
        }
        if !sys.wait(wanted, clip(left)) {
            return Ok(());
        }
        match self.receive(sys)? {
            Received::End => Err(self.lost(sys)),
            Received::Some | Received::Nothing => Ok(()),
        }
    }

    /// The server is gone in mid-call. A call may be repeated: it bears a number, and the daemon counts it once.
    fn lost<S: Sys>(&mut self, sys: &mut S) -> Setback {
        self.close(sys);
        Setback::Again
    }
}

/// Connects, at the latest by `target.until`.
fn establish<S: Sys>(sys: &mut S, target: Target<'_>) -> Result<(), NoAnswer> {
    loop {
        let how = sys.connect(target.address);
        let left = target.until.saturating_sub(sys.now_ms());
        let result = match how {
            Connect::Done => return Ok(()),
            Connect::Refused => Err(NoAnswer::Connect),
            Connect::Busy if left == 0 => Err(NoAnswer::Timeout),
            Connect::Busy => {
                sys.close();
                sys.pause(clip(left.min(KNOCK_AGAIN_MS)));
                continue;
            }
            Connect::Started if !sys.wait(Wanted::Write, clip(left)) => Err(NoAnswer::Timeout),
            Connect::Started if sys.is_connected() => return Ok(()),
            Connect::Started => Err(NoAnswer::Connect),
        };
        sys.close();
        return result;
    }
}

fn clip(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
