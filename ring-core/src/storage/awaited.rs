//! Storages whose operations are awaited, memory storages among them, and the driver that runs machines on them.

use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;
use std::time::{Duration, Instant};

use super::base::{Expiring, StorageBase, all_fresh, which_are_fresh};
use super::batch::{Batch, Round};
use super::blocking::{Clear, Storage, event_of, only};
use super::lease::{Acquired, AfterWrite, LeaseRequest, not_implemented};
use super::machine::{Event, Machine, Step, UntilWait, read_into, taken};
use super::store::Store;
use crate::flights::LeaseToken;
use crate::key::{EncodedKey, Name, RingKey};
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::{storage_mutations, storage_queries, wait};

/// A storage of values `T` for `async fn`s: the awaited operations of [`Storage`].
///
/// Implementors write the raw operations. A memory storage implements [`InMemory`] instead.
///
/// A future may be dropped before it is ready. Its operation then may or may not take effect, or the entry may be
/// gone; nothing else happens, and it takes effect before the next operation on the same key. The keys that calls
/// pass are [`Send`] and [`Sync`]. The implementor decides whether a future is `Send`; a call's future is `Send` if
/// the storage's is.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use ring_cache::key::{EncodedKey, text_in_namespace};
/// use ring_cache::storage::{AsyncStorage, EvictionCounts, ChangeObserver, StorageBase};
/// use ring_cache::{Error, RingKey, flights::Flights};
/// # struct Client;
/// # impl Client {
/// #     async fn get(&self, key: &str) -> std::io::Result<Option<Vec<u8>>> { Ok(None) }
/// #     async fn set(&self, key: &str, value: Vec<u8>, expiry: Option<Duration>) -> std::io::Result<()> { Ok(()) }
/// #     async fn del(&self, key: &str) -> std::io::Result<bool> { Ok(false) }
/// #     async fn exists(&self, key: &str) -> std::io::Result<bool> { Ok(false) }
/// #     async fn expire(&self, key: &str, expiry: Duration) -> std::io::Result<bool> { Ok(false) }
/// # }
///
/// struct Remote { client: Client, flights: Flights<Vec<u8>> }
///
/// impl StorageBase<Vec<u8>> for Remote {
///     type Error = Error;
///     fn flights(&self) -> &Flights<Vec<u8>> { &self.flights }
///     fn namespace(&self) -> &str { "" }
///     fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String { text_in_namespace("", key) }
///     fn deadline(&self) -> Option<Duration> { None }
///     fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
///     fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
///     fn mark_suspect(&self, _: &EncodedKey) {}
/// }
///
/// impl AsyncStorage<Vec<u8>> for Remote {
///     async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>, Error> {
///         let read = self.client.get(&self.stored_key(key)).await;
///         read.map_err(|error| Error::storage("remote", "get", error))
///     }
///     // and so on
/// #   async fn write<K: RingKey + ?Sized>(&self, key: &K, value: Vec<u8>, expiry: Option<Duration>, until: Option<Instant>)
/// -> Result<(), Error> {
/// #       self.client.set(&self.stored_key(key), value, expiry).await.map_err(|error| Error::storage("remote", "set",
/// error))
/// #   }
/// #   async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
/// #       self.client.del(&self.stored_key(key)).await.map_err(|error| Error::storage("remote", "delete", error))
/// #   }
/// #   async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
/// #       self.client.exists(&self.stored_key(key)).await.map_err(|error| Error::storage("remote", "has", error))
/// #   }
/// #   async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration, until: Option<Instant>) -> Result<bool, Error>
/// {
/// #       self.client.expire(&self.stored_key(key), expiry).await.map_err(|error| Error::storage("remote", "touch", error))
/// #   }
/// }
///
/// // Its futures are `Send`: it can be an `AnyAsyncStorage`.
/// ring_cache::send_storage!(Remote: Vec<u8>);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be awaited, and an `async fn` must not block",
    label = "this storage blocks",
    note = "wrap a storage that waits for a disk or a network: `Blocking<{Self}>` moves its work to other threads",
    note = "a storage of your own that never waits says so: `impl InMemory for ..`"
)]
#[allow(async_fn_in_trait)]
pub trait AsyncStorage<T>: StorageBase<T> {
    /// Raw: the value under `key`, if it is known without waiting whether there is one.
    ///
    /// Memory storages answer here, so that a hit neither allocates nor awaits. With `None` the call goes on to
    /// [`read`](Self::read).
    #[inline]
    fn read_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<Option<T>, Self::Error>> {
        let _ = key;
        None
    }

    /// Raw: the value under `key`, if there is one.
    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<T>, Self::Error>;

    /// Raw: puts a value under `key`, for `expiry` if there is one. A zero expiry removes the entry.
    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error>;

