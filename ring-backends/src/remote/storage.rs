//! The storage over a server, for blocking and awaited calls.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    self, Acquired, AfterWrite, ChangeObserver, Clear, EvictionCounts, Expires, LeaseRequest, LeaseToken,
    Leases, Storage, StorageBase, TellsLife,
};
#[cfg(feature = "tokio")]
use ring_cache_core::storage::{AsyncClear, AsyncStorage};
use ring_cache_core::{Error, Name, RingKey};

#[cfg(feature = "tokio")]
use super::AsyncServer;
use super::leases::{are_leased, entries_of, keys_of, leased};
use super::operation::{
    acquire, contains, lease_tokens, read, read_expiring, remove, touch, write, write_if_absent, write_leased,
};
use super::{BlockingClear, BlockingServer, Entry, Expiring, Found, Remote, Server, ServerLeases};

type Result<T> = std::result::Result<T, Error>;

impl<S: Server> StorageBase<Vec<u8>> for Remote<S> {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        self.flights.get(|_| Flights::default())
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.key(key).to_string()
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.deadline)
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.server.watch(&self.namespace, observer)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        let key = self.changed_key(key);
        let nodes = self.nodes();
        let node = self.node_of(nodes.nodes.len(), &read("get"), std::slice::from_ref(&key));
        nodes.nodes[node].repairs.pending().add([key]);
        self.start_repairs(node);
    }
}

impl<S: Expiring> Expires for Remote<S> {}

impl<S: Expiring> TellsLife for Remote<S> {}

impl<S: Server> Remote<S> {
    pub(super) fn key<K: RingKey + ?Sized>(&self, key: &K) -> S::StoredKey {
        S::stored_key(&self.namespace, key)
    }

    fn keys<K: RingKey>(&self, keys: &[K]) -> Vec<S::StoredKey> {
        keys.iter().map(|key| self.key(key)).collect()
    }

    fn changed_keys<K: RingKey>(&self, keys: &[K]) -> Vec<S::StoredKey> {
        keys.iter().map(|key| self.changed_key(key)).collect()
    }

    fn touches<K: RingKey>(&self, entries: &[(K, Duration)]) -> Vec<(S::StoredKey, Duration)> {
        let entries = entries.iter();
        entries
            .map(|(key, expiry)| (self.changed_key(key), *expiry))
            .collect()
    }

    fn entries<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, Vec<u8>, Option<Duration>)>,
    ) -> Entries<S::StoredKey> {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value, expiry)| (self.changed_key(&key), value, expiry));
        let mut entries: Vec<_> = entries.collect();
        if entries.iter().any(|(.., expiry)| is_zero(*expiry)) {
            // Removals are sent first, so of several entries of one key only the last is kept.
            let mut later = HashSet::new();
            entries.reverse();
            entries.retain(|(key, ..)| later.insert(key.clone()));
        }
        let (expired, lasting): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(.., expiry)| is_zero(*expiry));
        Entries {
            expired: expired.into_iter().map(|(key, ..)| key).collect(),
            lasting,
        }
    }
}

/// A value with its remaining life, as storages return it.
fn expiring(found: Option<Found>) -> Option<storage::Expiring<Vec<u8>>> {
    found.map(|(value, remaining)| storage::Expiring { value, remaining })
}

fn all_expiring(found: Vec<Option<Found>>) -> Vec<Option<storage::Expiring<Vec<u8>>>> {
    found.into_iter().map(expiring).collect()
}

fn is_zero(expiry: Option<Duration>) -> bool {
    expiry.is_some_and(|expiry| expiry.is_zero())
}

/// Entries to write, and the keys whose expiry is zero, which are removed.
struct Entries<K> {
    lasting: Vec<Entry<K>>,
    expired: Vec<K>,
}

fn only<T: Default>(results: Vec<T>) -> T {
    results.into_iter().next().unwrap_or_default()
}

