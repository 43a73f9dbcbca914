//! Waiting for a condition, within bounds.

use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails. Generous: on a busy machine a server may get no CPU for seconds.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// How often a condition is looked at before it counts as not coming.
const POLLS_LEAST: u32 = 1000;

/// Returns when `condition` holds; asks every 2 ms. Panics after [`PATIENCE`] and names `what` was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    assert!(holds_within(PATIENCE, &mut condition), "waited {} s in vain for {what}", PATIENCE.as_secs());
}

/// Returns when this process has been running for so long: time in which it was stopped, or got no CPU, counts little.
pub fn run_for(duration: Duration) {
    (0..duration.as_millis() / POLL_INTERVAL.as_millis()).for_each(|_| std::thread::sleep(POLL_INTERVAL));
}

/// Whether `condition` comes to hold within `patience`.
pub fn holds_within(patience: Duration, condition: &mut dyn FnMut() -> bool) -> bool {
    let (started, mut polls) = (Instant::now(), 0);
    loop {
        if condition() {
            return true;
        }
        // Both, so that a process that was stopped for a while has its patience still.
        if started.elapsed() > patience && polls > POLLS_LEAST {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
        polls += 1;
    }
}
