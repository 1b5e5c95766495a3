//! Is any file a cdb or refused, and is nothing read outside it? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz cdb`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::lists::fuzzing::cdb(octets));
