//! The operations on two tiers, for both colours: what blocks runs them over a far tier that is ready at once.

use std::time::Duration;

use ring_cache_core::coder::Coder;
use ring_cache_core::storage::{AnyStorage, AsyncStorage, encode};
use ring_cache_core::{Error, Failure, RingKey};

use super::steps::Change;
use super::{Near, TieredView};

/// What a storage says of many keys.
type Many<T, E> = Result<Vec<T>, E>;

impl<N, F, C> TieredView<'_, N, F, C>
where
    F: AnyStorage<Vec<u8>> + Send + Sync + 'static,
{
    pub(super) async fn read_over<V, K, A>(&self, far: &A, key: &K) -> Result<Option<V>, A::Error>
    where
        V: Clone + 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        C: Coder<V>,
        K: RingKey + ?Sized,
    {
        if let Some(value) = self.look_near(key) {
            return Ok(Some(value));
        }
        let fetch = self.fetch(key);
        let found = far.read_expiring(key).await?;
        Ok(fetch.arrived::<C>(found))
    }

    pub(super) async fn write_over<V, K, A>(
        &self,
        far: &A,
        key: &K,
        value: V,
        expiry: Option<Duration>,
    ) -> Result<(), A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        C: Coder<V>,
        K: RingKey + ?Sized,
    {
        let change = self.change(key);
        match encode::<V, C>(&value) {
            Ok(bytes) => {
                far.write(key, bytes, expiry).await?;
                change.written(value, expiry);
                Ok(())
            }
            // What cannot be stored must not leave the old value in its place.
            Err(error) => {
                far.remove(key).await?;
                change.removed();
                refused(error)
            }
        }
    }

    pub(super) async fn remove_over<V, K, A>(&self, far: &A, key: &K) -> Result<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey + ?Sized,
    {
        let change = self.change::<V, _>(key);
        let there = far.remove(key).await?;
        Ok(change.removed() || there)
    }

    pub(super) async fn contains_over<V, K, A>(&self, far: &A, key: &K) -> Result<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey + ?Sized,
    {
        if self.is_near::<V, _>(key) {
            return Ok(true);
        }
        far.contains(key).await
    }

    pub(super) async fn renew_over<V, K, A>(
        &self,
        far: &A,
        key: &K,
        expiry: Duration,
    ) -> Result<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey + ?Sized,
    {
        let change = self.change::<V, _>(key);
        let there = far.renew(key, expiry).await?;
        change.renewed(there.then_some(expiry));
        Ok(there)
    }

    pub(super) async fn read_many_over<V, K, A>(&self, far: &A, keys: &[K]) -> Many<Option<V>, A::Error>
    where
        V: Clone + 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        C: Coder<V>,
        K: RingKey,
    {
        let mut values: Vec<_> = keys.iter().map(|key| self.look_near(key)).collect();
        let places = values.iter().enumerate();
        let places: Vec<_> = places
            .filter_map(|(place, value)| value.is_none().then_some(place))
            .collect();
        if places.is_empty() {
            return Ok(values);
        }
        let absent: Vec<_> = places.iter().map(|place| &keys[*place]).collect();
        let fetches: Vec<_> = absent.iter().map(|key| self.fetch(*key)).collect();
        let found = far.read_many_expiring(&absent).await?;
        for ((place, fetch), found) in places.into_iter().zip(fetches).zip(found) {
            values[place] = fetch.arrived::<C>(found);
        }
        Ok(values)
    }

    pub(super) async fn contains_many_over<V, K, A>(&self, far: &A, keys: &[K]) -> Many<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey,
    {
        let mut there: Vec<_> = keys.iter().map(|key| self.is_near::<V, _>(key)).collect();
        let places: Vec<_> = (0..keys.len()).filter(|place| !there[*place]).collect();
        if places.is_empty() {
            return Ok(there);
        }
        let absent: Vec<_> = places.iter().map(|place| &keys[*place]).collect();
        let found = far.contains_many(&absent).await?;
        for (place, found) in places.into_iter().zip(found) {
            there[place] = found;
        }
        Ok(there)
    }

    pub(super) async fn renew_many_over<V, K, A>(
        &self,
        far: &A,
        entries: &[(K, Duration)],
    ) -> Many<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey,
    {
        let changes = entries.iter().map(|(key, _)| self.change::<V, _>(key));
        let changes: Vec<_> = changes.collect();
        let there = far.renew_many(entries).await?;
        for ((change, (_, expiry)), there) in changes.into_iter().zip(entries).zip(&there) {
            change.renewed(there.then_some(*expiry));
        }
        Ok(there)
    }

    pub(super) async fn write_many_over<V, K, A>(
        &self,
        far: &A,
        entries: impl IntoIterator<Item = (K, V, Option<Duration>)>,
    ) -> Result<(), A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        C: Coder<V>,
        K: RingKey,
    {
        let (mut encoded, mut changes) = (Vec::new(), Vec::new());
        let (mut unfit, mut removals, mut outcome) = (Vec::new(), Vec::new(), Ok(()));
        for (key, value, expiry) in entries {
            let change = self.change::<V, _>(&key);
            match encode::<V, C>(&value) {
                Ok(bytes) => {
                    encoded.push((key, bytes, expiry));
                    changes.push((change, value, expiry));
                }
                Err(error) => {
                    unfit.push(key);
                    removals.push(change);
                    outcome = outcome.and(refused(error));
                }
            }
        }
        // What cannot be stored must not leave the old value in its place.
        if !unfit.is_empty() {
            outcome = outcome.and(far.remove_many(&unfit).await.map(|_| ()));
        }
        drop(removals);
        far.write_many(encoded).await?;
        for (change, value, expiry) in changes {
            change.written(value, expiry);
        }
        outcome
    }

    pub(super) async fn remove_many_over<V, K, A>(&self, far: &A, keys: &[K]) -> Many<bool, A::Error>
    where
        V: 'static,
        N: Near<V>,
        A: AsyncStorage<Vec<u8>>,
        K: RingKey,
    {
        let changes: Vec<Change<'_, V, N, F>> = keys.iter().map(|key| self.change(key)).collect();
        let mut there = far.remove_many(keys).await?;
        there.resize(keys.len(), false);
        for (change, there) in changes.into_iter().zip(&mut there) {
            *there |= change.removed();
        }
        Ok(there)
    }
}

/// An error of a coder as one of the far tier, if that can have any.
fn refused<E: Failure>(error: Error) -> Result<(), E> {
    E::from_error(error).map_or(Ok(()), Err)
}
