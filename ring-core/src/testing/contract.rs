//! What every storage promises, as one suite of tests: for the storages of this project, and for yours.
//!
//! One test runs all of it. It says how a storage is made, what values it holds, and what it can do beside the raw
//! operations; what is not said is not tested.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//! use std::time::{Duration, Instant};
//! use ring_cache_core::key::{EncodedKey, text_in_namespace};
//! use ring_cache_core::storage::{EvictionCounts, Observer, Storage, StorageBase};
//! use ring_cache_core::{Error, RingKey, flights::Flights};
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
//!     fn watch(&self, _: Arc<dyn Observer>) -> bool { false }
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
//!     ring_cache_core::testing::contract::blocking(Shelf::default).bytes().run();
//! }
//! # my_storage_keeps_the_contract();
//! ```
//!
//! With `ring-cache`, the feature `testing` among the dev-dependencies brings it as `ring_cache::testing::contract`:
//!
//! ```toml
//! [dev-dependencies]
//! ring-cache = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # What the storage can do
//!
//! | | for storages | tests |
//! |---|---|---|
//! | [`values`](Storages::values), [`bytes`](Storages::bytes) | all, one of them | the raw operations and the verbs; keys of every shape; operations on many keys; calls, alone and many at a time. `bytes`: empty values, all bytes, up to a mebibyte |
//! | [`expires`](Contract::expires) | that are [`Expires`] | no expiry, a short one, one of centuries, zero; touches |
//! | [`clears`](Contract::clears) | that are [`Clear`] or [`AsyncClear`] | one ring is dropped, whatever its name looks like, and no other |
//! | [`clones`](Contract::clones) | that are [`Clone`] | clones see the same entries and know of each other's computations |
//! | [`shared`](Contract::shared) | on servers or in files | all that are made see the same entries |
//!
//! Storages that are awaited begin with [`awaited`] and the way to run a future; theirs are also dropped halfway.
//!
//! A clock of your own lets time pass without waiting; where there is none, `.expires(std::thread::sleep)` takes half a
//! minute:
//!
//! ```
//! use ring_cache_core::{Lru, clock::ManualClock, testing::contract};
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
//! [`run`](Contract::run) goes on to the end, and panics with all cases that failed: which key, after what, what was
//! expected and what was found. One is run alone by [`only`](Contract::only); [`cases`](Contract::cases) are their names.
//! Everything is the same in every run, but for the order in which threads go on. No case depends on how fast the machine
//! is; one in which a call hangs fails after half a minute, unless the storage itself does not return.
//!
//! A storage that fails an operation fails the case: what it does without its server is not part of this contract. Give
//! one that has a deadline a long one, or a busy machine will fail it.

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

/// Tests storages that block, or never wait. `make` is called for each case, and may return a handle to the same entries
/// each time: of them the suite uses the keys and rings whose names begin with `contract`, and some very short ones, and
/// it alone. Values come next: [`values`](Storages::values) or [`bytes`](Storages::bytes).
pub fn blocking<'c, S>(make: impl Fn() -> S + 'c) -> Storages<'c, S, Blocking> {
    Storages {
        make: Box::new(move || Subject::new(make(), None)),
    }
}

/// Tests storages that are awaited. `block_on` runs a future to its end, and is called by several threads at a time:
/// `|future| runtime.block_on(future)`, where a runtime is needed. `make` is as for [`blocking`], and called outside of
/// the runtime.
///
/// ```
/// use ring_cache_core::{Lru, testing::contract};
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

/// Storages to test, before it is known what they hold.
#[must_use = "nothing is tested yet: go on with `.values(..)` or `.bytes()`, and `.run()`"]
pub struct Storages<'c, S, C> {
    make: Box<dyn Fn() -> Subject<'c, S, C> + 'c>,
}

impl<'c, S> Storages<'c, S, Blocking> {
    /// With values made of numbers, different ones of different numbers.
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
    /// With values made of numbers, different ones of different numbers.
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

impl<S, C> Debug for Storages<'_, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storages").finish_non_exhaustive()
    }
}

/// The contract of a storage of values `T`, ready to [`run`](Self::run). `C` says whether it blocks or is awaited.
///
/// What a storage can do beside the raw operations is said first, and tested then: [`expires`](Self::expires),
/// [`clears`](Self::clears), [`clones`](Self::clones), [`shared`](Self::shared).
#[must_use = "nothing is tested before `.run()`"]
pub struct Contract<'c, S, T, C> {
    trial: Trial<'c, Subject<'c, S, C>, T>,
    cases: Vec<Case<Subject<'c, S, C>, T>>,
    only: Option<String>,
}

impl<'c, S, T, C> Contract<'c, S, T, C> {
    fn new(make: Box<dyn Fn() -> Subject<'c, S, C> + 'c>, values: impl Fn(u32) -> T + 'c) -> Self
    where
        Subject<'c, S, C>: Tested<T>,
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

    /// Entries expire. `advance` lets time pass: it moves the clock of all storages that are made, or sleeps. All in all
    /// it is asked for half a minute; see [`expiry_unit`](Self::expiry_unit).
    pub fn expires(mut self, advance: impl Fn(Duration) + 'c) -> Self
    where
        S: Expires,
    {
        self.trial.advance = Some(Box::new(advance));
        self
    }

    /// What expiries are rounded up to, a second if nothing is said. The tests let pass three of it at a time, and are
    /// that much quicker where it is less. On a storage that is slower than it, they may fail or find too little.
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

    /// All storages that are made see the same entries, which also outlive them: they lie in a server or in files.
    pub fn shared(mut self) -> Self {
        self.trial.shares = true;
        self
    }

    /// The largest value in bytes that the storage takes, 1 MiB if nothing is said.
    pub fn largest_value(mut self, bytes: usize) -> Self {
        self.trial.largest = bytes;
        self
    }

    /// How many entries the storage surely keeps at a time, 1,000 if nothing is said. Cases do with that many if they can,
    /// or are left out.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.trial.capacity = entries.max(1);
        self
    }

    /// Runs this case alone.
    ///
    /// # Panics
    ///
    /// [`run`](Self::run) and [`breaches`](Self::breaches) do, if there is no such case, or if it would be left out.
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
    /// Entries of one ring can be dropped.
    pub fn clears(mut self) -> Self {
        self.trial.clear = Some(|subject, ring| {
            let cleared = Cache::<_, Blocking>::new(ring, &subject.storage).clear();
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
    /// Entries of one ring can be dropped.
    pub fn clears(mut self) -> Self {
        self.trial.clear = Some(|subject, ring| {
            let cleared = subject.wait(async { AsyncCache::new(ring, &subject.storage).clear().await });
            done("clear", S::Error::into_result(cleared));
        });
        self
    }
}

impl<S, C> Contract<'_, S, Vec<u8>, C> {
    fn of_bytes(mut self) -> Self {
        self.trial.of_bytes = Some(|bytes| bytes);
        self
    }
}

impl<S, T, C> Debug for Contract<'_, S, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract")
            .field("cases", &self.cases())
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
