//! A storage under test, of either colour. All cases are blocking code that runs on threads; an async storage is given
//! to the user's executor, operation by operation.

use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use crate::async_calls::AsyncCalls;
use crate::cache::{AsyncCache, Cache};
use crate::calls::Calls;
use crate::colour::{Awaits, Blocks, Wait, now};
use crate::error::{Error, Failure};
use crate::flights::Flights;
use crate::key::RingKey;
use crate::returned::Plain;
use crate::ring::Ring;
use crate::storage::{AnyView, AsyncStorage, AsyncView, AtOnce, Expiring, Storage};
use crate::sync::Arc;

/// Runs a future to its end.
pub(super) type BlockOn<'c> = dyn Fn(Pin<Box<dyn Future<Output = ()> + '_>>) + Send + Sync + 'c;

/// A storage, and who runs its futures.
pub(super) struct Subject<'c, S, C> {
    pub(super) storage: S,
    block_on: Option<Arc<BlockOn<'c>>>,
    colour: PhantomData<fn() -> C>,
}

impl<'c, S, C> Subject<'c, S, C> {
    pub(super) fn new(storage: S, block_on: Option<Arc<BlockOn<'c>>>) -> Self {
        Subject {
            storage,
            block_on,
            colour: PhantomData,
        }
    }

    /// The same storage by another handle.
    pub(super) fn cloned(&self) -> Self
    where
        S: Clone,
    {
        Self::new(self.storage.clone(), self.block_on.clone())
    }
}

/// What cases need to know of a value.
pub(super) trait Value: Clone + PartialEq + std::fmt::Debug + Send + Sync {}

impl<T: Clone + PartialEq + std::fmt::Debug + Send + Sync> Value for T {}

/// What differs between the colours: how one waits, the verbs of storages, and plain calls.
///
/// A failure of the storage ends the case.
pub(super) trait Tested<T: Value>: Sync {
    /// Whether its futures may be dropped.
    const IS_AWAITED: bool;

    type View<'s>: AsyncView<T> + AnyView<T, Held = T>
    where
        Self: 's;

    /// The storage as code sees it that both colours share.
    fn view(&self) -> Self::View<'_>;

    fn wait<F: Future>(&self, future: F) -> F::Output;

    fn flights(&self) -> &Flights<T>;

    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Option<T>;

    fn set<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Option<Duration>);

    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> bool;

    fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool;

    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> bool;

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Option<Expiring<T>>;

    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Vec<Option<Expiring<T>>>;

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String;

    /// The plain call of `fn method(id: u32) -> T`. The body is told how it may wait.
    fn get_or_update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T;

    fn update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T;

    /// The plain calls of many, each with what its body returns.
    fn get_or_update_many(&self, ring: &'static Ring, calls: Vec<(u32, T)>) -> Vec<T>;
}

/// What an operation came to.
#[track_caller]
pub(super) fn done<T, E: Failure>(operation: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        let error: Error = error.into();
        panic!("`{operation}` failed: {error}")
    })
}

impl<T: Value, S: Storage<T> + Sync> Tested<T> for Subject<'_, S, Blocks> {
    const IS_AWAITED: bool = false;

    type View<'s>
        = AtOnce<&'s S, T>
    where
        Self: 's;

    fn view(&self) -> AtOnce<&S, T> {
        AtOnce::new(&self.storage)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        now(future)
    }

    fn flights(&self) -> &Flights<T> {
        self.storage.flights()
    }

    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Option<T> {
        done("get", self.storage.get(key))
    }

    fn set<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Option<Duration>) {
        done("set", self.storage.set(key, value, expiry));
    }

    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        done("delete", self.storage.delete(key))
    }

    fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        done("has", self.storage.has(key))
    }

    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> bool {
        done("touch", self.storage.touch(key, expiry))
    }

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Option<Expiring<T>> {
        done("read_expiring", self.storage.read_expiring(key))
    }

    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Vec<Option<Expiring<T>>> {
        done("read_many_expiring", self.storage.read_many_expiring(keys))
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.storage.stored_key(key)
    }

    fn get_or_update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T {
        let body = move |_| now(body(Wait::Block));
        Cache::new(ring, &self.storage)
            .bind::<Plain<T>, _, _>((id,), body)
            .get_or_update()
    }

    fn update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T {
        let body = move |_| now(body(Wait::Block));
        Cache::new(ring, &self.storage)
            .bind::<Plain<T>, _, _>((id,), body)
            .update()
    }

    fn get_or_update_many(&self, ring: &'static Ring, calls: Vec<(u32, T)>) -> Vec<T> {
        let cache = Cache::new(ring, &self.storage);
        let calls = calls
            .into_iter()
            .map(|(id, value)| cache.bind::<Plain<T>, _, _>((id,), move |_| value));
        calls.get_or_update_many()
    }
}

impl<T: Value, S: AsyncStorage<T> + Sync> Tested<T> for Subject<'_, S, Awaits> {
    const IS_AWAITED: bool = true;

    type View<'s>
        = &'s S
    where
        Self: 's;

    fn view(&self) -> &S {
        &self.storage
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        let block_on = self.block_on.as_ref();
        let block_on = block_on.unwrap_or_else(|| unreachable!("async subjects have an executor"));
        block_on(Box::pin(async { output = Some(future.await) }));
        output.expect("the executor is to run a future to its end")
    }

    fn flights(&self) -> &Flights<T> {
        self.storage.flights()
    }

    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Option<T> {
        done("get", self.wait(async { self.storage.get(key).await }))
    }

    fn set<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Option<Duration>) {
        done(
            "set",
            self.wait(async { self.storage.set(key, value, expiry).await }),
        );
    }

    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        done("delete", self.wait(async { self.storage.delete(key).await }))
    }

    fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        done("has", self.wait(async { self.storage.has(key).await }))
    }

    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> bool {
        done(
            "touch",
            self.wait(async { self.storage.touch(key, expiry).await }),
        )
    }

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Option<Expiring<T>> {
        done(
            "read_expiring",
            self.wait(async { self.storage.read_expiring(key).await }),
        )
    }

    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Vec<Option<Expiring<T>>> {
        done(
            "read_many_expiring",
            self.wait(async { self.storage.read_many_expiring(keys).await }),
        )
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.storage.stored_key(key)
    }

    fn get_or_update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T {
        let cache = AsyncCache::new(ring, &self.storage);
        let call = cache.bind::<Plain<T>, _, _, _>((id,), move |_| body(Wait::Await));
        self.wait(call.get_or_update())
    }

    fn update(&self, ring: &'static Ring, id: u32, body: impl AsyncFnOnce(Wait) -> T) -> T {
        let cache = AsyncCache::new(ring, &self.storage);
        let call = cache.bind::<Plain<T>, _, _, _>((id,), move |_| body(Wait::Await));
        self.wait(call.update())
    }

    fn get_or_update_many(&self, ring: &'static Ring, calls: Vec<(u32, T)>) -> Vec<T> {
        let cache = AsyncCache::new(ring, &self.storage);
        let calls = calls
            .into_iter()
            .map(|(id, value)| cache.bind::<Plain<T>, _, _, _>((id,), async move |_| value));
        self.wait(calls.get_or_update_many())
    }
}
