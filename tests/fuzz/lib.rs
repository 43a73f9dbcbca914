//! What the targets run under libFuzzer, and what that needs of the other tests.

#[path = "../simulation/calls.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod calls;
#[path = "../simulation/disk.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod disk;
pub mod entries;
#[path = "../commands/harness.rs"]
#[expect(dead_code, reason = "shared with the tests of commands")]
mod harness;
#[path = "../simulation/model/mod.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod model;
mod plain_glob;
#[path = "../simulation/process.rs"]
#[expect(dead_code, reason = "shared with the simulation")]
mod process;
#[path = "../commands/restore/calls.rs"]
mod restored;
pub mod served;
