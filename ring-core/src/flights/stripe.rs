//! The keys of one lock that are worked on.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use super::flight::Flight;
use super::work::Work;
use crate::key::EncodedKey;
use crate::sync::Arc;

/// The work on the keys of one lock, each there while somebody works on it.
pub(super) struct Stripe<T> {
    works: HashTable<Work<T>>,
    /// A flight that nobody joined, for the next leader: it need not be allocated again.
    spare: Option<Arc<Flight<T>>>,
}

impl<T> Default for Stripe<T> {
    fn default() -> Self {
        Stripe {
            works: HashTable::new(),
            spare: None,
        }
    }
}

impl<T> Stripe<T> {
    /// The work on a key, begun if there is none. Returns also whether it was.
    pub(super) fn work(&mut self, key: &EncodedKey) -> (&mut Work<T>, bool) {
        let hash = |work: &Work<T>| work.key.hash_value();
        match self.works.entry(key.hash_value(), |work| work.key == *key, hash) {
            Entry::Occupied(work) => (work.into_mut(), false),
            Entry::Vacant(place) => (place.insert(Work::new(key.clone())).into_mut(), true),
        }
    }

    /// The work on a key, if there is any.
    pub(super) fn find(&mut self, key: &EncodedKey) -> Option<&mut Work<T>> {
        self.works.find_mut(key.hash_value(), |work| work.key == *key)
    }

    /// The work on a key that a ticket or a waiter keeps.
    pub(super) fn kept(&mut self, key: &EncodedKey) -> OccupiedEntry<'_, Work<T>> {
        let work = self.works.find_entry(key.hash_value(), |work| work.key == *key);
        work.unwrap_or_else(|_| unreachable!("tickets and waiters keep the work on their key"))
    }

    /// The keys that `concerns` names.
    pub(super) fn keys(&self, concerns: impl Fn(&EncodedKey) -> bool) -> impl Iterator<Item = EncodedKey> {
        let keys = self.works.iter().map(|work| &work.key);
        keys.filter(move |key| concerns(key)).cloned()
    }

    /// A flight that the ticket of this number leads.
    pub(super) fn flight(&mut self, number: u64) -> Arc<Flight<T>> {
        let mut spare = self.spare.take();
        match spare.as_mut().and_then(Arc::get_mut) {
            Some(flight) => flight.first = number,
            None => return Flight::new(number),
        }
        spare.unwrap_or_else(|| unreachable!("it was there"))
    }

    /// Keeps the flight of work that is over, if nobody ever waited for it.
    pub(super) fn keep_spare(&mut self, work: &mut Work<T>) {
        let is_unused = |flight: &mut Arc<Flight<T>>| Arc::get_mut(flight).is_some_and(Flight::is_unused);
        if work.flight.as_mut().is_some_and(is_unused) {
            self.spare = work.flight.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_that_nobody_joined_is_there_for_the_next_leader() {
        let mut stripe = Stripe::<()>::default();
        let mut work = Work::new(EncodedKey::of(&1));
        let first = stripe.flight(1);
        work.flight = Some(Arc::clone(&first));
        stripe.keep_spare(&mut work);
        assert!(work.flight.is_some(), "somebody else has it");

        let place = Arc::as_ptr(&first);
        drop(first);
        stripe.keep_spare(&mut work);
        assert!(work.flight.is_none());
        let second = stripe.flight(2);
        assert_eq!((Arc::as_ptr(&second), second.first), (place, 2));
    }
}
