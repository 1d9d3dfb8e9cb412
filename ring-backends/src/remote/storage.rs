//! Remote storages as rings use them, blocking and awaited.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AnyStorage, Clear, Expires, Observer, Storage};
#[cfg(feature = "tokio")]
use ring_cache_core::storage::{AsyncClear, AsyncStorage};
use ring_cache_core::{Error, Name, RingKey};

#[cfg(feature = "tokio")]
use super::AsyncServer;
use super::{BlockingClear, BlockingServer, Entry, Expiring, Found, Remote, Server};

type Result<T> = std::result::Result<T, Error>;

impl<S: Server> AnyStorage<Vec<u8>> for Remote<S> {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        &self.flights
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.place(key).to_string()
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.deadline)
    }

    fn limited(&self, deadline: Duration) -> Option<Self> {
        Some(self.clone().deadline(deadline))
    }

    fn watch(&self, observer: Arc<dyn Observer>) -> bool {
        self.server.watch(&self.namespace, observer)
    }

    fn distrust<K: RingKey + ?Sized>(&self, key: &K) {
        self.line.repairs.add(&[self.place(key)]);
    }
}

impl<S: Expiring> Expires for Remote<S> {}

impl<S: Server> Remote<S> {
    /// What was found, without what may be out of date and could not be removed.
    fn trusted<T: Default>(&self, places: &[S::Place], mut found: Vec<T>) -> Vec<T> {
        if self.line.repairs.pending() > 0 {
            for (place, found) in places.iter().zip(&mut found) {
                if self.line.repairs.names(place) {
                    *found = T::default();
                }
            }
        }
        found
    }

    fn entries<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, Vec<u8>, Option<Duration>)>,
    ) -> Entries<S::Place> {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value, expiry)| (self.place(&key), value, expiry));
        let mut entries: Vec<_> = entries.collect();
        let places = entries.iter().map(|(place, ..)| place.clone()).collect();
        if entries.iter().any(removes) {
            // What is removed goes first, so that of several entries of one place only the last one may be left.
            let mut later = HashSet::new();
            entries.reverse();
            entries.retain(|(place, ..)| later.insert(place.clone()));
        }
        let (expired, lasting): (Vec<_>, _) = entries.into_iter().partition(removes);
        Entries {
            lasting,
            expired: expired.into_iter().map(|(place, ..)| place).collect(),
            places,
        }
    }

    fn renewals<K: RingKey>(&self, entries: &[(K, Duration)]) -> Vec<(S::Place, Duration)> {
        let entries = entries.iter();
        entries.map(|(key, expiry)| (self.place(key), *expiry)).collect()
    }
}

fn removes<P>((.., expiry): &Entry<P>) -> bool {
    expiry.is_some_and(|expiry| expiry.is_zero())
}

/// Entries to be written, and those whose expiry is zero, which removes what is there.
struct Entries<P> {
    lasting: Vec<Entry<P>>,
    expired: Vec<P>,
    places: Vec<P>,
}

fn only<T: Default>(found: Vec<T>) -> T {
    found.into_iter().next().unwrap_or_default()
}

impl<S: BlockingServer> Storage<Vec<u8>> for Remote<S> {
    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Vec<u8>>> {
        let places = [self.place(key)];
        let found = self.inquire("get", |server, until| server.read(&places, until))?;
        Ok(only(self.trusted(&places, found)))
    }

    fn write<K: RingKey + ?Sized>(&self, key: &K, value: Vec<u8>, expiry: Option<Duration>) -> Result<()> {
        let place = self.place(key);
        let places = [place.clone()];
        if expiry.is_some_and(|expiry| expiry.is_zero()) {
            let removed = self.change("set", &places, |server, until| server.remove(&places, until));
            return removed.map(|_| ());
        }
        let entries = vec![(place, value, expiry)];
        self.change("set", &places, |server, until| server.write(entries, until))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool> {
        let places = [self.place(key)];
        let removed = self.change("delete", &places, |server, until| server.remove(&places, until));
        removed.map(only)
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool> {
        let places = [self.place(key)];
        let there = self.inquire("has", |server, until| server.contains(&places, until))?;
        Ok(only(self.trusted(&places, there)))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool> {
        let entries = [(self.place(key), expiry)];
        let there = self.inquire("touch", |server, until| server.renew(&entries, until))?;
        Ok(only(self.trusted(&[self.place(key)], there)))
    }

    fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.inquire("get_many", |server, until| server.read(&places, until))?;
        Ok(self.trusted(&places, found))
    }

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Found>> {
        let places = [self.place(key)];
        let found = self.inquire("get", |server, until| server.read_expiring(&places, until))?;
        Ok(only(self.trusted(&places, found)))
    }

    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Found>>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.inquire("get_many", |server, until| server.read_expiring(&places, until))?;
        Ok(self.trusted(&places, found))
    }

    fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.inquire("has_many", |server, until| server.contains(&places, until))?;
        Ok(self.trusted(&places, there))
    }

    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>> {
        let renewals = self.renewals(entries);
        if renewals.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.inquire("touch_many", |server, until| server.renew(&renewals, until))?;
        let places: Vec<_> = renewals.into_iter().map(|(place, _)| place).collect();
        Ok(self.trusted(&places, there))
    }

