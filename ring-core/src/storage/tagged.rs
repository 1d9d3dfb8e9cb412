//! A storage as the calls of a ring with `tags` reach it.
//!
//! [`Tagged`] stands between a call and its storage, and knows the tags of the call. An entry is read together with its
//! version: that of its tags before its value was computed. It is absent if the tags have another version now. The
//! version that a call reads is kept for the value that it stores.
//!
//! A memory storage keeps a number with each entry ([`Tags`] of [`Lru`](crate::Lru) and [`Map`](crate::Map)). A storage
//! of bytes keeps a second entry beside each (`versioned`).

use std::ops::Deref;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use super::awaited::AsyncStorage;
use super::base::{ChangeObserver, EvictionCounts, Expires, Expiring, StorageBase, TellsLife};
use super::blocking::Storage;
use super::lease::{Acquired, AfterWrite, LeaseRequest, YieldsTo};
use super::view::{Coded, Detach, HasCoder, View};
use crate::error::Error;
use crate::flights::{Flights, Gone, InPlace, LeaseToken, Leases, Terms};
use crate::key::{EncodedKey, RingKey, hash_key};
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering};
use crate::tag::{Tag, version_in_memory};

/// The tags of a call, and the version of them that it has read.
#[derive(Debug)]
pub struct Asked<'c> {
    pub(crate) tags: &'c [Tag],
    seen: &'c Seen,
}

/// The version of a call's tags that it has read last. Once its value is being made, that version stays.
#[derive(Debug, Default)]
pub struct Seen {
    version: AtomicU64,
    is_fixed: AtomicBool,
}

/// No version.
const UNKNOWN: u64 = 0;

impl<'c> Asked<'c> {
    /// A call with these tags.
    pub fn new(tags: &'c [Tag], seen: &'c Seen) -> Self {
        Asked { tags, seen }
    }

    /// A copy, which shares the version.
    #[must_use]
    pub fn again(&self) -> Self {
        Asked { ..*self }
    }

    /// The version of the tags in the memory of this process.
    pub fn version_in_memory(&self) -> u64 {
        version_in_memory(self.tags)
    }

    /// Keeps the version that was read, unless one is fixed; `None` if it is not known.
    pub fn see(&self, version: Option<u64>) {
        if !self.seen.is_fixed.load(Ordering::SeqCst) {
            let version = version.unwrap_or(UNKNOWN);
            self.seen.version.store(version, Ordering::SeqCst);
        }
    }

    /// The version that was read last, if one is known.
    pub fn seen(&self) -> Option<u64> {
        let seen = self.seen.version.load(Ordering::SeqCst);
        (seen != UNKNOWN).then_some(seen)
    }
}

impl Seen {
    /// A version that was read before, and stays.
    pub fn fixed(version: u64) -> Self {
        Seen {
            version: AtomicU64::new(version),
            is_fixed: AtomicBool::new(true),
        }
    }

    /// From now on the version stays, whatever is read.
    pub fn fix(&self) {
        self.is_fixed.store(true, Ordering::SeqCst);
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Seen {
            version: AtomicU64::new(self.version.load(Ordering::SeqCst)),
            is_fixed: AtomicBool::new(self.is_fixed.load(Ordering::SeqCst)),
        }
    }
}

/// A storage that keeps the versions of tags. All operations have the meaning of those of [`Storage`] without `_tagged`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tags",
    note = "leave out `tags` and `depends`, or choose a storage that keeps them: `Lru`, `Map`, `Redis`, `RedisHash`, `RedisCluster`, `Memcached`, `Disk`, `Tiered`"
)]
pub trait Tags<T>: Storage<T> {
    /// The entries of keys whose versions are those of their tags.
    fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error>;

    /// Reads the versions of tags, for values that are made without a look-up.
    fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), Self::Error>;

    /// Puts values, each with the version that was seen. Where none was, the entry is removed.
    fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), Self::Error>;

    /// [`Storage::write_leased`], each value with the version that was seen. Ends the leases. Where no version was
    /// seen, the entry is not put. A storage without [leases](StorageBase::leases) has no tokens to compare, and puts
    /// all.
    fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;

    /// Removes entries. Returns for each whether there was one.
    fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;

    /// Restarts the expiries of entries. Returns for each whether there was one.
    fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;
}

