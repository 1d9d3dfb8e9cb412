//! Rings as generated code creates them, and a storage that tests control.

mod async_remote;
mod awaiting;
mod timed;

pub(crate) use async_remote::AsyncRemote;
pub(crate) use awaiting::*;
pub(crate) use timed::{DEADLINE, TAKES, Timed};

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring_cache_core::body::Body;
use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{Clear, Expires, Storage, StorageBase};
use ring_cache_core::{Call, Error, Fallible, Key, Name, Plain, Ring, RingKey};

/// The handle of a blocking method.
pub(crate) type Cache<S> = ring_cache_core::Cache<S>;

/// A ring that lives as long as a static.
pub(crate) fn keep(ring: Ring) -> &'static Ring {
    leak(ring)
}

/// A value that tasks and threads may hold for any time.
pub(crate) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub(crate) fn ring() -> &'static Ring {
    keep(Ring::with_prefix("p"))
}

/// `fn method(id: u32) -> V`, cached.
pub(crate) fn call<'s, S: Storage<V>, V: Clone>(
    ring: &'static Ring,
    storage: &'s S,
    id: u32,
    body: impl FnOnce() -> V,
) -> Call<Plain<V>, &'s S, impl Body<Out = V>> {
    Cache::new(ring, storage).bind((id,), move |_| body())
}

/// `fn method(id: u32) -> Result<V, &'static str>`, cached.
pub(crate) fn fallible<'s, S: Storage<V>, V: Clone>(
    ring: &'static Ring,
    storage: &'s S,
    id: u32,
    body: impl FnOnce() -> Result<V, &'static str>,
) -> Call<Fallible<V, &'static str>, &'s S, impl Body<Out = Result<V, &'static str>>> {
    Cache::new(ring, storage).bind((id,), move |_| body())
}

/// A body that must not run.
pub(crate) fn never<V>() -> V {
    panic!("the body ran")
}

/// Waits until `true`, or fails.
pub(crate) fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the condition did not become true in 10 s"
        );
        std::thread::yield_now();
    }
}

/// No call is under way.
pub(crate) fn assert_quiet<T: Clone>(storage: &impl StorageBase<T>) {
    assert_eq!(storage.flights().under_way(), 0);
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }
}

type Hook = Arc<dyn Fn() + Send + Sync>;

/// A storage like a remote one: it knows keys by their text, can fail and take time, and counts its operations.
pub(crate) struct Remote<T> {
    pub(crate) entries: Mutex<HashMap<String, T>>,
    failing: Mutex<HashSet<&'static str>>,
    hooks: Mutex<HashMap<&'static str, Hook>>,
    operations: Mutex<Vec<&'static str>>,
    running: AtomicUsize,
    answers: AtomicUsize,
    flights: Flights<T>,
}

impl<T> Remote<T> {
    pub(crate) fn new() -> Self {
        Remote {
            entries: Mutex::default(),
            failing: Mutex::default(),
            hooks: Mutex::default(),
            operations: Mutex::default(),
            running: AtomicUsize::new(0),
            answers: AtomicUsize::new(usize::MAX),
            flights: Flights::default(),
        }
    }

    /// From now on these operations fail.
    pub(crate) fn fail(&self, operations: &[&'static str]) {
        *self.failing.lock().unwrap() = operations.iter().copied().collect();
    }

    /// From now on bulk look-ups answer at most this many of their keys, the first ones.
    pub(crate) fn answer_at_most(&self, count: usize) {
        self.answers.store(count, Ordering::SeqCst);
    }

    /// Runs `hook` in every `operation`, before its effect.
    pub(crate) fn before(&self, operation: &'static str, hook: impl Fn() + Send + Sync + 'static) {
        self.hooks.lock().unwrap().insert(operation, Arc::new(hook));
    }

    /// Runs `hook` after every look-up, before it returns.
    pub(crate) fn after_read(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.before("end of read", hook);
    }

    /// The operations since the last request.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.operations.lock().unwrap())
    }

    /// The number of running operations.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn begin(&self, operation: &'static str) -> Result<(), Error> {
        self.operations.lock().unwrap().push(operation);
        self.run_hook(operation);
        if self.failing.lock().unwrap().contains(operation) {
            return Err(Error::storage("remote", operation, "connection refused"));
        }
        Ok(())
    }
}

impl<T> Remote<T> {
    fn run_hook(&self, operation: &'static str) {
        let hook = self.hooks.lock().unwrap().get(operation).cloned();
        if let Some(hook) = hook {
            self.running.fetch_add(1, Ordering::SeqCst);
            hook();
            self.running.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

pub(crate) fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// The methods of [`StorageBase`] for a storage that loses no entries and has no deadline.
macro_rules! simple_base {
    ($($method:ident)*) => {
        $($crate::support::simple_base!(@$method);)*
    };
    (@namespace) => {
        fn namespace(&self) -> &str {
            ""
        }
    };
    (@stored_key) => {
        fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
            $crate::support::text(key)
        }
    };
    (@deadline) => {
        fn deadline(&self) -> Option<std::time::Duration> {
            None
        }
    };
    (@eviction_counts) => {
        fn eviction_counts(&self) -> ring_cache_core::storage::EvictionCounts {
            ring_cache_core::storage::EvictionCounts::default()
        }
    };
    (@watch) => {
        fn watch(&self, _: std::sync::Arc<dyn ring_cache_core::storage::ChangeObserver>) -> bool {
            false
        }
    };
    (@mark_suspect) => {
        fn mark_suspect(&self, _: &ring_cache_core::key::EncodedKey) {}
    };
}

pub(crate) use simple_base;

impl<T: Clone> StorageBase<T> for Remote<T> {
    type Error = Error;

    simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

    fn flights(&self) -> &Flights<T> {
        &self.flights
    }
}

impl<T: Clone> Storage<T> for Remote<T> {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<T>, Error> {
        self.begin("read")?;
        let found = self.entries.lock().unwrap().get(&text(key)).cloned();
        self.run_hook("end of read");
        Ok(found)
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        self.begin("write")?;
        self.entries.lock().unwrap().insert(text(key), value);
        Ok(())
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        self.begin("remove")?;
        Ok(self.entries.lock().unwrap().remove(&text(key)).is_some())
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        self.begin("contains")?;
        Ok(self.entries.lock().unwrap().contains_key(&text(key)))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, _: Duration, _: Option<Instant>) -> Result<bool, Error> {
        self.begin("renew")?;
        Ok(self.entries.lock().unwrap().contains_key(&text(key)))
    }

    fn read_many<K: RingKey>(&self, keys: &[K], _: Option<Instant>) -> Result<Vec<Option<T>>, Error> {
        self.begin("read_many")?;
        let entries = self.entries.lock().unwrap();
        let answered = keys.iter().take(self.answers.load(Ordering::SeqCst));
        Ok(answered.map(|key| entries.get(&text(key)).cloned()).collect())
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        self.begin("write_many")?;
        let entries = entries.into_iter().map(|(key, value, _)| (text(&key), value));
        self.entries.lock().unwrap().extend(entries);
        Ok(())
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], _: Option<Instant>) -> Result<Vec<bool>, Error> {
        self.begin("remove_many")?;
        let mut entries = self.entries.lock().unwrap();
        Ok(keys
            .iter()
            .map(|key| entries.remove(&text(key)).is_some())
            .collect())
    }
}

impl<T> Expires for Remote<T> {}

impl<T: Clone> Clear<T> for Remote<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        self.begin("clear")?;
        self.entries
            .lock()
            .unwrap()
            .retain(|key, _| !key.starts_with(name.as_str()));
        Ok(())
    }
}
