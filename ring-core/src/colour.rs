//! What blocking and async calls do differently: how they wait. All else is one code.
//!
//! The code that calls share is async. A blocking call runs it over a storage whose futures are ready when they are
//! polled first, and blocks its thread where an async call would await.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::sync::{Delay, EventListener, Listener};

/// The verbs of these calls block the thread.
#[derive(Debug)]
pub enum Blocks {}

/// The verbs of these calls are awaited.
#[derive(Debug)]
pub enum Awaits {}

/// How a call waits for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its thread blocks.
    Block,
    /// Its task awaits.
    Await,
}

impl Wait {
    /// Waits until the event happens, or the deadline comes. Comes to whether it happened.
    pub(crate) fn until(self, event: EventListener, deadline: Option<Instant>) -> Waiting {
        match (self, deadline) {
            (Wait::Block, None) => {
                event.wait();
                Waiting::Over(true)
            }
            (Wait::Block, Some(deadline)) => Waiting::Over(event.wait_deadline(deadline).is_some()),
            (Wait::Await, deadline) => Waiting::On(Box::pin(happens_by(event, deadline))),
        }
    }
}

/// See [`Wait::until`].
///
/// The box has no name: the compiler looks through all that a call's future is made of to see that it is `Send`, as deep
/// as it goes, and gives up at some depth.
pub(crate) enum Waiting {
    Over(bool),
    On(Pin<Box<dyn Future<Output = bool> + Send>>),
}

impl Future for Waiting {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        match &mut *self {
            Waiting::Over(happened) => Poll::Ready(*happened),
            Waiting::On(waiting) => waiting.as_mut().poll(context),
        }
    }
}

async fn happens_by(event: EventListener, deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        event.await;
        return true;
    };
    let timer = Delay::new(deadline.saturating_duration_since(Instant::now()));
    let (mut event, mut timer) = (pin!(event), pin!(timer));
    std::future::poll_fn(|context| {
        if event.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        timer.as_mut().poll(context).map(|()| false)
    })
    .await
}

/// Runs a future that never waits but by blocking, as those over [`AtOnce`](crate::storage::AtOnce).
///
/// # Panics
///
/// If the future awaits something that is not there yet.
#[inline]
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("what blocks is ready when it returns"),
    }
}
