//! Behaviour, in the users' words: one file per topic.
#![cfg(unix)]

mod another_process;
mod cluster;
mod ends;
mod memcached;
mod missing;
mod redis;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time for expected events on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// The time for events that must not come.
const NEVER: Duration = Duration::from_millis(100);

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "not within {SOON:?}: {what}");
        sleep(Duration::from_millis(10));
    }
}
