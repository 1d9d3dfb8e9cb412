//! Waiting for an event until an instant, by a thread or by a task, and the time left until then.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::sync::{Delay, EventListener, Listener};

/// The time from now to `until`, if it is limited.
pub(crate) fn remaining(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

/// The instant after this much time from now, if it is limited.
#[inline]
pub(crate) fn after(time: Option<Duration>) -> Option<Instant> {
    time.and_then(|time| Instant::now().checked_add(time))
}

/// Blocks the thread until the event happens or the instant comes. Returns whether it happened.
pub(crate) fn block(event: EventListener, until: Option<Instant>) -> bool {
    match until {
        None => {
            event.wait();
            true
        }
        Some(until) => event.wait_deadline(until).is_some(),
    }
}

/// [`block`], for a task.
///
/// The box has no named type: to prove that a call's future is `Send`, the compiler visits all its parts, and fails
/// at some depth.
pub(crate) fn event(
    event: EventListener,
    until: Option<Instant>,
) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    Box::pin(happens_by(event, until))
}

/// The output of a future, unless the instant comes first. Then the future is dropped.
pub(crate) async fn within<F: Future>(future: F, until: Option<Instant>) -> Option<F::Output> {
    let Some(until) = until else {
        return Some(future.await);
    };
    let timer = Delay::new(until.saturating_duration_since(Instant::now()));
    let (mut future, mut timer) = (Box::pin(future), pin!(timer));
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn happens_by(event: EventListener, until: Option<Instant>) -> bool {
    let Some(until) = until else {
        event.await;
        return true;
    };
    let timer = Delay::new(until.saturating_duration_since(Instant::now()));
    let (mut event, mut timer) = (pin!(event), pin!(timer));
    std::future::poll_fn(|context| {
        if event.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        timer.as_mut().poll(context).map(|()| false)
    })
    .await
}
