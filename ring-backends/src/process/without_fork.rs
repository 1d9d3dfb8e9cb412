//! The number of this process, which is asked for once in a part of a call. A system call takes as long as to parse a reply
//! of a server.

use std::cell::Cell;
use std::process;

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known::No) };
}

/// The thread's knowledge of its process.
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
pub(super) fn id() -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known() -> bool {
        matches!(KNOWN.get(), Known::Is(_))
    }

    #[test]
    fn the_process_is_known_until_the_part_ends() {
        assert_eq!((id(), is_known()), (process::id(), false));
        let part = WithoutFork::enter();
        assert!(!is_known(), "it is asked for when it is needed");
        assert_eq!((id(), is_known()), (process::id(), true));
        drop(WithoutFork::enter());
        assert!(is_known(), "a part in a part ends with the outer one");
        drop(part);
        assert!(!is_known());
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn a_part_goes_on() {
        let part = WithoutFork::enter();
        id();
        let known = part.pause();
        assert!(!is_known());
        let part = WithoutFork::go_on(known);
        assert!(is_known());
        drop(part);
        assert!(!is_known());
    }
}
