//! I4: failures of a storage are counted, and never change the result of a writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::run;
use ring_cache::flights::Flights;
use ring_cache::key::{EncodedKey, text_in_namespace};
use ring_cache::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Storage, StorageBase,
};
use ring_cache::{Error, Name, RingKey, ring_impl};

/// A shared storage that can fail.
#[derive(Clone, Default)]
struct Remote(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<HashMap<String, u32>>,
    flights: Flights<u32>,
    fails: AtomicBool,
    suspects: AtomicU32,
}

impl Remote {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<String, u32>) -> T) -> Result<T, Error> {
        if self.0.fails.load(Ordering::SeqCst) {
            return Err(Error::storage("remote", "delete", "connection refused"));
        }
        Ok(change(&mut self.0.entries.lock().unwrap()))
    }
}

impl StorageBase<u32> for Remote {
    type Error = Error;

    fn flights(&self) -> &Flights<u32> {
        &self.0.flights
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

    fn mark_suspect(&self, _: &EncodedKey) {
        self.0.suspects.fetch_add(1, Ordering::SeqCst);
    }
}

impl Storage<u32> for Remote {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u32>, Error> {
        Ok(self.0.entries.lock().unwrap().get(&self.stored_key(key)).copied())
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        let key = self.stored_key(key);
        self.change(|entries| _ = entries.insert(key, value))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let key = self.stored_key(key);
        self.change(|entries| entries.remove(&key).is_some())
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        Ok(Storage::read(self, key, until)?.is_some())
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        Storage::contains(self, key, until)
    }
}

impl Clear<u32> for Remote {
    fn clear_ring(&self, _: &Name) -> Result<(), Error> {
        self.change(|entries| entries.clear())
    }
}

impl AsyncStorage<u32> for Remote {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<u32>, Error> {
        tokio::task::yield_now().await;
        Storage::read(self, key, until)
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        tokio::task::yield_now().await;
        Storage::write(self, key, value, expiry, until)
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        tokio::task::yield_now().await;
        Storage::remove(self, key, until)
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        Storage::contains(self, key, until)
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        Storage::renew(self, key, expiry, until)
    }
}

impl AsyncClear<u32> for Remote {
    async fn clear_ring(&self, name: &'static Name) -> Result<(), Error> {
        tokio::task::yield_now().await;
        Clear::clear_ring(self, name)
    }
}

/// The counters of a ring are those of all its objects, so its tests run in sequence.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[derive(Default)]
struct Service {
    row: AtomicU32,
    remote: Remote,
}

#[ring_impl(ignore(self), storage = self.remote as Remote)]
impl Service {
    #[ring]
    fn value(&self, id: u32) -> u32 {
        self.row.load(Ordering::SeqCst) + id
    }

    #[ring]
    async fn value_awaited(&self, id: u32) -> u32 {
        self.row.load(Ordering::SeqCst) + id
    }

    #[ring(invalidates(self.value(1), |_| self.value(2)))]
    fn write(&mut self, row: u32) -> u32 {
        *self.row.get_mut() = row;
        row
    }

    #[ring(invalidates(self.value(..)))]
    fn write_all(&self, row: u32) -> u32 {
        self.row.store(row, Ordering::SeqCst);
        row
    }

    #[ring(invalidates(self.value_awaited(1), |_| self.value_awaited(2)))]
    async fn write_awaited(&mut self, row: u32) -> u32 {
        *self.row.get_mut() = row;
        tokio::task::yield_now().await;
        row
    }

    #[ring(invalidates(self.value_awaited(..), self.value(..)))]
    async fn write_all_awaited(&self, row: u32) -> u32 {
        self.row.store(row, Ordering::SeqCst);
        row
    }

