//! Runs `entries::requests` on what the fuzzer makes.
#![no_main]

#![no_main]

#[path = "../entries.rs"]
#[expect(dead_code, reason = "the entries of other targets")]
mod entries;
#[path = "../../commands/harness.rs"]
#[expect(dead_code, reason = "shared with the tests of commands")]
mod harness;
#[path = "../../commands/restore/calls.rs"]
mod restored;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::requests(data));
