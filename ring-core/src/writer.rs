//! Writers: methods that make cached values out of date. The entries that they name are removed when the body ends.
//!
//! Removing after the body suffices. A computation that began before is not stored, and a call that begins after it reads
//! the body's changes. In between, calls may return the old value: the writer has not returned yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::call::Forgetting;
use crate::clearing::Clearing;
use crate::mode::Blocking;
use crate::storage::{AsyncClear, AsyncStorage, Clear, Storage};

/// The target of a blocking writer: an entry, a ring, a pair of those, or nothing.
pub trait Forgets {
    /// Removes it. Failures are counted.
    fn forget(&self);
}

/// The target of an async writer: an entry, a ring, a pair of those, or nothing.
#[allow(async_fn_in_trait)]
pub trait ForgetsAwaited {
    /// Removes it. Failures are counted.
    async fn forget(&self);

    /// Marks it suspect: the removal was dropped without an awaiting caller.
    fn abandon(&self);
}

impl<T: Clone, S: Storage<T>> Forgets for Forgetting<T, S, Blocking> {
    fn forget(&self) {
        if !quietly(|| Forgetting::forget(self)) {
            quietly(|| self.mark_suspect());
        }
    }
}

impl<T, S: Clear<T>> Forgets for Clearing<T, S, Blocking> {
    fn forget(&self) {
        if !quietly(|| Clearing::forget(self)) {
            self.mark_suspect();
        }
    }
}

impl<T: Clone, S: AsyncStorage<T>, M> ForgetsAwaited for Forgetting<T, S, M> {
    async fn forget(&self) {
        // Boxed: the compiler computes the layout of nested futures to a limited depth.
        if !ends_quietly(Box::pin(self.forget_awaited())).await {
            ForgetsAwaited::abandon(self);
        }
    }

    fn abandon(&self) {
        quietly(|| Forgetting::abandon(self));
    }
}

impl<T, S: AsyncClear<T>, M> ForgetsAwaited for Clearing<T, S, M> {
    async fn forget(&self) {
        if !ends_quietly(self.forget_awaited()).await {
            ForgetsAwaited::abandon(self);
        }
    }

    fn abandon(&self) {
        quietly(|| Clearing::abandon(self));
    }
}

impl Forgets for () {
    fn forget(&self) {}
}

impl ForgetsAwaited for () {
    async fn forget(&self) {}

    fn abandon(&self) {}
}

impl<A: Forgets> Forgets for Option<A> {
    fn forget(&self) {
        self.iter().for_each(A::forget);
    }
}

impl<A: ForgetsAwaited> ForgetsAwaited for Option<A> {
    async fn forget(&self) {
        if let Some(named) = self {
            named.forget().await;
        }
    }

    fn abandon(&self) {
        self.iter().for_each(A::abandon);
    }
}

impl<A: Forgets, B: Forgets> Forgets for (A, B) {
    fn forget(&self) {
        self.0.forget();
        self.1.forget();
    }
}

impl<A: ForgetsAwaited, B: ForgetsAwaited> ForgetsAwaited for (A, B) {
    async fn forget(&self) {
        self.0.forget().await;
        self.1.forget().await;
    }

    fn abandon(&self) {
        self.0.abandon();
        self.1.abandon();
    }
}

/// The entry that the value of a writer names, if there is a value.
pub fn named_by<V: ?Sized, F>(value: Option<&V>, name: impl FnOnce(&V) -> F) -> Option<F> {
    value.map(name)
}

/// Contains a panic of a value's `Drop`: a writer returns the result of its body. Returns whether `work` ended.
fn quietly(work: impl FnOnce()) -> bool {
    // The panic hook has reported it.
    catch_unwind(AssertUnwindSafe(work)).is_ok()
}

/// [`quietly`], awaited.
async fn ends_quietly(work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(|()| true),
            Err(_) => Poll::Ready(false),
        }
    })
    .await
}

/// A blocking writer while its body runs. It also removes entries if the body panics.
#[derive(Debug)]
pub struct Writer<F: Forgets> {
    named: Option<F>,
    /// Whether only `Ok` removes entries.
    on_ok: bool,
}

impl<F: Forgets> Writer<F> {
    /// A writer that removes `named`.
    pub fn new(named: F, on_ok: bool) -> Self {
        Writer {
            named: Some(named),
            on_ok,
        }
    }

    /// Runs the body.
    #[inline]
    pub fn run<O>(&mut self, body: impl FnOnce() -> O) -> O {
        body()
    }

    /// Ends the writer after its body. `is_ok`: there is a value, which names `also`.
    pub fn end(mut self, is_ok: bool, also: impl Forgets) {
        if let Some(named) = self.named.take().filter(|_| is_ok || !self.on_ok) {
            named.forget();
            also.forget();
        }
    }
}

impl<F: Forgets> Drop for Writer<F> {
    fn drop(&mut self) {
        if let Some(named) = self.named.take().filter(|_| !self.on_ok) {
            named.forget();
        }
    }
}

/// An async writer while its future lives. If the body panics or the future is dropped, entries are marked suspect.
#[derive(Debug)]
pub struct AsyncWriter<F: ForgetsAwaited> {
    named: Option<F>,
    /// Whether only `Ok` removes entries.
    on_ok: bool,
    /// Whether the body is being polled: dropping the writer then means a panic.
    is_polled: bool,
}

impl<F: ForgetsAwaited> AsyncWriter<F> {
    /// A writer that removes `named`.
    pub fn new(named: F, on_ok: bool) -> Self {
        AsyncWriter {
            named: Some(named),
            on_ok,
            is_polled: false,
        }
    }

    /// Runs the body.
    pub async fn run<Fut: Future>(&mut self, body: impl FnOnce() -> Fut) -> Fut::Output {
        let mut body = pin!(body());
        std::future::poll_fn(|context| {
            self.is_polled = true;
            let polled = body.as_mut().poll(context);
            self.is_polled = false;
            polled
        })
        .await
    }

    /// Ends the writer after its body. `is_ok`: there is a value, which names `also`.
    pub async fn end(mut self, is_ok: bool, also: impl ForgetsAwaited) {
        let Some(named) = self.named.take().filter(|_| is_ok || !self.on_ok) else {
            return;
        };
        let all = AsyncWriter::new((named, also), false);
        if let Some(all) = &all.named {
            all.forget().await;
        }
        all.defuse();
    }

    fn defuse(mut self) {
        self.named = None;
    }
}

impl<F: ForgetsAwaited> Drop for AsyncWriter<F> {
    fn drop(&mut self) {
        let panics = self.on_ok && self.is_polled;
        if let Some(named) = self.named.take().filter(|_| !panics) {
            named.abandon();
        }
    }
}
