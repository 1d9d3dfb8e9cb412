//! Where one stops until it is let go on, whatever its colour.

use std::time::Instant;

use super::trial::PATIENCE;
use crate::colour::{Wait, now};
use crate::sync::{AtomicBool, Event, Ordering};

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

    /// Waits until the gate is open.
    pub(super) async fn pass(&self, wait: Wait) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_open.load(Ordering::SeqCst) {
            let opened = self.opened.listen();
            if !self.is_open.load(Ordering::SeqCst) {
                let in_time = wait.until(opened, Some(deadline)).await;
                assert!(in_time, "it did not happen in {PATIENCE:?} that another went on");
            }
        }
    }
}

/// A computation that says when it began, and ends when it is let.
pub(super) struct Slow {
    /// Its call is so far, or at its end.
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

    /// What a call keeps until its end, so that nobody waits for a body that does not run.
    pub(super) fn calling(&self) -> Calling<'_> {
        Calling(self)
    }

    /// The body.
    pub(super) async fn run(&self, wait: Wait) {
        self.ran.store(true, Ordering::SeqCst);
        self.began.open();
        self.end.pass(wait).await;
    }

    /// Waits until the body runs. Dropped, what this returns lets it end.
    pub(super) fn began(&self) -> Running<'_> {
        let running = Running(self);
        now(self.began.pass(Wait::Block));
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