    /// Raw: puts a value under `key`, for `expiry` if there is one, unless there is an entry. Returns whether it was put.
    ///
    /// A storage that processes share does it in one step. Without that, of two that put a value at the same time the last
    /// one stays.
    ///
    /// An expiry of zero puts nothing, and the result then means nothing.
    async fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        if self.contains(key, until).await? {
            return Ok(false);
        }
        self.write(key, value, expiry, until).await.map(|()| true)
    }

    /// Raw: removes the entry under `key`. Returns whether there was one.
    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>)
    -> Result<bool, Self::Error>;

    /// Raw: removes the entry under `key`, if this needs no wait.
    ///
    /// Memory storages do it here, so that a future that is dropped leaves no entry that it was to remove. `None`
    /// changes nothing.
    fn remove_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<bool, Self::Error>> {
        let _ = key;
        None
    }

    /// Raw: whether there is an entry under `key`. Not a use that protects the entry from eviction.
    async fn contains<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error>;

    /// Raw: restarts the expiry of the entry under `key`. Returns whether there was one.
    ///
    /// Called only on storages that are [`Expires`](super::Expires).
    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error>;

    /// Raw: [`Storage::see_versions`], awaited.
    #[doc(hidden)]
    async fn see_versions<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<(), Self::Error> {
        let _ = (keys, until);
        Ok(())
    }

    /// Raw: the values under many keys, in the order of the keys.
    async fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<T>>, Self::Error> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.read(key, until).await?);
        }
        Ok(values)
    }

    /// Raw: the value under `key`, and its remaining life, if it expires and the storage knows it.
    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        let value = self.read(key, until).await?;
        Ok(value.map(|value| Expiring {
            value,
            remaining: None,
        }))
    }

    /// Raw: [`read_expiring`](Self::read_expiring) for many keys, in the order of the keys.
    async fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.read_expiring(key, until).await?);
        }
        Ok(values)
    }

    /// Raw: whether there is an entry under each of many keys.
    async fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let mut there = Vec::with_capacity(keys.len());
        for key in keys {
            there.push(self.contains(key, until).await?);
        }
        Ok(there)
    }

    /// Raw: whether there is an entry under `key` whose remaining life is more than `stale`. Not a use that protects the
    /// entry from eviction, where the storage can tell without one.
    async fn contains_fresh<K: RingKey + ?Sized>(
        &self,
        key: &K,
        stale: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        let found = self.read_expiring(key, until).await?;
        Ok(found.is_some_and(|found| !found.is_stale(stale)))
    }

    /// Raw: [`contains_fresh`](Self::contains_fresh) for many keys, in the order of the keys.
    async fn contains_fresh_many<K: RingKey>(
        &self,
        keys: &[K],
        stale: Duration,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        Ok(which_are_fresh(
            &self.read_many_expiring(keys, until).await?,
            stale,
        ))
    }

    /// Raw: restarts the expiry of many entries. Returns for each whether there was one.
    async fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let mut there = Vec::with_capacity(entries.len());
        for (key, expiry) in entries {
            there.push(self.renew(key, *expiry, until).await?);
        }
        Ok(there)
    }

    /// Raw: puts many values, each with its expiry.
    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        for (key, value, expiry) in entries {
            self.write(&key, value, expiry, until).await?;
        }
        Ok(())
    }

    /// Raw: asks for the lease of `key`, as [`LeaseRequest`] says. A storage with [leases](StorageBase::leases) implements
    /// it.
    async fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<T>, Self::Error> {
        let _ = (key, until);
        not_implemented(request)
    }

    /// Raw: puts values, each with its expiry, whose leases have these tokens, and ends the leases unless they stay. Returns
    /// for each whether it was put. A storage with [leases](StorageBase::leases) implements it.
    async fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let _ = after;
        let mut written = Vec::with_capacity(entries.len());
        for (key, value, expiry, _) in entries {
            self.write(&key, value, expiry, until).await?;
            written.push(true);
        }
        Ok(written)
    }

    /// Raw: removes many entries. Returns for each whether there was one.
    async fn remove_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let mut removed = Vec::with_capacity(keys.len());
        for key in keys {
            removed.push(self.remove(key, until).await?);
        }
        Ok(removed)
    }

    /// The value under `key`, if there is one.
    async fn get<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error> {
        self.read(key, None).await
    }

    /// Puts a value under `key`. A computation of it under way is not stored.
    async fn set<K>(&self, key: &K, value: T, expiry: Option<Duration>) -> Result<(), Self::Error>
    where
        K: RingKey + ?Sized,
        Self: Sized,
    {
        let key = EncodedKey::of(key);
        match Store::explicit(self, key, Some(value), expiry, DEFAULT_WRITE_TIMEOUT) {
            Some(mut store) => run(self, &mut store).await.1.map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Removes the entry under `key`, also one being computed. Returns whether there was one.
    async fn delete<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        let invalidation = self.flights().table().invalidate(key, DEFAULT_WRITE_TIMEOUT);
        let invalidation = invalidation.settle().await;
        invalidation.end(self.remove(key, None).await)
    }

    /// Whether there is an entry under `key`. Not a use for the eviction policy.
    async fn has<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.contains(key, None).await
    }

    /// Restarts the expiry of the entry under `key`; without an expiry it equals [`has`](Self::has).
    async fn touch<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Option<Duration>,
    ) -> Result<bool, Self::Error> {
        match expiry {
            Some(expiry) => self.renew(key, expiry, None).await,
            None => self.contains(key, None).await,
        }
    }
}

