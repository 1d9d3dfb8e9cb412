//! The switches that tests set on their threads: see `testing`. Without that feature they are constants.

#[cfg(feature = "testing")]
pub(crate) use of_thread::{
    Switches, advance, change, clock_nanos, count_computed, is_inline, is_off, next_salt, salt,
};

#[cfg(not(feature = "testing"))]
pub(crate) use of_none::{clock_nanos, count_computed, is_inline, is_off};

#[cfg(feature = "testing")]
mod of_thread {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The switches of one thread.
    #[derive(Clone, Copy, Default)]
    pub(crate) struct Switches {
        pub(crate) is_off: bool,
        pub(crate) is_inline: bool,
        pub(crate) salt: Option<u64>,
        pub(crate) clock_nanos: u64,
        pub(crate) computed: u64,
    }

    thread_local! {
        static SWITCHES: Cell<Switches> = const { Cell::new(Switches {
            is_off: false,
            is_inline: false,
            salt: None,
            clock_nanos: 0,
            computed: 0,
        }) };
    }

    /// Without an answer while the thread ends.
    fn get() -> Switches {
        SWITCHES.try_with(Cell::get).unwrap_or_default()
    }

    /// Changes the switches of this thread. Returns them as they were.
    pub(crate) fn change(change: impl FnOnce(&mut Switches)) -> Switches {
        let before = get();
        let mut switches = before;
        change(&mut switches);
        let _ = SWITCHES.try_with(|cell| cell.set(switches));
        before
    }

    pub(crate) fn is_off() -> bool {
        get().is_off
    }

    pub(crate) fn is_inline() -> bool {
        get().is_inline
    }

    pub(crate) fn salt() -> Option<u64> {
        get().salt
    }

    /// A salt that no other test has.
    pub(crate) fn next_salt() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// The time by which the system's clock is ahead.
    pub(crate) fn clock_nanos() -> u64 {
        get().clock_nanos
    }

    pub(crate) fn advance(nanos: u64) {
        change(|switches| switches.clock_nanos = switches.clock_nanos.saturating_add(nanos));
    }

    /// A body runs on this thread.
    pub(crate) fn count_computed() {
        change(|switches| switches.computed += 1);
    }
}

#[cfg(not(feature = "testing"))]
mod of_none {
    pub(crate) const fn is_off() -> bool {
        false
    }

    pub(crate) const fn is_inline() -> bool {
        false
    }

    pub(crate) const fn clock_nanos() -> u64 {
        0
    }

    pub(crate) const fn count_computed() {}
}
