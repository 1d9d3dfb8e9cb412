//! The steps of an operation on two tiers that do not wait for the far one, shared by both modes.

use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ring_cache_core::coder::{Cause, Coder, EntryKey};
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{Acquired, ChangeObserver, Clear, Expiring, StorageBase};
use ring_cache_core::{Name, RingKey, tag_of_stored_key};

use super::super::fills::Fill;
use super::super::{Tiered, Tiers};
use super::{Near, TieredView};

/// Whether near entries may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NearUse {
    /// Like far ones: changes are reported; or nothing reports them; or their age is bounded and reports were refused.
    Always,
    /// Only if the far tier fails: their age is bounded.
    AfterFailure,
    Never,
}

impl<N, F, C, P: Deref<Target = Tiered<N, F>>> TieredView<P, N, F, C> {
    /// Whether near entries may be used. The first call asks the far tier to report changes.
    fn near_use<V>(&self) -> NearUse
    where
        V: 'static,
        N: Near<V>,
        F: StorageBase<Vec<u8>> + Send + Sync + 'static,
    {
        let tiers = &self.tiered.tiers;
        let watch = || {
            let observer = Drops {
                tiers: Arc::downgrade(tiers),
                value: PhantomData::<fn() -> V>,
            };
            tiers.far.watch(Arc::new(observer))
        };
        if !tiers.reports_changes.get_or_init(watch) {
            return NearUse::Always;
        }
        if tiers.trust.was_forked() {
            // Reports go to the parent process.
            tiers.trust.set_watching(false);
            // A list of keys that is not whole would leave outdated near entries: then near is not used.
            if tiers.watched().is_whole() {
                Drops::<V, N, F>::drop_all(tiers);
                watch();
            }
        }
        match self.tiered.near_expiry {
            _ if tiers.trust.is_complete() => NearUse::Always,
            None => NearUse::Never,
            Some(_) if tiers.trust.is_refused() => NearUse::Always,
            Some(_) => NearUse::AfterFailure,
        }
    }
}

impl<N, F, C, P> TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    F: StorageBase<Vec<u8>> + Send + Sync + 'static,
{
    /// The near value, if it may be used.
    pub(super) fn look_near<V, K>(&self, key: &K) -> Option<V>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        if self.near_use() != NearUse::Always {
            return None;
        }
        let Ok(found) = self.near().read(key, None);
        found
    }

    /// The near value and a lower bound of its remaining far life.
    pub(super) fn look_near_expiring<V, K>(&self, key: &K) -> Option<Expiring<V>>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        (self.near_use() == NearUse::Always).then(|| self.read_near(key))?
    }

    /// [`look_near_expiring`](Self::look_near_expiring), for a key that the far tier failed to read.
    pub(super) fn near_expiring_after_failure<V, K, E>(
        &self,
        key: &K,
        failure: E,
    ) -> Result<Option<Expiring<V>>, E>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        if self.near_use() == NearUse::Never {
            return Err(failure);
        }
        self.read_near(key).map(Some).ok_or(failure)
    }

    fn read_near<V, K>(&self, key: &K) -> Option<Expiring<V>>
    where
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let Ok(found) = self.near().read_expiring(key, None);
        self.with_far_life(found?)
    }

    fn with_far_life<V>(&self, mut found: Expiring<V>) -> Option<Expiring<V>> {
        found.remaining = found.remaining.map(|near| near.saturating_add(self.stale));
        Some(found)
    }

    /// The near value that was stored with this version of its tags, if it may be used. `instead`: the far tier failed.
    pub(super) fn look_near_of<V, K>(&self, key: &K, version: u64, instead: bool) -> Option<Expiring<V>>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        match self.near_use() {
            NearUse::Always => {}
            NearUse::AfterFailure if instead => {}
            _ => return None,
        }
        let Ok(found) = self.near().read_of(key, version);
        self.with_far_life(found?)
    }

    /// The near value, for a key that the far tier failed to read.
    pub(super) fn near_after_failure<V, K, E>(&self, key: &K, failure: E) -> Result<Option<V>, E>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        if self.near_use() == NearUse::Never {
            return Err(failure);
        }
        let Ok(found) = self.near().read(key, None);
        found.map_or(Err(failure), |value| Ok(Some(value)))
    }

    /// Whether there is a near entry that may be used.
    pub(super) fn is_near<V, K>(&self, key: &K) -> bool
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        self.near_use() == NearUse::Always && self.near().contains(key, None) == Ok(true)
    }

    /// Whether there is a near entry, for a key that the far tier failed to read.
    pub(super) fn is_near_after_failure<V, K, E>(&self, key: &K, failure: E) -> Result<bool, E>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let is_near = self.near_use() != NearUse::Never && self.near().contains(key, None) == Ok(true);
        is_near.then_some(true).ok_or(failure)
    }

    /// The bytes of a value for the far tier.
    pub(super) fn encode_far<V, K>(&self, value: &V, key: &K) -> Result<Vec<u8>, Cause>
    where
        C: Coder<V>,
        K: RingKey + ?Sized,
    {
        let text = || self.tiered.tiers.far.stored_key(key);
        C::encode_entry(value, EntryKey::new(&text))
    }

    /// To be called before the far tier is asked for a value.
    pub(super) fn fetch<V, K>(&self, key: &K) -> Fetch<'_, V, N, F>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let (tiers, begun) = (&*self.tiered.tiers, Instant::now());
        let fill = tiers.fills().begin(EncodedKey::of(key));
        // Changes must be reported before the key is noted and after it: otherwise one could be missed.
        let is_usable = self.near_use() != NearUse::Never;
        if is_usable && tiers.reports_changes.get() == Some(&true) {
            let is_near = |key: &EncodedKey| {
                tiers.fills().is_under_way(key) || tiers.near.contains(key, None) == Ok(true)
            };
            tiers
                .watched()
                .note(&tiers.far.stored_key(key), fill.key(), is_near);
        }
        Fetch {
            tiers,
            fill,
            is_usable: is_usable && self.near_use() != NearUse::Never,
            begun,
            near_expiry: self.tiered.near_expiry,
            stale: self.stale,
            version: 0,
            value: PhantomData,
        }
    }

    /// To be called before the far tier is asked to change something.
    pub(super) fn change<V, K>(&self, key: &K) -> Change<'_, V, N, F>
    where
        V: 'static,
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        Change(Some(self.fetch(key)))
    }
}

