//! Flights and tickets: one computation a key at a time, and none that outlives a delete.
//!
//! Every computation of a value holds a [`Ticket`]. Tickets are numbered as they start. `set`, `delete` and `clear`
//! raise a barrier over the numbers given out so far, and a finished ticket raises it to its own: so a computation
//! that began before a delete cannot store after it, and of two that overlap the later-started wins. Writers of one
//! key take turns, so that this holds for storages that take their time as well.
//!
//! A ticket that others may wait for leads a *flight*. Its outcome reaches all waiters: a value to take, or the word
//! to compute for themselves. A leader that is lost (it panicked or was dropped) hands over to one waiter. Nothing
//! here knows whether those who wait are threads or tasks, and nothing is kept of a key when nobody works on it.
//!
//! The idea of value-or-guard is quick-cache's; Go's `singleflight` gave flights their name.

mod claims;
mod leading;
mod ticket;
mod waiter;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

pub(crate) use leading::leading;
pub use ticket::{Ticket, fill_many};
pub use waiter::{Landed, Waiter};

use crate::key::{EncodedKey, RingKey};
use crate::name::Name;
use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Event, Listener, Mutex, OnceLock, Ordering};

/// A lock for each of so many groups of keys.
const STRIPES: usize = 8;

/// What a storage knows of the computations that are under way: it owns one, and its clones share it.
///
/// `T` is what the storage holds: the values themselves in memory, a coder's bytes elsewhere.
pub struct Flights<T> {
    stripes: [Mutex<HashTable<Work<T>>>; STRIPES],
    /// How many keys are worked on, so that a delete finds out without a lock that there are none.
    keys: AtomicUsize,
    /// The number of the next ticket.
    next: AtomicU64,
    /// Told whenever a writer of some key is done.
    written: Event,
    claims: claims::Claims,
}

