//! The contract of storages as a test suite: for the storages of this project, and for yours.
//!
//! One test runs all of it. It names the constructor of the storage, its values, and its capabilities. Unnamed
//! capabilities are not tested.
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//! use std::time::{Duration, Instant};
//! use ring_cache::key::{EncodedKey, text_in_namespace};
//! use ring_cache::storage::{EvictionCounts, ChangeObserver, Storage, StorageBase};
//! use ring_cache::{Error, RingKey, flights::Flights};
//!
//! /// A storage of your own, by the text of the keys.
//! #[derive(Default)]
//! struct Shelf {
//!     entries: Mutex<HashMap<String, Vec<u8>>>,
//!     flights: Flights<Vec<u8>>,
//! }
//!
//! impl StorageBase<Vec<u8>> for Shelf {
//!     type Error = Error;
//!     fn flights(&self) -> &Flights<Vec<u8>> { &self.flights }
//!     fn namespace(&self) -> &str { "" }
//!     fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String { text_in_namespace("", key) }
//!     fn deadline(&self) -> Option<Duration> { None }
//!     fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
//!     fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
//!     fn mark_suspect(&self, _: &EncodedKey) {}
//! }
//!
//! impl Storage<Vec<u8>> for Shelf {
//!     fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<Vec<u8>>, Error> {
//!         Ok(self.entries.lock().unwrap().get(&self.stored_key(key)).cloned())
//!     }
//!     fn write<K: RingKey + ?Sized>(&self, key: &K, value: Vec<u8>, _: Option<Duration>, _: Option<Instant>) -> Result<(), Error> {
//!         self.entries.lock().unwrap().insert(self.stored_key(key), value);
//!         Ok(())
//!     }
//!     fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
//!         Ok(self.entries.lock().unwrap().remove(&self.stored_key(key)).is_some())
//!     }
//!     fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
//!         Ok(self.entries.lock().unwrap().contains_key(&self.stored_key(key)))
//!     }
//!     fn renew<K: RingKey + ?Sized>(&self, key: &K, _: Duration, until: Option<Instant>) -> Result<bool, Error> {
//!         self.contains(key, until)
//!     }
//! }
//!
//! // #[test]
//! fn my_storage_keeps_the_contract() {
//!     ring_cache::testing::contract::blocking(Shelf::default).bytes().run();
//! }
//! # my_storage_keeps_the_contract();
//! ```
//!
//! With `ring-cache`, the feature `testing` in the dev-dependencies provides it as `ring_cache::testing::contract`:
//!
//! ```toml
//! [dev-dependencies]
//! ring-cache = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # Capabilities
//!
//! | | for storages | tests |
//! |---|---|---|
//! | [`values`](Storages::values), [`bytes`](Storages::bytes) | all, one of them | the raw operations and the verbs; keys of every shape; operations on many keys; calls, alone and many at a time. `bytes`: empty values, all bytes, up to a mebibyte |
//! | [`expires`](Contract::expires) | that are [`Expires`] | no expiry, a short one, one of centuries, zero; touch |
//! | [`clears`](Contract::clears) | that are [`Clear`] or [`AsyncClear`] | one ring is cleared, whatever its name, and no other |
//! | [`clones`](Contract::clones) | that are [`Clone`] | clones share entries and computations |
//! | [`shared`](Contract::shared) | on servers or in files | all storages that `make` returns share entries |
//!
//! Awaited storages begin with [`awaited`] and a function that runs a future. The suite also drops their futures
//! before they are ready.
//!
//! With a clock of your own, time passes without waiting. Without one, `.expires(std::thread::sleep)` takes half a
//! minute:
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! use ring_cache::{Lru, clock::ManualClock, testing::contract};
//!
//! let clock = ManualClock::default();
//! contract::blocking(|| Lru::builder().capacity(10_000).clock(clock.clone()).build())
//!     .values(|number| format!("value {number}"))
//!     .expires(|by| clock.advance(by))
//!     .clears()
//!     .run();
//! ```
//!
//! # When a case fails
//!
//! [`run`](Contract::run) runs all cases, and panics if some failed. The message names the case, the key, the
//! operation, and the expected and found values. [`only`](Contract::only) runs one case; [`cases`](Contract::cases)
//! lists their names. All runs are the same, except for the order of threads. No case depends on the speed of the
//! machine. A case whose call hangs fails after half a minute, unless the storage itself does not return.
//!
//! An operation that fails fails the case: failures of a server are not part of this contract. Give a storage with a
//! deadline a long one; otherwise a busy machine fails it.

