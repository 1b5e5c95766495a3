//! When does the daemon end, and how? A first SIGTERM or SIGINT drains, a second one ends at once; SIGHUP reloads.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that mean something. They are caught from the moment this is made: before anything listens.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Must be called on a runtime. `Err` is one line for the administrator.
    pub fn catch() -> Result<Self, String> {
        let catch = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            hangup: catch(SignalKind::hangup())?,
        })
    }

    /// Returns when the daemon is to end, with the signal's name; calls `reload` for each SIGHUP until then.
    pub async fn end(&mut self, mut reload: impl FnMut()) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => reload(),
            }
        }
    }
}
