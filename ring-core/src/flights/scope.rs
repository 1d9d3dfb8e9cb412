//! The computations and writes that contain the code on this thread.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::key::EncodedKey;
use crate::sync::thread_local;

/// A computation or a write that contains the code on this thread. Storages are distinguished by the addresses of
/// their [`Flights`](super::Flights), which do not move while in use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// The computation of the key with this hash. If another key has the same hash, a call inside the computation
    /// bypasses the cache, and its answer stays correct.
    Computing(usize, u64),
    /// A write.
    Writing(usize),
}

thread_local! {
    static SCOPES: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
}

/// Marks this thread as inside a [`Scope`] until it is dropped, also by a panic.
pub(crate) struct ScopeGuard(());

/// The scopes of a call whose work another thread or task does.
#[derive(Debug, Default)]
pub(crate) struct Scopes(Vec<Scope>);

/// Marks this thread as inside [`Scopes`] until it is dropped.
pub(crate) struct ScopesGuard(usize);

impl Scopes {
    /// Those of the code on this thread.
    pub(crate) fn current() -> Self {
        Scopes(with_scopes(Vec::new(), |all| all.clone()))
    }

    pub(crate) fn enter(&self) -> ScopesGuard {
        with_scopes((), |all| all.extend_from_slice(&self.0));
        ScopesGuard(self.0.len())
    }
}

impl Drop for ScopesGuard {
    fn drop(&mut self) {
        with_scopes((), |all| all.truncate(all.len().saturating_sub(self.0)));
    }
}

impl Scope {
    #[inline]
    pub(crate) fn enter(self) -> ScopeGuard {
        with_scopes((), |all| all.push(self));
        ScopeGuard(())
    }

    /// Runs `future` inside this scope. The thread is marked only while the future is polled or dropped.
    pub(crate) fn around<F: Future + Unpin>(self, future: F) -> Scoped<F> {
        Scoped {
            scope: self,
            future: Some(future),
        }
    }
}

impl Drop for ScopeGuard {
    #[inline]
    fn drop(&mut self) {
        with_scopes((), |all| _ = all.pop());
    }
}

/// See [`Scope::around`].
pub(crate) struct Scoped<F> {
    scope: Scope,
    /// `None` after its end.
    future: Option<F>,
}

impl<F> Drop for Scoped<F> {
    fn drop(&mut self) {
        let _guard = self.future.is_some().then(|| self.scope.enter());
        self.future = None;
    }
}

impl<F: Future + Unpin> Future for Scoped<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Scoped { scope, future } = &mut *self;
        let running = future.as_mut().expect("a future is not polled after its end");
        let _guard = scope.enter();
        let polled = Pin::new(running).poll(context);
        if polled.is_ready() {
            *future = None;
        }
        polled
    }
}

/// Whether this thread is computing the value of `key` in the storage of these flights.
#[inline]
pub(super) fn is_computing(flights: usize, key: &EncodedKey) -> bool {
    is_inside(
        |scope| matches!(scope, Scope::Computing(at, hash) if *at == flights && *hash == key.hash_value()),
    )
}

/// Whether this thread is writing to the storage of these flights.
pub(super) fn is_writing(flights: usize) -> bool {
    is_inside(|scope| matches!(scope, Scope::Writing(at) if *at == flights))
}

#[inline]
fn is_inside(is_meant: impl FnMut(&Scope) -> bool) -> bool {
    with_scopes(false, |all| all.iter().any(is_meant))
}

/// Returns `gone` if the thread is ending and its list is dropped already.
#[inline]
fn with_scopes<T>(gone: T, run: impl FnOnce(&mut Vec<Scope>) -> T) -> T {
    SCOPES.try_with(|all| run(&mut all.borrow_mut())).unwrap_or(gone)
}
