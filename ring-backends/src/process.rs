//! Per-process state. A `fork` copies memory but not threads, and shares sockets: the child starts with its own state.

#[cfg(feature = "remote")]
mod without_fork;

#[cfg(not(feature = "remote"))]
use std::process::id;
use std::sync::OnceLock;

#[cfg(all(feature = "remote", feature = "tokio"))]
pub(crate) use without_fork::KnownProcess;
#[cfg(feature = "remote")]
pub(crate) use without_fork::WithoutFork;
#[cfg(feature = "remote")]
use without_fork::id;

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
