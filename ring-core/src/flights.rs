//! Flights: one computation per key at a time, and nothing is stored that began before a delete.
//!
//! A call that computes a value is its *leader*. Leaders have *epochs*, numbers that rise as they begin. `set`,
//! `delete` and `clear` raise the smallest epoch that may write; so does a write that ends. A computation that began
//! before a delete is therefore not stored after it. Of two computations that overlap, the later one wins. Writers of
//! one key take turns, so this also holds for storages whose writes take time. An update that is overtaken waits for
//! the operation that overtook it: see `invalidation`.
//!
//! A leader that others may wait for leads a *flight*, whose outcome reaches all waiters. A leader that is lost (by a
//! panic or a drop) hands over to one waiter. A waiter replaces a leader that exceeds `flight_timeout`. Threads and
//! tasks listen to the same event. A key has a state only while calls work on it.
//!
//! The idea of value-or-guard is quick-cache's; the name *flight* comes from Go's `singleflight`.

mod counted;
mod flight;
mod in_place;
mod invalidation;
mod key_state;
mod leader;
mod lease;
mod refreshes;
mod registry;
mod ring_doubts;
mod scope;
mod shard;
mod table;
mod values;
mod waiter;

use std::time::Duration;

#[doc(hidden)]
pub use in_place::{Departed, Evicted, Gone, InPlace, Later, Terms};
pub(crate) use invalidation::Invalidation;
pub(crate) use leader::{Leader, Turn, UntypedLeader, key_of};
pub use lease::{LeaseToken, Leases};
#[doc(hidden)]
pub use refreshes::Claim;
pub(crate) use registry::may_meet;
pub(crate) use scope::{Scope, ScopeGuard, Scoped, Scopes};
pub use table::Doubt;
pub(crate) use table::FlightTable;
pub(crate) use waiter::{WaitOutcome, Waiter};

use table::Joined;
use values::Values;
use waiter::UntypedWaiter;

use crate::key::{EncodedKey, RingKey};
use crate::observer::EvictionReason;
use crate::usage::Usage;

/// The computations and writes of one storage. The storage owns it, and all its handles share it.
///
/// `T` is the type in the storage: values in memory, a coder's bytes elsewhere.
pub struct Flights<T> {
    table: FlightTable,
    values: Values<T>,
}

/// The role of a call in the computation of its value.
pub(crate) enum Role<'f, T> {
    /// It computes, and others may wait for it.
    Lead(Leader<'f, T>),
    /// It waits for the call that computes.
    Wait(Waiter<'f, T>),
    /// It is part of that computation itself, so waiting would deadlock. It computes without the cache.
    Bypass,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Flights {
            table: FlightTable::default(),
            values: Values::default(),
        }
    }
}

impl<T> Flights<T> {
    /// The part that does not depend on the type of values: it is compiled once for all of them.
    #[inline(always)]
    pub(crate) fn table(&self) -> &FlightTable {
        &self.table
    }

