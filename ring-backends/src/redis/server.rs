//! Redis as the server of a remote storage, for blocking and awaited calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::storage::{AfterWrite, ChangeObserver, LeaseRequest, LeaseToken};
use ring_cache_core::{Name, RingKey};

use super::request::{self, Request};
use super::ring_scan::RingScan;
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::schema::KeySchema;
#[cfg(feature = "tokio")]
use crate::real_time;
#[cfg(feature = "tokio")]
use crate::remote::{AsyncClear, AsyncServer};
use crate::remote::{
    BlockingClear, BlockingServer, Entry, Fault, Found, LeaseAnswer, LeasedEntry, Server, ServerLeases,
};

/// A Redis server or cluster with entries by the key schema `L`.
pub(super) struct RedisServer<L: KeySchema> {
    route: L::Route,
}

/// The time limit of one step of an operation without a deadline.
const STEP: Duration = Duration::from_secs(5);

pub(super) fn next_step() -> Instant {
    Instant::now() + STEP
}

impl<L: KeySchema> RedisServer<L> {
    pub(super) fn new(route: L::Route) -> Self {
        RedisServer { route }
    }

    pub(super) fn route(&self) -> &L::Route {
        &self.route
    }
}

impl<L: KeySchema> Server for RedisServer<L> {
    const NAME: &'static str = L::NAME;

    type StoredKey = L::StoredKey;
    type Request<T: Send + 'static> = Request<T>;

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> L::StoredKey {
        L::stored_key(namespace, key)
    }

    fn nodes(&self) -> usize {
        self.route.count()
    }

    fn node(&self, key: &L::StoredKey) -> usize {
        self.route.number(L::routed(key).as_bytes())
    }

    fn address(&self, node: usize) -> Option<String> {
        self.route.address(node)
    }

    fn answered(&self, node: usize) -> Option<Instant> {
        self.route.answered(node)
    }

    fn watch_error(&self) -> Option<String> {
        self.route.watch_error()
    }

    fn watch(&self, namespace: &str, observer: Arc<dyn ChangeObserver>) -> bool {
        L::watch(&self.route, namespace, observer)
    }

    fn read(keys: &[L::StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        L::read(keys)
    }

    fn read_expiring(keys: &[L::StoredKey]) -> Result<Request<Option<Found>>, Fault> {
        L::read_expiring(keys)
    }

    fn write(entries: &[Entry<L::StoredKey>]) -> Result<Request<()>, Fault> {
        L::write(entries)
    }

    fn write_if_absent(entries: &[Entry<L::StoredKey>]) -> Result<Request<bool>, Fault> {
        L::write_if_absent(entries)
    }

    fn remove(keys: &[L::StoredKey]) -> Result<Request<bool>, Fault> {
        L::remove(keys)
    }

    fn contains(keys: &[L::StoredKey]) -> Result<Request<bool>, Fault> {
        L::contains(keys)
    }

    fn touch(entries: &[(L::StoredKey, Duration)]) -> Result<Request<bool>, Fault> {
        L::touch(entries)
    }

    const LEASES: ServerLeases = L::LEASES;

    fn leased(key: L::StoredKey) -> L::StoredKey {
        L::leased(key)
    }

    fn acquire(items: &[(L::StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
        L::acquire(items)
    }

    fn write_leased(
        entries: &[LeasedEntry<L::StoredKey>],
        after: AfterWrite,
    ) -> Result<Request<bool>, Fault> {
        L::write_leased(entries, after)
    }

    fn release(leases: &[(L::StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
        L::release(leases)
    }
}

impl<L: KeySchema> BlockingServer for RedisServer<L> {
    fn send<T: Send + 'static>(
        &self,
        _: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        let read = request.read(self.route.send(&request.commands, until)?);
        if read.as_ref().is_err_and(Fault::is_lost) {
            self.route.close_idle();
        }
        read
    }
}

#[cfg(feature = "tokio")]
impl<L: KeySchema<Route: AsyncRoute>> AsyncServer for RedisServer<L> {
    async fn send_async<T: Send + 'static>(
        &self,
        _: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        request.read(self.route.send_async(&request.commands, until).await?)
    }
}

impl<L: KeySchema> BlockingClear for RedisServer<L> {
    fn clear(&self, namespace: &str, name: &Name) -> Result<(), Fault> {
        for node in self.route.nodes(next_step())? {
            let mut scan = L::clear(namespace, name);
            while !scan.is_over() {
                let page = self.route.send_to(&node, &scan.step(), next_step())?;
                if let Some(removal) = scan.read(page)? {
                    request::flags(self.route.send(&removal, next_step())?)?;
                }
            }
        }
        Ok(())
    }
}

/// The output of `sending`, if it ends in time.
#[cfg(feature = "tokio")]
async fn in_time<T>(until: Instant, sending: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let sent = real_time::within(until, sending).await;
    sent.unwrap_or(Err(Fault::Timeout))
}

#[cfg(feature = "tokio")]
impl<L: KeySchema<Route: AsyncRoute>> AsyncClear for RedisServer<L> {
    async fn clear(&self, namespace: &str, name: &'static Name) -> Result<(), Fault> {
        let until = next_step();
        for node in in_time(until, self.route.nodes_async(until)).await? {
            let mut scan = L::clear(namespace, name);
            while !scan.is_over() {
                let (until, page) = (next_step(), scan.step());
                let page = in_time(until, self.route.send_to_async(&node, &page, until)).await?;
                if let Some(removal) = scan.read(page)? {
                    let until = next_step();
                    request::flags(in_time(until, self.route.send_async(&removal, until)).await?)?;
                }
            }
        }
        Ok(())
    }
}
