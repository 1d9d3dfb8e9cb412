//! Remote storages as rings use them, blocking and awaited.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    /// What was found, one for each place, without what may be out of date and could not be removed.
    fn trusted<T: Default>(&self, places: &[S::Place], found: Vec<T>) -> Vec<T> {
        let mut found = one_each(places, found);
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
        if entries.iter().any(removes) {
            // What is removed goes first, so that of several entries of one place only the last one may be left.
            let mut later = HashSet::new();
            entries.reverse();
            entries.retain(|(place, ..)| later.insert(place.clone()));
        }
        let (expired, lasting): (Vec<_>, Vec<_>) = entries.into_iter().partition(removes);
        Entries {
            places: lasting.iter().map(|(place, ..)| place.clone()).collect(),
            expired: expired.into_iter().map(|(place, ..)| place).collect(),
            lasting,
        }
    }

    /// This storage in the rest of the time of an operation that began at `start`.
    fn rest(&self, start: Instant) -> Self {
        let deadline = self.deadline.saturating_sub(start.elapsed());
        self.clone().deadline(deadline)
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
    /// Where the lasting ones lie.
    places: Vec<P>,
    expired: Vec<P>,
}

/// A server that answers too little or too much is not to confuse those who asked.
fn one_each<P, T: Default>(places: &[P], mut answers: Vec<T>) -> Vec<T> {
    answers.resize_with(places.len(), T::default);
    answers
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
        if expired.is_empty() && lasting.is_empty() {
            return Ok(());
        }
        if expired.is_empty() {
            return self.change("set_many", &places, |server, until| server.write(lasting, until));
        }
        let start = Instant::now();
        let removed = self.change("set_many", &expired, |server, until| {
            server.remove(&expired, until)
        });
        if !lasting.is_empty() {
            let rest = self.rest(start);
            rest.change("set_many", &places, |server, until| server.write(lasting, until))?;
        }
        removed.map(|_| ())
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let removed = self.change("delete_many", &places, |server, until| {
            server.remove(&places, until)
        })?;
        Ok(one_each(&places, removed))
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
        if expired.is_empty() && lasting.is_empty() {
            return Ok(());
        }
        let write = |until| self.server.write(lasting, until);
        if expired.is_empty() {
            return self.change_async("set_many", &places, write).await;
        }
        let start = Instant::now();
        let removed = self
            .change_async("set_many", &expired, |until| self.server.remove(&expired, until))
            .await;
        if !places.is_empty() {
            let rest = self.rest(start);
            rest.change_async("set_many", &places, write).await?;
        }
        removed.map(|_| ())
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let places = self.places(keys);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let removed = self
            .change_async("delete_many", &places, |until| self.server.remove(&places, until))
            .await?;
        Ok(one_each(&places, removed))
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
