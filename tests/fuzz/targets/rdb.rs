//! Runs `entries::rdb` on what the fuzzer makes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrodis_fuzz::entries::rdb(data));
