//! Values on their way from the far storage to the near one, and the changes that supersede them.
//!
//! A value that was read far away may be out of date when it arrives. So a reader begins a [`Fill`] before it asks the far
//! storage, and a writer reports its change after it: a fill that began before the change stores nothing.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use event_listener::{Event, EventListener, Listener};
use hashbrown::HashMap;
use parking_lot::Mutex;
use ring_cache_core::Name;
use ring_cache_core::key::EncodedKey;

/// The fills in flight.
#[derive(Debug)]
pub(super) struct Fills {
    keys: Mutex<HashMap<EncodedKey, State>>,
    /// Numbers fills and changes in their order.
    next: AtomicU64,
    /// Notified when a value has been stored.
    stored: Event,
}

/// The state of a key with fills in flight.
#[derive(Debug, Default)]
struct State {
    fills: usize,
    /// The number of the last change.
    changed: u64,
    /// The number of values being put into the near storage.
    storing: usize,
}

thread_local! {
    /// The depth of nested puts into near storages on this thread.
    static STORING: Cell<usize> = const { Cell::new(0) };
}

/// The right to put a value into the near storage, unless the entry changes first.
#[derive(Debug)]
pub(super) struct Fill<'f> {
    fills: &'f Fills,
    key: EncodedKey,
    number: u64,
}

impl Fills {
    pub(super) fn new() -> Self {
        Fills {
            keys: Mutex::default(),
            next: AtomicU64::new(1),
            stored: Event::new(),
        }
    }

    /// To be called before the far storage is asked for the value of `key`, or to change it.
    pub(super) fn begin(&self, key: EncodedKey) -> Fill<'_> {
        let mut keys = self.keys.lock();
        keys.entry(key.clone()).or_default().fills += 1;
        let number = self.number();
        drop(keys);
        Fill {
            fills: self,
            key,
            number,
        }
    }

    /// Whether a fill of `key` is in flight.
    pub(super) fn is_under_way(&self, key: &EncodedKey) -> bool {
        self.keys.lock().contains_key(key)
    }

    /// To be called after the entry of `key` was changed in the far storage, and before it is changed or removed in the near
    /// one. When it returns, no fill that began before stores anything.
    pub(super) fn changed(&self, key: &EncodedKey) {
        self.note_change(key, |_| true);
    }

    /// [`changed`](Self::changed) for all keys of a ring, or of all rings.
    pub(super) fn changed_all(&self, ring: Option<&Name>) {
        let keys = self.keys.lock();
        let concerned = keys.keys();
        let concerned = concerned.filter(|key| ring.is_none_or(|name| key.belongs_to(name)));
        let concerned: Vec<_> = concerned.cloned().collect();
        drop(keys);
        for key in &concerned {
            self.changed(key);
        }
    }

    /// Notes a change if `notes` returns true for the last one, and waits for fills that are storing. A call from within a
    /// put, such as by the `Drop` of an evicted value, does not wait: two of these could deadlock. The value stored by that
    /// put is removed at its end.
    fn note_change(&self, key: &EncodedKey, notes: impl Fn(u64) -> bool) -> Option<u64> {
        let (mut noted, mut stored) = (None, None);
        loop {
            {
                let mut keys = self.keys.lock();
                let state = keys.get_mut(key)?;
                if noted.is_none() {
                    if !notes(state.changed) {
                        return None;
                    }
                    state.changed = self.number();
                    noted = Some(state.changed);
                }
                if state.storing == 0 || is_storing() {
                    return noted;
                }
            }
            // Listening comes before the last look.
            match stored.take() {
                None => stored = Some(self.stored.listen()),
                Some(listener) => EventListener::wait(listener),
            }
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }
}

impl Fill<'_> {
    /// The key.
    pub(super) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// To be called after this fill's owner changed the entry in the far storage: supersedes all other fills. Returns
    /// whether the entry had no other change meanwhile, so that the far storage has the written value.
    pub(super) fn supersede(&mut self) -> bool {
        let own = self.number;
        match self.fills.note_change(&self.key, |changed| changed < own) {
            Some(number) => {
                self.number = number;
                true
            }
            None => {
                self.fills.changed(&self.key);
                false
            }
        }
    }

    /// Stores a value by `put`, if nothing changed. If something changes during `put`, `remove` removes the value, also if
    /// `put` panics, such as by the `Drop` of an evicted value.
    pub(super) fn store(self, put: impl FnOnce(&EncodedKey), remove: impl FnOnce(&EncodedKey)) {
        let Some(storing) = Storing::begin(&self) else {
            return;
        };
        let done = catch_unwind(AssertUnwindSafe(|| put(&self.key)));
        if storing.is_outdated() {
            remove(&self.key);
        }
        if let Err(panic) = done {
            resume_unwind(panic);
        }
    }
}

/// A put into the near storage under way. Dropping it ends it, also in a panic.
struct Storing<'s, 'f> {
    fill: &'s Fill<'f>,
}

impl<'s, 'f> Storing<'s, 'f> {
    /// Begins, unless the entry changed.
    fn begin(fill: &'s Fill<'f>) -> Option<Self> {
        let mut keys = fill.fills.keys.lock();
        let state = keys.get_mut(&fill.key)?;
        if state.changed > fill.number {
            return None;
        }
        state.storing += 1;
        count_storing(|count| count + 1);
        Some(Storing { fill })
    }

    fn is_outdated(&self) -> bool {
        let keys = self.fill.fills.keys.lock();
        let state = keys.get(&self.fill.key);
        state.is_some_and(|state| state.changed > self.fill.number)
    }
}

