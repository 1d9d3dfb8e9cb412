//! Writes of many machines on one storage, gathered into bulk operations.

use std::mem;
use std::ops::ControlFlow::{Break, Continue};
use std::time::{Duration, Instant};

use super::base::StorageBase;
use super::machine::{Event, Machine, Step};
use super::store::Store;
use crate::flights::LeaseToken;
use crate::key::EncodedKey;
use crate::sync::EventListener;

/// Writes on one storage that are made together.
///
/// Writes that wait for no other write come first, so that two bulk calls cannot deadlock.
pub(crate) struct Batch<'b, 'c, S: StorageBase<T>, T> {
    stores: &'b mut [Store<'c, S, T>],
    /// The result of each machine's last step.
    events: Vec<Option<Event>>,
    removals: Together<usize>,
    writes: Together<Place<T>>,
    leased_writes: Together<LeasedPlace<T>>,
    waits: Vec<(usize, EventListener, Option<Instant>)>,
    /// Whether each stored a value.
    stored: Vec<bool>,
}

/// Operations that are made together, and the earliest of their deadlines.
struct Together<I> {
    items: Vec<I>,
    until: Option<Instant>,
}

impl<I> Together<I> {
    fn new() -> Self {
        Together {
            items: Vec::new(),
            until: None,
        }
    }

    fn add(&mut self, item: I, until: Option<Instant>) {
        self.items.push(item);
        self.until = self.until.into_iter().chain(until).min();
    }

    /// Takes all, if any.
    fn take(&mut self) -> Option<(Vec<I>, Option<Instant>)> {
        (!self.items.is_empty()).then(|| (mem::take(&mut self.items), self.until.take()))
    }
}

/// An entry to write, by the place of its machine.
type Place<T> = (usize, T, Option<Duration>);

/// An entry to write whose lease has this token.
type LeasedPlace<T> = (usize, T, Option<Duration>, LeaseToken);

/// The driver's next action, by the indices of machines. Operations end at the instant, if there is one.
pub(crate) enum Round<T> {
    Remove(Vec<usize>, Option<Instant>),
    Write(Vec<Place<T>>, Option<Instant>),
    WriteLeased(Vec<LeasedPlace<T>>, Option<Instant>),
    /// Waits for the event, until the instant comes.
    Wait(usize, EventListener, Option<Instant>),
}

/// An entry of a bulk write.
type Entry<'k, T> = (&'k EncodedKey, T, Option<Duration>);

/// An entry of a bulk write whose lease has this token.
type LeasedEntry<'k, T> = (&'k EncodedKey, T, Option<Duration>, LeaseToken);

impl<'b, 'c, S: StorageBase<T>, T> Batch<'b, 'c, S, T> {
    pub(crate) fn new(stores: &'b mut [Store<'c, S, T>]) -> Self {
        Batch {
            events: stores.iter().map(|_| Some(Event::Start)).collect(),
            removals: Together::new(),
            writes: Together::new(),
            leased_writes: Together::new(),
            waits: Vec::new(),
            stored: vec![false; stores.len()],
            stores,
        }
    }

    /// The next action, until all have ended: first removals, then writes, then waits.
    pub(crate) fn next_round(&mut self) -> Option<Round<T>> {
        self.step_all();
        if let Some((places, until)) = self.removals.take() {
            return Some(Round::Remove(places, until));
        }
        if let Some((entries, until)) = self.writes.take() {
            return Some(Round::Write(entries, until));
        }
        if let Some((entries, until)) = self.leased_writes.take() {
            return Some(Round::WriteLeased(entries, until));
        }
        let (place, event, until) = (!self.waits.is_empty()).then(|| self.waits.remove(0))?;
        Some(Round::Wait(place, event, until))
    }

    fn step_all(&mut self) {
        for (place, event) in self.events.iter_mut().enumerate() {
            let Some(event) = event.take() else { continue };
            match self.stores[place].next(event) {
                Break(stored) => self.stored[place] = stored,
                Continue(Step::Wait(event, until)) => self.waits.push((place, event, until)),
                Continue(Step::Write(expiry, until)) => {
                    let value = self.stores[place].take_value();
                    self.writes.add((place, value, expiry), until);
                }
                Continue(Step::WriteLeased(expiry, token, until)) => {
                    let value = self.stores[place].take_value();
                    self.leased_writes.add((place, value, expiry, token), until);
                }
                Continue(Step::Remove(until)) => self.removals.add(place, until),
                Continue(Step::Read(_)) | Continue(Step::Renew(..)) | Continue(Step::Acquire(..)) => {
                    unreachable!("a write in bulk does not read, renew or ask for a lease")
                }
            }
        }
    }

    /// The keys at these indices.
    pub(crate) fn keys(&self, places: &[usize]) -> Vec<&EncodedKey> {
        places.iter().map(|place| self.stores[*place].key()).collect()
    }

    /// The indices of entries, and the entries under their keys.
    pub(crate) fn entries(&self, entries: Vec<Place<T>>) -> (Vec<usize>, Vec<Entry<'_, T>>) {
        let entries = entries.into_iter();
        let entries =
            entries.map(|(place, value, expiry)| (place, (self.stores[place].key(), value, expiry)));
        entries.unzip()
    }

    /// [`entries`](Self::entries) whose leases have tokens.
    pub(crate) fn leased_entries(
        &self,
        entries: Vec<LeasedPlace<T>>,
    ) -> (Vec<usize>, Vec<LeasedEntry<'_, T>>) {
        let entries = entries
            .into_iter()
            .map(|(place, value, expiry, token)| (place, (self.stores[place].key(), value, expiry, token)));
        entries.unzip()
    }

    /// The wait of the machine at this index ended.
    pub(crate) fn woken(&mut self, place: usize, in_time: bool) {
        self.events[place] = Some(Event::Woken(in_time));
    }

    /// The operation at these indices ended. Returns its failure.
    pub(crate) fn ended<E>(&mut self, places: &[usize], changed: Result<(), E>) -> Option<E> {
        for &place in places {
            self.events[place] = Some(Event::of_change(&changed));
        }
        changed.err()
    }

    /// [`ended`](Self::ended) with whether each was written. A storage that returns too few answers did not write the rest.
    pub(crate) fn ended_leased<E>(&mut self, places: &[usize], written: Result<Vec<bool>, E>) -> Option<E> {
        let (written, failure) = match written {
            Ok(written) => (written, None),
            Err(failure) => (Vec::new(), Some(failure)),
        };
        let mut written = written.into_iter();
        for &place in places {
            self.events[place] = Some(match failure {
                Some(_) => Event::Failed,
                None => Event::WrittenLeased(written.next().unwrap_or(false)),
            });
        }
        failure
    }

    /// Whether each stored a value.
    pub(crate) fn stored(self) -> Vec<bool> {
        self.stored
    }
}
