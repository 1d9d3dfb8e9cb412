//! `Memcached`, on real servers.

mod bulk;
mod cancelled;
mod contract;
mod expiry;
mod keys;
mod many;
mod outages;
mod scripted;
mod several;
mod tap;
mod verbs;
mod wrong;

use std::future::Future;
use std::time::{Duration, Instant};

use ring_cache_backends::Memcached;
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_test_servers as servers;
use tokio::runtime::{Builder, Runtime};

/// Enough for any expected event on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server for one test, and a storage on it with a long deadline.
fn start(what: &str) -> Option<(servers::Memcached, Memcached)> {
    let server = servers::or_leave_out(what, servers::Memcached::start())?;
    let storage = patient(server.url());
    Some((server, storage))
}

fn patient(address: impl ring_cache_backends::memcached::Servers) -> Memcached {
    Memcached::open(address).unwrap().deadline(PATIENCE)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn run<F: Future>(future: F) -> F::Output {
    runtime().block_on(async {
        let done = tokio::time::timeout(2 * PATIENCE, future).await;
        done.expect("it hangs")
    })
}

/// Repeats until true, or fails.
fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

// With both traits in scope, the colour of an operation must be named.

fn read(storage: &Memcached, key: &str) -> Result<Option<Vec<u8>>, ring_cache::Error> {
    Storage::read(storage, key, None)
}

fn write(storage: &Memcached, key: &str, value: &str) -> Result<(), ring_cache::Error> {
    Storage::write(storage, key, value.into(), None, None)
}

async fn read_async(storage: &Memcached, key: &str) -> Result<Option<Vec<u8>>, ring_cache::Error> {
    AsyncStorage::read(storage, key, None).await
}

async fn write_async(storage: &Memcached, key: &str, value: &str) -> Result<(), ring_cache::Error> {
    AsyncStorage::write(storage, key, value.into(), None, None).await
}
