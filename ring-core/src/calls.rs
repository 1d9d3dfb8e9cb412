//! The verbs of many calls at once.

use crate::body::{Body, Immediate};
use crate::bulk::{self, Bulk, Keyed};
use crate::call::Call;
use crate::colour::now;
use crate::error::Error;
use crate::keeping::Outcome;
use crate::key::Key;
use crate::returned::Returned;
use crate::storage::{AtOnce, View};

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
        now(bulk::get(keyed(self)))
    }

    /// [`Call::get_or_update`] for all: computes only what is absent, equal calls once.
    ///
    /// Values are stored when all are computed: if a body panics, those computed before it are not.
    fn get_or_update_many(self) -> Vec<R::Out> {
        now(bulk::get_or_update(with_bodies(self), 1))
    }

    /// [`Call::update`] for all.
    fn update_many(self) -> Vec<R::Out> {
        now(bulk::update(with_bodies(self), 1))
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
        now(bulk::set(keyed(self), values.into_iter().collect()))
    }

    /// [`Call::delete`] for all.
    fn delete_many(self) -> Outcome<R, S, Vec<bool>> {
        now(bulk::delete(keyed(self)))
    }

    /// [`Call::has`] for all.
    fn has_many(self) -> Outcome<R, S, Vec<bool>> {
        now(bulk::has(keyed(self)))
    }

    /// [`Call::touch`] for all.
    fn touch_many(self) -> Outcome<R, S, Vec<bool>> {
        now(bulk::touch(keyed(self)))
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

/// Calls as the code sees them that async calls share.
fn with_bodies<R, S, B>(
    calls: impl IntoIterator<Item = Call<R, S, B>>,
) -> Bulk<R, AtOnce<S, R::Value>, Immediate<B>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    let calls = calls.into_iter().map(|call| {
        let (keeping, key) = (call.at_once(), call.encoded_key());
        (Keyed { keeping, key }, Immediate::new(call.body))
    });
    calls.collect()
}

fn keyed<R, S, B>(calls: impl IntoIterator<Item = Call<R, S, B>>) -> Vec<Keyed<R, AtOnce<S, R::Value>>>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    with_bodies(calls).into_iter().map(|(keyed, _)| keyed).collect()
}
