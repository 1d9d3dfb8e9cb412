//! Tools for users' own tests, behind the feature `testing`. Enable it in the dev-dependencies.
//!
//! # Code that caches
//!
//! Guards change the caches of one thread, until they are dropped. A test of an `async fn` needs a single-threaded runtime,
//! such as the default of `#[tokio::test]`.
//!
//! Nothing is cached:
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! let _off = ring_cache::testing::off();
//! ```
//!
//! The test has its own entries, also in a storage that other tests use:
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! let _isolated = ring_cache::testing::isolated();
//! ```
//!
//! Time passes for the memory storages, statics among them:
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! use std::time::Duration;
//! use ring_cache::Lru;
//!
//! let clock = ring_cache::testing::clock();
//! let users = Lru::<&str>::new(10);
//! users.set_with_expiry(&1_u32, "Ada", Duration::from_secs(60));
//! clock.advance(Duration::from_secs(60));
//! assert_eq!(users.get(&1_u32), None);
//! ```
//!
//! The number of runs of a body: [`assert_computed!`](crate::assert_computed).
//!
//! Background refreshes run at once, in the call that finds the stale entry: [`inline`]. Jitter is the same in each run:
//! [`seed`].
//!
//! # Storages
//!
//! [`contract`] is the contract that each storage must pass.

pub mod contract;

use std::marker::PhantomData;
use std::time::Duration;

pub use crate::assert_computed;
use crate::switches::{self, Switches};

/// Restores a switch of this thread when it is dropped. It stays on its thread.
#[must_use = "the switch is restored when the guard is dropped: bind it, as in `let _off = ..`"]
pub struct Guard {
    restore: fn(&mut Switches, Switches),
    before: Switches,
    thread: PhantomData<*const ()>,
}

impl Guard {
    fn new(change: impl FnOnce(&mut Switches), restore: fn(&mut Switches, Switches)) -> Self {
        Guard {
            restore,
            before: switches::change(change),
            thread: PhantomData,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        switches::change(|switches| (self.restore)(switches, self.before));
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// Switches caching off for this thread: plain calls compute, look-ups find nothing, and nothing is stored.
pub fn off() -> Guard {
    Guard::new(
        |switches| switches.is_off = true,
        |switches, before| switches.is_off = before.is_off,
    )
}

/// Gives this thread its own entries: its keys have an additional segment that no other thread has.
pub fn isolated() -> Guard {
    let salt = switches::next_salt();
    Guard::new(
        |switches| switches.salt = Some(salt),
        |switches, before| switches.salt = before.salt,
    )
}

/// Runs background refreshes at once, in the call on this thread that finds the stale entry. The call still returns the
/// stale value.
pub fn inline() -> Guard {
    Guard::new(
        |switches| switches.is_inline = true,
        |switches, before| switches.is_inline = before.is_inline,
    )
}

/// The system's clock as memory storages read it on this thread. Dropping the guard resets it.
#[derive(Debug)]
#[must_use = "the clock is set back when the guard is dropped: bind it, as in `let clock = ..`"]
pub struct TestClock(#[allow(dead_code, reason = "it is dropped")] Guard);

impl TestClock {
    /// Moves the clock forward, for this thread.
    pub fn advance(&self, by: Duration) {
        switches::advance(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// A clock that this thread advances, for memory storages with the system's clock, also in statics. Entries on servers and
/// in files expire by other clocks.
pub fn clock() -> TestClock {
    TestClock(Guard::new(
        |_| {},
        |switches, before| switches.clock_nanos = before.clock_nanos,
    ))
}

/// Sets the seed of this thread's random numbers, which shorten expiries (`jitter`).
pub fn seed(seed: u64) {
    fastrand::seed(seed);
}

/// The number of bodies of cached methods that ran on this thread.
#[must_use]
pub fn computed() -> u64 {
    switches::change(|_| {}).computed
}

/// Asserts how many bodies of cached methods run on this thread in an expression, and returns its value.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::testing::assert_computed;
///
/// assert_eq!(assert_computed!(0, 1 + 1), 2);
/// ```
///
/// # Panics
///
/// If another number of bodies ran.
#[macro_export]
macro_rules! assert_computed {
    ($expected:expr, $expression:expr $(,)?) => {{
        let before = $crate::testing::computed();
        let value = $expression;
        let computed = $crate::testing::computed() - before;
        ::core::assert!(
            computed == $expected,
            "`{}` computed {} times, not {}",
            ::core::stringify!($expression),
            computed,
            $expected
        );
        value
    }};
}
