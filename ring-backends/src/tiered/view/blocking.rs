//! Two tiers that block.

use std::time::Duration;

use ring_cache_core::coder::Coder;
use ring_cache_core::colour::now;
use ring_cache_core::storage::{AnyStorage, AtOnce, Clear, Storage};
use ring_cache_core::{Name, RingKey};

use super::{Near, TieredView};

impl<V, N, F, C> Storage<V> for TieredView<'_, N, F, C>
where
    V: Clone + Send + Sync + 'static,
    N: Near<V>,
    F: Storage<Vec<u8>> + Send + Sync + 'static,
    C: Coder<V>,
{
    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<V>, F::Error> {
        let far = &self.far_at_once();
        now(self.read_over(far, key))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: V,
        expiry: Option<Duration>,
    ) -> Result<(), F::Error> {
        let far = &self.far_at_once();
        now(self.write_over(far, key, value, expiry))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, F::Error> {
        let far = &self.far_at_once();
        now(self.remove_over(far, key))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, F::Error> {
        let far = &self.far_at_once();
        now(self.contains_over(far, key))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, F::Error> {
        let far = &self.far_at_once();
        now(self.renew_over(far, key, expiry))
    }

    fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<V>>, F::Error> {
        let far = &self.far_at_once();
        now(self.read_many_over(far, keys))
    }

    fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, F::Error> {
        let far = &self.far_at_once();
        now(self.contains_many_over(far, keys))
    }

    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>, F::Error> {
        let far = &self.far_at_once();
        now(self.renew_many_over(far, entries))
    }

    fn write_many<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, V, Option<Duration>)>,
    ) -> Result<(), F::Error> {
        let far = &self.far_at_once();
        now(self.write_many_over(far, entries))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, F::Error> {
        let far = &self.far_at_once();
        now(self.remove_many_over(far, keys))
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

impl<N, F: Storage<Vec<u8>>, C> TieredView<'_, N, F, C> {
    /// The far tier in the time that is left, for the code that is async.
    fn far_at_once(&self) -> AtOnce<&F, Vec<u8>> {
        let far = AtOnce::new(self.far());
        self.deadline
            .and_then(|deadline| far.limited(deadline))
            .unwrap_or(far)
    }
}
