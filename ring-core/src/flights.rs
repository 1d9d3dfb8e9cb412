//! Flights and tickets: one computation a key at a time, and none that outlives a delete.
//!
//! Every computation of a value holds a ticket. Tickets are numbered as they start. `set`, `delete` and `clear`
//! raise a barrier over the numbers given out so far, and a finished ticket raises it to its own: so a computation
//! that began before a delete cannot store after it, and of two that overlap the later-started wins. Writers of one
//! key take turns, so that this holds for storages that take their time as well. An update that comes too late to be
//! stored waits for what it gives way to: see `removal`.
//!
//! A ticket that others may wait for leads a *flight*. Its outcome reaches all waiters: a value to take, or the word
//! to compute for themselves. A leader that is lost (it panicked or was dropped) hands over to one waiter; one that
//! takes too long, or is a task that nobody polls, is replaced by one. Threads and tasks wait for one another: they
//! listen to one event. Nothing is kept of a key when nobody works on it, unless it is in doubt.
//!
//! The idea of value-or-guard is quick-cache's; Go's `singleflight` gave flights their name.

mod claims;
mod flight;
mod leading;
mod removal;
mod stripe;
mod ticket;
mod waiter;
mod work;

use std::convert::Infallible;
use std::time::{Duration, Instant};

pub(crate) use leading::{Leads, Mark, leading};
pub(crate) use removal::Removal;
pub(crate) use ticket::{Ticket, Turn, turns_at_once};
pub(crate) use waiter::{Landed, Waiter};

use flight::Flight;
use stripe::Stripe;
use work::Work;

use crate::colour::{Wait, now};
use crate::key::{EncodedKey, RingKey};
use crate::name::Name;
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Event, Mutex, Ordering};

/// A lock for each of so many groups of keys.
const STRIPES: usize = 8;

/// How many keys are remembered that are in doubt although nobody works on them.
const DOUBTS: usize = 65_536;

/// A counter of writes for each of so many groups of keys.
const COUNTED: usize = 32;

/// What a storage knows of the computations that are under way. It owns one; handles to one storage share it.
///
/// `T` is what the storage holds: the values themselves in memory, a coder's bytes elsewhere.
pub struct Flights<T> {
    stripes: [Mutex<Stripe<T>>; STRIPES],
    /// How many keys are worked on, so that a delete finds out without a lock that there are none.
    keys: AtomicUsize,
    /// The number of the next ticket.
    next: AtomicU64,
    /// Told whenever a writer of some key is done.
    written: Event,
    /// How many writes have ended, well or not, for each of so many groups of keys.
    writes: [AtomicU64; COUNTED],
    /// How many keys are in doubt, so that a look-up finds out without a lock that there are none.
    doubts: AtomicUsize,
    claims: claims::Claims,
}

/// How a call takes part in the computation of its value.
pub(crate) enum Joined<'f, T> {
    /// It computes, and others may wait for it.
    Lead(Ticket<'f, T>),
    /// Another computes: wait for it.
    Wait(Waiter<'f, T>),
    /// It is itself part of that computation: waiting would never end.
    Recursive,
}

/// Not a part of what is generic, so that it is compiled once.
fn no_writes() -> [AtomicU64; COUNTED] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Flights {
            stripes: std::array::from_fn(|_| Mutex::new(Stripe::default())),
            keys: AtomicUsize::new(0),
            next: AtomicU64::new(1),
            written: Event::new(),
            writes: no_writes(),
            doubts: AtomicUsize::new(0),
            claims: claims::Claims::default(),
        }
    }
}

