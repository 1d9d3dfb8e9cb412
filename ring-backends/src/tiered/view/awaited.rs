//! Two tiers, awaited.

use std::time::{Duration, Instant};

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{AsyncClear, AsyncStorage, Clear};
use ring_cache_core::{Error, Name, RingKey};

use super::many::{all_removed, all_renewed, refused};
use super::{Near, TieredView};

impl<V, N, F, C> AsyncStorage<V> for TieredView<'_, N, F, C>
where
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
        let found = self.far().read_expiring(key, until).await?;
        Ok(fetch.arrived::<C>(found))
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: V,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let change = self.change(key);
        match C::encode(&value) {
            Ok(bytes) => {
                self.far().write(key, bytes, expiry, until).await?;
                change.written(value, expiry);
                Ok(())
            }
            // A value that cannot be encoded must not leave an older one in its place.
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
        self.far().contains(key, until).await
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
        let many = self.begin_read_many(keys);
        let absent = many.absent(keys);
        if absent.is_empty() {
            return Ok(many.finish::<C>(Vec::new()));
        }
        let found = self.far().read_many_expiring(&absent, until).await?;
        Ok(many.finish::<C>(found))
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
        let found = self.far().contains_many(&absent, until).await?;
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
        self.far().write_many(encoded, until).await?;
        many.written().and(removed.map(drop))
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

impl<V, N, F, C> AsyncClear<V> for TieredView<'_, N, F, C>
where
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
