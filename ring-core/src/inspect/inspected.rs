//! The storages of a ring, for inspection.

use std::sync::Arc;
use std::time::Duration;

use super::any_storage::{AnyStorage, KeyPage, RingRules, StorageHealth};
use crate::account::Use;
use crate::error::Error;
use crate::ring::Ring;
use crate::ring_info::{RingInfo, StorageInfo};
use crate::used;

/// A storage of a ring, for inspection: see [`RingInfo::inspected`].
#[derive(Clone, Debug)]
pub struct Inspected {
    ring: &'static Ring,
    used: Arc<Use>,
}

impl RingInfo {
    /// Its storages, for inspection.
    ///
    /// Runs user code only to create statics of storages, for a used ring whose storage was not used.
    pub fn inspected(&self) -> Vec<Inspected> {
        used::show_new();
        let uses = self.uses.iter().map(|used| Inspected {
            ring: self.ring(),
            used: Arc::clone(used),
        });
        uses.collect()
    }

    /// The time for which expired entries are kept. Zero: not at all.
    pub fn stale(&self) -> Duration {
        self.ring().stale
    }
}

impl Inspected {
    /// The unique number of this storage in this process.
    pub fn number(&self) -> u64 {
        self.used.storage.number()
    }

    /// The facts about the storage.
    pub fn info(&self) -> StorageInfo {
        StorageInfo::of(&self.used.storage)
    }

    /// Why keys cannot be listed or removed, and the remedy. `None` if they can.
    pub fn refusal(&self) -> Option<&'static str> {
        match self.used.storage.visit() {
            None => Some(NOT_INSPECTABLE),
            Some(_) => self.visit(|storage| storage.refusal()).unwrap_or(Some(GONE)),
        }
    }

    /// Up to about `at_most` keys of the ring, from `from` on: nothing for the first page, then [`KeyPage::next`].
    /// Blocks if the storage is outside the process.
    ///
    /// # Errors
    ///
    /// If the storage fails, is gone, or does not list keys.
    pub fn keys(&self, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        self.ask("keys", |storage| storage.keys(self.ring.name(), from, at_most))
    }

    /// Removes the entry whose stored key has this text, also one that is being computed. Returns whether there was one.
    /// Blocks if the storage is outside the process.
    ///
    /// # Errors
    ///
    /// If the storage fails or is gone.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        self.change("delete", |storage, ring| storage.delete(ring, key))
    }

    /// Makes the entry stale whose stored key has this text, as [`expire`](crate::Call::expire) does; in a ring without
    /// `stale`, removes it. Returns whether there was one that had not expired.
    ///
    /// # Errors
    ///
    /// If the storage fails or is gone.
    pub fn expire(&self, key: &str) -> Result<bool, Error> {
        self.change("expire", |storage, ring| storage.expire(ring, key))
    }

    /// Removes all entries of the ring, also those being computed.
    ///
    /// # Errors
    ///
    /// If the storage fails, is gone, or cannot remove the entries of one ring.
    pub fn clear(&self) -> Result<(), Error> {
        self.change("clear", |storage, ring| storage.clear(ring))
    }

    /// The health of the storage. Sends no request to a server.
    pub fn health(&self) -> StorageHealth {
        self.visit(|storage| storage.health()).unwrap_or_default()
    }

    fn visit<R>(&self, read: impl FnOnce(&dyn AnyStorage) -> R) -> Option<R> {
        let (mut read, mut result) = (Some(read), None);
        let visit = self.used.storage.visit()?;
        visit(&mut |storage| result = read.take().map(|read| read(storage)));
        result
    }

    fn change<R>(
        &self,
        operation: &'static str,
        change: impl FnOnce(&dyn AnyStorage, &RingRules<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let forget_errors = |storage| {
            if let Some(errors) = self.ring.errors.get() {
                errors.forget_all(storage);
            }
        };
        let rules = RingRules {
            name: self.ring.name(),
            stale: self.ring.stale,
            write_timeout: self.ring.write_timeout,
            forget_errors: &forget_errors,
        };
        self.ask(operation, |storage| change(storage, &rules))
    }

    fn ask<R>(
        &self,
        operation: &'static str,
        ask: impl FnOnce(&dyn AnyStorage) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let refused = || self.refusal().unwrap_or(GONE);
        self.visit(ask)
            .unwrap_or_else(|| Err(Error::storage("inspector", operation, refused())))
    }
}

/// Why a memory storage is not inspected.
const NOT_INSPECTABLE: &str = "the keys of this storage are not listed: for an `Lru` or a `Map`, write `.inspectable()` where it is made";

const GONE: &str = "the storage is gone";
