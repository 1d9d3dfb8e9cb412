//! One shard of the flight table: the states of the keys behind one lock.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use super::flight::Flight;
use super::key_state::KeyState;
use crate::key::EncodedKey;
use crate::sync::Arc;

/// The states of the keys behind one lock.
pub(super) struct Shard {
    /// The state of a key that came while there was no other. Mostly calls work on one key at a time, and the table
    /// stays empty.
    first: Option<KeyState>,
    others: HashTable<KeyState>,
    spare: Spare,
}

/// A flight without waiters, kept for the next leader to save an allocation.
pub(super) type Spare = Option<Arc<Flight>>;

impl Default for Shard {
    fn default() -> Self {
        Shard {
            first: None,
            others: HashTable::new(),
            spare: None,
        }
    }
}

/// The state of a key, and its place.
pub(super) enum StateEntry<'t> {
    First(&'t mut Option<KeyState>),
    Other(OccupiedEntry<'t, KeyState>),
}

impl<'t> StateEntry<'t> {
    #[inline]
    pub(super) fn get_mut(&mut self) -> &mut KeyState {
        match self {
            StateEntry::First(state) => expect(state),
            StateEntry::Other(entry) => entry.get_mut(),
        }
    }

    #[inline]
    pub(super) fn into_mut(self) -> &'t mut KeyState {
        match self {
            StateEntry::First(state) => expect(state),
            StateEntry::Other(entry) => entry.into_mut(),
        }
    }

    /// Removes the state. Returns its flight.
    #[inline(always)]
    pub(super) fn remove(mut self) -> Option<Arc<Flight>> {
        let flight = self.get_mut().flight.take();
        match self {
            StateEntry::First(state) => *state = None,
            StateEntry::Other(entry) => drop(entry.remove()),
        }
        flight
    }
}

#[inline]
fn expect(state: &mut Option<KeyState>) -> &mut KeyState {
    state
        .as_mut()
        .unwrap_or_else(|| unreachable!("the entry was found"))
}

#[inline(never)]
fn state_of_several<'t>(
    first: &'t mut Option<KeyState>,
    others: &'t mut HashTable<KeyState>,
    key: &EncodedKey,
) -> (&'t mut KeyState, bool) {
    if let Some(state) = first
        && state.key == *key
    {
        return (state, false);
    }
    let hash = |state: &KeyState| state.key.hash_value();
    match others.entry(key.hash_value(), |state| state.key == *key, hash) {
        Entry::Occupied(state) => (state.into_mut(), false),
        Entry::Vacant(vacant) => (vacant.insert(KeyState::new(key.clone())).into_mut(), true),
    }
}

/// A flight led by the leader of this epoch: the spare one, or a new one.
#[inline]
pub(super) fn flight(spare: &mut Spare, epoch: u64) -> Arc<Flight> {
    match spare.take() {
        Some(flight) => {
            flight.begin_again(epoch);
            flight
        }
        None => Flight::new(epoch),
    }
}

impl Shard {
    /// The state of a key, whether this call created it, and the place of a spare flight.
    #[inline(always)]
    pub(super) fn state(&mut self, key: &EncodedKey) -> (&mut KeyState, bool, &mut Spare) {
        let Shard { first, others, spare } = self;
        if first.is_none() && others.is_empty() {
            return (first.insert(KeyState::new(key.clone())), true, spare);
        }
        let (state, created) = state_of_several(first, others, key);
        (state, created, spare)
    }

    /// The state of a key, if it has one.
    pub(super) fn find(&mut self, key: &EncodedKey) -> Option<&mut KeyState> {
        self.entry(key).map(StateEntry::into_mut)
    }

    /// The entry of a key, if it has one.
    #[inline(always)]
    fn entry(&mut self, key: &EncodedKey) -> Option<StateEntry<'_>> {
        if self.first.as_ref().is_some_and(|state| state.key == *key) {
            return Some(StateEntry::First(&mut self.first));
        }
        let entry = self
            .others
            .find_entry(key.hash_value(), |state| state.key == *key);
        entry.ok().map(StateEntry::Other)
    }

    /// The state of a key to which the caller holds a reference.
    #[inline(always)]
    pub(super) fn expect_entry(&mut self, key: &EncodedKey) -> StateEntry<'_> {
        // It is the only state, so the keys need not be compared.
        if self.others.is_empty() && self.first.is_some() {
            debug_assert!(self.first.as_ref().is_some_and(|state| state.key == *key));
            return StateEntry::First(&mut self.first);
        }
        self.entry(key)
            .unwrap_or_else(|| unreachable!("a leader, waiter or invalidation keeps the state of its key"))
    }

    /// Adds the keys for which `concerns` is true.
    pub(super) fn add_keys(&self, concerns: &dyn Fn(&EncodedKey) -> bool, keys: &mut Vec<EncodedKey>) {
        for state in self.first.iter().chain(&self.others) {
            if concerns(&state.key) {
                keys.push(state.key.clone());
            }
        }
    }

    /// Drops the states without a reference or a doubt, of keys for which `concerns` is true. Returns their number.
    pub(super) fn drop_idle(&mut self, concerns: impl Fn(&EncodedKey) -> bool) -> usize {
        let is_idle =
            |state: &mut KeyState| state.ref_count == 0 && !state.is_in_doubt() && concerns(&state.key);
        let first = self.first.take_if(|state| is_idle(state));
        let before = self.others.len();
        self.others.retain(|state| !is_idle(state));
        before - self.others.len() + usize::from(first.is_some())
    }

    /// Keeps the flight of a state that ends, if no call ever waited for it. Returns it otherwise.
    #[inline]
    pub(super) fn keep_spare(&mut self, mut flight: Option<Arc<Flight>>) -> Option<Arc<Flight>> {
        // There are no weak references.
        let is_unused = |flight: &Arc<Flight>| Arc::strong_count(flight) == 1 && flight.is_unused();
        if self.spare.is_none() && flight.as_ref().is_some_and(is_unused) {
            self.spare = flight.take();
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_without_waiters_is_kept_for_the_next_leader() {
        let mut shard = Shard::default();
        let first = flight(&mut shard.spare, 1);
        let other = shard.keep_spare(Some(Arc::clone(&first)));
        assert!(other.is_some(), "another reference exists");

        let place = Arc::as_ptr(&first);
        drop(other);
        assert!(shard.keep_spare(Some(first)).is_none());
        let second = flight(&mut shard.spare, 2);
        assert_eq!((Arc::as_ptr(&second), second.first_epoch()), (place, 2));
    }
}
