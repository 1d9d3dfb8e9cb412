//! Two tiers, awaited.

use std::time::Duration;

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{AsyncClear, AsyncStorage, Clear};
use ring_cache_core::{Name, RingKey};

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

    async fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<V>, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.read_over(far, key).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: V,
        expiry: Option<Duration>,
    ) -> Result<(), F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.write_over(far, key, value, expiry).await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.remove_over(far, key).await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.contains_over(far, key).await
    }

    async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.renew_over(far, key, expiry).await
    }

    async fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<V>>, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.read_many_over(far, keys).await
    }

    async fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.contains_many_over(far, keys).await
    }

    async fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.renew_many_over(far, entries).await
    }

    async fn write_many<K: RingKey>(&self, entries: Vec<(K, V, Option<Duration>)>) -> Result<(), F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.write_many_over(far, entries).await
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, F::Error> {
        let limited = self.limited_far();
        let far = limited.as_ref().unwrap_or_else(|| self.far());
        self.remove_many_over(far, keys).await
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
