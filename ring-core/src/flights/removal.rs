//! Values on their way out: what outdates computations, until it is done.

use super::Flights;
use crate::key::EncodedKey;

/// Keys whose computations were outdated, since their values are about to be removed or replaced.
///
/// An update that has to give way promises nonetheless that nothing older is left when it returns. So it waits until this
/// is dropped.
#[must_use = "updates that gave way do not wait for a removal that is dropped"]
pub(crate) struct Removal<'f, T> {
    flights: &'f Flights<T>,
    /// The keys that somebody worked on, each with the barrier that was raised for it.
    keys: Vec<(EncodedKey, u64)>,
    /// Whether it took effect, as far as is known. One that is given up while it waits for writers did not.
    done: bool,
}

impl<'f, T> Removal<'f, T> {
    /// One of nothing that anybody works on.
    pub(super) fn of_nothing(flights: &'f Flights<T>) -> Self {
        Removal {
            flights,
            keys: Vec::new(),
            done: true,
        }
    }

    /// Outdates all computations of `keys`.
    pub(super) fn begin(flights: &'f Flights<T>, keys: &[EncodedKey]) -> Self {
        let mut removal = Self::of_nothing(flights);
        removal.done = false;
        for key in keys {
            let barrier = flights.with_work(key, |work| {
                work.hands += 1;
                work.begin_change(flights.number())
            });
            removal.keys.extend(barrier.map(|barrier| (key.clone(), barrier)));
        }
        removal
    }

    pub(super) fn is_of_nothing(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a computation that began before is being written just now.
    pub(super) fn is_waiting(&self) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|(key, barrier)| self.flights.change(key, |work| work.is_written_before(*barrier)))
    }

    /// Does what was announced. If that fails, or is dropped, updates that gave way for it see to it themselves that
    /// nothing older is left.
    pub(crate) async fn by<R, E>(mut self, removing: impl Future<Output = Result<R, E>>) -> Result<R, E> {
        self.done = false;
        let removed = removing.await;
        self.end(removed.is_ok());
        removed
    }

    /// Ends, and says whether it took effect.
    pub(crate) fn end(mut self, done: bool) {
        self.done = done;
    }

    /// Does not wait any longer for what is being written. Whoever began it goes on without fail, unless it says
    /// [otherwise](Self::by).
    pub(super) fn pass_over(&mut self) {
        for (key, barrier) in &self.keys {
            self.flights.change(key, |work| work.pass_over(*barrier));
        }
        self.done = true;
    }
}

impl<T> Drop for Removal<'_, T> {
    fn drop(&mut self) {
        for (key, barrier) in &self.keys {
            self.flights.let_go(key, |work| {
                work.end_change();
                if self.done {
                    work.took_effect(*barrier);
                }
            });
        }
        if !self.is_of_nothing() {
            self.flights.written.notify(usize::MAX);
        }
    }
}
