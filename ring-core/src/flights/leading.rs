//! What the code that runs on this thread just now is part of.

use std::cell::RefCell;

/// A computation or a write that this thread is in the middle of. Storages are told apart by the addresses of their
/// [`Flights`](super::Flights), which stay where they are while they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The computation of the key of this hash.
    Computing(usize, u64),
    /// The write of the ticket of this number.
    Writing(usize, u64),
}

thread_local! {
    static MARKS: RefCell<Vec<Mark>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` as a part of these computations or writes: what it calls does not wait for them.
pub(crate) fn leading<T>(marks: impl IntoIterator<Item = Mark>, body: impl FnOnce() -> T) -> T {
    struct Scope(usize);
    impl Drop for Scope {
        fn drop(&mut self) {
            MARKS.with_borrow_mut(|all| all.truncate(self.0));
        }
    }
    let scope = MARKS.with_borrow_mut(|all| {
        let scope = Scope(all.len());
        all.extend(marks);
        scope
    });
    let result = body();
    drop(scope);
    result
}

pub(super) fn is_leading(mark: Mark) -> bool {
    MARKS.with_borrow(|all| all.contains(&mark))
}

/// Whether this thread writes anything to the storage of these flights.
pub(super) fn is_writing(flights: usize) -> bool {
    MARKS.with_borrow(|all| {
        all.iter()
            .any(|mark| matches!(mark, Mark::Writing(other, _) if *other == flights))
    })
}
