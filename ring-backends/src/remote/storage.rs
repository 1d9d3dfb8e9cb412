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
use super::{BlockingClear, BlockingServer, Entry, Expiring, Fault, Found, Remote, Server};

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
        let places = [self.place(key)];
        self.line(&places).repairs.add(&places);
    }
}

impl<S: Expiring> Expires for Remote<S> {}

impl<S: Server> Remote<S> {
    /// Which of these places, on one node, may be out of date although that could not be removed. To be asked before they
    /// are looked at: by the time of the answer, what was found may be removed, and its place trusted again.
    fn distrusted(&self, places: &[S::Place]) -> Vec<bool> {
        let repairs = &self.line(places).repairs;
        if repairs.pending() == 0 {
            return Vec::new();
        }
        places.iter().map(|place| repairs.names(place)).collect()
    }

    /// What was found on one node, one for each place, without what may be out of date, before or by now.
    fn trusted<T: Default>(&self, places: &[S::Place], distrusted: Vec<bool>, found: Vec<T>) -> Vec<T> {
        let mut found = one_each(places, found);
        for distrusted in [distrusted, self.distrusted(places)] {
            let found = found.iter_mut().zip(distrusted);
            found
                .filter(|(_, distrusted)| *distrusted)
                .for_each(|(found, _)| *found = T::default());
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
    expired: Vec<P>,
}

fn places_of<P: Clone, E>(entries: &[E], place: impl Fn(&E) -> &P) -> Vec<P> {
    entries.iter().map(|entry| place(entry).clone()).collect()
}

/// A server that answers too little or too much is not to confuse those who asked.
fn one_each<P, T: Default>(places: &[P], mut answers: Vec<T>) -> Vec<T> {
    answers.resize_with(places.len(), T::default);
    answers
}

fn only<T: Default>(found: Vec<T>) -> T {
    found.into_iter().next().unwrap_or_default()
}

impl<S: BlockingServer> Remote<S> {
    /// Looks at places on one node.
    fn look<T: Default>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(&S, Instant) -> std::result::Result<Vec<T>, Fault>,
    ) -> Result<Vec<T>> {
        let mut distrusted = Vec::new();
        let found = self.inquire(operation, places, |server, until| {
            distrusted = self.distrusted(places);
            act(server, until)
        })?;
        Ok(self.trusted(places, distrusted, found))
    }

    fn remove_places(&self, operation: &'static str, places: Vec<S::Place>) -> Result<Vec<bool>> {
        let remove = |places: Vec<_>| {
            let act = |server: &S, until| server.remove(&places, until);
            let removed = self.change(operation, &places, act)?;
            Ok(one_each(&places, removed))
        };
        self.on_nodes(places, |place| place, remove).all()
    }
}

impl<S: BlockingServer> Storage<Vec<u8>> for Remote<S> {
    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Vec<u8>>> {
        let places = [self.place(key)];
        let found = self.look("get", &places, |server, until| server.read(&places, until))?;
        Ok(only(found))
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
        let there = self.look("has", &places, |server, until| server.contains(&places, until))?;
        Ok(only(there))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool> {
        let places = [self.place(key)];
        let entries = [(places[0].clone(), expiry)];
        let there = self.look("touch", &places, |server, until| server.renew(&entries, until))?;
        Ok(only(there))
    }

    fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        let look =
            |places: Vec<_>| self.look("get_many", &places, |server, until| server.read(&places, until));
        self.on_nodes(self.places(keys), |place| place, look).found()
    }

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Found>> {
        let places = [self.place(key)];
        let found = self.look("get", &places, |server, until| {
            server.read_expiring(&places, until)
        })?;
        Ok(only(found))
    }

    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Found>>> {
        let look = |places: Vec<_>| {
            self.look("get_many", &places, |server, until| {
                server.read_expiring(&places, until)
            })
        };
        self.on_nodes(self.places(keys), |place| place, look).found()
    }

    fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let look = |places: Vec<_>| {
            self.look("has_many", &places, |server, until| {
                server.contains(&places, until)
            })
        };
        self.on_nodes(self.places(keys), |place| place, look).all()
    }

    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>> {
        let renew = |renewals: Vec<_>| {
            let places = places_of(&renewals, |(place, _)| place);
            let act = |server: &S, until| server.renew(&renewals, until);
            self.look("touch_many", &places, act)
        };
        self.on_nodes(self.renewals(entries), |(place, _)| place, renew)
            .all()
    }