impl<T> Flights<T> {
    /// Joins the computation of a key's value, or starts it.
    pub(crate) fn join(&self, key: EncodedKey) -> Joined<'_, T> {
        if self.is_computing(&key) {
            return Joined::Recursive;
        }
        let mut stripe = self.stripe(&key).lock();
        let work = self.work(&mut stripe, &key);
        if let Some(flight) = work.flight.clone() {
            if flight.take_lead() {
                work.hands += 1;
                return Joined::Lead(self.ticket(key, Some(flight)));
            }
            work.hands += 1;
            flight.waiters.fetch_add(1, Ordering::SeqCst);
            return Joined::Wait(Waiter::new(self, key, flight));
        }
        let number = self.number();
        let flight = stripe.flight(number);
        let work = self.work(&mut stripe, &key);
        work.flight = Some(Arc::clone(&flight));
        work.hands += 1;
        Joined::Lead(Ticket::new(self, key, number, Some(flight)))
    }

    /// Starts a computation that nobody waits for.
    pub(crate) fn alone(&self, key: EncodedKey) -> Ticket<'_, T> {
        let mut stripe = self.stripe(&key).lock();
        self.work(&mut stripe, &key).hands += 1;
        self.ticket(key, None)
    }

    /// Starts a write in the place of all computations that are under way: none of them will be stored, and newcomers
    /// start afresh.
    pub(crate) fn supersede(&self, key: EncodedKey) -> Ticket<'_, T> {
        let mut stripe = self.stripe(&key).lock();
        let work = self.work(&mut stripe, &key);
        work.hands += 1;
        let number = work.begin_change(self.number());
        Ticket::new(self, key, number, None).explicit()
    }

    /// Whether this very thread computes the value of `key` at the moment.
    pub(crate) fn is_computing(&self, key: &EncodedKey) -> bool {
        leading::is_computing(self.address(), key)
    }

    /// Forgets the computations of a key's value that are under way: none of them will be stored, and newcomers
    /// start afresh. Blocks while one is being written.
    pub fn forget<K: RingKey + ?Sized>(&self, key: &K) {
        drop(self.removal(key));
    }

    /// [`forget`](Self::forget), and lets updates that give way wait for the removal.
    pub(crate) fn removal<K: RingKey + ?Sized>(&self, key: &K) -> Removal<'_, T> {
        now(self.forget_key(key, Wait::Block, DEFAULT_WRITE_TIMEOUT))
    }

    /// [`forget`](Self::forget) for all keys at once.
    pub fn forget_all(&self) {
        drop(self.removal_of_all());
    }

    /// [`removal`](Self::removal) for all keys at once.
    pub(crate) fn removal_of_all(&self) -> Removal<'_, T> {
        now(self.forget_where(|_| true, Wait::Block, DEFAULT_WRITE_TIMEOUT))
    }

    /// [`removal`](Self::removal), waiting for a writer no longer than `patience`.
    pub(crate) async fn forget_key<K>(&self, key: &K, wait: Wait, patience: Duration) -> Removal<'_, T>
    where
        K: RingKey + ?Sized,
    {
        if self.under_way() == 0 {
            return Removal::of_nothing(self);
        }
        self.forget_keys(&[EncodedKey::of(key)], wait, patience).await
    }

    /// [`forget_key`](Self::forget_key) for many keys, waiting for the writers of all no longer than `patience`.
    pub(crate) async fn forget_keys(
        &self,
        keys: &[EncodedKey],
        wait: Wait,
        patience: Duration,
    ) -> Removal<'_, T> {
        let mut removal = Removal::begin(self, keys);
        if removal.is_of_nothing() {
            return removal;
        }
        // Those that wait for a turn may not write any more.
        self.written.notify(usize::MAX);
        let done = || (!removal.is_waiting() || self.is_writing()).then_some(());
        self.until(done, wait, patience).await;
        removal.pass_over();
        self.written.notify(usize::MAX);
        removal
    }

    /// [`forget_key`](Self::forget_key) for all keys of one ring.
    pub(crate) async fn forget_ring(&self, name: &Name, wait: Wait, patience: Duration) -> Removal<'_, T> {
        self.forget_where(|key| key.belongs_to(name), wait, patience)
            .await
    }

    async fn forget_where(
        &self,
        concerns: impl Fn(&EncodedKey) -> bool,
        wait: Wait,
        patience: Duration,
    ) -> Removal<'_, T> {
        if self.under_way() == 0 {
            return Removal::of_nothing(self);
        }
        let mut keys = Vec::new();
        for stripe in &self.stripes {
            keys.extend(stripe.lock().keys(&concerns));
        }
        self.forget_keys(&keys, wait, patience).await
    }

    /// Whether this very thread writes here. Code that is itself part of a write, such as the `Drop` of a value that gave
    /// way, waits for nobody: two such could wait for each other.
    fn is_writing(&self) -> bool {
        leading::is_writing(self.address())
    }

    /// Waits for writers to be done until `answer` has one, after which it is not asked again; at most for `patience`.
    pub(crate) async fn until<A>(
        &self,
        answer: impl Fn() -> Option<A>,
        wait: Wait,
        patience: Duration,
    ) -> Option<A> {
        if let Some(answer) = answer() {
            return Some(answer);
        }
        let deadline = Instant::now().checked_add(patience);
        loop {
            let written = self.written.listen();
            if let Some(answer) = answer() {
                return Some(answer);
            }
            if !wait.until(written, deadline).await {
                return answer();
            }
        }
    }

    /// How many keys are being worked on.
    pub fn under_way(&self) -> usize {
        self.keys.load(Ordering::SeqCst)
    }

    /// How many writes of tickets have ended, well or not, whose keys have this hash or one of some others.
    pub(crate) fn writes(&self, hash: u64) -> u64 {
        self.writes[Self::counted(hash)].load(Ordering::SeqCst)
    }

    fn count_write(&self, hash: u64) {
        self.writes[Self::counted(hash)].fetch_add(1, Ordering::SeqCst);
    }

    fn counted(hash: u64) -> usize {
        (hash >> 40) as usize % COUNTED
    }

    /// Makes sure that the ring `name`, whose keys have so many segments, shares no key with another ring here.
    ///
    /// # Panics
    ///
    /// When it could, which only a `key_prefix` can bring about: the message says what to change.
    pub(crate) fn admit(&self, name: &Name, segments: usize) {
        self.claims.admit(name, segments);
    }

    fn stripe(&self, key: &EncodedKey) -> &Mutex<Stripe<T>> {
        &self.stripes[(key.hash_value() >> 48) as usize % STRIPES]
    }

    /// The work on a key, begun if there is none.
    fn work<'t>(&self, stripe: &'t mut Stripe<T>, key: &EncodedKey) -> &'t mut Work<T> {
        let (work, begun) = stripe.work(key);
        if begun {
            self.keys.fetch_add(1, Ordering::SeqCst);
        }
        work
    }

    /// The next number, for a ticket or a barrier. Taken with the stripe of the key locked, so that those of one key
    /// are in order.
    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// Called with the stripe of `key` locked.
    fn ticket(&self, key: EncodedKey, flight: Option<Arc<Flight<T>>>) -> Ticket<'_, T> {
        Ticket::new(self, key, self.number(), flight)
    }

    /// A write to the storage of these flights, for [`leading`].
    pub(crate) fn writing(&self) -> Mark {
        Mark::Writing(self.address())
    }

    /// Which flights these are, among all.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Runs `change` on the work on a key, if there is any.
    fn with_work<R>(&self, key: &EncodedKey, change: impl FnOnce(&mut Work<T>) -> R) -> Option<R> {
        let mut stripe = self.stripe(key).lock();
        stripe.find(key).map(|work| self.counting_doubt(work, change))
    }

    /// Runs `change` on the work on a key that a ticket or a waiter keeps.
    fn change<R>(&self, key: &EncodedKey, change: impl FnOnce(&mut Work<T>) -> R) -> R {
        let mut stripe = self.stripe(key).lock();
        self.counting_doubt(stripe.kept(key).into_mut(), change)
    }

    /// Runs `change`, after which a doubt may begin or end.
    fn counting_doubt<R>(&self, work: &mut Work<T>, change: impl FnOnce(&mut Work<T>) -> R) -> R {
        let before = work.is_in_doubt();
        let changed = change(work);
        match (before, work.is_in_doubt()) {
            (false, true) => _ = self.doubts.fetch_add(1, Ordering::SeqCst),
            (true, false) => _ = self.doubts.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
        changed
    }

    /// Whether a key is remembered on which nobody works, since it is in doubt until something is written there.
    fn is_remembered(&self, work: &Work<T>) -> bool {
        work.is_in_doubt() && self.doubts.load(Ordering::SeqCst) <= DOUBTS
    }

    /// Whether an older value may be found under `key` than a call promised that has returned: one whose write nobody
    /// waited for may still arrive, or what an update gave way to has not taken effect yet.
    ///
    /// To be asked before a look-up. What that finds is not to be trusted then.
    #[inline]
    pub fn is_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        self.doubts.load(Ordering::SeqCst) > 0 && self.is_known_to_be_in_doubt(key)
    }

    #[cold]
    fn is_known_to_be_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let key = EncodedKey::of(key);
        self.with_work(&key, |work| work.is_in_doubt()) == Some(true)
    }

    /// Puts `key` [in doubt](Self::is_in_doubt), to be [ended](Self::end_doubt): for a storage whose write goes on although
    /// its caller does not wait for it any more.
    pub fn begin_doubt(&self, key: &EncodedKey) {
        let mut stripe = self.stripe(key).lock();
        let work = self.work(&mut stripe, key);
        work.hands += 1;
        self.counting_doubt(work, Work::begin_straggling);
    }

    /// Ends a doubt that was [begun](Self::begin_doubt), when what the write left is gone.
    pub fn end_doubt(&self, key: &EncodedKey) {
        self.let_go(key, Work::end_straggling);
    }

    /// A write that others did not wait for has ended, and what it left is gone or was reported.
    pub(crate) fn end_straggling(&self, key: &EncodedKey) {
        self.change(key, Work::end_straggling);
    }

    /// Takes a ticket or a waiter off the work on its key, then drops the work if nobody is left.
    fn let_go<R>(&self, key: &EncodedKey, change: impl FnOnce(&mut Work<T>) -> R) -> R {
        let changed = self.let_go_after(key, |work| Ok::<_, Infallible>(change(work)));
        changed.unwrap_or_else(|never| match never {})
    }

    /// [`let_go`](Self::let_go), unless `change` fails.
    fn let_go_after<R, E>(
        &self,
        key: &EncodedKey,
        change: impl FnOnce(&mut Work<T>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut stripe = self.stripe(key).lock();
        let mut entry = stripe.kept(key);
        let result = self.counting_doubt(entry.get_mut(), change)?;
        entry.get_mut().hands -= 1;
        if entry.get().hands == 0 && !self.is_remembered(entry.get()) {
            let (mut work, _) = entry.remove();
            self.keys.fetch_sub(1, Ordering::SeqCst);
            if work.is_in_doubt() {
                self.doubts.fetch_sub(1, Ordering::SeqCst);
            }
            stripe.keep_spare(&mut work);
            drop(stripe);
            drop(work);
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_spread_over_all_locks_and_counters() {
        let flights = Flights::<()>::default();
        let keys: Vec<_> = (0..1000).map(|id| EncodedKey::of(&id)).collect();
        let locks: HashSet<_> = keys
            .iter()
            .map(|key| std::ptr::from_ref(flights.stripe(key)))
            .collect();
        let counters: HashSet<_> = keys
            .iter()
            .map(|key| Flights::<()>::counted(key.hash_value()))
            .collect();
        assert_eq!((locks.len(), counters.len()), (STRIPES, COUNTED));
    }
}
