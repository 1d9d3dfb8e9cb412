//! A [`Disk`] as the inspector sees it: its keys in the order of their texts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ring_cache_core::flights::Flights;
use ring_cache_core::inspect::{
    AnyStorage, FoundKey, Inspect, KeyPage, Lent, StorageHealth, Visit, is_of_ring,
};
use ring_cache_core::{Cause, Error, Name};

use super::files::Files;
use super::metadata::Condition;
use super::operations;
use super::{Damages, Disk, Inner, failed};
use crate::process::PerProcess;

/// A handle that holds the storage weakly.
struct WeakDisk {
    files: Weak<Files>,
    flights: Weak<PerProcess<Flights<Vec<u8>>>>,
    settings: Settings,
}

/// The settings of a handle.
#[derive(Clone)]
struct Settings {
    namespace: Box<str>,
    max_bytes: u64,
    deadline: Duration,
    clock: super::WallClock,
}

impl WeakDisk {
    fn of(inner: &Inner) -> Self {
        let Inner {
            files,
            flights,
            namespace,
            max_bytes,
            deadline,
            clock,
        } = inner;
        WeakDisk {
            files: Arc::downgrade(files),
            flights: Arc::downgrade(flights),
            settings: Settings {
                namespace: namespace.clone(),
                max_bytes: *max_bytes,
                deadline: *deadline,
                clock: Arc::clone(clock),
            },
        }
    }

    fn upgrade(&self) -> Option<Disk> {
        let Settings {
            namespace,
            max_bytes,
            deadline,
            clock,
        } = self.settings.clone();
        let inner = Inner {
            files: self.files.upgrade()?,
            flights: self.flights.upgrade()?,
            namespace,
            max_bytes,
            deadline,
            clock,
        };
        let inner = Arc::new(inner);
        Some(Disk { inner })
    }
}

impl Disk {
    /// Lends this storage, held weakly.
    pub(super) fn lend(&self) -> Visit {
        let weak = WeakDisk::of(&self.inner);
        Arc::new(move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            if let Some(disk) = weak.upgrade() {
                visitor(&Lent::<Vec<u8>, Disk>::new(&disk));
            }
        })
    }
}

impl Inspect<Vec<u8>> for Disk {
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        let page = self.inner.keys(ring, from, at_most);
        page.map_err(|cause| failed("keys", cause))
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Error> {
        if !is_of_ring(key, &self.inner.namespace, ring) {
            return Ok(false);
        }
        let removed = self.inner.remove(&[key.to_owned()], None);
        let removed = removed.map_err(|cause| failed("delete", cause))?;
        Ok(removed.contains(&true))
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Error> {
        if !is_of_ring(key, &self.inner.namespace, ring) {
            return Ok(false);
        }
        let found = self.inner.get(key, None);
        let found = found.map_err(|cause| failed("expire", cause))?;
        let is_longer = |remaining: Option<Duration>| remaining.is_none_or(|remaining| remaining > life);
        if !found.is_some_and(|(_, remaining)| is_longer(remaining)) {
            return Ok(false);
        }
        let renewed = self.inner.renew(key, life, None);
        renewed.map_err(|cause| failed("expire", cause))
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Error> {
        let cleared = self.inner.clear(ring.as_str());
        cleared.map_err(|cause| failed("clear", cause))
    }

    fn health(&self) -> StorageHealth {
        let Damages { entries, files } = self.damages();
        let counts = [("damaged entries", entries), ("damaged files", files)];
        StorageHealth {
            counts: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
            notes: vec![format!("The file: {}", self.path().display())],
            ..StorageHealth::default()
        }
    }
}

impl Inner {
    /// A page of keys: reads `at_most` rows, expired ones included.
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Cause> {
        let whole = format!("{}{ring}", self.namespace);
        // `;` comes next to `:`. A ring without arguments has one key, its name.
        let (start, end) = (format!("{whole}:"), format!("{whole};"));
        let now = (self.clock)();
        let rows = self.files.read(self.wait_limit(None), |reader| {
            let mut rows = Vec::new();
            if from.is_empty() {
                rows.extend(operations::look(reader, &whole)?.map(|found| (whole.clone(), found)));
            }
            let after = if from > start.as_str() { from } else { &start };
            rows.extend(operations::look_between(reader, (after, &end), at_most)?);
            Ok(rows)
        })?;
        let is_full = rows.len() >= at_most;
        let next = rows.last().filter(|_| is_full).map(|(key, _)| key.clone());
        let keys = rows.into_iter().filter_map(|(text, found)| {
            let condition = found.metadata?.condition(now);
            let remaining = match condition {
                Condition::Expired => return None,
                Condition::Lives(left) => left,
                Condition::Early(lifetime) => Some(lifetime),
            };
            let is_there = !self.files.pending_deletes.contains(&*text);
            is_there.then_some(FoundKey { text, remaining })
        });
        Ok(KeyPage {
            keys: keys.collect(),
            next,
        })
    }
}
