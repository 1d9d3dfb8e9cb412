//! The context of a call: its ring, its storage, and how its value is stored.

use std::any::type_name;
use std::time::{Duration, Instant};

use crate::account::Use;
use crate::entry::{Old, Wishes};
use crate::error::{Error, Failure};
use crate::errors::FailureRules;
use crate::flights::{Claim, FlightTable, Flights, Invalidation, Leader, Role};
use crate::freshness;
use crate::key::{EncodedKey, KeyShape, RingKey, hash_key};
use crate::observer;
use crate::output::Output;
use crate::ring::Ring;
use crate::spans;
use crate::stats::cells::{self, Counter};
use crate::storage::{Expiring, StorageBase, Store, Tagged, View, Writing};
#[cfg(feature = "inspect")]
use crate::storage_facts::LentBy;
use crate::storage_facts::{Description, StorageFacts, short};
use crate::switches;
use crate::sync::thread_slot;
use crate::tag::Tag;
use crate::used_rings;
use crate::wait::after;
use crate::warned::warn_once;

/// The result of verbs that fail only if the storage does: a `T`, or a `Result<T, Error>`.
pub type Outcome<R, S, T> = OutcomeOf<<R as Output>::Value, S, T>;

/// [`Outcome`] for a storage of values `V`.
pub(crate) type OutcomeOf<V, S, T> = <StorageError<V, S> as Failure>::Outcome<T>;

/// The error of the storage of a view.
pub(crate) type StorageError<V, S> = <<S as View<V>>::Storage as StorageBase<<S as View<V>>::Stored>>::Error;

/// The result of an operation on the storage of a view.
pub(crate) type StorageResult<V, S, T> = Result<T, StorageError<V, S>>;

/// Records the facts that a storage tells about itself.
fn describe<T, S: StorageBase<T>>(storage: &S, facts: &StorageFacts) {
    #[cfg(feature = "inspect")]
    if let Some(visit) = storage.visit() {
        facts.lend(LentBy::Used, visit);
    }
    facts.describe(std::ptr::from_ref(storage).addr(), || Description {
        kind: short(type_name::<S>()),
        namespace: storage.namespace().to_owned(),
        deadline: storage.deadline(),
        can_fail: S::Error::CAN_FAIL,
        has_text_keys: S::TEXT_KEYS,
    });
}

/// Notes that a ring uses a storage for the first time.
#[cold]
fn begin(ring: &'static Ring) {
    let _is_first = used_rings::add(ring);
    #[cfg(feature = "metrics")]
    if _is_first {
        crate::metrics::began(ring);
    }
}

/// A look-up of a plain call.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lookup {
    /// The number of writes that had ended when the look-up began; `None` if the storage did not answer.
    pub(crate) epoch: Option<u64>,
    /// The number of removals that had ended when the look-up began.
    pub(super) removals: u64,
    /// Whether a found value is treated as absent.
    pub(super) in_doubt: bool,
    /// The end of the call's time on the storage.
    pub(crate) until: Option<Instant>,
    /// The number of the last error of the ring when the look-up began.
    pub(super) errors: u64,
    /// Whether the entry that was found is refreshed before it expires.
    pub(super) is_early: bool,
    /// The end of the life of the entry that was found, if it ends.
    pub(super) dies: Option<Instant>,
    /// The instant at which the bulk call that has this call began to wait for refreshes.
    pub(super) bulk_waits_since: Option<Instant>,
}

/// A call without its key and body.
pub(crate) struct CallContext<V, S> {
    pub(crate) ring: &'static Ring,
    pub(crate) view: S,
    /// The segments of its key.
    pub(crate) shape: &'static KeyShape,
    pub(crate) expiry: Option<Duration>,
    /// The expiry that a value decides itself, before `expiry`.
    pub(crate) expire_of: Option<fn(&V) -> Option<Duration>>,
    /// Whether the ring's jitter shortens the expiry.
    pub(crate) jitters: bool,
    pub(crate) unless: Option<fn(&V) -> bool>,
    /// Makes the old value as the body is shown it, if the body sees its entry.
    pub(crate) erase: Option<fn(V) -> Old>,
    /// Whether a value that is not stored removes an older one.
    pub(crate) is_update: bool,
}

