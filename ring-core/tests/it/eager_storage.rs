//! A storage whose operations begin when they are called, not when they are polled.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AsyncStorage, StorageBase};
use ring_cache_core::{Error, RingKey};

use crate::support::{
    Gate, assert_quiet, async_call, drive, finish, hold, never_async, patient, pause, poll_once, simple_base,
};

#[derive(Default)]
struct Eager {
    entry: Mutex<Option<u32>>,
    flights: Flights<u32>,
}

impl StorageBase<u32> for Eager {
    type Error = Error;

    simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

    fn flights(&self) -> &Flights<u32> {
        &self.flights
    }
}

impl AsyncStorage<u32> for Eager {
    async fn read<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<Option<u32>, Error> {
        Ok(*self.entry.lock().unwrap())
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        _: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> impl Future<Output = Result<(), Error>> {
        *self.entry.lock().unwrap() = Some(value);
        async {
            pause().await;
            Ok(())
        }
    }

    fn remove<K: RingKey + ?Sized>(
        &self,
        _: &K,
        _: Option<Instant>,
    ) -> impl Future<Output = Result<bool, Error>> {
        let removed = self.entry.lock().unwrap().take().is_some();
        async move { Ok(removed) }
    }

    async fn contains<K: RingKey + ?Sized>(&self, _: &K, _: Option<Instant>) -> Result<bool, Error> {
        Ok(self.entry.lock().unwrap().is_some())
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.contains(key, until).await
    }
}

#[test]
fn an_outdated_computation_calls_no_operation_of_the_storage() {
    let storing: fn(&u32) -> bool = |_| false;
    let removing: fn(&u32) -> bool = |_| true;
    for unless in [storing, removing] {
        let (ring, eager, gate) = (patient(), Eager::default(), Gate::default());
        let body = || async {
            gate.pass().await;
            1
        };
        let mut outdated = hold(async_call(ring, &eager, 1, body).unless(unless).update());
        assert!(drive(&mut outdated).is_pending());
        finish(hold(async_call(ring, &eager, 1, never_async).set(5))).unwrap();
        gate.open(1);
        assert_eq!(finish(outdated), 1);
        let cached = finish(hold(async_call(ring, &eager, 1, never_async).get()));
        assert_eq!(cached.unwrap(), Some(5));
        assert_quiet(&eager);
    }
}

#[test]
fn a_value_is_written_after_the_write_before_it_ended() {
    let (ring, eager) = (patient(), Eager::default());
    let mut first = hold(async_call(ring, &eager, 1, || async { 1 }).update());
    assert!(poll_once(&mut first).is_pending());
    assert_eq!(*eager.entry.lock().unwrap(), Some(1));
    let mut second = hold(async_call(ring, &eager, 1, || async { 2 }).update());
    assert!(drive(&mut second).is_pending());
    assert_eq!(*eager.entry.lock().unwrap(), Some(1));
    assert_eq!((finish(first), finish(second)), (1, 2));
    assert_eq!(*eager.entry.lock().unwrap(), Some(2));
    assert_quiet(&eager);
}
