//! Runs `served::calls` on what the fuzzer makes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrodis_fuzz::served::calls(data));
