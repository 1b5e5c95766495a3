//! Is any text read as tcpserver's rules, or refused with its line? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz tcp_rules`
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| tollgate::lists::fuzzing::tcp_rules(octets));
