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
    /// The last epoch of these keys.
    last_epoch: u64,
}

/// A flight that no call waited for, kept for the next leader: to save an allocation, and, as both references are kept,
/// the atomic changes of their number.
pub(super) type Spare = Option<Begun>;

/// The references to a flight that begins: that of its leader, and that of its key's state.
pub(super) struct Begun {
    pub(super) led: Arc<Flight>,
    pub(super) joined: Arc<Flight>,
}

impl Default for Shard {
    fn default() -> Self {
        Shard {
            first: None,
            others: HashTable::new(),
            spare: None,
            last_epoch: 0,
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
) -> &'t mut KeyState {
    if let Some(state) = first
        && state.key == *key
    {
        return state;
    }
    let hash = |state: &KeyState| state.key.hash_value();
    match others.entry(key.hash_value(), |state| state.key == *key, hash) {
        Entry::Occupied(state) => state.into_mut(),
        Entry::Vacant(vacant) => vacant.insert(KeyState::new(key.clone())).into_mut(),
    }
}

/// A flight led by the leader of this epoch: the spare one, or a new one.
#[inline]
pub(super) fn flight(spare: &mut Spare, epoch: u64) -> Begun {
    match spare.take() {
        Some(begun) => {
            begun.led.begin_again(epoch);
            begun
        }
        None => {
            let led = Flight::new(epoch);
            Begun {
                joined: Arc::clone(&led),
                led,
            }
        }
    }
}

impl Shard {
    /// The number of keys with a state.
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next epoch.
    #[inline]
    pub(super) fn next_epoch(&mut self) -> u64 {
        self.last_epoch += 1;
        self.last_epoch
    }

    /// The last epoch.
    pub(super) fn last_epoch(&self) -> u64 {
        self.last_epoch
    }

    /// From now on, epochs are above this one.
    pub(super) fn skip_epochs(&mut self, to: u64) {
        self.last_epoch = self.last_epoch.max(to);
    }

    /// The state of a key, created if there is none, an epoch, and the place of a spare flight.
    #[inline(always)]
    pub(super) fn begin(&mut self, key: &EncodedKey) -> (&mut KeyState, u64, &mut Spare) {
        let epoch = self.next_epoch();
        let Shard {
            first, others, spare, ..
        } = self;
        if first.is_none() && others.is_empty() {
            return (first.insert(KeyState::new(key.clone())), epoch, spare);
        }
        (state_of_several(first, others, key), epoch, spare)
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

    /// Drops the states without a reference or a doubt, of keys for which `concerns` is true.
    pub(super) fn drop_idle(&mut self, concerns: impl Fn(&EncodedKey) -> bool) {
        let is_idle =
            |state: &mut KeyState| state.ref_count == 0 && !state.is_in_doubt() && concerns(&state.key);
        self.first.take_if(|state| is_idle(state));
        self.others.retain(|state| !is_idle(state));
    }

    /// Keeps the flight of a state that ends, if its leader ends with it and no call ever waited. Returns the references
    /// that are left, to be dropped without the lock.
    #[inline(always)]
    pub(super) fn keep_spare(
        &mut self,
        joined: Option<Arc<Flight>>,
        led: Option<Arc<Flight>>,
    ) -> [Option<Arc<Flight>>; 2] {
        match (joined, led) {
            // There are no weak references.
            (Some(joined), Some(led))
                if self.spare.is_none() && Arc::strong_count(&led) == 2 && led.is_unused() =>
            {
                self.spare = Some(Begun { led, joined });
                [None, None]
            }
            (joined, led) => [joined, led],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_without_waiters_is_kept_for_the_next_leader() {
        let mut shard = Shard::default();
        let Begun { led, joined } = flight(&mut shard.spare, 1);
        let other = Arc::clone(&led);
        let [joined, led] = shard.keep_spare(Some(joined), Some(led));
        assert!(joined.is_some() && led.is_some(), "another reference exists");

        let place = Arc::as_ptr(&other);
        drop(other);
        let left = shard.keep_spare(joined, led);
        assert!(left.iter().all(Option::is_none));
        let second = flight(&mut shard.spare, 2).led;
        assert_eq!((Arc::as_ptr(&second), second.first_epoch()), (place, 2));
    }

    #[test]
    fn a_flight_whose_leader_goes_on_is_not_kept() {
        let mut shard = Shard::default();
        let Begun { led: _led, joined } = flight(&mut shard.spare, 1);
        let [joined, _] = shard.keep_spare(Some(joined), None);
        assert!(joined.is_some() && shard.spare.is_none());
    }

    #[test]
    fn a_flight_that_anything_happened_to_is_not_kept() {
        for happen in super::super::flight::HAPPENINGS {
            let mut shard = Shard::default();
            let Begun { led, joined } = flight(&mut shard.spare, 1);
            happen(&led);
            let left = shard.keep_spare(Some(joined), Some(led));
            assert!(left.iter().all(Option::is_some) && shard.spare.is_none());
        }
    }
}