/// How a call takes part in the computation of its value.
pub enum Joined<'f, T> {
    /// It computes, and others may wait for it.
    Lead(Ticket<'f, T>),
    /// Another computes: wait for it.
    Wait(Waiter<'f, T>),
    /// It is itself part of that computation: waiting would never end.
    Recursive,
}

/// The work on one key.
struct Work<T> {
    key: EncodedKey,
    /// How many tickets and waiters there are.
    hands: usize,
    /// Tickets with smaller numbers may not write.
    barrier: u64,
    /// The ticket that is writing just now.
    writer: Option<usize>,
    /// The flight that newcomers join.
    flight: Option<Arc<Flight<T>>>,
}

impl<T> Work<T> {
    /// Lets nobody join `flight` from now on.
    fn detach(&mut self, flight: &Arc<Flight<T>>) {
        if self
            .flight
            .as_ref()
            .is_some_and(|joined| Arc::ptr_eq(joined, flight))
        {
            self.flight = None;
        }
    }

    /// Whether to wait for a writer. One that this very code is part of, by a value's `Drop` say, cannot be waited for.
    fn is_written_by_another(&self) -> bool {
        self.writer.is_some_and(|writer| !leading::is_leading(writer))
    }
}

/// One computation that others wait for.
struct Flight<T> {
    /// A value for the waiters, or the word to compute for themselves.
    outcome: OnceLock<Option<T>>,
    /// Whether somebody computes. Who finds it unset may take the lead.
    led: AtomicBool,
    waiters: AtomicUsize,
    landed: Event,
}

impl<T> Flight<T> {
    fn new() -> Arc<Self> {
        Arc::new(Flight {
            outcome: OnceLock::new(),
            led: AtomicBool::new(true),
            waiters: AtomicUsize::new(0),
            landed: Event::new(),
        })
    }

    /// Takes the lead if nobody has it.
    fn take_lead(&self) -> bool {
        self.led
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Tells the waiters: a value, or to compute for themselves.
    fn land(&self, outcome: Option<T>) {
        if self.outcome.set(outcome).is_ok() {
            self.landed.notify(usize::MAX);
        }
    }

    /// Whether somebody waits who was not told the outcome.
    fn has_open_waiters(&self) -> bool {
        self.waiters.load(Ordering::SeqCst) > 0 && self.outcome.get().is_none()
    }

    /// What tells this flight from all others that are under way.
    fn identity(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Flights {
            stripes: std::array::from_fn(|_| Mutex::new(HashTable::new())),
            keys: AtomicUsize::new(0),
            next: AtomicU64::new(1),
            written: Event::new(),
            claims: claims::Claims::default(),
        }
    }
}

impl<T> Flights<T> {
    /// Joins the computation of a key's value, or starts it.
    pub fn join(&self, key: EncodedKey) -> Joined<'_, T> {
        let mut stripe = self.stripe(&key).lock();
        let work = self.work(&mut stripe, &key);
        if let Some(flight) = work.flight.clone() {
            if flight.take_lead() {
                work.hands += 1;
                return Joined::Lead(self.ticket(key, Some(flight)));
            }
            if leading::is_leading(flight.identity()) {
                return Joined::Recursive;
            }
            work.hands += 1;
            flight.waiters.fetch_add(1, Ordering::SeqCst);
            return Joined::Wait(Waiter::new(self, key, flight));
        }
        let flight = Flight::new();
        work.flight = Some(Arc::clone(&flight));
        work.hands += 1;
        Joined::Lead(self.ticket(key, Some(flight)))
    }

    /// Starts a computation that nobody waits for.
    pub fn alone(&self, key: EncodedKey) -> Ticket<'_, T> {
        let mut stripe = self.stripe(&key).lock();
        self.work(&mut stripe, &key).hands += 1;
        self.ticket(key, None)
    }

    /// Forgets the computations of a key's value that are under way: none of them will be stored, and newcomers
    /// start afresh. Waits for one that is being written.
    pub fn forget<K: RingKey + ?Sized>(&self, key: &K) {
        if self.keys.load(Ordering::SeqCst) == 0 {
            return;
        }
        let key = EncodedKey::of(key);
        loop {
            let written = self.written.listen();
            match self
                .stripe(&key)
                .lock()
                .find_mut(key.hash_value(), |work| work.key == key)
            {
                None => return,
                Some(work) => {
                    work.barrier = self.next.fetch_add(1, Ordering::SeqCst);
                    work.flight = None;
                    if !work.is_written_by_another() {
                        return;
                    }
                }
            }
            written.wait();
        }
    }

    /// [`forget`](Self::forget) for all keys at once.
    pub fn forget_all(&self) {
        self.forget_where(|_| true);
    }

    /// [`forget`](Self::forget) for all keys of one ring.
    pub fn forget_ring(&self, name: &Name) {
        self.forget_where(|key| key.belongs_to(name));
    }

    fn forget_where(&self, concerns: impl Fn(&EncodedKey) -> bool) {
        if self.keys.load(Ordering::SeqCst) == 0 {
            return;
        }
        let barrier = self.next.fetch_add(1, Ordering::SeqCst);
        for stripe in &self.stripes {
            loop {
                let written = self.written.listen();
                let mut writing = false;
                for work in stripe.lock().iter_mut().filter(|work| concerns(&work.key)) {
                    if work.barrier < barrier {
                        work.barrier = barrier;
                        work.flight = None;
                    }
                    writing |= work.is_written_by_another();
                }
                if !writing {
                    break;
                }
                written.wait();
            }
        }
    }

    /// How many keys are being worked on.
    pub fn under_way(&self) -> usize {
        self.keys.load(Ordering::SeqCst)
    }

    /// Makes sure that the ring `name`, whose keys have so many segments, shares no key with another ring here.
    ///
    /// # Panics
    ///
    /// When it could, which only a `key_prefix` can bring about: the message says what to change.
    pub(crate) fn admit(&self, name: &Name, segments: usize) {
        self.claims.admit(name, segments);
    }

    fn stripe(&self, key: &EncodedKey) -> &Mutex<HashTable<Work<T>>> {
        &self.stripes[(key.hash_value() >> 48) as usize % STRIPES]
    }

    /// The work on a key, begun if there is none.
    fn work<'t>(&self, stripe: &'t mut HashTable<Work<T>>, key: &EncodedKey) -> &'t mut Work<T> {
        match stripe.entry(
            key.hash_value(),
            |work| work.key == *key,
            |work| work.key.hash_value(),
        ) {
            TableEntry::Occupied(entry) => entry.into_mut(),
            TableEntry::Vacant(entry) => {
                self.keys.fetch_add(1, Ordering::SeqCst);
                let work = Work {
                    key: key.clone(),
                    hands: 0,
                    barrier: 0,
                    writer: None,
                    flight: None,
                };
                entry.insert(work).into_mut()
            }
        }
    }

    /// Called with the stripe of `key` locked, so that numbers and barriers of one key are in order.
    fn ticket(&self, key: EncodedKey, flight: Option<Arc<Flight<T>>>) -> Ticket<'_, T> {
        Ticket::new(self, key, self.next.fetch_add(1, Ordering::SeqCst), flight)
    }

    /// Runs `change` on the work on a key, then drops the work if nobody is left.
    fn change<R>(&self, key: &EncodedKey, change: impl FnOnce(&mut Work<T>) -> R) -> R {
        let mut stripe = self.stripe(key).lock();
        let mut work = stripe
            .find_entry(key.hash_value(), |work| work.key == *key)
            .unwrap_or_else(|_| unreachable!("tickets and waiters keep the work on their key"));
        let result = change(work.get_mut());
        if work.get().hands == 0 {
            let (work, _) = work.remove();
            self.keys.fetch_sub(1, Ordering::SeqCst);
            drop(stripe);
            drop(work);
        }
        result
    }
}