mod bulk;
mod bytes;
mod calls;
mod cases;
mod clearing;
mod computing;
mod dropping;
mod entries;
mod expiry;
mod gate;
mod handles;
mod keys;
mod running;
mod samples;
mod subject;
mod trial;

use std::fmt;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use cases::Case;
pub use running::Breach;
use subject::{BlockOn, Subject, Tested, done};
use trial::Trial;

use crate::cache::{AsyncCache, Cache};
use crate::error::Failure;
use crate::mode::{Awaited, Blocking};
use crate::storage::{AsyncClear, AsyncStorage, Clear, Expires, Storage};
use crate::sync::Arc;

/// Tests storages that block or never wait.
///
/// `make` is called for each case. It may return a handle to the same entries each time: the suite uses keys and
/// rings whose names begin with `contract`, and some very short ones. No other program may use these during the test.
/// Values come next: [`values`](Storages::values) or [`bytes`](Storages::bytes).
pub fn blocking<'c, S>(make: impl Fn() -> S + 'c) -> Storages<'c, S, Blocking> {
    Storages {
        make: Box::new(move || Subject::new(make(), None)),
    }
}

/// Tests storages that are awaited.
///
/// `block_on` runs a future to its end: `|future| runtime.block_on(future)`, where a runtime is needed. Several
/// threads call it concurrently. `make` is as for [`blocking`], and called outside the runtime.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{Lru, testing::contract};
///
/// contract::awaited(|| Lru::new(10_000), |future| futures_executor::block_on(future)).values(|number| number).run();
/// ```
pub fn awaited<'c, S>(
    make: impl Fn() -> S + 'c,
    block_on: impl Fn(Pin<Box<dyn Future<Output = ()> + '_>>) + Send + Sync + 'c,
) -> Storages<'c, S, Awaited> {
    let block_on: Arc<BlockOn<'c>> = Arc::new(block_on);
    Storages {
        make: Box::new(move || Subject::new(make(), Some(Arc::clone(&block_on)))),
    }
}

/// Storages to test, without their values.
#[must_use = "this tests nothing: add `.values(..)` or `.bytes()`, and `.run()`"]
pub struct Storages<'c, S, M> {
    make: Box<dyn Fn() -> Subject<'c, S, M> + 'c>,
}

impl<'c, S> Storages<'c, S, Blocking> {
    /// With these values. Different numbers must give different values.
    pub fn values<T>(self, values: impl Fn(u32) -> T + 'c) -> Contract<'c, S, T, Blocking>
    where
        S: Storage<T> + Sync,
        T: Clone + PartialEq + Debug + Send + Sync,
    {
        Contract::new(self.make, values)
    }

    /// With bytes of all kinds.
    pub fn bytes(self) -> Contract<'c, S, Vec<u8>, Blocking>
    where
        S: Storage<Vec<u8>> + Sync,
    {
        self.values(bytes_of).of_bytes()
    }
}

impl<'c, S> Storages<'c, S, Awaited> {
    /// With these values. Different numbers must give different values.
    pub fn values<T>(self, values: impl Fn(u32) -> T + 'c) -> Contract<'c, S, T, Awaited>
    where
        S: AsyncStorage<T> + Sync,
        T: Clone + PartialEq + Debug + Send + Sync,
    {
        let mut contract = Contract::new(self.make, values);
        contract.cases.extend(cases::of_futures());
        contract
    }

    /// With bytes of all kinds.
    pub fn bytes(self) -> Contract<'c, S, Vec<u8>, Awaited>
    where
        S: AsyncStorage<Vec<u8>> + Sync,
    {
        self.values(bytes_of).of_bytes()
    }
}

fn bytes_of(number: u32) -> Vec<u8> {
    format!("value {number}").into_bytes()
}

impl<S, M> Debug for Storages<'_, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storages").finish_non_exhaustive()
    }
}

