//! What the code that runs on this thread just now is part of.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::key::EncodedKey;
use crate::sync::thread_local;

/// A computation or a write that this thread is in the middle of. Storages are told apart by the addresses of their
/// [`Flights`](super::Flights), which stay where they are while they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The computation of the key with this hash. Should another key have it, a call within the computation goes without
    /// the cache, which changes no answer.
    Computing(usize, u64),
    /// A write.
    Writing(usize),
}

thread_local! {
    static MARKS: RefCell<Vec<Mark>> = const { RefCell::new(Vec::new()) };
}

/// What this thread does is a part of this computation or write until this is dropped, which a panic does as well.
pub(crate) struct Leads(());

impl Leads {
    pub(crate) fn enter(mark: Mark) -> Self {
        with_marks((), |all| all.push(mark));
        Leads(())
    }
}

impl Drop for Leads {
    fn drop(&mut self) {
        with_marks((), |all| _ = all.pop());
    }
}

/// Runs `future` as a part of this computation or write: what it calls does not wait for it.
///
/// The mark is on the thread only while the future is polled there, or dropped.
pub(crate) fn leading<F: Future + Unpin>(mark: Mark, future: F) -> Leading<F> {
    Leading {
        mark,
        future: Some(future),
    }
}

/// See [`leading`].
pub(crate) struct Leading<F> {
    mark: Mark,
    /// Unset when it is over.
    future: Option<F>,
}

impl<F> Drop for Leading<F> {
    fn drop(&mut self) {
        let _leads = self.future.is_some().then(|| Leads::enter(self.mark));
        self.future = None;
    }
}

impl<F: Future + Unpin> Future for Leading<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Leading { mark, future } = &mut *self;
        let running = future.as_mut().expect("a future is not polled after its end");
        let _leads = Leads::enter(*mark);
        let polled = Pin::new(running).poll(context);
        if polled.is_ready() {
            *future = None;
        }
        polled
    }
}

/// Whether this thread computes the value of `key` in the storage of these flights.
pub(super) fn is_computing(flights: usize, key: &EncodedKey) -> bool {
    is_marked(|mark| matches!(mark, Mark::Computing(at, hash) if *at == flights && *hash == key.hash_value()))
}

/// Whether this thread writes anything to the storage of these flights.
pub(super) fn is_writing(flights: usize) -> bool {
    is_marked(|mark| matches!(mark, Mark::Writing(at) if *at == flights))
}

fn is_marked(is_meant: impl FnMut(&Mark) -> bool) -> bool {
    with_marks(false, |all| all.iter().any(is_meant))
}

/// While a thread ends, its marks may be gone: then nothing is marked.
fn with_marks<T>(gone: T, run: impl FnOnce(&mut Vec<Mark>) -> T) -> T {
    MARKS.try_with(|all| run(&mut all.borrow_mut())).unwrap_or(gone)
}
