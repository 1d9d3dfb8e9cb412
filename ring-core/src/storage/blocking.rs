//! Storages that block the thread, and the driver that runs machines on them.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::base::{Expiring, StorageBase, all_fresh, which_are_fresh};
use super::batch::{Batch, Round};
use super::lease::{Acquired, AfterWrite, LeaseRequest, not_implemented};
use super::machine::{Event, Machine, Step, UntilWait, read_into, taken};
use super::store::Store;
use crate::flights::LeaseToken;
use crate::key::{EncodedKey, Name, RingKey};
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::wait;

/// A blocking storage of values `T` under keys of any type.
///
/// Implementors write the raw operations, which ignore computations under way. Users call the verbs:
/// [`get`](Self::get), [`set`](Self::set), [`delete`](Self::delete), [`has`](Self::has) and [`touch`](Self::touch).
///
/// All operations treat an expired entry as absent. They return by the instant `until`, with an error if they have not
/// ended. Without it, a storage with a [deadline](StorageBase::deadline) applies its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a blocking storage of `{T}`",
    label = "not a `Storage<{T}>`",
    note = "a storage that is awaited, an `AsyncStorage`, is for `async fn`"
)]
pub trait Storage<T>: StorageBase<T> {
    /// Raw: the value under `key`, if there is one.
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<T>, Self::Error>;

    /// Raw: puts a value under `key`, for `expiry` if there is one. A zero expiry removes the entry.
    fn write<K: RingKey + ?Sized>(
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
    fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        if self.contains(key, until)? {
            return Ok(false);
        }
        self.write(key, value, expiry, until).map(|()| true)
    }

    /// Raw: removes the entry under `key`. Returns whether there was one.
    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error>;

    /// Raw: whether there is an entry under `key`. Not a use that protects the entry from eviction.
    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error>;

    /// Raw: restarts the expiry of the entry under `key`. Returns whether there was one.
    ///
    /// Called only on storages that are [`Expires`](super::Expires).
    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error>;

    /// Raw: reads the versions of the tags of these calls, for values that are computed without a look-up.
    #[doc(hidden)]
    fn see_versions<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<(), Self::Error> {
        let _ = (keys, until);
        Ok(())
    }

    /// Raw: the value under `key` that was stored with this version of its tags, and its remaining life.
    #[doc(hidden)]
    fn read_of<K: RingKey + ?Sized>(
        &self,
        key: &K,
        version: u64,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        let _ = (key, version);
        Ok(None)
    }

    /// Raw: puts a value under `key`, with the version of its tags. A storage without versions does not store it.
    #[doc(hidden)]
    fn write_of<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        version: u64,
    ) -> Result<(), Self::Error> {
        let _ = (value, expiry, version);
        self.remove(key, None).map(drop)
    }

    /// Raw: the value under `key` and its remaining life.
    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        let value = self.read(key, until)?;
        Ok(value.map(|value| Expiring {
            value,
            remaining: None,
        }))
    }

    /// Raw: the values under many keys, in the order of the keys.
    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<T>>, Self::Error> {
        keys.iter().map(|key| self.read(key, until)).collect()
    }

    /// Raw: [`read_expiring`](Self::read_expiring) for many keys, in the order of the keys.
    fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        keys.iter().map(|key| self.read_expiring(key, until)).collect()
    }

    /// Raw: whether there is an entry under each of many keys.
    fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.contains(key, until)).collect()
    }

    /// Raw: whether there is an entry under `key` whose remaining life is more than `stale`. Not a use that protects the
    /// entry from eviction, where the storage can tell without one.
    fn contains_fresh<K: RingKey + ?Sized>(
        &self,
        key: &K,
        stale: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        let found = self.read_expiring(key, until)?;
        Ok(found.is_some_and(|found| !found.is_stale(stale)))
    }

    /// Raw: [`contains_fresh`](Self::contains_fresh) for many keys, in the order of the keys.
    fn contains_fresh_many<K: RingKey>(
        &self,
        keys: &[K],
        stale: Duration,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        Ok(which_are_fresh(&self.read_many_expiring(keys, until)?, stale))
    }

    /// Raw: restarts the expiry of many entries. Returns for each whether there was one.
    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        entries
            .iter()
            .map(|(key, expiry)| self.renew(key, *expiry, until))
            .collect()
    }

    /// Raw: puts many values, each with its expiry.
    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        entries
            .into_iter()
            .try_for_each(|(key, value, expiry)| self.write(&key, value, expiry, until))
    }

    /// Raw: asks for the lease of `key`, as [`LeaseRequest`] says. A storage with [leases](StorageBase::leases) implements
    /// it.
    fn acquire<K: RingKey + ?Sized>(
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
    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let _ = after;
        let entries = entries.into_iter();
        entries
            .map(|(key, value, expiry, _)| self.write(&key, value, expiry, until).map(|()| true))
            .collect()
    }

    /// Raw: removes many entries. Returns for each whether there was one.
    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.remove(key, until)).collect()
    }

    /// The value under `key`, if there is one.
    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error> {
        self.read(key, None)
    }

    /// Puts a value under `key`. A computation of it under way is not stored.
    fn set<K>(&self, key: &K, value: T, expiry: Option<Duration>) -> Result<(), Self::Error>
    where
        K: RingKey + ?Sized,
        Self: Sized,
    {
        let key = EncodedKey::of(key);
        match Store::explicit(self, key, Some(value), expiry, DEFAULT_WRITE_TIMEOUT) {
            Some(mut store) => run(self, &mut store).1.map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Removes the entry under `key`, also one being computed. Returns whether there was one.
    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        let invalidation = self
            .flights()
            .table()
            .invalidate(key, DEFAULT_WRITE_TIMEOUT)
            .block();
        invalidation.end(self.remove(key, None))
    }

    /// Whether there is an entry under `key`. Not a use for the eviction policy.
    fn has<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.contains(key, None)
    }

    /// Restarts the expiry of the entry under `key`; without an expiry it equals [`has`](Self::has).
    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> Result<bool, Self::Error> {
        match expiry {
            Some(expiry) => self.renew(key, expiry, None),
            None => self.contains(key, None),
        }
    }
}

