//! Runs `entries::restore` on what the fuzzer makes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrodis_fuzz::entries::restore(data));
