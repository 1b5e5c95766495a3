//! Is any file that says where mail goes read within its bounds? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz users`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::ask::mailbox::fuzzing::users(octets));