/// [`Tags`], awaited.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tags",
    note = "leave out `tags` and `depends`, or choose a storage that keeps them: `Lru`, `Map`, `Redis`, `RedisHash`, `RedisCluster`, `Memcached`, `Blocking<Disk>`, `Tiered`"
)]
#[allow(async_fn_in_trait)]
pub trait AsyncTags<T>: AsyncStorage<T> {
    /// [`AsyncStorage::read_at_once`]
    fn read_tagged_at_once<K>(&self, key: &K, asked: &Asked<'_>) -> Option<Result<Option<T>, Self::Error>>
    where
        K: RingKey + ?Sized,
    {
        let _ = (key, asked);
        None
    }

    /// [`Tags::read_tagged`]
    async fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error>;

    /// [`Tags::see_tagged`]
    async fn see_tagged(&self, asked: &[Asked<'_>], until: Option<Instant>) -> Result<(), Self::Error>;

    /// [`Tags::write_tagged`]
    async fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), Self::Error>;

    /// [`Tags::write_leased_tagged`]
    async fn write_leased_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;

    /// [`Tags::remove_tagged`]
    async fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;

    /// [`Tags::renew_tagged`]
    async fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error>;
}

/// A view whose storage does not depend on the type of the values.
pub trait Reaches {
    /// The storage.
    type Storage;

    /// The storage.
    fn reached(&self) -> &Self::Storage;
}

impl<S> Reaches for &S {
    type Storage = S;

    fn reached(&self) -> &S {
        self
    }
}

impl<S, C> Reaches for Coded<'_, S, C> {
    type Storage = S;

    fn reached(&self) -> &S {
        self.coded_storage()
    }
}

/// A storage as the calls of a ring with `tags` reach it, returned by `call.storage()`. It derefs to the storage.
pub struct Tagged<W, const N: usize> {
    view: W,
    call: Call<N>,
    /// The calls of a bulk verb, by the hashes of their keys.
    together: Option<Arc<HashMap<u64, Call<N>>>>,
}

#[derive(Clone, Debug)]
struct Call<const N: usize> {
    tags: [Tag; N],
    seen: Seen,
}

impl<W: Clone, const N: usize> Clone for Tagged<W, N> {
    fn clone(&self) -> Self {
        Tagged {
            view: self.view.clone(),
            call: self.call.clone(),
            together: self.together.clone(),
        }
    }
}

impl<W, const N: usize> Tagged<W, N> {
    pub(crate) fn new(view: W, tags: [Tag; N]) -> Self {
        Tagged {
            view,
            call: Call {
                tags,
                seen: Seen::default(),
            },
            together: None,
        }
    }

    #[inline]
    fn asked<K: RingKey + ?Sized>(&self, key: &K) -> Asked<'_> {
        let call = match &self.together {
            Some(together) => together.get(&hash_key(key)).unwrap_or(&self.call),
            None => &self.call,
        };
        Asked::new(&call.tags, &call.seen)
    }

    fn all_asked<'k, K: RingKey + 'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Vec<Asked<'_>> {
        keys.into_iter().map(|key| self.asked(key)).collect()
    }

    fn questions<'k, K: RingKey>(&self, keys: &'k [K]) -> Vec<(&'k K, Asked<'_>)> {
        keys.iter().map(|key| (key, self.asked(key))).collect()
    }
}

impl<V, W: View<V> + Reaches<Storage = <W as View<V>>::Storage>, const N: usize> View<V> for Tagged<W, N> {
    type Stored = W::Stored;
    type Storage = Self;

    const TAGGED: bool = true;

    fn storage(&self) -> &Self {
        self
    }

    fn keeping_stale(self, stale: Duration) -> Self {
        Tagged {
            view: self.view.keeping_stale(stale),
            ..self
        }
    }

    fn together(calls: &[(&EncodedKey, &Self)]) -> Option<Self> {
        let (_, first) = calls.first()?;
        let by_hash = calls
            .iter()
            .map(|(key, view)| (key.hash_value(), view.call.clone()));
        Some(Tagged {
            view: first.view.clone(),
            call: first.call.clone(),
            together: Some(Arc::new(by_hash.collect())),
        })
    }

    fn encode<K: RingKey + ?Sized>(&self, value: V, key: &K) -> Result<W::Stored, Error> {
        self.view.encode(value, key)
    }

    fn encode_ref<K: RingKey + ?Sized>(&self, value: &V, key: &K) -> Result<W::Stored, Error> {
        self.view.encode_ref(value, key)
    }

    fn decode<K: RingKey + ?Sized>(&self, held: W::Stored, key: &K) -> Result<V, Error> {
        self.view.decode(held, key)
    }
}

