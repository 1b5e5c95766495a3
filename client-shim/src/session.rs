//! Who may use the one session of this process? One caller at a time.

#![allow(unsafe_code, reason = "a C library without a handle has its state in a static")]

use crate::posix::Posix;
use core::{
    cell::UnsafeCell,
    sync::atomic::{AtomicBool, Ordering},
};
use tollgate_shim_core::Session;

/// The session of this process.
struct State {
    session: Session,
    system: Posix,
}

struct Shared(UnsafeCell<State>);

// SAFETY: `with` lets in one caller at a time.
unsafe impl Sync for Shared {}

static STATE: Shared = Shared(UnsafeCell::new(State { session: Session::new(), system: Posix::new() }));
static IS_BUSY: AtomicBool = AtomicBool::new(false);

/// Lets `work` have the session. A second caller at the same time, as from a signal handler, gets nothing.
pub(crate) fn with<T>(otherwise: T, work: impl FnOnce(&mut Session, &mut Posix) -> T) -> T {
    if IS_BUSY.swap(true, Ordering::Acquire) {
        return otherwise;
    }
    // SAFETY: `IS_BUSY` was false and is true until we are done: nobody else holds a reference.
    let state = unsafe { &mut *STATE.0.get() };
    let result = work(&mut state.session, &mut state.system);
    IS_BUSY.store(false, Ordering::Release);
    result
}
