//! A storage whose writes wait at a gate, and can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ring_cache::clock::ManualClock;
use ring_cache::flights::Flights;
use ring_cache::key::{EncodedKey, text_in_namespace};
use ring_cache::storage::{
    AsyncStorage, ChangeObserver, EvictionCounts, Expires, Expiring, Storage, StorageBase, TellsLife,
};
use ring_cache::{Error, Lru, RingKey};
use tokio::sync::Semaphore;

/// Entries live in memory, by a clock that the test moves.
pub(super) struct Gated {
    entries: Lru<u32>,
    pub(super) clock: ManualClock,
    flights: Flights<u32>,
    /// Writes that may pass.
    pub(super) gate: Semaphore,
    pub(super) writes_begun: AtomicUsize,
    pub(super) writes_fail: AtomicBool,
    pub(super) reads_fail: AtomicBool,
}

impl Gated {
    /// The gate is open.
    pub(super) fn new() -> Self {
        let clock = ManualClock::default();
        Gated {
            entries: Lru::builder().capacity(100).clock(clock.clone()).build(),
            clock,
            flights: Flights::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            writes_begun: AtomicUsize::new(0),
            writes_fail: AtomicBool::new(false),
            reads_fail: AtomicBool::new(false),
        }
    }

    /// From now on writes wait.
    pub(super) fn close_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn open_gate(&self) {
        self.gate.add_permits(1_000);
    }
}

impl StorageBase<u32> for Gated {
    type Error = Error;

    fn flights(&self) -> &Flights<u32> {
        &self.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace("", key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}
}

impl Expires for Gated {}
impl TellsLife for Gated {}

fn whole<T>(result: Result<T, std::convert::Infallible>) -> Result<T, Error> {
    let Ok(value) = result;
    Ok(value)
}

impl AsyncStorage<u32> for Gated {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<u32>, Error> {
        whole(Storage::read(&self.entries, key, until))
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<u32>>, Error> {
        if self.reads_fail.load(SeqCst) {
            return Err(Error::storage("gated", "get", "it is gone"));
        }
        whole(Storage::read_expiring(&self.entries, key, until))
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.writes_begun.fetch_add(1, SeqCst);
        self.gate.acquire().await.unwrap().forget();
        if self.writes_fail.load(SeqCst) {
            return Err(Error::storage("gated", "set", "it is full"));
        }
        whole(Storage::write(&self.entries, key, value, expiry, until))
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        whole(Storage::remove(&self.entries, key, until))
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        whole(Storage::contains(&self.entries, key, until))
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        whole(Storage::renew(&self.entries, key, expiry, until))
    }
}
