//! `Blocking`: blocking storages in async functions.

mod busy;
mod cancelled;
mod contract;
mod failing;
mod files;
pub(crate) mod gated;
mod late;
mod ordered;
mod verbs;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use ring_cache_backends::Blocking;
use ring_cache_core::storage::{AsyncStorage, StorageBase};
use tokio::runtime::{Builder, Runtime};

use gated::{Gated, PATIENCE};

type Slow = Blocking<Gated<u32>>;

fn slow() -> Slow {
    Blocking::new(Gated::new())
}

/// The number of keys being computed.
fn under_way(storage: &Slow) -> usize {
    storage.backend().map.flights().under_way()
}

/// A runtime of one thread, besides those for blocking work.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Runs `test` on one thread. It must not hang.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    one_thread().block_on(within_patience(test))
}

async fn within_patience<F: Future>(future: F) -> F::Output {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.expect("it hangs")
}

/// Lets other tasks go on until `true`, or fails.
pub(crate) async fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

/// Polls a future once. It must not be ready.
async fn ask<F: Future>(future: &mut Pin<Box<F>>) {
    let ready = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
    assert!(!ready);
}

/// Checks that a task can be spawned with the future.
fn assert_send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn futures_are_send() {
    /// A key that is not `Sync`.
    struct Cell(std::cell::Cell<u32>);
    impl ring_cache::RingKey for Cell {
        fn ring_key<W: ring_cache::KeyWriter>(&self, key: &mut W) {
            self.0.get().ring_key(key);
        }
    }
    let (storage, key) = (slow(), Cell(1.into()));
    drop(assert_send(storage.read(&key, None)));
    drop(assert_send(storage.write(&key, 1, None, None)));
    drop(assert_send(storage.remove(&key, None)));
    drop(assert_send(storage.contains(&key, None)));
    drop(assert_send(storage.renew(&key, PATIENCE, None)));
    drop(assert_send(storage.read_many(&[1_u32], None)));
    drop(assert_send(storage.remove_many(&[1_u32], None)));
    drop(assert_send(storage.write_many(vec![(1_u32, 1, None)], None)));
}