/// A value in flight from the far tier to the near one.
pub(super) struct Fetch<'t, V, N, F> {
    tiers: &'t Tiers<N, F>,
    fill: Fill<'t>,
    is_usable: bool,
    begun: Instant,
    near_expiry: Option<Duration>,
    stale: Duration,
    /// The version of the tags in memory; zero without tags.
    version: u64,
    value: PhantomData<fn() -> V>,
}

impl<V: Clone, N: Near<V>, F: StorageBase<Vec<u8>>> Fetch<'_, V, N, F> {
    /// The decoded far value. Puts it near unless it is stale. `None` if it cannot be decoded.
    pub(super) fn arrived<C: Coder<V>>(self, found: Option<Expiring<Vec<u8>>>) -> Option<Expiring<V>> {
        let found = found?;
        let text = || self.tiers.far.stored_key(self.fill.key());
        let value = C::decode_entry(&found.value, EntryKey::new(&text)).ok()?;
        self.put(value.clone(), found.remaining);
        Some(Expiring {
            value,
            remaining: found.remaining,
        })
    }
}

impl<V: Clone, N: Near<V>, F: StorageBase<Vec<u8>>> Fetch<'_, V, N, F> {
    /// The far tier's answer to a request for a lease. `None` if its entry cannot be decoded.
    pub(super) fn acquired<C: Coder<V>>(self, answer: Acquired<Vec<u8>>) -> Option<Acquired<V>> {
        match answer {
            Acquired::Found(found) => self.arrived::<C>(Some(found)).map(Acquired::Found),
            Acquired::Won(token) => Some(Acquired::Won(token)),
            Acquired::Busy => Some(Acquired::Busy),
        }
    }
}

impl<V, N: Near<V>, F> Fetch<'_, V, N, F> {
    /// The same for an entry whose tags have this version in memory.
    pub(super) fn of(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// The life of a near value whose far entry has this expiry: while it is fresh, less the time that the far tier took.
    fn near_expiry(&self, expiry: Option<Duration>) -> Option<Duration> {
        let not_fresh = self.begun.elapsed().saturating_add(self.stale);
        let expiry = expiry.map(|expiry| expiry.saturating_sub(not_fresh));
        expiry.into_iter().chain(self.near_expiry).min()
    }

    fn put(self, value: V, expiry: Option<Duration>) {
        if !self.is_usable {
            return;
        }
        let Tiers {
            near, has_unbounded, ..
        } = self.tiers;
        if self.near_expiry.is_none() {
            has_unbounded.store(true, Ordering::SeqCst);
        }
        let expiry = self.near_expiry(expiry);
        let put = |key: &EncodedKey| {
            let Ok(()) = match self.version {
                0 => near.write(key, value, expiry, None),
                version => near.write_of(key, value, expiry, version),
            };
        };
        self.fill.store(put, |key| drop_from(near, key));
    }
}

/// A change of an entry in the far tier. Dropped unfinished, as by a cancelled call, it removes the near entry.
pub(super) struct Change<'t, V, N: Near<V>, F>(Option<Fetch<'t, V, N, F>>);