impl<V, W, const N: usize> Detach<V> for Tagged<W, N>
where
    W: Detach<V> + Reaches<Storage = <W as View<V>>::Storage>,
{
    type Detached = W::Detached;

    fn detach(&self) -> W::Detached {
        self.view.detach()
    }
}

impl<W: HasCoder, const N: usize> HasCoder for Tagged<W, N> {
    type Coder = W::Coder;
}

impl<W: Reaches, const N: usize> Deref for Tagged<W, N> {
    type Target = W::Storage;

    fn deref(&self) -> &W::Storage {
        self.view.reached()
    }
}

impl<W: Reaches<Storage: Expires>, const N: usize> Expires for Tagged<W, N> {}

impl<W: Reaches<Storage: TellsLife>, const N: usize> TellsLife for Tagged<W, N> {}

impl<T, W: Reaches<Storage: StorageBase<T>>, const N: usize> StorageBase<T> for Tagged<W, N> {
    type Error = <W::Storage as StorageBase<T>>::Error;

    const TEXT_KEYS: bool = <W::Storage as StorageBase<T>>::TEXT_KEYS;

    fn flights(&self) -> &Flights<T> {
        (**self).flights()
    }

    fn namespace(&self) -> &str {
        (**self).namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        (**self).stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        (**self).deadline()
    }

    fn eviction_counts(&self) -> EvictionCounts {
        (**self).eviction_counts()
    }

    fn watch(&self, observer: std::sync::Arc<dyn ChangeObserver>) -> bool {
        (**self).watch(observer)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        (**self).leases()
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        (**self).mark_suspect(key);
    }

    #[inline(always)]
    fn hit<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>) -> Option<T> {
        (**self).hit_of(key, life, version_in_memory(self.asked(key).tags))
    }

    fn version<K: RingKey + ?Sized>(&self, key: &K) -> u64 {
        self.asked(key).seen().unwrap_or(UNKNOWN)
    }

    fn fix_version<K: RingKey + ?Sized>(&self, key: &K) {
        self.asked(key).seen.fix();
    }

    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<crate::inspect::Visit> {
        (**self).visit()
    }

    fn in_place(&self) -> Option<&dyn InPlace<T>> {
        (**self).in_place().is_some().then_some(self as &dyn InPlace<T>)
    }
}

/// Writes the version with each entry.
impl<T, W: Reaches<Storage: StorageBase<T>>, const N: usize> InPlace<T> for Tagged<W, N> {
    fn terms(&self, value: &T, expiry: Option<Duration>) -> Option<Terms> {
        (**self).in_place()?.terms(value, expiry)
    }

    fn write(&self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        let version = self.version(key);
        if let Some(storage) = (**self).in_place() {
            storage.write(key, value, Terms { version, ..terms }, gone);
        }
    }

    fn count_gone(&self, gone: Gone<T>) {
        if let Some(storage) = (**self).in_place() {
            storage.count_gone(gone);
        }
    }
}

/// The answer for the only key.
fn only<A: Default>(answers: Vec<A>) -> A {
    answers.into_iter().next().unwrap_or_default()
}

fn values<T>(found: Vec<Option<Expiring<T>>>) -> Vec<Option<T>> {
    let found = found.into_iter();
    found.map(|found| found.map(|found| found.value)).collect()
}

fn are_there<T>(found: &[Option<Expiring<T>>]) -> Vec<bool> {
    found.iter().map(Option::is_some).collect()
}

/// The answer to a request for a lease, with the entry that was read after it.
fn acquired<T, S, K>(
    storage: &S,
    key: &K,
    request: LeaseRequest,
    answer: Acquired<T>,
    read: Result<Vec<Option<Expiring<T>>>, S::Error>,
) -> Acquired<T>
where
    S: StorageBase<T>,
    K: RingKey + ?Sized,
{
    let found = read.ok().and_then(only);
    let Some(found) = found.filter(|found| request.yields_to_entry(found.remaining)) else {
        return answer;
    };
    if let (Acquired::Won(token), Some(leases)) = (answer, storage.leases()) {
        leases.release(&EncodedKey::of(key), token);
    }
    Acquired::Found(found)
}

/// The keys and lives of entries, with the keys borrowed.
fn borrowed<K>(entries: &[(K, Duration)]) -> Vec<(&K, Duration)> {
    entries.iter().map(|(key, expiry)| (key, *expiry)).collect()
}

