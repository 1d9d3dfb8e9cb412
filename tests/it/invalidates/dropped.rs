//! I2: entries named by a dropped future are suspect.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use ring_cache::{Lru, Map, ring_impl};
use tokio::sync::Notify;

use super::run;

#[derive(Default)]
struct Service {
    row: AtomicU32,
    cache: Lru<u32>,
    map: Map<u32>,
    /// Lets a computation continue.
    go_on: Notify,
}

#[ring_impl(ignore(self), lru = self.cache)]
impl Service {
    #[ring]
    async fn value(&self, id: u32) -> u32 {
        self.row.load(Ordering::SeqCst) + id
    }

    #[ring(map = self.map)]
    async fn other(&self, id: u32) -> u32 {
        self.row.load(Ordering::SeqCst) + id
    }

    #[ring]
    async fn slow(&self, id: u32) -> u32 {
        let row = self.row.load(Ordering::SeqCst);
        self.go_on.notified().await;
        row + id
    }

    #[ring(invalidates(self.value(1), self.other(..), self.slow(1)))]
    async fn write(&self, row: u32) {
        self.row.store(row, Ordering::SeqCst);
        std::future::pending().await
    }

    #[ring(invalidates(self.value(1)), on = ok)]
    async fn write_on_ok(&self, row: u32) -> Result<(), ()> {
        self.row.store(row, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Polls a future once, and drops it.
fn begin_and_drop(future: impl Future) {
    let mut future = pin!(future);
    assert!(poll(future.as_mut()).is_pending());
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn i2_a_dropped_writer_leaves_no_older_value() {
    let service = Service::default();
    let values = || run(async { (service.value(1).await, service.other(1).await) });
    assert_eq!(values(), (1, 1));
    begin_and_drop(service.write(10));
    assert_eq!(values(), (11, 11));
    assert_eq!(
        run(service.value_entry(1).get()),
        Some(11),
        "a new value is stored"
    );
}

#[test]
fn i2_a_writer_that_never_began_forgets_nothing() {
    let service = Service::default();
    run(service.value(1));
    drop(service.write(10));
    assert!(run(service.value_entry(1).has()));
}

#[test]
fn i2_a_computation_during_a_dropped_writer_is_not_stored() {
    let service = Service::default();
    let mut reader = pin!(service.slow(1));
    assert!(poll(reader.as_mut()).is_pending());
    begin_and_drop(service.write(10));
    service.go_on.notify_one();
    assert_eq!(run(reader.as_mut()), 1);
    assert!(!run(service.slow_entry(1).has()));
}

#[test]
fn i2_a_dropped_writer_may_have_been_ok() {
    let service = Service::default();
    run(service.value(1));
    begin_and_drop(service.write_on_ok(10));
    assert_eq!(run(service.value(1)), 11);
}
