//! Two tiers, blocking.

use std::time::{Duration, Instant};

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{Clear, Storage};
use ring_cache_core::{Error, Name, RingKey};

use super::many::{all_removed, all_renewed, refused};
use super::{Near, TieredView};

impl<V, N, F, C> Storage<V> for TieredView<'_, N, F, C>
where
    V: Clone + Send + Sync + 'static,
    N: Near<V>,
    F: Storage<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<V>, F::Error> {
        if let Some(value) = self.look_near(key) {
            return Ok(Some(value));
        }
        let fetch = self.fetch(key);
        let found = self.far().read_expiring(key, until)?;
        Ok(fetch.arrived::<C>(found))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: V,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let change = self.change(key);
        match C::encode(&value) {
            Ok(bytes) => {
                self.far().write(key, bytes, expiry, until)?;
                change.written(value, expiry);
                Ok(())
            }
            // A value that cannot be encoded must not leave an older one in its place.
            Err(cause) => {
                self.far().remove(key, until)?;
                change.removed();
                refused(Error::encode(cause))
            }
        }
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, F::Error> {
        let change = self.change::<V, _>(key);
        let there = self.far().remove(key, until)?;
        Ok(change.removed() || there)
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, F::Error> {
        if self.is_near::<V, _>(key) {
            return Ok(true);
        }
        self.far().contains(key, until)
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, F::Error> {
        let change = self.change::<V, _>(key);
        let there = self.far().renew(key, expiry, until)?;
        change.renewed(there.then_some(expiry));
        Ok(there)
    }

    fn read_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<Option<V>>, F::Error> {
        let many = self.begin_read_many(keys);
        let absent = many.absent(keys);
        if absent.is_empty() {
            return Ok(many.finish::<C>(Vec::new()));
        }
        let found = self.far().read_many_expiring(&absent, until)?;
        Ok(many.finish::<C>(found))
    }

    fn contains_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, F::Error> {
        let (mut there, places) = self.are_near::<V, _>(keys);
        if places.is_empty() {
            return Ok(there);
        }
        let absent: Vec<_> = places.iter().map(|place| &keys[*place]).collect();
        let found = self.far().contains_many(&absent, until)?;
        for (place, found) in places.into_iter().zip(found) {
            there[place] = found;
        }
        Ok(there)
    }

    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, F::Error> {
        let changes = entries.iter().map(|(key, _)| self.change::<V, _>(key));
        let changes: Vec<_> = changes.collect();
        let there = self.far().renew_many(entries, until)?;
        all_renewed(changes, entries, &there);
        Ok(there)
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, V, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), F::Error> {
        let mut many = self.begin_write_many(entries);
        let mut removed = Ok(Vec::new());
        if !many.unfit.is_empty() {
            removed = self.far().remove_many(&many.unfit, until);
        }
        many.removed();
        let encoded = std::mem::take(&mut many.encoded);
        self.far().write_many(encoded, until)?;
        many.written().and(removed.map(drop))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, F::Error> {
        let changes = keys.iter().map(|key| self.change::<V, _>(key));
        let changes: Vec<_> = changes.collect();
        let there = self.far().remove_many(keys, until)?;
        Ok(all_removed(changes, there))
    }
}

impl<V, N, F, C> Clear<V> for TieredView<'_, N, F, C>
where
    V: Clone + Send + Sync + 'static,
    N: Near<V> + Clear<V>,
    F: Clear<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    fn clear_ring(&self, name: &Name) -> Result<(), F::Error> {
        let _clearing = self.clearing::<V>(name);
        self.far().clear_ring(name)
    }
}