    fn write_many<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, Vec<u8>, Option<Duration>)>,
    ) -> Result<()> {
        let Entries { lasting, expired } = self.entries(entries);
        let start = Instant::now();
        let removed = self.remove_places("set_many", expired);
        let rest = &self.rest(start);
        let write = |entries: Vec<Entry<S::Place>>| {
            let places = places_of(&entries, |(place, ..)| place);
            rest.change("set_many", &places, |server, until| server.write(entries, until))
        };
        self.on_nodes(lasting, |(place, ..)| place, write).done()?;
        removed.map(drop)
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        self.remove_places("delete_many", self.places(keys))
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> Remote<S> {
    /// Looks at places on one node.
    async fn look_async<T, F>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(Instant) -> F,
    ) -> Result<Vec<T>>
    where
        T: Default,
        F: Future<Output = std::result::Result<Vec<T>, Fault>>,
    {
        let mut distrusted = Vec::new();
        let found = self.inquire_async(operation, places, |until| {
            distrusted = self.distrusted(places);
            act(until)
        });
        let found = found.await?;
        Ok(self.trusted(places, distrusted, found))
    }

    async fn remove_places_async(&self, operation: &'static str, places: Vec<S::Place>) -> Result<Vec<bool>> {
        let remove = |places: Vec<_>| async move {
            let act = |until| self.server.remove(&places, until);
            let removed = self.change_async(operation, &places, act).await?;
            Ok(one_each(&places, removed))
        };
        self.on_nodes_async(places, |place| place, remove).await.all()
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> AsyncStorage<Vec<u8>> for Remote<S> {
    async fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Vec<u8>>> {
        let places = [self.place(key)];
        let found = self
            .look_async("get", &places, |until| self.server.read(&places, until))
            .await?;
        Ok(only(found))
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
            .look_async("has", &places, |until| self.server.contains(&places, until))
            .await?;
        Ok(only(there))
    }

    async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool> {
        let places = [self.place(key)];
        let entries = [(places[0].clone(), expiry)];
        let there = self
            .look_async("touch", &places, |until| self.server.renew(&entries, until))
            .await?;
        Ok(only(there))
    }

    async fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        let look = |places: Vec<_>| async move {
            let act = |until| self.server.read(&places, until);
            self.look_async("get_many", &places, act).await
        };
        let places = self.places(keys);
        self.on_nodes_async(places, |place| place, look).await.found()
    }

    async fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Found>> {
        let places = [self.place(key)];
        let found = self
            .look_async("get", &places, |until| self.server.read_expiring(&places, until))
            .await?;
        Ok(only(found))
    }

    async fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Found>>> {
        let look = |places: Vec<_>| async move {
            let act = |until| self.server.read_expiring(&places, until);
            self.look_async("get_many", &places, act).await
        };
        let places = self.places(keys);
        self.on_nodes_async(places, |place| place, look).await.found()
    }

    async fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        let look = |places: Vec<_>| async move {
            let act = |until| self.server.contains(&places, until);
            self.look_async("has_many", &places, act).await
        };
        let places = self.places(keys);
        self.on_nodes_async(places, |place| place, look).await.all()
    }

    async fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>> {
        let renew = |renewals: Vec<_>| async move {
            let places = places_of(&renewals, |(place, _)| place);
            let act = |until| self.server.renew(&renewals, until);
            self.look_async("touch_many", &places, act).await
        };
        let renewals = self.renewals(entries);
        self.on_nodes_async(renewals, |(place, _)| place, renew)
            .await
            .all()
    }

    async fn write_many<K: RingKey>(&self, entries: Vec<(K, Vec<u8>, Option<Duration>)>) -> Result<()> {
        let Entries { lasting, expired } = self.entries(entries);
        let start = Instant::now();
        let removed = self.remove_places_async("set_many", expired).await;
        let rest = &self.rest(start);
        let write = |entries: Vec<Entry<S::Place>>| async move {
            let places = places_of(&entries, |(place, ..)| place);
            let act = |until| self.server.write(entries, until);
            rest.change_async("set_many", &places, act).await
        };
        self.on_nodes_async(lasting, |(place, ..)| place, write)
            .await
            .done()?;
        removed.map(drop)
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>> {
        self.remove_places_async("delete_many", self.places(keys)).await
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
