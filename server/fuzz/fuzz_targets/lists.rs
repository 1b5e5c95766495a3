//! Is any text read as a list, or refused with its line? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz lists`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::lists::fuzzing::lists(octets));