impl<S: BlockingServer> Storage<Vec<u8>> for Remote<S> {
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>> {
        self.execute(&read("get"), &[self.key(key)], self.until(until))
            .map(only)
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<()> {
        let (key, until) = (self.changed_key(key), self.until(until));
        if is_zero(expiry) {
            return self.execute(&remove("set"), &[key], until).map(drop);
        }
        self.execute(&write("set"), &[(key, value, expiry)], until)
            .map(drop)
    }

    fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool> {
        if is_zero(expiry) {
            return Ok(false);
        }
        let entries = [(self.key(key), value, expiry)];
        self.execute(&write_if_absent("set"), &entries, self.until(until))
            .map(only)
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        self.execute(&remove("delete"), &[self.changed_key(key)], self.until(until))
            .map(only)
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        self.execute(&contains("has"), &[self.key(key)], self.until(until))
            .map(only)
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration, until: Option<Instant>) -> Result<bool> {
        self.execute(
            &touch("touch"),
            &[(self.changed_key(key), expiry)],
            self.until(until),
        )
        .map(only)
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<storage::Expiring<Vec<u8>>>> {
        self.execute(&read_expiring("get"), &[self.key(key)], self.until(until))
            .map(only)
            .map(expiring)
    }

    fn read_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<Option<Vec<u8>>>> {
        self.execute_on_all(&read("get_many"), self.keys(keys), self.until(until))
            .found()
    }

    fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<storage::Expiring<Vec<u8>>>>> {
        self.execute_on_all(&read_expiring("get_many"), self.keys(keys), self.until(until))
            .found()
            .map(all_expiring)
    }

    fn contains_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>> {
        self.execute_on_all(&contains("has_many"), self.keys(keys), self.until(until))
            .all()
    }

    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)], until: Option<Instant>) -> Result<Vec<bool>> {
        self.execute_on_all(&touch("touch_many"), self.touches(entries), self.until(until))
            .all()
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<()> {
        let Entries { lasting, expired } = self.entries(entries);
        let until = self.until(until);
        let removed = self.execute_on_all(&remove("set_many"), expired, until).all();
        self.execute_on_all(&write("set_many"), lasting, until).all()?;
        removed.map(drop)
    }

    fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<Vec<u8>>> {
        if !self.asks_for_lease()? {
            return Ok(Acquired::Won(request.token));
        }
        let (key, until) = (EncodedKey::of(key), self.until(until));
        let items = [(self.leased_key(&key), request)];
        let answer = self.execute(&acquire("lease"), &items, until).map(only)?;
        let mut found = None;
        if Self::reads_after_lease(request) {
            let read = self.execute(&read_expiring("get"), &[self.key(&key)], until);
            found = read.ok().and_then(only);
        }
        self.acquired(&key, request, answer, found)
    }

    fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>> {
        let (mut entries, until) = (self.entries_with_tokens(entries), self.until(until));
        let are_leased = if self.is_without_leases() {
            vec![true; entries.len()]
        } else if S::LEASES == ServerLeases::WithEntries {
            return self
                .execute_on_all(&write_leased("set", after), leased::<S>(entries), until)
                .all();
        } else {
            let tokens = self.execute_on_all(&lease_tokens("set"), keys_of(&entries), until);
            are_leased(&entries, &tokens.all()?)
        };
        let leased = entries_of(&mut entries, &are_leased);
        self.execute_on_all(&write("set"), leased, until).all()?;
        if after == AfterWrite::EndLease {
            self.release_all_later(&entries, &are_leased);
        }
        Ok(are_leased)
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>> {
        self.execute_on_all(&remove("delete_many"), self.changed_keys(keys), self.until(until))
            .all()
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> AsyncStorage<Vec<u8>> for Remote<S> {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>> {
        let keys = [self.key(key)];
        self.execute_async(&read("get"), &keys, self.until(until))
            .await
            .map(only)
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<()> {
        let (key, until) = (self.changed_key(key), self.until(until));
        if is_zero(expiry) {
            return self.execute_async(&remove("set"), &[key], until).await.map(drop);
        }
        let entries = [(key, value, expiry)];
        self.execute_async(&write("set"), &entries, until).await.map(drop)
    }

    async fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool> {
        if is_zero(expiry) {
            return Ok(false);
        }
        let entries = [(self.key(key), value, expiry)];
        self.execute_async(&write_if_absent("set"), &entries, self.until(until))
            .await
            .map(only)
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        let keys = [self.changed_key(key)];
        self.execute_async(&remove("delete"), &keys, self.until(until))
            .await
            .map(only)
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        let keys = [self.key(key)];
        self.execute_async(&contains("has"), &keys, self.until(until))
            .await
            .map(only)
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool> {
        let entries = [(self.changed_key(key), expiry)];
        self.execute_async(&touch("touch"), &entries, self.until(until))
            .await
            .map(only)
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<storage::Expiring<Vec<u8>>>> {
        let keys = [self.key(key)];
        self.execute_async(&read_expiring("get"), &keys, self.until(until))
            .await
            .map(only)
            .map(expiring)
    }

    async fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let keys = self.keys(keys);
        self.execute_on_all_async(&read("get_many"), keys, self.until(until))
            .await
            .found()
    }

    async fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<storage::Expiring<Vec<u8>>>>> {
        let keys = self.keys(keys);
        self.execute_on_all_async(&read_expiring("get_many"), keys, self.until(until))
            .await
            .found()
            .map(all_expiring)
    }

    async fn contains_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>> {
        let keys = self.keys(keys);
        self.execute_on_all_async(&contains("has_many"), keys, self.until(until))
            .await
            .all()
    }

    async fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>> {
        let entries = self.touches(entries);
        self.execute_on_all_async(&touch("touch_many"), entries, self.until(until))
            .await
            .all()
    }

    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<()> {
        let Entries { lasting, expired } = self.entries(entries);
        let until = self.until(until);
        let removed = self
            .execute_on_all_async(&remove("set_many"), expired, until)
            .await
            .all();
        self.execute_on_all_async(&write("set_many"), lasting, until)
            .await
            .all()?;
        removed.map(drop)
    }

    async fn acquire<K: RingKey + ?Sized>(
        &self,
        key: &K,
        request: LeaseRequest,
        until: Option<Instant>,
    ) -> Result<Acquired<Vec<u8>>> {
        if !self.asks_for_lease()? {
            return Ok(Acquired::Won(request.token));
        }
        let (key, until) = (EncodedKey::of(key), self.until(until));
        let items = [(self.leased_key(&key), request)];
        let answer = self
            .execute_async(&acquire("lease"), &items, until)
            .await
            .map(only)?;
        let mut found = None;
        if Self::reads_after_lease(request) {
            let keys = [self.key(&key)];
            let read = self.execute_async(&read_expiring("get"), &keys, until).await;
            found = read.ok().and_then(only);
        }
        self.acquired(&key, request, answer, found)
    }

    async fn write_leased<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>, LeaseToken)>,
        after: AfterWrite,
        until: Option<Instant>,
    ) -> Result<Vec<bool>> {
        let (mut entries, until) = (self.entries_with_tokens(entries), self.until(until));
        let are_leased = if self.is_without_leases() {
            vec![true; entries.len()]
        } else if S::LEASES == ServerLeases::WithEntries {
            let entries = leased::<S>(entries);
            return self
                .execute_on_all_async(&write_leased("set", after), entries, until)
                .await
                .all();
        } else {
            let keys = keys_of(&entries);
            let tokens = self.execute_on_all_async(&lease_tokens("set"), keys, until).await;
            are_leased(&entries, &tokens.all()?)
        };
        let leased = entries_of(&mut entries, &are_leased);
        self.execute_on_all_async(&write("set"), leased, until)
            .await
            .all()?;
        if after == AfterWrite::EndLease {
            self.release_all_later(&entries, &are_leased);
        }
        Ok(are_leased)
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>> {
        let keys = self.changed_keys(keys);
        self.execute_on_all_async(&remove("delete_many"), keys, self.until(until))
            .await
            .all()
    }
}

impl<S: BlockingClear> Clear<Vec<u8>> for Remote<S> {
    fn clear_ring(&self, name: &Name) -> Result<()> {
        self.without_deadline("clear", |server| server.clear(&self.namespace, name))
    }
}

#[cfg(feature = "tokio")]
impl<S: super::AsyncClear> AsyncClear<Vec<u8>> for Remote<S> {
    async fn clear_ring(&self, name: &'static Name) -> Result<()> {
        let clearing = self.server.clear(&self.namespace, name);
        self.without_deadline_async("clear", clearing).await
    }
}
