//! Which flights the code that runs just now is part of.

use std::cell::RefCell;

thread_local! {
    static LEADING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` as a part of these flights: a look-up from within it does not wait for them.
pub(crate) fn leading<T>(flights: impl IntoIterator<Item = usize>, body: impl FnOnce() -> T) -> T {
    struct Scope(usize);
    impl Drop for Scope {
        fn drop(&mut self) {
            LEADING.with_borrow_mut(|leading| leading.truncate(self.0));
        }
    }
    let scope = LEADING.with_borrow_mut(|leading| {
        let scope = Scope(leading.len());
        leading.extend(flights);
        scope
    });
    let result = body();
    drop(scope);
    result
}

pub(super) fn is_leading(flight: usize) -> bool {
    LEADING.with_borrow(|leading| leading.contains(&flight))
}
