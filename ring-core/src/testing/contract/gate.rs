//! A gate: a thread or a task stops there until another opens it.

use std::time::{Duration, Instant};

use crate::sync::{AtomicBool, Event, EventListener, Ordering};
use crate::wait;

/// Long enough for any operation on a working storage, short enough to wait for one that hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Gate {
    is_open: AtomicBool,
    opened: Event,
}

impl Gate {
    pub(super) fn new() -> Self {
        Gate {
            is_open: AtomicBool::new(false),
            opened: Event::new(),
        }
    }

    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
        self.opened.notify(usize::MAX);
    }

    /// Blocks until the gate is open.
    fn block(&self) {
        if let Some(opened) = self.closed() {
            in_time(wait::block(opened, Some(Instant::now() + PATIENCE)));
        }
    }

    /// [`block`](Self::block), awaited.
    async fn wait(&self) {
        if let Some(opened) = self.closed() {
            in_time(wait::event(opened, Some(Instant::now() + PATIENCE)).await);
        }
    }

    /// The event of its opening, unless it is open.
    fn closed(&self) -> Option<EventListener> {
        let opened = self.opened.listen();
        (!self.is_open.load(Ordering::SeqCst)).then_some(opened)
    }
}

fn in_time(in_time: bool) {
    assert!(in_time, "another call did not go on in {PATIENCE:?}");
}

/// A computation that reports its start, and ends when it is allowed to.
pub(super) struct Slow {
    /// Open once its call has begun to compute, or has ended.
    began: Gate,
    ran: AtomicBool,
    end: Gate,
}

impl Slow {
    pub(super) fn new() -> Self {
        Slow {
            began: Gate::new(),
            ran: AtomicBool::new(false),
            end: Gate::new(),
        }
    }

    /// Kept by the call until its end, so that tests do not wait for a body that does not run.
    pub(super) fn calling(&self) -> Calling<'_> {
        Calling(self)
    }

    /// The blocking body.
    pub(super) fn block(&self) {
        self.begin();
        self.end.block();
    }

    /// The awaited body.
    pub(super) async fn wait(&self) {
        self.begin();
        self.end.wait().await;
    }

    fn begin(&self) {
        self.ran.store(true, Ordering::SeqCst);
        self.began.open();
    }

    /// Blocks until the body runs. It ends when the guard is dropped.
    pub(super) fn began(&self) -> Running<'_> {
        let running = Running(self);
        self.began.block();
        let ran = self.ran.load(Ordering::SeqCst);
        assert!(
            ran,
            "a call did not run its body, although its value had been deleted"
        );
        running
    }
}

/// A call of a [`Slow`] computation.
pub(super) struct Calling<'s>(&'s Slow);

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.began.open();
    }
}

/// A body that runs until this is dropped, also if the case fails meanwhile.
pub(super) struct Running<'s>(&'s Slow);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end.open();
    }
}
