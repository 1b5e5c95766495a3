//! Is any text read as a record, or refused with its place? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz spf_record`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::ask::spf::fuzzing::spf_record(octets));
