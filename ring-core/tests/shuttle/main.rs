//! Schedules: guarantees for callers, in any order of threads and tasks.
//!
//! A scenario runs some thousands of times, each time with its threads' and tasks' steps in another order. A call
//! that waits forever is found as a deadlock. docs/testing.md describes how to run these tests and how to replay a
//! schedule that failed.
#![cfg(shuttle)]

mod callers;
mod checking;
mod processes;
mod stale_calls;
mod storages;
mod world;

mod bulk;
mod forgetting;
mod joining;
mod leasing;
mod leaving;
mod refreshing;
mod timeouts;
mod updating;
mod writing;
