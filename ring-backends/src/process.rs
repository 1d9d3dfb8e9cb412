//! Per-process state. A `fork` copies memory but not threads, and shares sockets: the child starts with its own state.

use std::cell::Cell;
use std::process;
use std::sync::OnceLock;

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known::No) };
}

/// Whether a thread knows its process without asking the system, which takes as long as to parse a reply.
#[derive(Clone, Copy)]
enum Known {
    No,
    /// From the first time that it asks.
    Once,
    Is(u32),
}

/// A part of a call, on one thread, in which the system is asked once at most. No code of users may run in it: it could
/// `fork`.
pub(crate) struct WithoutFork {
    before: Known,
}

/// What a thread knew at the end of a [part](WithoutFork).
#[cfg(feature = "tokio")]
pub(crate) struct KnownProcess(Known);

impl WithoutFork {
    pub(crate) fn enter() -> Self {
        WithoutFork::knowing(Known::Once)
    }

    fn knowing(known: Known) -> Self {
        let before = KNOWN.get();
        if let Known::No = before {
            KNOWN.set(known);
        }
        WithoutFork { before }
    }

    /// Ends the part. It may [go on](Self::go_on) if nothing else runs in between.
    #[cfg(feature = "tokio")]
    pub(crate) fn pause(self) -> KnownProcess {
        KnownProcess(KNOWN.get())
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn go_on(known: KnownProcess) -> Self {
        WithoutFork::knowing(known.0)
    }
}

impl Drop for WithoutFork {
    fn drop(&mut self) {
        if let Known::No = self.before {
            KNOWN.set(Known::No);
        }
    }
}

/// The number of this process.
fn id() -> u32 {
    match KNOWN.get() {
        Known::Is(id) => id,
        Known::No => process::id(),
        Known::Once => {
            let id = process::id();
            KNOWN.set(Known::Is(id));
            id
        }
    }
}

/// A state per process. The child keeps the parent's state unused: dropping it could remove the parent's sockets from its
/// event loops.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    process: u32,
    /// `None` while dropping.
    state: Option<T>,
    /// The state of the child, in the child.
    next: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(state: T) -> Self {
        PerProcess {
            process: id(),
            state: Some(state),
            next: OnceLock::new(),
        }
    }

    /// The state; `None` in a child, for states that a child cannot have.
    #[cfg(feature = "disk")]
    pub(crate) fn own(&self) -> Option<&T> {
        (self.process == id()).then(|| self.state())
    }

    /// The state of this process. The first call after a fork makes it by `renew` from the parent's state, whose locks may
    /// be held by threads that the child does not have.
    pub(crate) fn get(&self, renew: impl FnOnce(&T) -> T) -> &T {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        if last.process == id() {
            return last.state();
        }
        let own = || Box::new(PerProcess::new(renew(last.state())));
        last.next.get_or_init(own).state()
    }

    fn state(&self) -> &T {
        self.state.as_ref().expect("it is taken when it is dropped")
    }
}

impl<T: Default> Default for PerProcess<T> {
    fn default() -> Self {
        PerProcess::new(T::default())
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.process != id() {
            std::mem::forget(self.state.take());
        }
    }
}

#[cfg(all(test, feature = "disk"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_state() {
        let state = PerProcess::new(1);
        assert_eq!(*state.get(|_| unreachable!()), 1);
    }

    /// As in a forked child.
    fn inherited<T>(state: T) -> PerProcess<T> {
        let mut state = PerProcess::new(state);
        state.process = state.process.wrapping_add(1);
        state
    }

    #[test]
    fn a_child_makes_its_own_once() {
        let state = inherited(1);
        assert_eq!(*state.get(|before| before + 1), 2);
        assert_eq!(*state.get(|_| unreachable!()), 2);
    }

    #[test]
    fn a_child_does_not_drop_what_is_the_parents() {
        let (parents, own) = (std::sync::Arc::new(()), std::sync::Arc::new(()));
        let state = inherited(std::sync::Arc::clone(&parents));
        state.get(|_| std::sync::Arc::clone(&own));
        assert!(state.own().is_none());
        drop(state);
        let count = std::sync::Arc::strong_count;
        assert_eq!((count(&parents), count(&own)), (2, 1));
    }
}
