//! The verbs of many calls at once.

use super::Call;
use super::bulk::{blocking as bulk, take_apart};
use super::context::Outcome;
use crate::body::{Bind, Body};
use crate::error::Error;
use crate::freshness::Lookup;
use crate::key::Key;
use crate::output::Output;
use crate::storage::{Storage, View};

/// The verbs of [`Call`] for many calls of one method: iterators, vectors, arrays.
///
/// Values come in the order of the calls. Look-ups and stores use the storage's bulk operations. Calls may have
/// different storages, as those of services that own their storage.
pub trait Calls<R, S, B>: IntoIterator<Item = Call<R, S, B>> + Sized
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Bind,
{
    /// [`Call::get`] for all.
    fn get_many(self) -> Outcome<R, S, Vec<Option<R::Value>>> {
        bulk::get(take_apart(self).0)
    }

    /// [`Call::lookup`](super::BoundCall::lookup) for all.
    fn lookup_many(self) -> Outcome<R, S, Vec<Lookup<R::Value>>> {
        bulk::lookup(take_apart(self).0)
    }

    /// [`Call::get_or_update`] for all: computes only absent values, equal calls once.
    ///
    /// Values are stored when all are computed. If a body panics, values computed before are not stored.
    fn get_or_update_many(self) -> Vec<R::Out>
    where
        B: Body<Out = R::Out>,
    {
        bulk::get_or_update(take_apart(self))
    }

    /// [`Call::update`] for all.
    fn update_many(self) -> Vec<R::Out>
    where
        B: Body<Out = R::Out>,
    {
        bulk::update(take_apart(self))
    }

    /// [`Call::execute`] for all.
    fn execute_many(self) -> Vec<R::Out>
    where
        B: Body<Out = R::Out>,
    {
        self.into_iter().map(|call| call.execute()).collect()
    }

    /// [`Call::set`] for all, each with its value.
    ///
    /// # Errors
    ///
    /// If the numbers of calls and values differ; then nothing is stored. If the storage fails.
    fn set_many(self, values: impl IntoIterator<Item = R::Value>) -> Result<(), Error> {
        bulk::set(take_apart(self).0, values.into_iter().collect())
    }

    /// [`Call::delete`] for all.
    fn delete_many(self) -> Outcome<R, S, Vec<bool>> {
        bulk::delete(take_apart(self).0)
    }

    /// [`Call::expire`](super::BoundCall::expire) for all.
    fn expire_many(self) -> Outcome<R, S, Vec<bool>> {
        bulk::expire(take_apart(self).0)
    }

    /// [`Call::has`] for all.
    fn has_many(self) -> Outcome<R, S, Vec<bool>> {
        bulk::has(take_apart(self).0)
    }

    /// [`Call::touch`] for all.
    fn touch_many(self) -> Outcome<R, S, Vec<bool>> {
        bulk::touch(take_apart(self).0)
    }

    /// [`Call::key`] for all.
    fn key_many(self) -> Vec<Key> {
        self.into_iter().map(|call| call.key()).collect()
    }
}

impl<I, R, S, B> Calls<R, S, B> for I
where
    I: IntoIterator<Item = Call<R, S, B>>,
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Bind,
{
}