impl<V, S: Clone> Clone for CallContext<V, S> {
    fn clone(&self) -> Self {
        CallContext {
            view: self.view.clone(),
            ..*self
        }
    }
}

impl<V, S> CallContext<V, S> {
    /// The same with tags.
    pub(crate) fn tagged<const N: usize>(self, tags: [Tag; N]) -> CallContext<V, Tagged<S, N>> {
        let CallContext {
            ring,
            view,
            shape,
            expiry,
            expire_of,
            jitters,
            unless,
            erase,
            is_update,
        } = self;
        CallContext {
            ring,
            view: Tagged::new(view, tags),
            shape,
            expiry,
            expire_of,
            jitters,
            unless,
            erase,
            is_update,
        }
    }

    /// The same for a value that replaces the entry.
    pub(crate) fn update(self) -> Self {
        CallContext {
            is_update: true,
            ..self
        }
    }
}

/// The write of a value given by the user.
pub(crate) struct Set<'c, S: StorageBase<T>, T> {
    /// `None` if it is done.
    pub(crate) store: Option<Store<'c, S, T>>,
    /// The coder's error if the value could not be encoded, or the conflict of rings that forbids the write.
    pub(crate) error: Option<Error>,
}

/// The decision for a computed value.
pub(super) enum Commit<T> {
    Store(T),
    /// Removes an older value.
    Remove,
    /// Changes nothing in the storage.
    Keep,
}

impl<V, S: View<V>> CallContext<V, S> {
    #[inline]
    pub(crate) fn storage(&self) -> &S::Storage {
        self.view.storage()
    }