    /// Joins the computation of a key's value, or starts one: see [`FlightTable::join`].
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn join(&self, key: EncodedKey, version: u64) -> Role<'_, T> {
        if self.table.is_computing(&key) {
            return Role::Bypass;
        }
        match self.table.join(&key, version) {
            Ok((flight, epoch)) => {
                let leader = UntypedLeader::new(&self.table, key, epoch, Some(flight));
                Role::Lead(self.leader(leader))
            }
            Err(joined) => self.joined(key, joined),
        }
    }

    /// The role of a call that joined a flight.
    #[inline(never)]
    fn joined(&self, key: EncodedKey, joined: Joined) -> Role<'_, T> {
        match joined {
            Joined::Lead(flight, epoch) => {
                let leader = UntypedLeader::new(&self.table, key, epoch, Some(flight));
                Role::Lead(self.leader(leader))
            }
            Joined::Wait(flight) => {
                let waiter = UntypedWaiter::new(&self.table, key, flight);
                Role::Wait(self.waiter(waiter))
            }
        }
    }

    #[inline]
    fn leader<'f>(&'f self, leader: UntypedLeader<'f>) -> Leader<'f, T> {
        Leader::new(leader, &self.values)
    }

    fn waiter<'f>(&'f self, waiter: UntypedWaiter<'f>) -> Waiter<'f, T> {
        Waiter::new(waiter, &self.values)
    }

    /// Starts a computation beside one that takes too long. Newcomers join the new one.
    pub(crate) fn lead_anew(&self, key: EncodedKey) -> Leader<'_, T> {
        let leader = self.leader(self.table.lead_anew(key));
        self.table.notify_refreshes();
        leader
    }

    /// Watches the computation of a key's value, which may not have begun, without taking the lead.
    pub(crate) fn watch(&self, key: EncodedKey) -> Waiter<'_, T> {
        self.waiter(self.table.watch(key))
    }

    /// Takes the flight of another leader for a job in the background: see [`FlightTable::lead_as_job`].
    pub(crate) fn lead_as_job(&self, key: &EncodedKey, first_epoch: u64) -> Option<Leader<'_, T>> {
        let leader = self.table.lead_as_job(key, first_epoch)?;
        Some(self.leader(leader))
    }

    /// Starts a computation that others cannot join.
    pub(crate) fn lead_alone(&self, key: EncodedKey) -> Leader<'_, T> {
        self.leader(self.table.lead_alone(key))
    }

    /// Starts the write of a value given by the user: see [`FlightTable::lead_explicit`].
    pub(crate) fn lead_explicit(&self, key: EncodedKey) -> Leader<'_, T> {
        self.leader(self.table.lead_explicit(key))
    }

    /// Stores a value given by the user in place: see [`FlightTable::set_in_place`].
    ///
    /// # Errors
    ///
    /// The key and the value, if the write must wait for another one.
    pub(crate) fn set_in_place(
        &self,
        key: EncodedKey,
        storage: &dyn InPlace<T>,
        value: T,
        terms: Terms,
    ) -> Result<(), (EncodedKey, T)> {
        let (mut value, mut gone) = (Some(value), None);
        let set = self.table.set_in_place(key, &mut |key| {
            if let Some(value) = value.take() {
                storage.write(key, value, terms, &mut gone);
            }
        });
        if let (Err(key), Some(value)) = (set, value) {
            return Err((key, value));
        }
        storage.count_gone(gone);
        Ok(())
    }

    /// [`FlightTable::invalidate`].
    pub(crate) fn invalidate<K>(&self, key: &K, patience: Duration) -> Invalidation<'_>
    where
        K: RingKey + ?Sized,
    {
        self.table.invalidate(key, patience)
    }

    /// [`FlightTable::invalidate_all`].
    pub(crate) fn invalidate_all(&self, patience: Duration) -> Invalidation<'_> {
        self.table.invalidate_all(patience)
    }

    /// The number of keys that calls work on.
    pub fn under_way(&self) -> usize {
        self.table.under_way()
    }

    /// Counts and reports an entry that the storage dropped without knowing its ring. If only one ring uses the
    /// storage, it counts as that ring's entry. Must not be called under a lock.
    pub fn lost(&self, reason: EvictionReason) {
        self.table.usage().lost_of_any(reason);
    }

    /// What rings do on this storage.
    #[inline(always)]
    pub(crate) fn usage(&self) -> &Usage {
        self.table.usage()
    }

    /// Whether an older value may be found under `key` than a call that returned has promised. An abandoned write may
    /// still arrive, the operation that overtook an update has not taken effect yet, or the key's ring is in doubt.
    ///
    /// Read before a look-up, which then treats a found value as absent.
    #[inline]
    pub fn is_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        self.table.is_in_doubt(key)
    }

    /// Puts `key` [in doubt](Self::is_in_doubt) until [`end_doubt`](Self::end_doubt), for a storage whose write goes
    /// on after its caller was dropped.
    pub fn begin_doubt(&self, key: &EncodedKey) -> Doubt {
        self.table.begin_doubt(key)
    }

    /// Whether `key` may have changed since the doubt began. If so, the entry that the write left is to be removed.
    pub fn is_outdated(&self, key: &EncodedKey, doubt: &Doubt) -> bool {
        self.table.is_outdated(key, doubt)
    }

    /// Ends a doubt that was [begun](Self::begin_doubt): the entry that the write left is gone.
    pub fn end_doubt(&self, key: &EncodedKey) {
        self.table.end_doubt(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Arc;

    #[test]
    fn a_computation_whose_version_is_not_known_is_not_joined_by_a_call_that_knows_one() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let unknown = flights.join(key.clone(), 0);
        assert!(matches!(unknown, Role::Lead(_)));
        assert!(matches!(flights.join(key.clone(), 0), Role::Wait(_)));
        assert!(matches!(flights.join(key.clone(), 7), Role::Lead(_)));
    }

    #[test]
    fn a_value_lives_until_the_last_waiter_ends_also_if_the_leader_was_dropped() {
        let (flights, key) = (Flights::<Arc<()>>::default(), EncodedKey::of(&1));
        let Role::Lead(leader) = flights.join(key.clone(), 0) else {
            panic!("no other call leads")
        };
        let Role::Wait(waiter) = flights.join(key.clone(), 0) else {
            panic!("the first call leads")
        };
        let value = Arc::new(());
        leader.publish(|| Some(Arc::clone(&value)));
        let Role::Wait(mut late) = flights.join(key, 0) else {
            panic!("the first call still leads")
        };
        drop(leader);
        assert!(matches!(late.next(true), WaitOutcome::Value(_)));
        drop(late);
        assert_eq!(Arc::strong_count(&value), 2);
        drop(waiter);
        assert_eq!((Arc::strong_count(&value), flights.values.len()), (1, 0));
        assert_eq!(flights.under_way(), 0);
    }

    #[test]
    fn a_published_value_ends_with_its_leader_if_no_call_waits() {
        let (flights, key) = (Flights::<Arc<()>>::default(), EncodedKey::of(&1));
        let Role::Lead(leader) = flights.join(key, 0) else {
            panic!("no other call leads")
        };
        let value = Arc::new(());
        leader.publish(|| Some(Arc::clone(&value)));
        assert_eq!(Arc::strong_count(&value), 2);
        leader.fail();
        assert_eq!((Arc::strong_count(&value), flights.values.len()), (1, 0));
    }

    struct Panicking;

    impl Leases for Panicking {
        fn release(&self, _: &EncodedKey, _: LeaseToken) {
            std::panic::resume_unwind(Box::new("intended"));
        }
    }

    #[test]
    fn a_lease_whose_end_panics_keeps_no_value() {
        let (flights, key, value) = (Flights::<Arc<()>>::default(), EncodedKey::of(&1), Arc::new(()));
        let Role::Lead(mut leader) = flights.join(key, 0) else {
            panic!("no other call leads")
        };
        leader.publish(|| Some(Arc::clone(&value)));
        leader.hold_lease(LeaseToken::of(1), Some(&Panicking));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| leader.fail()));
        assert!(ended.is_err());
        assert_eq!(flights.under_way(), 0);
        assert_eq!((Arc::strong_count(&value), flights.values.len()), (1, 0));
    }
}
