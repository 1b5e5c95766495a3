//! What does the control thread do? Signals, for now.

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

/// A runtime for the thread that calls.
pub(super) fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_all().build().map_err(|error| format!("cannot start a runtime: {error}"))
}

/// Returns when SIGTERM or SIGINT has come.
pub(super) fn serve_until_told() -> Result<(), String> {
    runtime()?.block_on(async {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
