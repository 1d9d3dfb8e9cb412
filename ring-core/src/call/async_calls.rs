//! The verbs of many async calls at once.

use std::num::NonZeroUsize;

use super::AsyncCall;
use super::bulk::concurrently::concurrently;
use super::bulk::{Bulk, awaited as bulk, take_apart};
use super::context::Outcome;
use crate::body::{AsyncBody, Bind, Boxed};
use crate::error::Error;
use crate::freshness::Lookup;
use crate::key::Key;
use crate::output::Output;
use crate::storage::{AsyncStorage, View};

/// The default number of values that a bulk call computes at a time: see [`AsyncCalls::at_most`].
pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The verbs of [`AsyncCall`] for many calls of one method: iterators, vectors, arrays.
///
/// The awaited counterpart of [`Calls`](crate::Calls). Missing values are computed concurrently, by the task that
/// awaits. Calls are taken from the iterator when the verb is called.
pub trait AsyncCalls<R, S, B>: IntoIterator<Item = AsyncCall<R, S, B>> + Sized
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: Bind,
{
    /// Computes at most `limit` values at a time, instead of [`DEFAULT_CONCURRENCY`].
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use ring_cache::{AsyncCall, AsyncCalls, Plain, Lru, body::AsyncBody};
    ///
    /// async fn users<B: AsyncBody<Out = String>>(calls: Vec<AsyncCall<Plain<String>, &Lru<String>, B>>) -> Vec<String> {
    ///     calls.at_most(8).get_or_update_many().await
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    fn at_most(self, limit: usize) -> AtMost<Self> {
        let limit =
            NonZeroUsize::new(limit).expect("`at_most` must allow at least one computation at a time");
        AtMost { calls: self, limit }
    }

    /// `AsyncCall::get` for all.
    fn get_many(self) -> impl Future<Output = Outcome<R, S, Vec<Option<R::Value>>>> {
        bulk::get(take_apart(self).0)
    }

    /// `AsyncCall::lookup` for all.
    fn lookup_many(self) -> impl Future<Output = Outcome<R, S, Vec<Lookup<R::Value>>>> {
        bulk::lookup(take_apart(self).0)
    }

    /// `AsyncCall::get_or_update` for all: computes only absent values, equal calls once.
    ///
    /// Values are stored when all are computed. If a body panics or the future is dropped, values computed before are
    /// not stored.
    fn get_or_update_many(self) -> impl Future<Output = Vec<R::Out>>
    where
        B: AsyncBody<Out = R::Out>,
    {
        bulk::get_or_update(boxed(self), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::update` for all.
    fn update_many(self) -> impl Future<Output = Vec<R::Out>>
    where
        B: AsyncBody<Out = R::Out>,
    {
        bulk::update(boxed(self), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::execute` for all.
    fn execute_many(self) -> impl Future<Output = Vec<R::Out>>
    where
        B: AsyncBody<Out = R::Out>,
    {
        execute(self.into_iter().collect(), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::set` for all, each with its value.
    ///
    /// # Errors
    ///
    /// If the numbers of calls and values differ; then nothing is stored. If the storage fails.
    fn set_many(self, values: impl IntoIterator<Item = R::Value>) -> impl Future<Output = Result<(), Error>> {
        bulk::set(take_apart(self).0, values.into_iter().collect())
    }

    /// `AsyncCall::delete` for all.
    fn delete_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::delete(take_apart(self).0)
    }

    /// `AsyncCall::expire` for all.
    fn expire_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::expire(take_apart(self).0)
    }

    /// `AsyncCall::has` for all.
    fn has_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::has(take_apart(self).0)
    }

    /// `AsyncCall::touch` for all.
    fn touch_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::touch(take_apart(self).0)
    }

    /// `AsyncCall::key` for all. Not awaited.
    fn key_many(self) -> Vec<Key> {
        self.into_iter().map(|call| call.key()).collect()
    }
}

impl<I, R, S, B> AsyncCalls<R, S, B> for I
where
    I: IntoIterator<Item = AsyncCall<R, S, B>>,
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: Bind,
{
}

/// Calls with a limit on concurrent computations: see [`AsyncCalls::at_most`].
#[derive(Clone, Debug)]
#[must_use = "calls do nothing until a verb follows, such as `.get_or_update_many()`"]
pub struct AtMost<I> {
    calls: I,
    limit: NonZeroUsize,
}

/// For the verbs that do not compute: the limit has no effect on them.
impl<I: IntoIterator> IntoIterator for AtMost<I> {
    type Item = I::Item;
    type IntoIter = I::IntoIter;

    fn into_iter(self) -> I::IntoIter {
        self.calls.into_iter()
    }
}

impl<I> AtMost<I> {
    /// [`AsyncCalls::get_or_update_many`]
    pub fn get_or_update_many<R, S, B>(self) -> impl Future<Output = Vec<R::Out>> + use<I, R, S, B>
    where
        I: AsyncCalls<R, S, B>,
        R: Output,
        S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
        B: AsyncBody<Out = R::Out>,
    {
        bulk::get_or_update(boxed(self.calls), self.limit.get())
    }

    /// [`AsyncCalls::update_many`]
    pub fn update_many<R, S, B>(self) -> impl Future<Output = Vec<R::Out>> + use<I, R, S, B>
    where
        I: AsyncCalls<R, S, B>,
        R: Output,
        S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
        B: AsyncBody<Out = R::Out>,
    {
        bulk::update(boxed(self.calls), self.limit.get())
    }

    /// [`AsyncCalls::execute_many`]
    pub fn execute_many<R, S, B>(self) -> impl Future<Output = Vec<R::Out>> + use<I, R, S, B>
    where
        I: AsyncCalls<R, S, B>,
        R: Output,
        S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
        B: AsyncBody<Out = R::Out>,
    {
        execute(self.calls.into_iter().collect(), self.limit.get())
    }
}

async fn execute<R, S, B>(calls: Vec<AsyncCall<R, S, B>>, limit: usize) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: AsyncBody<Out = R::Out>,
{
    let calls = calls.into_iter().enumerate();
    let outs = calls.map(|(place, call)| async move { (place, Boxed::new(call.body).await) });
    let mut outs = concurrently(limit, outs.collect()).await;
    outs.sort_unstable_by_key(|(place, _)| *place);
    outs.into_iter().map(|(_, out)| out).collect()
}

fn boxed<R, S, B>(calls: impl IntoIterator<Item = AsyncCall<R, S, B>>) -> Bulk<R, S, Boxed<B>>
where
    R: Output,
    B: AsyncBody<Out = R::Out>,
{
    let (calls, bodies) = take_apart(calls);
    (calls, bodies.into_iter().map(Boxed::new).collect())
}
