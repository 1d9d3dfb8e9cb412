//! The storage traits of `Disk`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::{EncodedKey, text_in_namespace};
use ring_cache_core::storage::{
    ChangeObserver, Clear, EvictionCounts, Expires, Expiring, Storage, StorageBase, TellsLife,
};
use ring_cache_core::{Error, Name, RingKey};

use super::{Disk, failed};

impl StorageBase<Vec<u8>> for Disk {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        self.inner.flights()
    }

    fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.inner.deadline)
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace(&self.inner.namespace, key)
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn eviction_counts(&self) -> EvictionCounts {
        let files = &self.inner.files;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        EvictionCounts::new(count(&files.evictions), count(&files.expirations))
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.inner.mark_suspect(&self.text(key));
    }

    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<ring_cache_core::inspect::Visit> {
        Some(self.lend())
    }
}

/// Keys are rendered before anything is locked: they run user code.
impl Storage<Vec<u8>> for Disk {
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>, Error> {
        let found = self.read_expiring(key, until)?;
        Ok(found.map(|found| found.value))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        let entry = (self.text(key), value, expiry);
        let written = self.inner.put(&[entry], until);
        written.map_err(|cause| failed("set", cause))
    }

    fn write_if_absent<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        let entry = (self.text(key), value, expiry);
        let put = self.inner.put_if_absent(&entry, until);
        put.map_err(|cause| failed("set", cause))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        let removed = self.inner.remove(&[self.text(key)], until);
        let removed = removed.map_err(|cause| failed("delete", cause))?;
        Ok(removed.contains(&true))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        let there = self.inner.has(&self.text(key), until);
        there.map_err(|cause| failed("has", cause))
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        let there = self.inner.renew(&self.text(key), expiry, until);
        there.map_err(|cause| failed("touch", cause))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<Vec<u8>>>, Error> {
        let found = self.inner.get(&self.text(key), until);
        let found = found.map_err(|cause| failed("get", cause))?;
        Ok(found.map(|(value, remaining)| Expiring { value, remaining }))
    }

    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let found = self.inner.get_many(&self.texts(keys), until);
        found.map_err(|cause| failed("get_many", cause))
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, Vec<u8>, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        let entries = entries.into_iter();
        let entries: Vec<_> = entries
            .map(|(key, value, expiry)| (self.text(&key), value, expiry))
            .collect();
        let written = self.inner.put(&entries, until);
        written.map_err(|cause| failed("set_many", cause))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        let removed = self.inner.remove(&self.texts(keys), until);
        removed.map_err(|cause| failed("delete_many", cause))
    }
}

impl Disk {
    fn texts<K: RingKey>(&self, keys: &[K]) -> Vec<String> {
        keys.iter().map(|key| self.text(key)).collect()
    }
}

impl Expires for Disk {}

impl TellsLife for Disk {}

impl Clear<Vec<u8>> for Disk {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        let cleared = self.inner.clear(name.as_str());
        cleared.map_err(|cause| failed("clear", cause))
    }
}
