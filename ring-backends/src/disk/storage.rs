//! `Disk` as the rings see it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AnyStorage, Clear, Expires, Storage};
use ring_cache_core::{Error, Name, RingKey};

use super::raw::Lasting;
use super::{Disk, failed};

impl AnyStorage<Vec<u8>> for Disk {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        &self.inner.flights
    }

    fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.inner.deadline)
    }

    fn limited(&self, deadline: Duration) -> Option<Self> {
        Some(self.clone().deadline(deadline))
    }

    fn losses(&self) -> (u64, u64) {
        let files = &self.inner.files;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        (count(&files.evictions), count(&files.expirations))
    }

    fn distrust<K: RingKey + ?Sized>(&self, key: &K) {
        self.inner.distrust(&self.text(key));
    }
}

/// Keys become text before anything is locked: they are code of users.
impl Storage<Vec<u8>> for Disk {
    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Vec<u8>>, Error> {
        let found = self.read_expiring(key)?;
        Ok(found.map(|(value, _)| value))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
    ) -> Result<(), Error> {
        let entry = (self.text(key), value, expiry);
        let written = self.inner.put(&[entry]);
        written.map_err(|cause| failed("set", cause))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Error> {
        let removed = self.inner.remove(&[self.text(key)]);
        let removed = removed.map_err(|cause| failed("delete", cause))?;
        Ok(removed.contains(&true))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Error> {
        let there = self.inner.has(&self.text(key));
        there.map_err(|cause| failed("has", cause))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, Error> {
        let there = self.inner.renew(&self.text(key), expiry);
        there.map_err(|cause| failed("touch", cause))
    }

    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Lasting>, Error> {
        let found = self.inner.get(&self.text(key));
        found.map_err(|cause| failed("get", cause))
    }

    fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let found = self.inner.get_many(&self.texts(keys));
        found.map_err(|cause| failed("get_many", cause))
    }

    fn write_many<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, Vec<u8>, Option<Duration>)>,
    ) -> Result<(), Error> {
        let entries = entries.into_iter();
        let entries: Vec<_> = entries
            .map(|(key, value, expiry)| (self.text(&key), value, expiry))
            .collect();
        let written = self.inner.put(&entries);
        written.map_err(|cause| failed("set_many", cause))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Error> {
        let removed = self.inner.remove(&self.texts(keys));
        removed.map_err(|cause| failed("delete_many", cause))
    }
}

impl Disk {
    fn texts<K: RingKey>(&self, keys: &[K]) -> Vec<String> {
        keys.iter().map(|key| self.text(key)).collect()
    }
}

impl Expires for Disk {}

impl Clear<Vec<u8>> for Disk {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        let cleared = self.inner.clear(name.as_str());
        cleared.map_err(|cause| failed("clear", cause))
    }
}
