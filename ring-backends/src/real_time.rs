//! Timeouts by the real clock. A test may pause tokio's clock, which then jumps to the next timer whenever the runtime is
//! idle, for instance while it waits for a server.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use tokio::task::yield_now;

/// The output of `work`, or `None` after `until`.
#[cfg(feature = "remote")]
pub(crate) async fn within<F: Future>(until: Instant, work: F) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    match tokio::time::timeout_at(until.into(), work.as_mut()).await {
        Ok(output) => Some(output),
        Err(_) => rest(until, work).await,
    }
}

/// The output of `work`, if it is ready.
pub(crate) async fn polled<F: Future + Unpin>(mut work: F) -> Option<F::Output> {
    let polled = poll_fn(|context| Poll::Ready(Pin::new(&mut work).poll(context))).await;
    match polled {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The output of `work` if it comes in the real time left when a timer fired. With a paused clock that is nearly all of it.
pub(crate) async fn rest<F: Future + Unpin>(until: Instant, mut work: F) -> Option<F::Output> {
    while Instant::now() < until {
        if let Some(output) = polled(&mut work).await {
            return Some(output);
        }
        // A busy runtime does not advance the clock, and polls I/O.
        yield_now().await;
    }
    None
}
