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
    began: Gate,
    end: Gate,
}

impl Slow {
    pub(super) fn new() -> Self {
        Slow {
            began: Gate::new(),
            end: Gate::new(),
        }
    }

    /// The body.
    pub(super) async fn run(&self, wait: Wait) {
        self.began.open();
        self.end.pass(wait).await;
    }

    /// Waits until the body runs. Dropped, what this returns lets it end.
    pub(super) fn began(&self) -> Running<'_> {
        let running = Running(self);
        now(self.began.pass(Wait::Block));
        running
    }
}

/// A body that runs until this is dropped, also if the case fails meanwhile.
pub(super) struct Running<'s>(&'s Slow);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end.open();
    }
}
