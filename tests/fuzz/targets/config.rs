//! Runs `entries::config` on what the fuzzer makes.

#![no_main]

#[path = "../entries.rs"]
mod entries;
#[path = "../../commands/harness.rs"]
#[allow(dead_code)]
mod harness;
#[path = "../../commands/restore/calls.rs"]
mod restored;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::config(data));