/// A storage that can remove all entries of one ring. On other storages `{method}_cache().clear()` does not compile.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot clear the entries of one ring")]
pub trait Clear<T>: Storage<T> {
    /// Raw: removes the entries of the ring `name`, and no others. No deadline applies.
    fn clear_ring(&self, name: &Name) -> Result<(), Self::Error>;
}

/// The value under `key`, unless its remaining life is at most `stale`.
pub(crate) fn read_fresh<S, T, K>(
    storage: &S,
    key: &K,
    stale: Duration,
    until: Option<Instant>,
) -> Result<Option<T>, S::Error>
where
    S: Storage<T>,
    K: RingKey + ?Sized,
{
    if stale.is_zero() {
        return storage.read(key, until);
    }
    let found = storage.read_expiring(key, until)?;
    Ok(found.and_then(|found| found.fresh(stale)))
}

/// Whether there is an entry under `key`, and its remaining life is more than `stale`. Not a use of the entry.
pub(crate) fn is_fresh<S, T, K>(storage: &S, key: &K, stale: Duration) -> Result<bool, S::Error>
where
    S: Storage<T>,
    K: RingKey + ?Sized,
{
    if stale.is_zero() {
        return storage.contains(key, None);
    }
    storage.contains_fresh(key, stale, None)
}

/// [`read_fresh`] for many keys.
pub(crate) fn read_fresh_many<S, T, K>(
    storage: &S,
    keys: &[K],
    stale: Duration,
    until: Option<Instant>,
) -> Result<Vec<Option<T>>, S::Error>
where
    S: Storage<T>,
    K: RingKey,
{
    if stale.is_zero() {
        return storage.read_many(keys, until);
    }
    let found = storage.read_many_expiring(keys, until)?;
    Ok(all_fresh(found, stale))
}

/// Whether there is an entry under each of many keys, and its remaining life is more than `stale`.
pub(crate) fn are_fresh<S, T, K>(storage: &S, keys: &[K], stale: Duration) -> Result<Vec<bool>, S::Error>
where
    S: Storage<T>,
    K: RingKey,
{
    if stale.is_zero() {
        return storage.contains_many(keys, None);
    }
    storage.contains_fresh_many(keys, stale, None)
}

/// The event of a result, and its failure.
pub(super) fn event_of<O, E>(result: Result<O, E>, event: impl FnOnce(O) -> Event) -> (Event, Option<E>) {
    match result {
        Ok(output) => (event(output), None),
        Err(failure) => (Event::Failed, Some(failure)),
    }
}