/// An [`AsyncStorage`] that can remove all entries of one ring: see [`Clear`].
#[diagnostic::on_unimplemented(message = "`{Self}` cannot clear the entries of one ring")]
#[allow(async_fn_in_trait)]
pub trait AsyncClear<T>: AsyncStorage<T> {
    /// Raw: removes the entries of the ring `name`, and no others.
    async fn clear_ring(&self, name: &'static Name) -> Result<(), Self::Error>;

    /// [`clear_ring`](Self::clear_ring), if this needs no wait. `None` changes nothing.
    fn clear_ring_at_once(&self, name: &'static Name) -> Option<Result<(), Self::Error>> {
        let _ = name;
        None
    }
}

/// A storage whose operations wait only for locks that are held briefly. It is an [`AsyncStorage`].
pub trait InMemory {}

/// Operations that end when their future is first polled.
macro_rules! at_once {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        async fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Self::Error> {
            Storage::$name(self, $key, $($argument,)* until)
        }
    )*};
}

#[diagnostic::do_not_recommend]
impl<T, S: Storage<T> + InMemory> AsyncStorage<T> for S {
    #[inline]
    fn read_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<Option<T>, Self::Error>> {
        Some(Storage::read(self, key, None))
    }

    fn remove_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<bool, Self::Error>> {
        Some(Storage::remove(self, key, None))
    }

    storage_queries!(at_once);
    storage_mutations!(at_once);
}

#[diagnostic::do_not_recommend]
impl<T, S: Clear<T> + InMemory> AsyncClear<T> for S {
    async fn clear_ring(&self, name: &'static Name) -> Result<(), Self::Error> {
        Clear::clear_ring(self, name)
    }

    fn clear_ring_at_once(&self, name: &'static Name) -> Option<Result<(), Self::Error>> {
        Some(Clear::clear_ring(self, name))
    }
}

/// The value under `key`, unless its remaining life is at most `stale`.
///
/// Code for rings with stale entries only is boxed: the compiler computes the layout of nested futures to a limited depth.
pub(crate) async fn read_fresh<S, T, K>(
    storage: &S,
    key: &K,
    stale: Duration,
    until: Option<Instant>,
) -> Result<Option<T>, S::Error>
where
    S: AsyncStorage<T>,
    K: RingKey + ?Sized,
{
    if stale.is_zero() {
        return storage.read(key, until).await;
    }
    let found = Box::pin(storage.read_expiring(key, until)).await?;
    Ok(found.and_then(|found| found.fresh(stale)))
}

/// [`read_fresh`] for many keys.
pub(crate) async fn read_fresh_many<S, T, K>(
    storage: &S,
    keys: &[K],
    stale: Duration,
    until: Option<Instant>,
) -> Result<Vec<Option<T>>, S::Error>
where
    S: AsyncStorage<T>,
    K: RingKey,
{
    if stale.is_zero() {
        return storage.read_many(keys, until).await;
    }
    let found = storage.read_many_expiring(keys, until).await?;
    Ok(all_fresh(found, stale))
}

/// Whether there is an entry under each of many keys, and its remaining life is more than `stale`.
pub(crate) async fn are_fresh<S, T, K>(
    storage: &S,
    keys: &[K],
    stale: Duration,
) -> Result<Vec<bool>, S::Error>
where
    S: AsyncStorage<T>,
    K: RingKey,
{
    if stale.is_zero() {
        return storage.contains_many(keys, None).await;
    }
    storage.contains_fresh_many(keys, stale, None).await
}

/// Runs a machine from this step on. Returns its result, and the first failure of the storage.
pub(crate) async fn run_from<S, T, M>(
    storage: &S,
    machine: &mut M,
    mut step: ControlFlow<M::Output, Step>,
) -> (M::Output, Option<S::Error>)
where
    S: AsyncStorage<T>,
    M: Machine<T>,
{
    let mut failure = None;
    loop {
        let next = match step {
            Continue(next) => next,
            Break(output) => return (output, failure),
        };
        let stale = machine.stale();
        let (key, value) = machine.entry();
        let (event, failed) = execute(storage, key, value, stale, next).await;
        step = machine.next(event);
        failure = failure.or(failed);
    }
}

