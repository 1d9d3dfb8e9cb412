//! Invalidations: they end computations whose values are about to be removed or replaced.

use std::time::{Duration, Instant};

use super::table::FlightTable;
use crate::key::{EncodedKey, Name, RingKey, hash_key};
use crate::sync::{EventListener, Ordering};
use crate::wait;

/// Keys whose values are about to be removed: their computations may not be stored any more.
///
/// An update that is overtaken still promises that no older value is left when it returns, so it waits until this is
/// dropped.
#[must_use = "updates that were overtaken do not wait for an invalidation that is dropped"]
pub(crate) struct Invalidation<'f> {
    flights: &'f FlightTable,
    /// The keys that have a state, with the epoch of this invalidation.
    keys: Vec<(EncodedKey, u64)>,
    /// Whether the keys were removed, or there are none.
    done: bool,
    /// The longest wait for a write that began earlier.
    until: Option<Instant>,
    /// Taken before the last check of the writers, so that no write ends unnoticed in between.
    written: Option<EventListener>,
}

impl FlightTable {
    /// Ends the computations of a key's value: none of them is stored, and newcomers start a new one.
    pub(crate) fn invalidate<K>(&self, key: &K, patience: Duration) -> Invalidation<'_>
    where
        K: RingKey + ?Sized,
    {
        // A computation that begins after this look at its shard sees what this thread did before.
        if self.shard_of(hash_key(key)).lock().is_empty() {
            return Invalidation::of_nothing(self);
        }
        Invalidation::begin(self, &mut [EncodedKey::of(key)].into_iter(), patience)
    }

    /// [`invalidate`](Self::invalidate) for many keys.
    pub(crate) fn invalidate_many(
        &self,
        keys: &mut dyn Iterator<Item = EncodedKey>,
        patience: Duration,
    ) -> Invalidation<'_> {
        Invalidation::begin(self, keys, patience)
    }

    /// [`invalidate`](Self::invalidate) for all keys of one ring.
    pub(crate) fn invalidate_ring(&self, name: &Name, patience: Duration) -> Invalidation<'_> {
        self.invalidate_where(&|key| key.belongs_to(name), patience)
    }

    /// [`invalidate`](Self::invalidate) for all keys.
    pub(crate) fn invalidate_all(&self, patience: Duration) -> Invalidation<'_> {
        self.invalidate_where(&|_| true, patience)
    }

    fn invalidate_where(
        &self,
        concerns: &dyn Fn(&EncodedKey) -> bool,
        patience: Duration,
    ) -> Invalidation<'_> {
        let mut keys = Vec::new();
        self.add_keys(concerns, &mut keys);
        Invalidation::begin(self, &mut keys.into_iter(), patience)
    }
}

impl<'f> Invalidation<'f> {
    /// Invalidates nothing: no key has a state.
    pub(super) fn of_nothing(flights: &'f FlightTable) -> Self {
        Invalidation {
            flights,
            keys: Vec::new(),
            done: true,
            until: None,
            written: None,
        }
    }

    /// Ends the computations of `keys`. Writes under way are awaited until `patience` has passed.
    pub(super) fn begin(
        flights: &'f FlightTable,
        keys: &mut dyn Iterator<Item = EncodedKey>,
        patience: Duration,
    ) -> Self {
        let mut invalidation = Self::of_nothing(flights);
        for key in keys {
            let mut shard = flights.shard(&key).lock();
            let epoch = shard.next_epoch();
            let Some(state) = shard.find(&key) else { continue };
            state.ref_count += 1;
            flights.counted(state).begin_change(epoch);
            drop(shard);
            invalidation.keys.push((key, epoch));
        }
        if !invalidation.keys.is_empty() {
            invalidation.done = false;
            invalidation.until = Instant::now().checked_add(patience);
            // Writers that wait for their turn may not write any more.
            flights.written.notify(usize::MAX);
        }
        invalidation
    }

    /// Records the result of the removal. If it failed, or if this is dropped first, overtaken updates remove older
    /// values themselves.
    pub(crate) fn end<R, E>(mut self, removed: Result<R, E>) -> Result<R, E> {
        self.done = removed.is_ok();
        removed
    }

    /// Blocks until the keys may be removed.
    pub(crate) fn block(mut self) -> Self {
        let mut in_time = true;
        while let Some((event, until)) = self.next_wait(in_time) {
            in_time = wait::block(event, until);
        }
        self
    }

    /// [`block`](Self::block), awaited.
    pub(crate) async fn settle(mut self) -> Self {
        let mut in_time = true;
        while let Some((event, until)) = self.next_wait(in_time) {
            in_time = wait::event(event, until).await;
        }
        self
    }

    /// [`block`](Self::block) without a wait: writes under way remove their entries when they end.
    pub(crate) fn at_once(mut self) -> Self {
        self.abandon_writers();
        self
    }

    /// The event and the instant to wait for before the keys may be removed; `None` if the wait is over. `in_time` is
    /// whether the last wait ended with its event.
    fn next_wait(&mut self, in_time: bool) -> Option<(EventListener, Option<Instant>)> {
        loop {
            if !self.is_waiting() || self.flights.is_writing() {
                break;
            }
            if !in_time {
                break;
            }
            match self.written.take() {
                Some(written) => return Some((written, self.until)),
                None => self.written = Some(self.flights.written.listen()),
            }
        }
        self.abandon_writers();
        None
    }

    /// Whether the value of an earlier computation is being written.
    fn is_waiting(&self) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|(key, epoch)| {
            let mut shard = self.flights.shard(key).lock();
            let state = self.flights.expect_state(&mut shard, key);
            state.is_written_before(*epoch)
        })
    }

    fn abandon_writers(&mut self) {
        self.written = None;
        for (key, epoch) in &self.keys {
            let mut shard = self.flights.shard(key).lock();
            self.flights.expect_state(&mut shard, key).abandon_writer(*epoch);
        }
        if !self.keys.is_empty() {
            self.flights.written.notify(usize::MAX);
        }
    }
}

impl Drop for Invalidation<'_> {
    fn drop(&mut self) {
        self.flights.removals.fetch_add(1, Ordering::SeqCst);
        for (key, epoch) in &self.keys {
            let mut shard = self.flights.shard(key).lock();
            let mut state = self.flights.expect_state(&mut shard, key);
            state.end_change();
            if self.done {
                state.took_effect(*epoch);
            }
            drop(state);
            self.flights.release(shard, key);
        }
        if !self.keys.is_empty() {
            self.flights.written.notify(usize::MAX);
        }
    }
}