/// The answer for the only entry. A storage that returns none did not write it.
pub(super) fn only(written: Vec<bool>) -> bool {
    written.first().is_some_and(|written| *written)
}

/// Runs a machine from this step on. Returns its result, and the first failure of the storage.
pub(crate) fn run_from<S, T, M>(
    storage: &S,
    machine: &mut M,
    mut step: ControlFlow<M::Output, Step>,
) -> (M::Output, Option<S::Error>)
where
    S: Storage<T>,
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
        let (event, failed) = execute(storage, key, value, stale, next);
        step = machine.next(event);
        failure = failure.or(failed);
    }
}

/// Executes a step on the entry of a machine's key. Returns its result, and the failure of the storage if it may leave
/// an entry out of date. Apart from the loop, so that it is compiled once for all machines.
fn execute<S, T>(
    storage: &S,
    key: &EncodedKey,
    value: &mut Option<T>,
    stale: Duration,
    step: Step,
) -> (Event, Option<S::Error>)
where
    S: Storage<T>,
{
    let in_scope = || storage.flights().table().write_scope().enter();
    match step {
        Step::Wait(event, until) => (Event::Woken(wait::block(event, until)), None),
        Step::Read(until) => {
            let read = read_fresh(storage, key, stale, until);
            (read_into(value, read), None)
        }
        Step::Renew(life, until) => {
            let _scope = in_scope();
            event_of(storage.renew(key, life, until), Event::Renewed)
        }
        Step::Write(expiry, until) => {
            let _scope = in_scope();
            let written = storage.write(key, taken(value), expiry, until);
            event_of(written, |()| Event::Changed)
        }
        Step::Remove(until) => {
            let _scope = in_scope();
            event_of(storage.remove(key, until), |_| Event::Changed)
        }
        Step::Acquire(request, until) if S::TEXT_KEYS => {
            let acquired = storage.acquire(key, request, until);
            event_of(acquired, |answer| Event::Acquired(answer.without_value(value)))
        }
        Step::WriteLeased(expiry, token, until) if S::TEXT_KEYS => {
            let _scope = in_scope();
            let entries = vec![(key, taken(value), expiry, token)];
            let written = storage.write_leased(entries, AfterWrite::EndLease, until);
            event_of(written.map(only), Event::WrittenLeased)
        }
        Step::Acquire(..) | Step::WriteLeased(..) => {
            unreachable!("a storage that compares bytes has no leases")
        }
    }
}

/// Runs a machine.
pub(crate) fn run<S, T, M>(storage: &S, machine: &mut M) -> (M::Output, Option<S::Error>)
where
    S: Storage<T>,
    M: Machine<T>,
{
    let step = machine.next(Event::Start);
    run_from(storage, machine, step)
}

/// Runs a machine until it waits. Returns its result if it does not, and the first failure of the storage.
pub(crate) fn run_until_wait<S, T, M>(storage: &S, machine: &mut M) -> (Option<M::Output>, Option<S::Error>)
where
    S: Storage<T>,
    M: Machine<T>,
{
    run(storage, &mut UntilWait(machine))
}

/// Makes many writes together. Returns whether each stored a value, and the first failure of the storage.
pub(crate) fn store_many<S, T>(storage: &S, stores: &mut [Store<'_, S, T>]) -> (Vec<bool>, Option<S::Error>)
where
    S: Storage<T>,
{
    let (mut batch, mut failure) = (Batch::new(stores), None);
    while let Some(round) = batch.next_round() {
        match round {
            Round::Wait(place, event, until) => batch.woken(place, wait::block(event, until)),
            Round::Remove(places, until) => {
                let keys = batch.keys(&places);
                let _scope = storage.flights().table().write_scope().enter();
                let removed = storage.remove_many(&keys, until);
                failure = failure.or(batch.ended(&places, removed.map(drop)));
            }
            Round::WriteLeased(entries, until) => {
                let (places, entries) = batch.leased_entries(entries);
                let _scope = storage.flights().table().write_scope().enter();
                let written = storage.write_leased(entries, AfterWrite::EndLease, until);
                failure = failure.or(batch.ended_leased(&places, written));
            }
            Round::Write(entries, until) => {
                let (places, entries) = batch.entries(entries);
                let _scope = storage.flights().table().write_scope().enter();
                let written = storage.write_many(entries, until);
                failure = failure.or(batch.ended(&places, written));
            }
        }
    }
    (batch.stored(), failure)
}