impl<V, N: Near<V>, F> Change<'_, V, N, F> {
    /// The far tier has stored this value.
    pub(super) fn written(mut self, value: V, expiry: Option<Duration>) {
        let Some(mut fetch) = self.0.take() else { return };
        let (tiers, key) = (fetch.tiers, fetch.fill.key().clone());
        if fetch.fill.supersede() && fetch.is_usable {
            fetch.put(value, expiry);
        } else {
            drop_from(&tiers.near, &key);
        }
    }

    /// The far tier failed, so its entry is unknown. With `near_expiry`, near serves the new value until it is known.
    pub(super) fn failed(self, value: V, expiry: Option<Duration>) {
        if self.0.as_ref().is_some_and(|fetch| fetch.near_expiry.is_some()) {
            self.written(value, expiry);
        }
    }

    /// The expiry of the far entry was restarted, if there is one.
    pub(super) fn renewed(mut self, expiry: Option<Duration>) {
        let Some(mut fetch) = self.0.take() else { return };
        let Tiers { near, .. } = fetch.tiers;
        let expiry = expiry.and_then(|expiry| fetch.near_expiry(Some(expiry)));
        let renewed = expiry.is_some_and(|expiry| near.renew(fetch.fill.key(), expiry, None) == Ok(true));
        if !(fetch.fill.supersede() && renewed) {
            drop_from(near, fetch.fill.key());
        }
    }

    /// The far entry is removed or unknown. Returns whether there was a near entry.
    pub(super) fn removed(mut self) -> bool {
        self.0.take().is_some_and(Self::drop_near)
    }

    fn drop_near(mut fetch: Fetch<'_, V, N, F>) -> bool {
        fetch.fill.supersede();
        fetch.tiers.near.remove(fetch.fill.key(), None) == Ok(true)
    }
}

impl<V, N: Near<V>, F> Drop for Change<'_, V, N, F> {
    fn drop(&mut self) {
        let fetch = self.0.take();
        quietly(|| fetch.map(Self::drop_near));
    }
}

fn drop_from<V, N: Near<V>>(near: &N, key: &EncodedKey) {
    let Ok(_) = near.remove(key, None);
}

impl<N, F> Tiered<N, F> {
    /// To be called before the far tier is asked to clear a ring.
    pub(super) fn clearing<'t, V>(&'t self, name: &'t Name) -> Clearing<'t, V, N, F>
    where
        N: Near<V> + Clear<V>,
    {
        Clearing {
            tiers: &self.tiers,
            name,
            value: PhantomData,
        }
    }

    /// Drops the near entry.
    pub(super) fn drop_near<V, K>(&self, key: &K)
    where
        N: Near<V>,
        K: RingKey + ?Sized,
    {
        let key = EncodedKey::of(key);
        self.tiers.fills().changed(&key);
        drop_from(self.near(), &key);
    }
}

/// The far tier clears a ring. Dropped, with or without success, it clears the ring in the near tier.
pub(super) struct Clearing<'t, V, N: Near<V> + Clear<V>, F> {
    tiers: &'t Tiers<N, F>,
    name: &'t Name,
    value: PhantomData<fn() -> V>,
}

impl<V, N: Near<V> + Clear<V>, F> Drop for Clearing<'_, V, N, F> {
    fn drop(&mut self) {
        self.tiers.fills().changed_all(Some(self.name));
        quietly(|| self.tiers.near.clear_ring(self.name));
    }
}

/// Catches a panic of a value's `Drop`, so that the rest of the work is done: no caller waits for it.
fn quietly<T>(work: impl FnOnce() -> T) {
    // The panic hook has reported it.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Drops near entries that others change.
struct Drops<V, N, F> {
    tiers: Weak<Tiers<N, F>>,
    value: PhantomData<fn() -> V>,
}

impl<V, N: Near<V>, F> Drops<V, N, F> {
    fn drop_all(tiers: &Tiers<N, F>) {
        // In this order: keys noted from now on are fetched from now on.
        let keys = tiers.watched().take_all();
        tiers.fills().changed_all(None);
        for key in keys {
            quietly(|| drop_from(&tiers.near, &key));
        }
    }
}

impl<V, N, F> ChangeObserver for Drops<V, N, F>
where
    N: Near<V>,
    F: StorageBase<Vec<u8>> + Send + Sync + 'static,
{
    fn began(&self) {
        if let Some(tiers) = self.tiers.upgrade() {
            // Entries stored without reports of changes.
            Self::drop_all(&tiers);
            tiers.trust.set_watching(true);
        }
    }

    /// Values of bounded age stay, for calls when the far tier fails.
    fn ended(&self) {
        if let Some(tiers) = self.tiers.upgrade() {
            tiers.trust.set_watching(false);
            if tiers.has_unbounded.swap(false, Ordering::SeqCst) {
                Self::drop_all(&tiers);
            }
        }
    }

    fn confirmed(&self, at: Instant) {
        if let Some(tiers) = self.tiers.upgrade() {
            tiers.trust.confirm(at);
        }
    }

    fn refused(&self, reason: &str) {
        if let Some(tiers) = self.tiers.upgrade() {
            tiers.trust.refuse(reason);
        }
    }

    fn changed(&self, stored_key: &str) {
        let Some(tiers) = self.tiers.upgrade() else { return };
        let key = stored_key.strip_prefix(tiers.far.namespace());
        if let Some(tag) = key.and_then(tag_of_stored_key) {
            tag.forget();
            return;
        }
        if let Some(key) = tiers.watched().key(stored_key) {
            tiers.fills().changed(&key);
            quietly(|| drop_from(&tiers.near, &key));
        }
    }

    fn all_changed(&self) {
        if let Some(tiers) = self.tiers.upgrade() {
            Self::drop_all(&tiers);
        }
    }

    fn is_gone(&self) -> bool {
        self.tiers.strong_count() == 0
    }
}