/// The contract of a storage of values `T` in the mode `M`, ready to [`run`](Self::run).
///
/// Call the capabilities first: [`expires`](Self::expires), [`clears`](Self::clears), [`clones`](Self::clones),
/// [`shared`](Self::shared).
#[must_use = "this tests nothing: add `.run()`"]
pub struct Contract<'c, S, T, M> {
    trial: Trial<'c, Subject<'c, S, M>, T>,
    cases: Vec<Case<Subject<'c, S, M>, T>>,
    only: Option<String>,
}

impl<'c, S, T, M> Contract<'c, S, T, M> {
    fn new(make: Box<dyn Fn() -> Subject<'c, S, M> + 'c>, values: impl Fn(u32) -> T + 'c) -> Self
    where
        Subject<'c, S, M>: Tested<T>,
        T: subject::Value,
    {
        Contract {
            trial: Trial {
                make,
                values: Box::new(values),
                of_bytes: None,
                largest: 1 << 20,
                capacity: 1000,
                advance: None,
                expiry_unit: Duration::from_secs(1),
                clear: None,
                clone: None,
                shares: false,
            },
            cases: cases::all(),
            only: None,
        }
    }

    /// Entries expire. `advance` moves the clock of all storages that `make` returned, or sleeps: half a minute in
    /// total, see [`expiry_unit`](Self::expiry_unit).
    pub fn expires(mut self, advance: impl Fn(Duration) + 'c) -> Self
    where
        S: Expires,
    {
        self.trial.advance = Some(Box::new(advance));
        self
    }

    /// The unit to which expiries are rounded up, a second by default. The tests wait for three units at a time, so a
    /// smaller unit makes them faster. If the storage's operations take longer than the unit, cases may fail or check
    /// too little.
    pub fn expiry_unit(mut self, unit: Duration) -> Self {
        self.trial.expiry_unit = unit;
        self
    }

    /// Clones are handles to one storage.
    pub fn clones(mut self) -> Self
    where
        S: Clone,
    {
        self.trial.clone = Some(Subject::cloned);
        self
    }

    /// All storages that `make` returns share their entries, which outlive them: on a server or in files.
    pub fn shared(mut self) -> Self {
        self.trial.shares = true;
        self
    }

    /// The size in bytes of the largest value that the storage takes, 1 MiB by default.
    pub fn largest_value(mut self, bytes: usize) -> Self {
        self.trial.largest = bytes;
        self
    }

    /// The number of entries that the storage keeps at a time, 1,000 by default. Cases that need more use fewer
    /// entries, or are left out.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.trial.capacity = entries.max(1);
        self
    }

    /// Runs this case alone.
    ///
    /// # Panics
    ///
    /// [`run`](Self::run) and [`breaches`](Self::breaches) panic if the case does not exist or is left out.
    pub fn only(mut self, case: &str) -> Self {
        self.only = Some(case.to_owned());
        self
    }
}

impl<S, T> Contract<'_, S, T, Blocking>
where
    S: Clear<T> + Sync,
    T: Clone + PartialEq + Debug + Send + Sync,
{
    /// The entries of one ring can be cleared.
    pub fn clears(mut self) -> Self {
        self.trial.clear = Some(|subject, ring| {
            let cleared = Cache::new(ring, &subject.storage).clear();
            done("clear", S::Error::into_result(cleared));
        });
        self
    }
}

impl<S, T> Contract<'_, S, T, Awaited>
where
    S: AsyncClear<T> + Sync,
    T: Clone + PartialEq + Debug + Send + Sync,
{
    /// The entries of one ring can be cleared.
    pub fn clears(mut self) -> Self {
        self.trial.clear = Some(|subject, ring| {
            let cleared = subject.wait(async { AsyncCache::new(ring, &subject.storage).clear().await });
            done("clear", S::Error::into_result(cleared));
        });
        self
    }
}

impl<S, M> Contract<'_, S, Vec<u8>, M> {
    fn of_bytes(mut self) -> Self {
        self.trial.of_bytes = Some(|bytes| bytes);
        self
    }
}

impl<S, T, M> Debug for Contract<'_, S, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract")
            .field("cases", &self.cases())
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
