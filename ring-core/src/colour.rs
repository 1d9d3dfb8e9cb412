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
    /// Waits until the event happens, or the deadline comes. Returns whether it happened.
    pub(crate) async fn until(self, event: EventListener, deadline: Option<Instant>) -> bool {
        match (self, deadline) {
            (Wait::Block, None) => {
                event.wait();
                true
            }
            (Wait::Block, Some(deadline)) => event.wait_deadline(deadline).is_some(),
            (Wait::Await, deadline) => happens_by(event, deadline).await,
        }
    }
}

/// In a box without a name: the compiler looks through all that a call's future is made of to see that it is `Send`, as
/// deep as it goes, and gives up at some depth.
fn happens_by(event: EventListener, deadline: Option<Instant>) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(async move {
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
    })
}

/// Runs a future that never waits but by blocking.
#[inline]
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("what blocks is ready when it returns"),
    }
}
