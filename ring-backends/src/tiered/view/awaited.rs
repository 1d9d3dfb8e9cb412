//! Two tiers, awaited.

use std::ops::Deref;
use std::time::{Duration, Instant};

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{
    Acquired, AfterWrite, AsyncClear, AsyncStorage, Clear, Expiring, LeaseRequest, LeaseToken,
};
use ring_cache_core::{Error, Name, RingKey};

use super::many::{all_removed, all_renewed, refused, without_tokens};
use super::{Near, TieredView};
use crate::tiered::Tiered;

impl<V, N, F, C, P> AsyncStorage<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    V: Clone + Send + Sync + 'static,
    N: Near<V>,
    F: AsyncStorage<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    fn read_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<Option<V>, F::Error>> {
        self.look_near(key).map(|value| Ok(Some(value)))
    }

    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<V>, F::Error> {
        if let Some(value) = self.look_near(key) {
            return Ok(Some(value));
        }
        let fetch = self.fetch(key);
        match self.far().read_expiring(key, until).await {
            Ok(found) => Ok(fetch.arrived::<C>(found).map(|found| found.value)),
            Err(failure) => self.near_after_failure(key, failure),
        }
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: V,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let change = self.change(key);
        match self.encode_far(&value, key) {
            Ok(bytes) => {
                let written = self.far().write(key, bytes, expiry, until).await;
                match &written {
                    Ok(()) => change.written(value, expiry),
                    Err(_) => change.failed(value, expiry),
                }
                written
            }
            // If the value cannot be encoded, an older one must not stay.
            Err(cause) => {
                self.far().remove(key, until).await?;
                change.removed();
                refused(Error::encode(cause))
            }
        }
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, F::Error> {
        let change = self.change::<V, _>(key);
        let there = self.far().remove(key, until).await?;
        Ok(change.removed() || there)
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, F::Error> {
        if self.is_near::<V, _>(key) {
            return Ok(true);
        }
        match self.far().contains(key, until).await {
            Err(failure) => self.is_near_after_failure::<V, _, _>(key, failure),
            found => found,
        }
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, F::Error> {
        let change = self.change::<V, _>(key);
        let there = self.far().renew(key, expiry, until).await?;
        change.renewed(there.then_some(expiry));
        Ok(there)
    }

    async fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<V>>, F::Error> {
        let many = self.begin_read_many(keys, |key| self.look_near(key));
        let absent = many.absent(keys);
        if absent.is_empty() {
            return Ok(many.finish::<C>(Vec::new(), |found| found.value));
        }
        match self.far().read_many_expiring(&absent, until).await {
            Ok(found) => Ok(many.finish::<C>(found, |found| found.value)),
            Err(failure) => {
                self.near_many_after_failure(keys.iter().map(|key| self.near_after_failure(key, ())), failure)
            }
        }
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<V>>, F::Error> {
        if let Some(found) = self.look_near_expiring(key) {
            return Ok(Some(found));
        }
        let fetch = self.fetch(key);
        match self.far().read_expiring(key, until).await {
            Ok(found) => Ok(fetch.arrived::<C>(found)),
            Err(failure) => self.near_expiring_after_failure(key, failure),
        }
    }

    async fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<V>>>, F::Error> {
        let many = self.begin_read_many(keys, |key| self.look_near_expiring(key));
        let absent = many.absent(keys);
        if absent.is_empty() {
            return Ok(many.finish::<C>(Vec::new(), |found| found));
        }
        match self.far().read_many_expiring(&absent, until).await {
            Ok(found) => Ok(many.finish::<C>(found, |found| found)),
            Err(failure) => {
                let near = keys.iter().map(|key| self.near_expiring_after_failure(key, ()));
                self.near_many_after_failure(near, failure)
            }
        }
    }

    async fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let (mut there, places) = self.are_near::<V, _>(keys);
        if places.is_empty() {
            return Ok(there);
        }
        let absent: Vec<_> = places.iter().map(|place| &keys[*place]).collect();
        let found = match self.far().contains_many(&absent, until).await {
            Ok(found) => found,
            Err(failure) => self.are_near_after_failure::<V, _, _>(&absent, failure)?,
        };
        for (place, found) in places.into_iter().zip(found) {
            there[place] = found;
        }
        Ok(there)
    }

    async fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes = entries.iter().map(|(key, _)| self.change::<V, _>(key));
        let changes: Vec<_> = changes.collect();
        let there = self.far().renew_many(entries, until).await?;
        all_renewed(changes, entries, &there);
        Ok(there)
    }

    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, V, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let mut many = self.begin_write_many(entries);
        let mut removed = Ok(Vec::new());
        if !many.unfit.is_empty() {
            removed = self.far().remove_many(&many.unfit, until).await;
        }
        many.removed();
        let encoded = std::mem::take(&mut many.encoded);
        match self.far().write_many(encoded, until).await {
            Ok(()) => many.written().and(removed.map(drop)),
            Err(failure) => {
                many.failed();
                Err(failure)
            }
        }
    }

    async fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<V>, F::Error> {
        let fetch = self.fetch(key);
        let answer = self.far().acquire(key, request, until).await?;
        if let Some(answer) = fetch.acquired::<C>(answer) {
            return Ok(answer);
        }
        Ok(
            match self.far().acquire(key, request.without_entry(), until).await? {
                Acquired::Busy => Acquired::Busy,
                Acquired::Won(token) => Acquired::Won(token),
                Acquired::Found(_) => Acquired::Won(request.token),
            },
        )
    }

    async fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, V, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let (entries, tokens) = without_tokens(entries);
        let mut many = self.begin_write_many(entries);
        if !many.unfit.is_empty() {
            self.far().remove_many(&many.unfit, until).await?;
        }
        many.removed();
        let leased = many.take_leased(tokens);
        match self.far().write_leased(leased, after, until).await {
            Ok(written) => many.written_leased(written),
            Err(failure) => {
                many.failed();
                Err(failure)
            }
        }
    }

    async fn remove_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes = keys.iter().map(|key| self.change::<V, _>(key));
        let changes: Vec<_> = changes.collect();
        let there = self.far().remove_many(keys, until).await?;
        Ok(all_removed(changes, there))
    }
}

impl<V, N, F, C, P> AsyncClear<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    V: Clone + Send + Sync + 'static,
    N: Near<V> + Clear<V>,
    F: AsyncClear<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    async fn clear_ring(&self, name: &'static Name) -> Result<(), F::Error> {
        let _clearing = self.clearing::<V>(name);
        self.far().clear_ring(name).await
    }
}