/// Executes a step on the entry of a machine's key. Returns its result, and the failure of the storage if it may leave
/// an entry out of date. Boxed is what few calls need.
async fn execute<S, T>(
    storage: &S,
    key: &EncodedKey,
    value: &mut Option<T>,
    stale: Duration,
    step: Step,
) -> (Event, Option<S::Error>)
where
    S: AsyncStorage<T>,
{
    // The operation is started inside the scope: it may run before its first await.
    let scope = storage.flights().table().write_scope();
    match step {
        Step::Wait(event, until) => (Event::Woken(wait::event(event, until).await), None),
        Step::Read(until) => {
            let read = if stale.is_zero() {
                storage.read(key, until).await
            } else {
                Box::pin(read_fresh(storage, key, stale, until)).await
            };
            (read_into(value, read), None)
        }
        Step::Renew(life, until) => {
            let renewing = Box::pin(async { storage.renew(key, life, until).await });
            event_of(scope.around(renewing).await, Event::Renewed)
        }
        Step::Acquire(request, until) if S::TEXT_KEYS => {
            let acquired = Box::pin(storage.acquire(key, request, until)).await;
            event_of(acquired, |answer| Event::Acquired(answer.without_value(value)))
        }
        Step::WriteLeased(expiry, token, until) if S::TEXT_KEYS => {
            let entries = vec![(key, taken(value), expiry, token)];
            let writing =
                Box::pin(async { storage.write_leased(entries, AfterWrite::EndLease, until).await });
            event_of(scope.around(writing).await.map(only), Event::WrittenLeased)
        }
        Step::Write(expiry, until) => {
            let value = taken(value);
            let writing = pin!(async { storage.write(key, value, expiry, until).await });
            event_of(scope.around(writing).await, |()| Event::Changed)
        }
        Step::Remove(until) => {
            let removing = pin!(async { storage.remove(key, until).await });
            event_of(scope.around(removing).await, |_| Event::Changed)
        }
        Step::Acquire(..) | Step::WriteLeased(..) => {
            unreachable!("a storage that compares bytes has no leases")
        }
    }
}

/// Runs a machine.
pub(crate) async fn run<S, T, M>(storage: &S, machine: &mut M) -> (M::Output, Option<S::Error>)
where
    S: AsyncStorage<T>,
    M: Machine<T>,
{
    let step = machine.next(Event::Start);
    run_from(storage, machine, step).await
}

/// Runs a machine until it waits. Returns its result if it does not, and the first failure of the storage.
pub(crate) async fn run_until_wait<S, T, M>(
    storage: &S,
    machine: &mut M,
) -> (Option<M::Output>, Option<S::Error>)
where
    S: AsyncStorage<T>,
    M: Machine<T>,
{
    run(storage, &mut UntilWait(machine)).await
}

/// Makes many writes together. Returns whether each stored a value, and the first failure of the storage.
pub(crate) async fn store_many<S, T>(
    storage: &S,
    stores: &mut [Store<'_, S, T>],
) -> (Vec<bool>, Option<S::Error>)
where
    S: AsyncStorage<T>,
{
    let (mut batch, mut failure) = (Batch::new(stores), None);
    while let Some(round) = batch.next_round() {
        match round {
            Round::Wait(place, event, until) => batch.woken(place, wait::event(event, until).await),
            Round::Remove(places, until) => {
                let removed = {
                    let keys = batch.keys(&places);
                    let removing = pin!(async { storage.remove_many(&keys, until).await.map(drop) });
                    storage.flights().table().write_scope().around(removing).await
                };
                failure = failure.or(batch.ended(&places, removed));
            }
            Round::WriteLeased(entries, until) => {
                let (places, written) = {
                    let (places, entries) = batch.leased_entries(entries);
                    let writing =
                        Box::pin(async { storage.write_leased(entries, AfterWrite::EndLease, until).await });
                    (
                        places,
                        storage.flights().table().write_scope().around(writing).await,
                    )
                };
                failure = failure.or(batch.ended_leased(&places, written));
            }
            Round::Write(entries, until) => {
                let (places, written) = {
                    let (places, entries) = batch.entries(entries);
                    let writing = pin!(async { storage.write_many(entries, until).await });
                    (
                        places,
                        storage.flights().table().write_scope().around(writing).await,
                    )
                };
                failure = failure.or(batch.ended(&places, written));
            }
        }
    }
    (batch.stored(), failure)
}
