//! Waiting for an event until an instant, by a thread or by a task, and the time left until then.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::sync::{Delay, Event, EventListener, Listener};

/// An event that does not occur: waiting for it is a pause.
pub(crate) fn never() -> EventListener {
    Event::new().listen()
}

/// The time from now to `until`, if it is limited.
#[inline]
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

/// The output of a future, unless the instant comes first.
pub(crate) fn within<F: Future + Unpin>(future: &mut F, until: Option<Instant>) -> Within<'_, F> {
    let timer = until.map(|until| Delay::new(until.saturating_duration_since(Instant::now())));
    Within { future, timer }
}

/// See [`within`].
pub(crate) struct Within<'f, F> {
    future: &'f mut F,
    timer: Option<Delay>,
}

impl<F: Future + Unpin> Future for Within<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if let Poll::Ready(output) = Pin::new(&mut *self.future).poll(context) {
            return Poll::Ready(Some(output));
        }
        match &mut self.timer {
            Some(timer) => Pin::new(timer).poll(context).map(|()| None),
            None => Poll::Pending,
        }
    }
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
