//! One shard of the flight table: the states of the keys behind one lock.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use super::flight::Flight;
use super::key_state::KeyState;
use crate::key::EncodedKey;
use crate::sync::Arc;

/// The states of the keys behind one lock.
pub(super) struct Shard<T> {
    states: HashTable<KeyState<T>>,
    /// A flight without waiters, kept for the next leader to save an allocation.
    spare: Option<Arc<Flight<T>>>,
}

impl<T> Default for Shard<T> {
    fn default() -> Self {
        Shard {
            states: HashTable::new(),
            spare: None,
        }
    }
}

impl<T> Shard<T> {
    /// The state of a key, and whether it was created for it.
    pub(super) fn state(&mut self, key: &EncodedKey) -> (&mut KeyState<T>, bool) {
        let hash = |state: &KeyState<T>| state.key.hash_value();
        match self
            .states
            .entry(key.hash_value(), |state| state.key == *key, hash)
        {
            Entry::Occupied(state) => (state.into_mut(), false),
            Entry::Vacant(vacant) => (vacant.insert(KeyState::new(key.clone())).into_mut(), true),
        }
    }

    /// The state of a key, if it has one.
    pub(super) fn find(&mut self, key: &EncodedKey) -> Option<&mut KeyState<T>> {
        self.states.find_mut(key.hash_value(), |state| state.key == *key)
    }

    /// The state of a key to which the caller holds a reference.
    pub(super) fn expect_entry(&mut self, key: &EncodedKey) -> OccupiedEntry<'_, KeyState<T>> {
        let entry = self
            .states
            .find_entry(key.hash_value(), |state| state.key == *key);
        entry.unwrap_or_else(|_| unreachable!("a leader, waiter or invalidation keeps the state of its key"))
    }

    /// The keys for which `concerns` is true.
    pub(super) fn keys(&self, concerns: impl Fn(&EncodedKey) -> bool) -> impl Iterator<Item = EncodedKey> {
        let keys = self.states.iter().map(|state| &state.key);
        keys.filter(move |key| concerns(key)).cloned()
    }

    /// Drops the states that nobody refers to and that are not in doubt, of the keys that `concerns`. Returns their number.
    pub(super) fn drop_idle(&mut self, concerns: impl Fn(&EncodedKey) -> bool) -> usize {
        let before = self.states.len();
        self.states
            .retain(|state| state.ref_count > 0 || state.is_in_doubt() || !concerns(&state.key));
        before - self.states.len()
    }

    /// A flight that the leader of this epoch leads.
    pub(super) fn flight(&mut self, epoch: u64) -> Arc<Flight<T>> {
        let mut spare = self.spare.take();
        match spare.as_mut().and_then(Arc::get_mut) {
            Some(flight) => flight.first_epoch = epoch,
            None => return Flight::new(epoch),
        }
        spare.unwrap_or_else(|| unreachable!("it was there"))
    }

    /// Keeps the flight of a state that is dropped, if no call ever waited for it.
    pub(super) fn keep_spare(&mut self, state: &mut KeyState<T>) {
        let is_unused = |flight: &mut Arc<Flight<T>>| Arc::get_mut(flight).is_some_and(Flight::is_unused);
        if state.flight.as_mut().is_some_and(is_unused) {
            self.spare = state.flight.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_without_waiters_is_kept_for_the_next_leader() {
        let mut shard = Shard::<()>::default();
        let mut state = KeyState::new(EncodedKey::of(&1));
        let first = shard.flight(1);
        state.flight = Some(Arc::clone(&first));
        shard.keep_spare(&mut state);
        assert!(state.flight.is_some(), "another reference exists");

        let place = Arc::as_ptr(&first);
        drop(first);
        shard.keep_spare(&mut state);
        assert!(state.flight.is_none());
        let second = shard.flight(2);
        assert_eq!((Arc::as_ptr(&second), second.first_epoch), (place, 2));
    }
}
