//! Waiting for a condition, within bounds.

use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails. Generous: on a busy machine a server may get no CPU for seconds.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Returns when `condition` holds; asks every 2 ms. Panics after [`PATIENCE`] and names `what` was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    assert!(holds_within(PATIENCE, &mut condition), "waited {} s in vain for {what}", PATIENCE.as_secs());
}

/// Whether `condition` comes to hold within `patience`.
pub fn holds_within(patience: Duration, condition: &mut dyn FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > patience {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}
