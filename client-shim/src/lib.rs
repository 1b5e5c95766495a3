//! libtollgate: what a mail server links to ask tollgated. The C face of `tollgate-shim-core`.
//!
//! Built with `--profile shim` only: nothing can unwind, and a program into which a panic could get does not link.

#![no_std]

mod api;
mod posix;
mod session;

pub use api::*;

#[allow(unsafe_code, reason = "declares what must never be linked")]
unsafe extern "C" {
    /// Defined nowhere: a program that can reach a panic does not link, and this name says why.
    fn tollgate_can_panic_and_must_not_link() -> !;
}

#[panic_handler]
#[allow(unsafe_code, reason = "calls what must never be linked")]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never linked, so never called.
    unsafe { tollgate_can_panic_and_must_not_link() }
}
