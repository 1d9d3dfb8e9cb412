//! The verbs of many calls at once.

use std::borrow::Borrow;

use hashbrown::HashMap;

use crate::body::Body;
use crate::bulk;
use crate::call::{Call, HeldResult, Outcome};
use crate::error::{Error, Failure};
use crate::key::{CallKey, EncodedKey, Key};
use crate::returned::Returned;
use crate::storage::{Storage, View};

/// The verbs of [`Call`], for everything that yields calls of one method: iterators, vectors, arrays.
///
/// Values come in the order of the calls. Look-ups and stores use the storage's bulk operations. Calls whose methods
/// are cached in different storages, as in services that own theirs, may be mixed.
pub trait Calls<R, S, B>: IntoIterator<Item = Call<R, S, B>> + Sized
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    /// [`Call::get`] for all.
    fn get_many(self) -> Outcome<R, S, Vec<Option<R::Value>>> {
        let calls: Vec<_> = self.into_iter().collect();
        outcome(&calls, by_storage(&calls, look_up))
    }

    /// [`Call::get_or_update`] for all: computes only what is absent, equal calls once.
    ///
    /// Values are stored when all are computed: if a body panics, those computed before it are not.
    fn get_or_update_many(self) -> Vec<R::Out> {
        bulk::get_or_update(self.into_iter().collect())
    }

    /// [`Call::update`] for all.
    fn update_many(self) -> Vec<R::Out> {
        bulk::update(self.into_iter().collect())
    }

    /// [`Call::execute`] for all.
    fn execute_many(self) -> Vec<R::Out> {
        self.into_iter().map(Call::execute).collect()
    }

    /// [`Call::set`] for all, each with its value.
    ///
    /// # Errors
    ///
    /// If there are not as many values as calls: then nothing is stored. And what the storage says.
    fn set_many(self, values: impl IntoIterator<Item = R::Value>) -> Result<(), Error> {
        let calls: Vec<_> = self.into_iter().collect();
        let values: Vec<_> = values.into_iter().collect();
        if calls.len() != values.len() {
            return Err(Error::lengths(calls.len(), values.len()));
        }
        set_all(&calls, values).map_err(|error| match calls.first() {
            Some(call) => error.of_ring(call.name().as_str()),
            None => error,
        })
    }

    /// [`Call::delete`] for all.
    fn delete_many(self) -> Outcome<R, S, Vec<bool>> {
        let calls: Vec<_> = self.into_iter().collect();
        let deleted = by_storage(&calls, |storage, group| {
            let keys = keys(group);
            keys.iter().for_each(|key| storage.flights().forget(key));
            storage.remove_many(&keys)
        });
        outcome(&calls, deleted)
    }

    /// [`Call::has`] for all.
    fn has_many(self) -> Outcome<R, S, Vec<bool>> {
        let calls: Vec<_> = self.into_iter().collect();
        outcome(
            &calls,
            calls
                .iter()
                .inspect(|call| call.admit())
                .map(|call| call.storage().has(&call.call_key()))
                .collect(),
        )
    }

    /// [`Call::touch`] for all.
    fn touch_many(self) -> Outcome<R, S, Vec<bool>> {
        let calls: Vec<_> = self.into_iter().collect();
        let touched = calls
            .iter()
            .inspect(|call| call.admit())
            .map(|call| call.storage().touch(&call.call_key(), call.expiry()))
            .collect();
        outcome(&calls, touched)
    }

    /// [`Call::key`] for all.
    fn key_many(self) -> Vec<Key> {
        self.into_iter().map(|call| call.key()).collect()
    }
}

impl<I, R, S, B> Calls<R, S, B> for I
where
    I: IntoIterator<Item = Call<R, S, B>>,
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
}

fn outcome<R, S, B, T>(calls: &[Call<R, S, B>], result: HeldResult<R, S, T>) -> Outcome<R, S, T>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let call = calls.first();
    if let (Some(call), Err(_)) = (call, &result) {
        call.count_error();
    }
    Failure::outcome(result, call.map_or("", |call| call.name().as_str()))
}

/// Runs `operate` once for each storage, and puts what it returns into the order of the calls.
fn by_storage<R, S, B, T>(
    calls: &[Call<R, S, B>],
    mut operate: impl FnMut(&S::Storage, &[&Call<R, S, B>]) -> HeldResult<R, S, Vec<T>>,
) -> HeldResult<R, S, Vec<T>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let mut results: Vec<(usize, T)> = Vec::with_capacity(calls.len());
    let mut failure = None;
    for group in group_by_storage(calls.iter().enumerate()) {
        let (indices, group): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match operate(group[0].storage(), &group) {
            Ok(done) => results.extend(indices.into_iter().zip(done)),
            // A failure of one storage is no reason to spare the others.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn set_all<R, S, B>(calls: &[Call<R, S, B>], values: Vec<R::Value>) -> Result<(), Error>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let mut failure = None;
    for group in group_by_storage(calls.iter().zip(values).map(|(call, value)| (value, call))) {
        let storage = group[0].1.storage();
        let (mut entries, mut refused) = (Vec::with_capacity(group.len()), Vec::new());
        for (value, call) in group {
            call.admit_writing();
            storage.flights().forget(&call.call_key());
            match call.keep(value) {
                Ok(held) => entries.push((EncodedKey::of(&call.call_key()), held, call.expiry())),
                Err(error) => {
                    call.count_error();
                    failure = failure.or(Some(error));
                    refused.push(call.call_key());
                }
            }
        }
        // What cannot be stored must not leave the old value in its place.
        if !refused.is_empty()
            && let Err(error) = storage.remove_many(&refused)
        {
            calls[0].count_error();
            failure = failure.or(Some(error.into()));
        }
        let count = entries.len();
        match storage.write_many(entries) {
            Ok(()) => (0..count).for_each(|_| calls[0].count_store()),
            Err(error) => {
                calls[0].count_error();
                failure = failure.or(Some(error.into()));
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn keys<'c, R, S, B>(calls: &[&'c Call<R, S, B>]) -> Vec<CallKey<'c, B::Parts>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    calls.iter().map(|call| call.call_key()).collect()
}

/// Calls with something that belongs to each, together by their storages.
pub(crate) fn group_by_storage<T, R, S, B, C>(calls: impl Iterator<Item = (T, C)>) -> Vec<Vec<(T, C)>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
    C: Borrow<Call<R, S, B>>,
{
    let mut groups: Vec<Vec<(T, C)>> = Vec::new();
    let mut places = HashMap::new();
    for (index, call) in calls {
        call.borrow().admit();
        let storage = std::ptr::from_ref(call.borrow().storage());
        let place = *places.entry(storage).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push((index, call));
    }
    groups
}

/// The cached values of calls that share a storage.
pub(crate) fn look_up<R, S, B>(
    storage: &S::Storage,
    calls: &[&Call<R, S, B>],
) -> HeldResult<R, S, Vec<Option<R::Value>>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let held = storage.read_many(&keys(calls))?;
    Ok(calls
        .iter()
        .zip(held)
        .map(|(call, held)| call.decode_found(held))
        .collect())
}