impl Drop for Storing<'_, '_> {
    fn drop(&mut self) {
        let mut keys = self.fill.fills.keys.lock();
        if let Some(state) = keys.get_mut(&self.fill.key) {
            state.storing -= 1;
        }
        drop(keys);
        count_storing(|count| count - 1);
        self.fill.fills.stored.notify(usize::MAX);
    }
}

/// Whether this thread is within a put into a near storage.
fn is_storing() -> bool {
    // While a thread ends, the count may be gone: then it waits.
    STORING.try_with(Cell::get).is_ok_and(|count| count > 0)
}

fn count_storing(change: impl FnOnce(usize) -> usize) {
    let _ = STORING.try_with(|count| count.set(change(count.get())));
}

impl Drop for Fill<'_> {
    fn drop(&mut self) {
        let mut keys = self.fills.keys.lock();
        let Some(state) = keys.get_mut(&self.key) else {
            return;
        };
        state.fills -= 1;
        if state.fills == 0 {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::*;

    fn key(of: u32) -> EncodedKey {
        EncodedKey::of(&of)
    }

    /// Whether a fill stores, and whether the value stays.
    fn store(fill: Fill<'_>) -> (bool, bool) {
        let (mut stored, mut removed) = (false, false);
        fill.store(|_| stored = true, |_| removed = true);
        (stored, stored && !removed)
    }

    #[test]
    fn a_fill_that_began_before_a_change_stores_nothing() {
        let fills = Fills::new();
        let (before, other) = (fills.begin(key(1)), fills.begin(key(2)));
        fills.changed(&key(1));
        let after = fills.begin(key(1));
        assert_eq!(store(before), (false, false));
        assert_eq!(store(after), (true, true));
        assert_eq!(store(other), (true, true));
        let before = [fills.begin(key(1)), fills.begin(key(2))];
        fills.changed_all(None);
        assert!(before.map(store).iter().all(|(stored, _)| !stored));
    }

    #[test]
    fn of_two_writers_neither_knows_the_far_value() {
        let fills = Fills::new();
        let (mut first, mut second, reader) = (fills.begin(key(1)), fills.begin(key(1)), fills.begin(key(1)));
        assert!(first.supersede());
        assert!(!second.supersede());
        assert_eq!(store(first), (false, false));
        assert_eq!(store(reader), (false, false));
    }

    #[test]
    fn a_writer_alone_outdates_readers_and_stores() {
        let fills = Fills::new();
        let reader = fills.begin(key(1));
        let mut writer = fills.begin(key(1));
        assert!(writer.supersede());
        assert_eq!(store(reader), (false, false));
        assert_eq!(store(writer), (true, true));
    }

    #[test]
    fn a_value_changed_while_it_is_stored_is_removed() {
        let (fills, removed) = (Fills::new(), Cell::new(false));
        let fill = fills.begin(key(1));
        // As by the `Drop` of an evicted value: it does not wait for itself.
        fill.store(|_| fills.changed(&key(1)), |_| removed.set(true));
        assert!(removed.get());
    }

    #[test]
    fn a_changed_value_is_removed_also_if_storing_panics() {
        let (fills, removed) = (Fills::new(), Cell::new(false));
        let fill = fills.begin(key(1));
        let put = |_: &EncodedKey| {
            fills.changed(&key(1));
            panic!("it does not want to go");
        };
        let store = || fill.store(put, |_| removed.set(true));
        catch_unwind(AssertUnwindSafe(store)).unwrap_err();
        assert!(removed.get() && !is_storing() && !fills.is_under_way(&key(1)));
    }

    /// After a change has returned, a value stored before it can be removed.
    #[test]
    fn a_change_waits_for_a_fill_that_stores() {
        let (fills, stored, under_way) = (Fills::new(), AtomicBool::new(false), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                let fill = fills.begin(key(1));
                let number = fill.number;
                let put = |key: &EncodedKey| {
                    under_way.wait();
                    while fills.keys.lock()[key].changed < number {
                        thread::yield_now();
                    }
                    // Time for a change that does not wait to end.
                    (0..1000).for_each(|_| thread::yield_now());
                    stored.store(true, Ordering::SeqCst);
                };
                fill.store(put, |_| {});
            });
            under_way.wait();
            fills.changed(&key(1));
            assert!(stored.load(Ordering::SeqCst));
        });
    }

    /// Two fills that each change the other's entry while they store.
    #[test]
    fn a_fill_that_stores_does_not_wait_for_another() {
        let (fills, both, removed) = (Fills::new(), Barrier::new(2), AtomicUsize::new(0));
        thread::scope(|scope| {
            for (own, other) in [(1, 2), (2, 1)] {
                let (fills, both, removed) = (&fills, &both, &removed);
                scope.spawn(move || {
                    let put = |_: &EncodedKey| {
                        both.wait();
                        fills.changed(&key(other));
                        both.wait();
                    };
                    let remove = |_: &EncodedKey| {
                        removed.fetch_add(1, Ordering::SeqCst);
                    };
                    fills.begin(key(own)).store(put, remove);
                });
            }
        });
        assert_eq!(removed.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn no_state_is_kept_for_a_key_without_fills() {
        let fills = Arc::new(Fills::new());
        let mut fill = fills.begin(key(1));
        fill.supersede();
        drop((fill, fills.begin(key(2))));
        fills.changed(&key(3));
        assert!(fills.keys.lock().is_empty());
    }
}
