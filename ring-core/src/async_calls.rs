//! The verbs of many async calls at once.

use std::num::NonZeroUsize;

use crate::async_call::AsyncCall;
use crate::body::{AsyncBody, Deferred};
use crate::bulk::{self, Bulk, Keyed};
use crate::concurrently::concurrently;
use crate::error::Error;
use crate::keeping::Outcome;
use crate::key::Key;
use crate::returned::Returned;
use crate::storage::AsyncView;

/// How many values a bulk call computes at a time, if nothing else is said: see [`AsyncCalls::at_most`].
pub const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The verbs of [`AsyncCall`], for everything that yields calls of one method: iterators, vectors, arrays.
///
/// It is [`Calls`](crate::Calls), awaited, with one thing more: what has to be computed is computed concurrently, by the
/// task that awaits. Calls are taken from the iterator when the verb is called.
pub trait AsyncCalls<R, S, B>: IntoIterator<Item = AsyncCall<R, S, B>> + Sized
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    /// Lets at most `limit` values be computed at a time, in the place of [`DEFAULT_CONCURRENCY`].
    ///
    /// ```
    /// use ring_cache_core::{AsyncCall, AsyncCalls, Plain, Lru, body::AsyncBody};
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
        let limit = NonZeroUsize::new(limit).expect("`at_most(0)` would never compute anything");
        AtMost { calls: self, limit }
    }

    /// `AsyncCall::get` for all.
    fn get_many(self) -> impl Future<Output = Outcome<R, S, Vec<Option<R::Value>>>> {
        bulk::get(keyed(self))
    }

    /// `AsyncCall::get_or_update` for all: computes only what is absent, equal calls
    /// once.
    ///
    /// Values are stored when all are computed: if a body panics, or the future is dropped, those computed before it
    /// are not.
    fn get_or_update_many(self) -> impl Future<Output = Vec<R::Out>> {
        bulk::get_or_update(with_bodies(self), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::update` for all.
    fn update_many(self) -> impl Future<Output = Vec<R::Out>> {
        bulk::update(with_bodies(self), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::execute` for all.
    fn execute_many(self) -> impl Future<Output = Vec<R::Out>> {
        execute(self.into_iter().collect(), DEFAULT_CONCURRENCY.get())
    }

    /// `AsyncCall::set` for all, each with its value.
    ///
    /// # Errors
    ///
    /// If there are not as many values as calls: then nothing is stored. And what the storage says.
    fn set_many(self, values: impl IntoIterator<Item = R::Value>) -> impl Future<Output = Result<(), Error>> {
        bulk::set(keyed(self), values.into_iter().collect())
    }

    /// `AsyncCall::delete` for all.
    fn delete_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::delete(keyed(self))
    }

    /// `AsyncCall::has` for all.
    fn has_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::has(keyed(self))
    }

    /// `AsyncCall::touch` for all.
    fn touch_many(self) -> impl Future<Output = Outcome<R, S, Vec<bool>>> {
        bulk::touch(keyed(self))
    }

    /// `AsyncCall::key` for all. Nothing is awaited.
    fn key_many(self) -> Vec<Key> {
        self.into_iter().map(|call| call.key()).collect()
    }
}

impl<I, R, S, B> AsyncCalls<R, S, B> for I
where
    I: IntoIterator<Item = AsyncCall<R, S, B>>,
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
}

/// Calls of which so many may compute at a time: see [`AsyncCalls::at_most`].
#[derive(Clone, Debug)]
#[must_use = "calls do nothing until a verb follows, such as `.get_or_update_many()`"]
pub struct AtMost<I> {
    calls: I,
    limit: NonZeroUsize,
}

/// For the verbs that compute nothing, which have no use for the limit.
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
        R: Returned,
        S: AsyncView<R::Value>,
        B: AsyncBody<Out = R::Out>,
    {
        bulk::get_or_update(with_bodies(self.calls), self.limit.get())
    }

    /// [`AsyncCalls::update_many`]
    pub fn update_many<R, S, B>(self) -> impl Future<Output = Vec<R::Out>> + use<I, R, S, B>
    where
        I: AsyncCalls<R, S, B>,
        R: Returned,
        S: AsyncView<R::Value>,
        B: AsyncBody<Out = R::Out>,
    {
        bulk::update(with_bodies(self.calls), self.limit.get())
    }

    /// [`AsyncCalls::execute_many`]
    pub fn execute_many<R, S, B>(self) -> impl Future<Output = Vec<R::Out>> + use<I, R, S, B>
    where
        I: AsyncCalls<R, S, B>,
        R: Returned,
        S: AsyncView<R::Value>,
        B: AsyncBody<Out = R::Out>,
    {
        execute(self.calls.into_iter().collect(), self.limit.get())
    }
}

async fn execute<R, S, B>(calls: Vec<AsyncCall<R, S, B>>, limit: usize) -> Vec<R::Out>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    let calls = calls.into_iter().enumerate();
    let outs = calls.map(|(place, call)| async move { (place, Deferred::new(call.body).await) });
    let mut outs = concurrently(limit, outs.collect()).await;
    outs.sort_unstable_by_key(|(place, _)| *place);
    outs.into_iter().map(|(_, out)| out).collect()
}

fn with_bodies<R, S, B>(calls: impl IntoIterator<Item = AsyncCall<R, S, B>>) -> Bulk<R, S, Deferred<B>>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    let calls = calls.into_iter().map(|call| {
        let (keeping, key) = (call.keeping, call.encoded_key());
        (Keyed { keeping, key }, Deferred::new(call.body))
    });
    calls.collect()
}

fn keyed<R, S, B>(calls: impl IntoIterator<Item = AsyncCall<R, S, B>>) -> Vec<Keyed<R, S>>
where
    R: Returned,
    S: AsyncView<R::Value>,
    B: AsyncBody<Out = R::Out>,
{
    with_bodies(calls).into_iter().map(|(keyed, _)| keyed).collect()
}