    fn fail(&self, fails: bool) {
        self.remote.0.fails.store(fails, Ordering::SeqCst);
    }
}

#[test]
fn i4_a_failure_is_counted_and_leaves_no_trusted_entry() {
    let _alone = alone();
    let mut service = Service::default();
    assert_eq!((service.value(1), service.value(2)), (1, 2));
    service.fail(true);
    let before = service.value_cache().stats().errors;
    assert_eq!(service.write(10), 10);
    assert_eq!(service.value_cache().stats().errors, before + 2);
    assert_eq!(service.remote.0.suspects.load(Ordering::SeqCst), 2);
    // The old values are still there, and are not returned.
    assert_eq!((service.value(1), service.value(2)), (11, 12));
    service.fail(false);
    assert_eq!((service.value(1), service.value(2)), (11, 12));
    assert_eq!(
        service.value_entry(1).get().unwrap(),
        Some(11),
        "a new value is trusted"
    );
}

#[test]
fn i4_a_ring_that_could_not_be_cleared_is_counted_and_not_trusted() {
    let _alone = alone();
    let service = Service::default();
    let values = || (service.value(1), service.value(2), run(service.value_awaited(1)));
    assert_eq!(values(), (1, 2, 1));
    service.fail(true);
    let before = service.value_cache().stats().errors;
    assert_eq!(service.write_all(10), 10);
    assert_eq!(service.value_cache().stats().errors, before + 1);
    assert_eq!(values(), (11, 12, 1), "nothing named the other ring");
    assert_eq!(run(service.write_all_awaited(20)), 20);
    assert_eq!(values(), (21, 22, 21));
    service.fail(false);
    assert!(!service.value_entry(1).has().unwrap(), "the old value is there");
    let computed = service.row.swap(20, Ordering::SeqCst);
    assert_eq!((values(), computed), ((21, 22, 21), 20));
    service.row.store(30, Ordering::SeqCst);
    assert_eq!(values(), (21, 22, 21), "new values are trusted");
    assert_eq!(service.value_entry(3).get().unwrap(), None);
    assert_eq!(service.write_all(40), 40);
    assert_eq!((service.value(1), service.value(1)), (41, 41));
    service.row.store(50, Ordering::SeqCst);
    assert_eq!(service.value(1), 41, "a ring that was cleared is trusted");
    assert_eq!(
        service.remote.0.flights.under_way(),
        1,
        "of the other ring, which is in doubt"
    );
}

#[test]
fn i4_awaited_failures_are_counted_too() {
    let _alone = alone();
    run(async {
        let mut service = Service::default();
        assert_eq!(
            (service.value_awaited(1).await, service.value_awaited(2).await),
            (1, 2)
        );
        service.fail(true);
        let before = service.value_awaited_cache().stats().errors;
        assert_eq!(service.write_awaited(10).await, 10);
        assert_eq!(service.value_awaited_cache().stats().errors, before + 2);
        assert_eq!(
            (service.value_awaited(1).await, service.value_awaited(2).await),
            (11, 12)
        );
        service.fail(false);
        assert_eq!(
            (service.value_awaited(1).await, service.value_awaited(2).await),
            (11, 12)
        );
    });
}

#[test]
fn i2_a_dropped_writer_that_clears_leaves_no_trusted_entry() {
    let _alone = alone();
    let service = Service::default();
    assert_eq!(run(service.value_awaited(1)), 1);
    {
        let mut writer = std::pin::pin!(service.write_all_awaited(10));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(writer.as_mut().poll(&mut context).is_pending(), "it clears");
    }
    assert_eq!(run(service.value_awaited(1)), 11);
    service.row.store(20, Ordering::SeqCst);
    assert_eq!(run(service.value_awaited(1)), 11, "a new value is trusted");
}

/// The future is dropped while the entries are being removed.
#[test]
fn i2_a_writer_that_is_dropped_while_it_forgets_leaves_no_trusted_entry() {
    let _alone = alone();
    for polls in 1..8 {
        let mut service = Service::default();
        run(async {
            service.value_awaited(1).await;
            service.value_awaited(2).await;
        });
        let mut returned = false;
        {
            let mut writer = std::pin::pin!(service.write_awaited(10));
            for _ in 0..polls {
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                returned |= !returned && writer.as_mut().poll(&mut context).is_ready();
            }
        }
        let expected = if polls == 1 { [11, 2] } else { [11, 12] };
        let found = run(async { [service.value_awaited(1).await, service.value_awaited(2).await] });
        assert_eq!(found, expected, "after {polls} polls");
        assert_eq!(returned, polls >= 4, "{polls}");
    }
}
