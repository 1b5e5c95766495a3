//! What can come from the DNS into our types? `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir server/fuzz dns_outcome`
#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| tollgate::ask::dns::fuzzing::dns_outcome(datagram));
