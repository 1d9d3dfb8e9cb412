//! A response that is under way: its head, and the part of its body that its readers still need.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_timer::Delay;
use futures_util::future::{Either, select};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;

use crate::BoxError;
use crate::place::Place;
use crate::stored::Page;

/// The readers of a body that is not kept wait for the slowest of them, and for so long for one that does not move.
const LONGEST_STALL: Duration = Duration::from_secs(10);

/// The head of a response that may be stored.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The length of the body, if it is known.
    pub(crate) length: Option<u64>,
    /// Where the page lies, with the version of its tags from before it was computed; without one it may be older than a
    /// `forget`.
    pub(crate) place: Place,
    /// Whether it is a stale page of which the application said that it has not changed.
    pub(crate) is_renewed: bool,
}

/// What the producer and the readers of a response share.
#[derive(Debug)]
pub(crate) struct Flow {
    state: Mutex<State>,
    pub(crate) wakers: Arc<Wakers>,
    /// The bytes that are kept for readers that are behind, when the body is not stored.
    window: usize,
}

#[derive(Debug, Default)]
struct State {
    head: Option<Arc<Head>>,
    chunks: VecDeque<Bytes>,
    /// The number of chunks that were dropped.
    dropped: usize,
    /// The bytes in `chunks`.
    bytes: usize,
    /// The number of the next chunk of each reader; `None` if it is gone.
    readers: Vec<Option<usize>>,
    /// Whether the body is too large, so that chunks are dropped.
    is_passing: bool,
    trailers: Option<HeaderMap>,
    end: Option<End>,
}

/// The end of a response.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It is whole, and was to be stored.
    Whole(Arc<Page>),
    /// Its body has ended.
    Passed,
    Failed,
}

/// The next part of a body.
#[derive(Debug)]
pub(crate) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Failed,
}

/// The tasks that wait for a response.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Mutex<Vec<Waker>>);

impl Wakers {
    pub(crate) fn register(&self, context: &Context<'_>) {
        let mut all = self.0.lock();
        if !all.iter().any(|waker| waker.will_wake(context.waker())) {
            all.push(context.waker().clone());
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let all = mem::take(&mut *self.0.lock());
        all.into_iter().for_each(Waker::wake);
    }
}

impl Flow {
    pub(crate) fn new(window: usize) -> Arc<Self> {
        Arc::new(Flow {
            state: Mutex::default(),
            wakers: Arc::default(),
            window,
        })
    }

    pub(crate) fn head(&self) -> Option<Arc<Head>> {
        self.state.lock().head.clone()
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.state.lock().end.clone()
    }

    pub(crate) fn is_passing(&self) -> bool {
        self.state.lock().is_passing
    }

    pub(crate) fn publish(&self, head: Head) {
        self.change(|state| state.head = Some(Arc::new(head)));
    }

    pub(crate) fn push(&self, chunk: Bytes) {
        self.change(|state| {
            state.bytes += chunk.len();
            state.chunks.push_back(chunk);
        });
    }

    pub(crate) fn push_trailers(&self, trailers: HeaderMap) {
        self.change(|state| state.trailers = Some(trailers));
    }

    /// The body will not be stored. Nobody joins it any more, and what all have read is dropped.
    pub(crate) fn begin_passing(&self) {
        let read = self.change(|state| {
            state.is_passing = true;
            state.drop_read()
        });
        drop(read);
    }

    /// Ends the response, unless it has ended.
    pub(crate) fn finish(&self, end: End) {
        self.change(|state| _ = state.end.get_or_insert(end));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.wakers.wake_by_ref();
        changed
    }

    /// A new reader of the whole body, unless a part of it is gone.
    pub(crate) fn join(&self) -> Option<usize> {
        let mut state = self.state.lock();
        if state.is_passing && state.dropped > 0 {
            return None;
        }
        state.readers.push(Some(0));
        Some(state.readers.len() - 1)
    }

    pub(crate) fn leave(&self, reader: usize) {
        drop(self.change(|state| {
            state.readers[reader] = None;
            state.drop_read()
        }));
    }

    /// The next part for a reader, if it is there.
    pub(crate) fn next(&self, reader: usize) -> Option<Part> {
        let mut state = self.state.lock();
        let Some(at) = state.readers[reader] else {
            return Some(Part::Failed);
        };
        if let Some(chunk) = state.chunks.get(at - state.dropped).cloned() {
            state.readers[reader] = Some(at + 1);
            let read = state.drop_read();
            drop(state);
            if !read.is_empty() {
                self.wakers.wake_by_ref();
            }
            return Some(Part::Data(chunk));
        }
        match &state.end {
            None => None,
            Some(End::Failed) => Some(Part::Failed),
            Some(End::Whole(_) | End::Passed) => Some(match state.trailers.clone() {
                Some(trailers) if at == state.dropped + state.chunks.len() => {
                    state.readers[reader] = Some(at + 1);
                    Part::Trailers(trailers)
                }
                _ => Part::End,
            }),
        }
    }

    /// Waits until the slowest reader is near the others. One that does not move is given up.
    pub(crate) async fn room(&self) {
        while let Some(slowest) = self.holds_up() {
            let moved = pin!(poll_fn(|_| match self.holds_up() {
                Some(still) if still == slowest => Poll::Pending,
                _ => Poll::Ready(()),
            }));
            if let Either::Right(_) = select(moved, Delay::new(LONGEST_STALL)).await {
                self.give_up(slowest);
            }
        }
    }

    /// The place of the slowest reader, if the others wait for it.
    fn holds_up(&self) -> Option<usize> {
        let state = self.state.lock();
        state.slowest().filter(|_| state.bytes > self.window)
    }

    fn give_up(&self, place: usize) {
        drop(self.change(|state| {
            let stuck = state.readers.iter_mut().filter(|reader| **reader == Some(place));
            stuck.for_each(|reader| *reader = None);
            state.drop_read()
        }));
    }
}

impl State {
    /// The place of the reader that is most behind.
    fn slowest(&self) -> Option<usize> {
        self.readers.iter().flatten().min().copied()
    }

    /// Takes out what no reader needs any more, to be dropped without the lock.
    fn drop_read(&mut self) -> Vec<Bytes> {
        if !self.is_passing {
            return Vec::new();
        }
        let end = self.dropped + self.chunks.len();
        let needed = self.slowest().unwrap_or(end).min(end);
        let read: Vec<_> = self.chunks.drain(..needed - self.dropped).collect();
        self.dropped = needed;
        self.bytes -= read.iter().map(Bytes::len).sum::<usize>();
        read
    }
}

/// A failed response, as its readers see it.
pub(crate) fn aborted() -> BoxError {
    "the response ended too early".into()
}