impl<T, W: Reaches<Storage: Tags<T>>, const N: usize> Storage<T> for Tagged<W, N> {
    fn see_versions<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<(), Self::Error> {
        (**self).see_tagged(&self.all_asked(keys), until)
    }

    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<T>, Self::Error> {
        Ok(Storage::read_expiring(self, key, until)?.map(|found| found.value))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        (**self).write_tagged(
            vec![(EncodedKey::of(key), value, expiry)],
            &[self.asked(key)],
            until,
        )
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error> {
        (**self).remove_tagged(&[key], until).map(only)
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error> {
        Ok(Storage::read_expiring(self, key, until)?.is_some())
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        (**self)
            .renew_tagged(&[(key, expiry)], &[self.asked(key)], until)
            .map(only)
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        (**self).read_tagged(&[(key, self.asked(key))], until).map(only)
    }

    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<T>>, Self::Error> {
        (**self).read_tagged(&self.questions(keys), until).map(values)
    }

    fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        (**self).read_tagged(&self.questions(keys), until)
    }

    fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        Ok(are_there(&(**self).read_tagged(&self.questions(keys), until)?))
    }

    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, _)| key));
        (**self).renew_tagged(&borrowed(entries), &asked, until)
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, ..)| key));
        (**self).write_tagged(entries, &asked, until)
    }

    /// Takes the lease first, and then reads the entry with its tags: the server that gives the lease does not know
    /// whether an entry was forgotten. So a value that was stored before the lease was given is found.
    fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<T>, Self::Error> {
        let answer = Storage::acquire(&**self, key, request.without_entry(), until)?;
        if !matches!(request.yields_to, YieldsTo::Entry(_)) {
            return Ok(answer);
        }
        let read = (**self).read_tagged(&[(key, self.asked(key))], until);
        Ok(acquired(&**self, key, request, answer, read))
    }

    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        _: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, ..)| key));
        (**self).write_leased_tagged(entries, &asked, until)
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Self::Error> {
        (**self).remove_tagged(&keys.iter().collect::<Vec<_>>(), until)
    }
}

impl<T, W: Reaches<Storage: AsyncTags<T>>, const N: usize> AsyncStorage<T> for Tagged<W, N> {
    async fn see_versions<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<(), Self::Error> {
        (**self).see_tagged(&self.all_asked(keys), until).await
    }

    fn read_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<Option<T>, Self::Error>> {
        (**self).read_tagged_at_once(key, &self.asked(key))
    }

    fn remove_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<bool, Self::Error>> {
        (**self).remove_at_once(key)
    }

    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<T>, Self::Error> {
        let found = AsyncStorage::read_expiring(self, key, until).await?;
        Ok(found.map(|found| found.value))
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let entries = vec![(EncodedKey::of(key), value, expiry)];
        (**self).write_tagged(entries, &[self.asked(key)], until).await
    }

    async fn remove<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        (**self).remove_tagged(&[key], until).await.map(only)
    }

    async fn contains<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        Ok(AsyncStorage::read_expiring(self, key, until).await?.is_some())
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        let (entries, asked) = ([(key, expiry)], [self.asked(key)]);
        (**self).renew_tagged(&entries, &asked, until).await.map(only)
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        let read = (**self).read_tagged(&[(key, self.asked(key))], until).await;
        read.map(only)
    }

    async fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<T>>, Self::Error> {
        let read = (**self).read_tagged(&self.questions(keys), until).await;
        read.map(values)
    }

    async fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        (**self).read_tagged(&self.questions(keys), until).await
    }

    async fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let read = (**self).read_tagged(&self.questions(keys), until).await?;
        Ok(are_there(&read))
    }

    async fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, _)| key));
        (**self).renew_tagged(&borrowed(entries), &asked, until).await
    }

    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, ..)| key));
        (**self).write_tagged(entries, &asked, until).await
    }

    /// Takes the lease first, and then reads the entry with its tags: the server that gives the lease does not know
    /// whether an entry was forgotten. So a value that was stored before the lease was given is found.
    async fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<T>, Self::Error> {
        let answer = Box::pin(AsyncStorage::acquire(
            &**self,
            key,
            request.without_entry(),
            until,
        ))
        .await?;
        if !matches!(request.yields_to, YieldsTo::Entry(_)) {
            return Ok(answer);
        }
        let read = (**self).read_tagged(&[(key, self.asked(key))], until).await;
        Ok(acquired(&**self, key, request, answer, read))
    }

    async fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>, LeaseToken)>,
        _: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let asked = self.all_asked(entries.iter().map(|(key, ..)| key));
        (**self).write_leased_tagged(entries, &asked, until).await
    }

    async fn remove_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        let keys: Vec<_> = keys.iter().collect();
        (**self).remove_tagged(&keys, until).await
    }
}
