//! Does any macro-string fill in within its bounds? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz spf_macro`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::ask::spf::fuzzing::spf_macro(octets));
