//! Behaviour, in the words of those who use it: one file a topic.
#![cfg(unix)]

mod another_process;
mod cluster;
mod ends;
mod memcached;
mod missing;
mod redis;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time for what comes soon, on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// Time for what does not come.
const NEVER: Duration = Duration::from_millis(100);

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "not within {SOON:?}: {what}");
        sleep(Duration::from_millis(10));
    }
}