    fn write_many<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, Vec<u8>, Option<Duration>)>,
    ) -> Result<()> {
        let Entries {
            lasting,
            expired,
            places,
        } = self.entries(entries);
        let removed = if expired.is_empty() {
            Ok(Vec::new())
        } else {
            self.change("set_many", &expired, |server, until| {
                server.remove(&expired, until)
            })
        };
        if !lasting.is_empty() {
            self.change("set_many", &places, |server, until| server.write(lasting, until))?;
        }
        removed.map(|_| ())
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        self.change("delete_many", &places, |server, until| {
            server.remove(&places, until)
        })
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> AsyncStorage<Vec<u8>> for Remote<S> {
    async fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Vec<u8>>> {
        let places = [self.place(key)];
        let found = self
            .inquire_async("get", |until| self.server.read(&places, until))
            .await?;
        Ok(only(self.trusted(&places, found)))
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
    ) -> Result<()> {
        let place = self.place(key);
        let places = [place.clone()];
        if expiry.is_some_and(|expiry| expiry.is_zero()) {
            let removed = self.change_async("set", &places, |until| self.server.remove(&places, until));
            return removed.await.map(|_| ());
        }
        let entries = vec![(place, value, expiry)];
        self.change_async("set", &places, |until| self.server.write(entries, until))
            .await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool> {
        let places = [self.place(key)];
        let removed = self.change_async("delete", &places, |until| self.server.remove(&places, until));
        removed.await.map(only)
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool> {
        let places = [self.place(key)];
        let there = self
            .inquire_async("has", |until| self.server.contains(&places, until))
            .await?;
        Ok(only(self.trusted(&places, there)))
    }

    async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool> {
        let entries = [(self.place(key), expiry)];
        let there = self
            .inquire_async("touch", |until| self.server.renew(&entries, until))
            .await?;
        Ok(only(self.trusted(&[self.place(key)], there)))
    }

    async fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let found = self
            .inquire_async("get_many", |until| self.server.read(&places, until))
            .await?;
        Ok(self.trusted(&places, found))
    }

    async fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Found>> {
        let places = [self.place(key)];
        let found = self
            .inquire_async("get", |until| self.server.read_expiring(&places, until))
            .await?;
        Ok(only(self.trusted(&places, found)))
    }

    async fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Found>>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let found = self
            .inquire_async("get_many", |until| self.server.read_expiring(&places, until))
            .await?;
        Ok(self.trusted(&places, found))
    }

    async fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let there = self
            .inquire_async("has_many", |until| self.server.contains(&places, until))
            .await?;
        Ok(self.trusted(&places, there))
    }

    async fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>> {
        let renewals = self.renewals(entries);
        if renewals.is_empty() {
            return Ok(Vec::new());
        }
        let there = self
            .inquire_async("touch_many", |until| self.server.renew(&renewals, until))
            .await?;
        let places: Vec<_> = renewals.into_iter().map(|(place, _)| place).collect();
        Ok(self.trusted(&places, there))
    }

    async fn write_many<K: RingKey>(&self, entries: Vec<(K, Vec<u8>, Option<Duration>)>) -> Result<()> {
        let Entries {
            lasting,
            expired,
            places,
        } = self.entries(entries);
        let removed = if expired.is_empty() {
            Ok(Vec::new())
        } else {
            self.change_async("set_many", &expired, |until| self.server.remove(&expired, until))
                .await
        };
        if !lasting.is_empty() {
            self.change_async("set_many", &places, |until| self.server.write(lasting, until))
                .await?;
        }
        removed.map(|_| ())
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        self.change_async("delete_many", &places, |until| self.server.remove(&places, until))
            .await
    }
}

impl<S: BlockingClear> Clear<Vec<u8>> for Remote<S> {
    fn clear_ring(&self, name: &Name) -> Result<()> {
        self.unhurried("clear", |server| server.clear(&self.namespace, name))
    }
}

#[cfg(feature = "tokio")]
impl<S: super::AsyncClear> AsyncClear<Vec<u8>> for Remote<S> {
    async fn clear_ring(&self, name: &'static Name) -> Result<()> {
        let clearing = self.server.clear(&self.namespace, name);
        self.unhurried_async("clear", clearing).await
    }
}
