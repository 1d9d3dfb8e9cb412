//! An event like event-listener's.
//!
//! Listeners are notified in the order in which they began to listen. `notify(n)` counts earlier notifications that
//! were not noticed yet. A listener that is dropped before it noticed its notification passes it on, unless another
//! listener is notified.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use shuttle::future::block_on;

use super::{Arc, Delay, others_may_run};

/// event-listener's `Event`.
#[derive(Default)]
pub(crate) struct Event {
    line: Arc<Mutex<Line>>,
}

/// The listeners, in order. Its lock is a real one: no thread is switched while it is held.
#[derive(Default)]
struct Line {
    last: u64,
    entries: Vec<Entry>,
}

struct Entry {
    number: u64,
    told: bool,
    waker: Option<Waker>,
}

impl Event {
    pub(crate) fn new() -> Self {
        Event { line: Arc::default() }
    }

    pub(crate) fn listen(&self) -> EventListener {
        others_may_run();
        let mut line = self.line.lock();
        line.last += 1;
        let number = line.last;
        line.entries.push(Entry {
            number,
            told: false,
            waker: None,
        });
        drop(line);
        EventListener {
            line: Arc::clone(&self.line),
            number,
        }
    }

    pub(crate) fn notify(&self, count: usize) {
        others_may_run();
        let woken = self.line.lock().tell(count);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Line {
    /// Ensures that this many notifications are not noticed yet. Returns the listeners to wake.
    fn tell(&mut self, count: usize) -> Vec<Waker> {
        let told = self.entries.iter().filter(|entry| entry.told).count();
        let next = self.entries.iter_mut().filter(|entry| !entry.told);
        next.take(count.saturating_sub(told))
            .filter_map(|entry| {
                entry.told = true;
                entry.waker.take()
            })
            .collect()
    }

    fn leave(&mut self, number: u64) -> Option<Entry> {
        let place = self.entries.iter().position(|entry| entry.number == number)?;
        Some(self.entries.remove(place))
    }
}

/// event-listener's `EventListener`.
pub(crate) struct EventListener {
    line: Arc<Mutex<Line>>,
    number: u64,
}

impl EventListener {
    /// Stops listening. Returns whether it was notified.
    fn leave(&self) -> bool {
        let left = self.line.lock().leave(self.number);
        left.is_some_and(|entry| entry.told)
    }
}

impl Future for EventListener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        others_may_run();
        let mut line = self.line.lock();
        let mut entries = line.entries.iter_mut();
        match entries.find(|entry| entry.number == self.number) {
            Some(entry) if !entry.told => {
                entry.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => {
                line.leave(self.number);
                Poll::Ready(())
            }
        }
    }
}

impl Drop for EventListener {
    fn drop(&mut self) {
        others_may_run();
        let mut line = self.line.lock();
        let told = line.leave(self.number).is_some_and(|entry| entry.told);
        let woken = if told { line.tell(1) } else { Vec::new() };
        drop(line);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// event-listener's `Listener`.
pub(crate) trait Listener {
    fn wait(self);
    fn wait_deadline(self, deadline: Instant) -> Option<()>;
}

impl Listener for EventListener {
    fn wait(self) {
        block_on(self);
    }

    fn wait_deadline(mut self, _: Instant) -> Option<()> {
        let mut timer = Delay::new(Duration::ZERO);
        let told = block_on(std::future::poll_fn(|context| {
            if Pin::new(&mut self).poll(context).is_ready() {
                return Poll::Ready(true);
            }
            Pin::new(&mut timer).poll(context).map(|()| false)
        }));
        // A listener that is notified just as its time ends was notified.
        (told || self.leave()).then_some(())
    }
}