    /// The longest time that a call may occupy the storage.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.storage().deadline()
    }

    /// Storages that belong to a process ask the system for it: a call should not ask more often than it has to.
    pub(crate) fn flights(&self) -> &FlightTable {
        self.typed_flights().table()
    }

    /// [`flights`](Self::flights) with the values of landed ones.
    pub(crate) fn typed_flights(&self) -> &Flights<S::Stored> {
        self.storage().flights()
    }

    /// Whether the call may use the storage: caching is not switched off, and no other ring could have a key of this
    /// one. Where bytes are compared, none could.
    #[inline]
    pub(crate) fn is_admitted(&self) -> bool {
        self.is_admitted_by(self.flights())
    }

    /// [`is_admitted`](Self::is_admitted) by the flights of the storage.
    #[inline]
    pub(crate) fn is_admitted_by(&self, flights: &FlightTable) -> bool {
        !switches::is_off() && (!S::Storage::TEXT_KEYS || flights.admit(self.ring, self.shape))
    }

    /// [`is_admitted`](Self::is_admitted) for a verb that needs the storage. Where storages can fail, a conflict is
    /// an error.
    pub(crate) fn admit(&self) -> StorageResult<V, S, bool> {
        if self.is_admitted() {
            return Ok(true);
        }
        if switches::is_off() {
            return Ok(false);
        }
        self.refused(self.conflict()).map(|()| false)
    }

    fn conflict(&self) -> Error {
        Error::conflict(self.flights().conflict(self.ring).unwrap_or_default())
    }

    /// A value that is found without waiting. It calls no out-of-line code, so the caller saves no registers.
    #[inline(always)]
    pub(super) fn hit<K: RingKey>(&self, key: impl FnOnce() -> K, keeps_stale: bool) -> Option<V> {
        let life = self.begin_hit(keeps_stale)?;
        let key = &key();
        let value = self.view.decode(self.storage().hit(key, life)?, key).ok()?;
        // After the look-up, whose registers it would take.
        self.end_hit()?;
        Some(value)
    }

    /// The life that an entry must have left for a [`hit`](Self::hit). `None` if there can be no hit.
    #[inline(always)]
    fn begin_hit(&self, keeps_stale: bool) -> Option<Option<Duration>> {
        if switches::is_off() {
            return None;
        }
        // Before the key is hashed: the access of a thread-local may be a call, which few registers outlive. The storage asks
        // again, and the compiler makes one access of both.
        thread_slot::assigned()?;
        if !self.sets_expiry() {
            return Some(None);
        }
        Some(Some(match keeps_stale {
            true => self.refreshed_from(),
            false => Duration::ZERO,
        }))
    }

    /// Counts a [`hit`](Self::hit). What it cannot count is found again by the slow path: a thread's first hit, and hits
    /// beside entries of rings that are not known here.
    #[inline(always)]
    fn end_hit(&self) -> Option<()> {
        cells::own(self.flights().usage().cell(self.ring.number))?.add(Counter::Hit);
        Some(())
    }

    /// Whether the call has tags and has not read their version: the entry that it found lay in a near tier.
    pub(crate) fn lacks_version(&self, key: &EncodedKey) -> bool {
        S::TAGGED && self.version(key) == 0
    }

    /// The version of the tags of the call that it has read: zero without tags, and if it is not known.
    pub(super) fn version(&self, key: &EncodedKey) -> u64 {
        self.storage().version(key)
    }

    /// Begins a look-up in the flights of the storage.
    #[inline]
    pub(crate) fn begin_lookup<K: RingKey>(&self, flights: &FlightTable, key: &K) -> Lookup {
        let in_doubt = S::Storage::TEXT_KEYS && flights.is_in_doubt(key);
        self.begin_lookup_of(flights, hash_key(key), in_doubt)
    }

    /// [`begin_lookup`](Self::begin_lookup) of the key with this hash, which may be in doubt.
    fn begin_lookup_of(&self, flights: &FlightTable, hash: u64, in_doubt: bool) -> Lookup {
        let is_admitted = self.is_admitted_by(flights);
        if !is_admitted {
            self.count_conflict();
        }
        Lookup {
            epoch: Some(flights.writes(hash)),
            in_doubt: in_doubt || !is_admitted,
            until: after(self.deadline()),
            errors: self.ring.last_error(),
            ..Lookup::default()
        }
    }

    /// [`begin_lookup`](Self::begin_lookup) of a ring that keeps stale entries.
    pub(crate) fn begin_expiring_lookup<K: RingKey>(&self, key: &K) -> Lookup {
        self.begin_expiring_lookup_in(self.flights(), key)
    }

    /// [`begin_expiring_lookup`](Self::begin_expiring_lookup) in the flights of the storage.
    pub(crate) fn begin_expiring_lookup_in<K: RingKey>(&self, flights: &FlightTable, key: &K) -> Lookup {
        let removals = flights.removals();
        Lookup {
            removals,
            ..self.begin_lookup(flights, key)
        }
    }

    /// A look-up that knows only of errors: a call gets those that come after it.
    pub(crate) fn begin_errors(&self) -> Lookup {
        Lookup {
            errors: self.ring.last_error(),
            ..Lookup::default()
        }
    }

    /// Whether a value found under `key` is treated as absent; checked before the storage is read. Storages that
    /// compare bytes are written in place, where no write comes late.
    #[inline]
    pub(crate) fn is_in_doubt<K: RingKey>(&self, key: &K) -> bool {
        self.is_in_doubt_in(self.flights(), key)
    }

    /// [`is_in_doubt`](Self::is_in_doubt) in the flights of the storage.
    #[inline]
    pub(crate) fn is_in_doubt_in<K: RingKey>(&self, flights: &FlightTable, key: &K) -> bool {
        !self.is_admitted_by(flights) || S::Storage::TEXT_KEYS && flights.is_in_doubt(key)
    }

    /// The value that a look-up found, or else the state of the look-up.
    #[inline(always)]
    pub(crate) fn finish_lookup<K: RingKey>(
        &self,
        flights: &FlightTable,
        key: &K,
        read: StorageResult<V, S, Option<S::Stored>>,
        lookup: Lookup,
    ) -> Result<V, Lookup> {
        let mut lookup = lookup;
        let (held, used) = self.held(flights, read, &mut lookup);
        self.found(key, held, used, lookup)
    }

    /// The value of an entry that was found. An entry that cannot be decoded was not.
    #[inline(always)]
    fn found<K: RingKey>(
        &self,
        key: &K,
        held: Option<S::Stored>,
        used: Option<&Use>,
        lookup: Lookup,
    ) -> Result<V, Lookup> {
        let Some(held) = held else {
            return Err(lookup);
        };
        match self.view.decode(held, key) {
            Ok(value) => {
                self.count_hit(used);
                Ok(value)
            }
            Err(error) => {
                self.failed(&error);
                Err(lookup)
            }
        }
    }

    /// The entry that a look-up found, unless it is in doubt. Notes whether the storage answered, and counts its time and
    /// failure. Returns the use of the storage, if it is at hand.
    #[inline]
    fn held<'f>(
        &self,
        flights: &'f FlightTable,
        read: StorageResult<V, S, Option<S::Stored>>,
        lookup: &mut Lookup,
    ) -> (Option<S::Stored>, Option<&'f Use>) {
        let Some(read) = self.count_errors(read) else {
            lookup.epoch = None;
            return (None, None);
        };
        let used = lookup.until.map(|until| {
            let used = self.used_in(flights);
            used.looked_up(self.deadline(), until);
            used
        });
        (if lookup.in_doubt { None } else { read }, used)
    }

    /// [`finish_lookup`](Self::finish_lookup) for one of many, whose errors and time were counted.
    #[inline]
    pub(crate) fn finish_lookup_in_bulk<K: RingKey>(
        &self,
        used: &Use,
        key: &K,
        read: Option<S::Stored>,
        lookup: Lookup,
    ) -> Result<V, Lookup> {
        let held = if lookup.in_doubt { None } else { read };
        self.found(key, held, Some(used), lookup)
    }

    /// The result of a look-up that a ring with stale entries began.
    pub(crate) fn finish_expiring_lookup<K: RingKey>(
        &self,
        key: &K,
        read: StorageResult<V, S, Option<Expiring<S::Stored>>>,
        lookup: Lookup,
    ) -> (freshness::Lookup<V>, Lookup) {
        let read = self.count_errors(read);
        let epoch = if read.is_some() { lookup.epoch } else { None };
        let found = read.flatten().filter(|_| !lookup.in_doubt);
        let is_early = found.as_ref().is_some_and(|found| self.is_early(found));
        let dies = after(found.as_ref().and_then(|found| found.remaining));
        let found = self.classify(key, found);
        if let freshness::Lookup::Fresh(_) = found {
            self.count_hit(None);
        }
        let lookup = Lookup {
            epoch,
            is_early,
            dies,
            ..lookup
        };
        (found, lookup)
    }

    /// Whether the calls of this ring store entries that expire.
    #[inline]
    fn sets_expiry(&self) -> bool {
        self.expiry.is_some() || self.expire_of.is_some()
    }

    /// The remaining life up to which a plain call may refresh an entry.
    #[inline]
    fn refreshed_from(&self) -> Duration {
        self.ring.stale.saturating_add(self.margin())
    }

    /// The time before its expiry in which an entry may be refreshed.
    #[inline]
    pub(crate) fn margin(&self) -> Duration {
        self.ring.margin(self.expiry)
    }

    /// Whether an entry is to be refreshed before it expires.
    fn is_early(&self, found: &Expiring<S::Stored>) -> bool {
        let left = found
            .remaining
            .and_then(|remaining| remaining.checked_sub(self.ring.stale));
        left.is_some_and(|left| {
            let is_within = !left.is_zero() && left <= self.margin();
            is_within && self.ring.is_due(left)
        })
    }

    /// The value that a look-up found, fresh or stale. Counts the coder's error.
    pub(crate) fn classify<K: RingKey>(
        &self,
        key: &K,
        found: Option<Expiring<S::Stored>>,
    ) -> freshness::Lookup<V> {
        let Some(found) = found else {
            return freshness::Lookup::Absent;
        };
        let is_stale = found.is_stale(self.ring.stale);
        match self.decode(key, Some(found.value)) {
            Some(value) if is_stale => freshness::Lookup::Stale(value),
            Some(value) => freshness::Lookup::Fresh(value),
            None => freshness::Lookup::Absent,
        }
    }

    /// [`classify`](Self::classify) for a verb that does not compute.
    pub(crate) fn classify_counted<K: RingKey>(
        &self,
        key: &K,
        found: Option<Expiring<S::Stored>>,
    ) -> freshness::Lookup<V> {
        let found = self.classify(key, found);
        match found {
            freshness::Lookup::Fresh(_) => self.count_hit(None),
            freshness::Lookup::Stale(_) => self.count(Counter::StaleHit),
            freshness::Lookup::Absent => self.count(Counter::Miss),
        }
        found
    }

    /// The right to refresh the stale entry of a key.
    pub(crate) fn claim_refresh(&self, key: &EncodedKey) -> Option<Claim> {
        if !self.is_admitted() {
            return None;
        }
        self.flights().claim_refresh(key.hash_value(), self.ring)
    }

    /// The lead of a refresh. `None` if another call computes the value.
    pub(crate) fn lead_refresh(&self, key: EncodedKey, claim: &Claim) -> Option<Leader<'_, S::Stored>> {
        let flights = self.typed_flights();
        // It may have waited for a thread for so long that another call took over.
        if !claim.holds() {
            return None;
        }
        if claim.takes_over() {
            return (!flights.table().is_computing(&key)).then(|| flights.lead_anew(key));
        }
        let version = self.version(&key);
        match flights.join(key, version) {
            Role::Lead(leader) => Some(leader),
            Role::Wait(_) | Role::Bypass => None,
        }
    }

    /// The value that a look-up found for a verb that does not compute.
    pub(crate) fn decode_counted<K: RingKey>(&self, key: &K, held: Option<S::Stored>) -> Option<V> {
        let value = self.decode(key, held);
        match value {
            Some(_) => self.count_hit(None),
            None => self.count(Counter::Miss),
        }
        value
    }

    /// The value of an entry. An entry that cannot be decoded has none; the error is counted.
    #[inline]
    pub(super) fn decode<K: RingKey>(&self, key: &K, held: Option<S::Stored>) -> Option<V> {
        self.count_errors(self.view.decode(held?, key))
    }

    /// Ends the computations of a key's value.
    pub(crate) fn invalidate<K: RingKey>(&self, key: &K) -> Invalidation<'_> {
        let hash = hash_key(key);
        self.forget_error(hash);
        self.flights().invalidate(key, self.ring.write_timeout)
    }

    /// The value of another call's computation.
    pub(crate) fn take(&self, key: &EncodedKey, held: S::Stored) -> Option<V> {
        let value = self.count_errors(self.view.decode(held, key))?;
        self.count_coalesced();
        Some(value)
    }

    /// Whether the value may be stored by now: a write ended between the look-up and the lead.
    pub(crate) fn may_be_stored(&self, leader: &Leader<'_, S::Stored>, lookup: Lookup) -> bool {
        let writes = self.flights().writes(leader.key().hash_value());
        self.ring.coalesce && lookup.epoch.is_some_and(|epoch| epoch != writes)
    }

    /// Begins to store a computed value. `None` if it is done: in memory, it takes no time.
    pub(crate) fn begin_store<'c>(
        &'c self,
        mut leader: Leader<'c, S::Stored>,
        value: &V,
        left: Option<Duration>,
    ) -> Option<Store<'c, S::Storage, S::Stored>> {
        let commit = self.store_at_once(&mut leader, value, self.used())?;
        self.store_later(leader, commit, value, left)
    }

    /// Stores a computed value, if that takes no time. Returns the decision that is left to carry out, if it is.
    #[inline(never)]
    pub(super) fn store_at_once(
        &self,
        leader: &mut Leader<'_, S::Stored>,
        value: &V,
        used: &Use,
    ) -> Option<Commit<S::Stored>> {
        let commit = self.commit(leader, value);
        self.store_in_place(leader, commit, value, used)
    }

    /// [`begin_store`](Self::begin_store) for a value that is stored in bulk.
    pub(crate) fn begin_bulk_store<'c>(
        &'c self,
        leader: Leader<'c, S::Stored>,
        value: &V,
        left: Option<Duration>,
    ) -> Option<Store<'c, S::Storage, S::Stored>> {
        let commit = self.commit(&leader, value);
        self.store_later(leader, commit, value, left)
    }

    /// Begins to carry out a decision. `None` if it is done.
    #[inline(never)]
    pub(super) fn store_later<'c>(
        &'c self,
        leader: Leader<'c, S::Stored>,
        commit: Commit<S::Stored>,
        value: &V,
        left: Option<Duration>,
    ) -> Option<Store<'c, S::Storage, S::Stored>> {
        let held = match commit {
            Commit::Keep => {
                let key = leader.key().clone();
                leader.finish(|| self.share(&key, value));
                return None;
            }
            // Calls that come during the write take the value without waiting for the write.
            Commit::Store(held) => {
                leader.publish(|| Some(held.clone()));
                Some(held)
            }
            Commit::Remove => {
                leader.publish(|| self.share(leader.key(), value));
                None
            }
        };
        let life = self.life(value, leader.wishes());
        let is_unchanged = leader.wishes().is_some_and(Wishes::is_unchanged);
        let token = self.lease_token(&leader);
        let writing = Writing::new(life, left, self.ring.write_timeout);
        let writing = writing.renewing(is_unchanged).leased(token);
        Some(Store::computed(self.storage(), leader, held, writing))
    }

    /// The time for which the storage keeps a value.
    #[inline(always)]
    fn life(&self, value: &V, wishes: Option<&Wishes>) -> Option<Duration> {
        if let Some(expiry) = wishes.and_then(Wishes::expiry) {
            return Some(self.ring.life(expiry, false));
        }
        let expiry = match self.expire_of {
            Some(expire_of) => expire_of(value).or(self.expiry),
            None => self.expiry,
        };
        Some(self.ring.life(expiry?, self.jitters))
    }

    /// The time for which the storage keeps an entry whose expiry restarts.
    pub(crate) fn renewed_life(&self) -> Option<Duration> {
        Some(self.ring.life(self.expiry?, self.jitters))
    }

    /// The old value, as a body that sees its entry takes it.
    pub(crate) fn erased(&self, old: Option<V>) -> Option<Old> {
        self.erase.zip(old).map(|(erase, old)| erase(old))
    }

    #[inline]
    fn commit(&self, leader: &Leader<'_, S::Stored>, value: &V) -> Commit<S::Stored> {
        let key = leader.key();
        self.forget_error(key.hash_value());
        let is_skipped = leader.wishes().is_some_and(Wishes::skips_store);
        if is_skipped || self.unless.is_some_and(|unless| unless(value)) {
            return if self.is_update {
                Commit::Remove
            } else {
                Commit::Keep
            };
        }
        // A value that cannot be encoded removes the older entry.
        let held = self.count_errors(self.view.encode_ref(value, key));
        held.map_or(Commit::Remove, Commit::Store)
    }

    /// A value of `key` as other calls take it, if it can be encoded.
    pub(crate) fn share(&self, key: &EncodedKey, value: &V) -> Option<S::Stored> {
        self.count_errors(self.view.encode_ref(value, key))
    }

    /// Stores in a storage that is written in place. Returns the decision that is left to carry out, if it is.
    #[inline]
    fn store_in_place(
        &self,
        leader: &mut Leader<'_, S::Stored>,
        commit: Commit<S::Stored>,
        value: &V,
        used: &Use,
    ) -> Option<Commit<S::Stored>> {
        let (held, storage) = match (commit, self.storage().in_place()) {
            (Commit::Store(held), Some(storage)) => (held, storage),
            (commit, _) => return Some(commit),
        };
        let Some(terms) = storage.terms(&held, self.life(value, leader.wishes())) else {
            return Some(Commit::Store(held));
        };
        let count = |stored| {
            if stored {
                used.stored(self.expiry);
            }
        };
        let stored = leader.store_in_place(storage, held, terms, count, |key| self.share(key, value));
        stored.err().map(Commit::Store)
    }

    /// Counts the result of a [`Store`].
    pub(crate) fn count_store(&self, stored: bool, failure: Option<&StorageError<V, S>>) {
        if let Some(error) = failure.and_then(Failure::as_error) {
            self.failed(error);
        }
        if stored {
            self.used().stored(self.expiry);
        }
    }

    /// Begins to store a value given by the user. Without a machine it is done. The error is the coder's, or a conflict
    /// of rings. A value that cannot be encoded removes the entry.
    pub(crate) fn begin_set(&self, key: EncodedKey, value: V) -> Set<'_, S::Storage, S::Stored> {
        if !self.is_admitted() {
            let error = (!switches::is_off()).then(|| self.conflict());
            return Set { store: None, error };
        }
        // Before the entry is stored, so that its first hit is counted.
        self.used();
        self.forget_error(key.hash_value());
        let life = self.life(&value, None);
        let (held, error) = match self.view.encode(value, &key) {
            Ok(held) => (Some(held), None),
            Err(error) => (None, Some(error)),
        };
        let store = Store::explicit(self.storage(), key, held, life, self.ring.write_timeout);
        if store.is_none() {
            self.count_store(true, None);
        }
        Set { store, error }
    }

    /// The result of `set` without a machine.
    pub(crate) fn finish_unset(&self, error: Option<Error>) -> StorageResult<V, S, ()> {
        error.map_or(Ok(()), |error| self.refused(error))
    }

    /// The result of `set` after its machine.
    pub(crate) fn finish_set(
        &self,
        error: Option<Error>,
        stored: bool,
        failure: Option<StorageError<V, S>>,
    ) -> StorageResult<V, S, ()> {
        self.count_store(stored, None);
        match (failure, error) {
            (Some(failure), _) => Err(failure),
            (None, Some(error)) => self.refused(error),
            (None, None) => Ok(()),
        }
    }

    /// The result of a verb. Counts its failure.
    pub(crate) fn outcome<T>(&self, result: StorageResult<V, S, T>) -> OutcomeOf<V, S, T> {
        Failure::outcome(self.count_failure(result), self.ring.name().as_str())
    }

    /// The result of a verb that a coder's error or a conflict of rings prevents. On a storage that cannot fail, only a
    /// counter shows the error.
    fn refused(&self, error: Error) -> StorageResult<V, S, ()> {
        if StorageError::<V, S>::CAN_FAIL {
            return Failure::from_error(error).map_or(Ok(()), Err);
        }
        self.failed(&error);
        Ok(())
    }

    /// The use of the storage by the ring.
    #[inline]
    pub(crate) fn used(&self) -> &Use {
        self.used_in(self.flights())
    }

    /// [`used`](Self::used) by the flights of the storage.
    #[inline]
    fn used_in<'f>(&self, flights: &'f FlightTable) -> &'f Use {
        let used = flights
            .usage()
            .of_first(self.ring.account)
            .unwrap_or_else(|| self.find_use(flights));
        used.expect_hits();
        used
    }

    #[inline(never)]
    fn find_use<'f>(&self, flights: &'f FlightTable) -> &'f Use {
        let describe = |facts: &StorageFacts| describe(self.storage(), facts);
        let (used, began) = flights.usage().of(self.ring.account, self.shape, &describe);
        if began {
            begin(self.ring);
        }
        used
    }

    /// Adds one to a counter of the ring on this storage.
    #[inline]
    pub(crate) fn count(&self, counter: Counter) {
        self.used().count(counter);
    }

    /// Counts a call that got the value of another one's computation.
    pub(super) fn count_coalesced(&self) {
        self.count(Counter::Coalesced);
    }

    /// Counts a hit; `used` is the use of the storage, if it is at hand.
    #[inline]
    fn count_hit(&self, used: Option<&Use>) {
        // Only a storage that compares bytes knows of entries of rings that have not used it.
        if S::Storage::TEXT_KEYS {
            return used.unwrap_or_else(|| self.used()).count(Counter::Hit);
        }
        match cells::own(self.flights().usage().cell(self.ring.number)) {
            Some(counts) => counts.add(Counter::Hit),
            None => self.count_first_hit(),
        }
    }

    /// The first hit of the ring here, or of this thread.
    #[cold]
    fn count_first_hit(&self) {
        self.count(Counter::Hit);
    }

    /// Counts and reports a failure, which changes nothing for the caller.
    #[cold]
    pub(crate) fn failed(&self, error: &Error) {
        self.used().failed(error);
        spans::failed(self.ring, error);
        warn_once(error);
        observer::each(|observer| observer.failed(self.ring.name().as_str(), error));
    }

    /// Counts that another ring could have equal keys.
    #[cold]
    pub(crate) fn count_conflict(&self) {
        if !switches::is_off() {
            self.failed(&self.conflict());
        }
    }

    /// The remembered result of another call's failed computation, which this call returns in place of a computation.
    #[inline]
    pub(crate) fn remembered<O, F>(&self, failures: Option<F>, key: &EncodedKey, lookup: Lookup) -> Option<O>
    where
        F: FailureRules<O>,
    {
        if !F::ANY || self.is_update {
            return None;
        }
        failures?.remembered(&self.ring.errors, self.place(key), lookup.errors)
    }

    /// Remembers the result of a computation that gave no value.
    #[inline]
    pub(crate) fn remember<O, F: FailureRules<O>>(&self, failures: Option<F>, key: &EncodedKey, out: &O) {
        if F::ANY
            && let Some(failures) = failures
        {
            failures.remember(&self.ring.errors, self.place(key), out);
        }
    }

    /// Forgets the remembered error of the key with this hash, whose entry is changed.
    #[inline]
    pub(super) fn forget_error(&self, hash: u64) {
        if let Some(errors) = self.ring.errors.get() {
            errors.forget((self.flights().address(), hash));
        }
    }

    fn place(&self, key: &EncodedKey) -> (usize, u64) {
        (self.flights().address(), key.hash_value())
    }

    /// Counts a value that is not stored because its type hides errors.
    pub(crate) fn count_refused<R: Output>(&self) {
        if R::is_refused() {
            self.failed(&Error::refused());
        }
    }

    /// Counts the error of a result, and returns the result.
    pub(crate) fn count_failure<T, E: Failure>(&self, result: Result<T, E>) -> Result<T, E> {
        result.inspect_err(|error| {
            if let Some(error) = error.as_error() {
                self.failed(error);
            }
        })
    }

    /// The value of a result. An error is counted, and changes nothing for the caller.
    #[inline]
    pub(crate) fn count_errors<T, E: Failure>(&self, result: Result<T, E>) -> Option<T> {
        self.count_failure(result).ok()
    }
}
