//! The storages of a ring, to be looked into.

use std::sync::Arc;
use std::time::Duration;

use super::any_storage::{AnyStorage, KeyPage, RingRules, StorageHealth};
use crate::account::Use;
use crate::error::Error;
use crate::ring::Ring;
use crate::ring_info::{RingInfo, StorageInfo};
use crate::used;

/// A storage of a ring, to be looked into: see [`RingInfo::inspected`].
#[derive(Clone, Debug)]
pub struct Inspected {
    ring: &'static Ring,
    used: Arc<Use>,
}

impl RingInfo {
    /// The storages that it is about, to be looked into.
    ///
    /// It runs no code of users but that of statics that hold storages, where a ring was used whose storage was not.
    pub fn inspected(&self) -> Vec<Inspected> {
        used::show_new();
        let uses = self.uses.iter().map(|used| Inspected {
            ring: self.ring(),
            used: Arc::clone(used),
        });
        uses.collect()
    }

    /// The time for which entries are kept after they expired. Zero: not at all.
    pub fn stale(&self) -> Duration {
        self.ring().stale
    }
}

impl Inspected {
    /// A number that no other storage of this process has.
    pub fn number(&self) -> u64 {
        self.used.storage.number()
    }

    /// What is known of the storage.
    pub fn info(&self) -> StorageInfo {
        StorageInfo::of(&self.used.storage)
    }

    /// Why keys cannot be listed or removed, and what to do about it. `None` if they can.
    pub fn refusal(&self) -> Option<&'static str> {
        match self.used.storage.visit() {
            None => Some(NOT_INSPECTABLE),
            Some(_) => self.visit(|storage| storage.refusal()).unwrap_or(Some(GONE)),
        }
    }

    /// Up to about `at_most` keys of the ring, from `from` on: nothing for the first page, then [`KeyPage::next`].
    /// Blocks where the storage is outside the process.
    ///
    /// # Errors
    ///
    /// If the storage fails, is gone, or does not list keys.
    pub fn keys(&self, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        self.ask("keys", |storage| storage.keys(self.ring.name(), from, at_most))
    }

    /// Removes the entry whose stored key has this text, also one that is being computed. Returns whether there was one.
    /// Blocks where the storage is outside the process.
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

    /// How the storage does. Asks no server.
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

/// Why a memory storage is not looked into.
const NOT_INSPECTABLE: &str = "the keys of this storage are not listed: for an `Lru` or a `Map`, write `.inspectable()` where it is made";

const GONE: &str = "the storage is gone";
