//! Schedules: what callers may rely on, in whatever order threads and tasks go on.
//!
//! A scenario runs some thousands of times, each time with the steps of its threads and tasks in another order. A call
//! that waits for ever is found as a deadlock. docs/testing.md says how to run these tests and how to replay a
//! schedule that failed.
#![cfg(shuttle)]

mod callers;
mod checking;
mod storages;
mod world;

mod bulk;
mod forgetting;
mod joining;
mod leaving;
mod timeouts;
mod updating;
