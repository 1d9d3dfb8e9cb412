//! What the code that runs on this thread just now is part of.

use std::cell::RefCell;

use crate::key::EncodedKey;

/// A computation or a write that this thread is in the middle of. Storages are told apart by the addresses of their
/// [`Flights`](super::Flights), which stay where they are while they are used.
#[derive(Debug)]
pub(crate) enum Mark {
    /// The computation of this key.
    Computing(usize, EncodedKey),
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
            with_marks((), |all| all.truncate(self.0));
        }
    }
    let before = with_marks(0, |all| {
        let before = all.len();
        all.extend(marks);
        before
    });
    let scope = Scope(before);
    let result = body();
    drop(scope);
    result
}

/// Whether this thread computes the value of `key` in the storage of these flights.
pub(super) fn is_computing(flights: usize, key: &EncodedKey) -> bool {
    is_marked(|mark| matches!(mark, Mark::Computing(at, computed) if *at == flights && computed == key))
}

/// Whether this thread writes the value of the ticket of this number.
pub(super) fn is_writing_for(flights: usize, ticket: u64) -> bool {
    is_marked(|mark| matches!(mark, Mark::Writing(at, number) if (*at, *number) == (flights, ticket)))
}

/// Whether this thread writes anything to the storage of these flights.
pub(super) fn is_writing(flights: usize) -> bool {
    is_marked(|mark| matches!(mark, Mark::Writing(at, _) if *at == flights))
}

fn is_marked(is_meant: impl FnMut(&Mark) -> bool) -> bool {
    with_marks(false, |all| all.iter().any(is_meant))
}

/// While a thread ends, its marks may be gone: then nothing is marked.
fn with_marks<T>(gone: T, run: impl FnOnce(&mut Vec<Mark>) -> T) -> T {
    MARKS.try_with(|all| run(&mut all.borrow_mut())).unwrap_or(gone)
}
