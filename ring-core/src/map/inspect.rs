//! A [`Map`] as the inspector sees it: its keys in the order of their texts.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use super::{Entry, Map, Shared};
use crate::inspect::{AnyStorage, FoundKey, Inspect, KeyPage, Lent, is_of_ring};
use crate::key::Name;
use crate::storage::Clear;
use crate::storage_facts::{LentBy, StorageFacts};
use crate::sync::Arc;

impl<T: Clone + Send + Sync + 'static> Map<T> {
    /// Lets the inspector (feature `inspector`) list the keys and remove entries. It holds the storage weakly.
    ///
    /// Storages that statics own are inspectable as they are.
    #[must_use]
    pub fn inspectable(self) -> Self {
        let (shared, clock) = (Arc::downgrade(&self.shared), self.clock.clone());
        let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            if let Some(shared) = shared.upgrade() {
                let clock = clock.clone();
                visitor(&Lent::new(&Map { shared, clock }));
            }
        };
        self.facts().lend(LentBy::Memory, std::sync::Arc::new(visit));
        self
    }
}

impl<T> Map<T> {
    fn facts(&self) -> &StorageFacts {
        let Shared { flights, .. } = &*self.shared;
        flights.usage().facts()
    }
}

impl<T: Clone> Inspect<T> for Map<T> {
    /// Passes all keys, and keeps those of the page: a map is for tests and for learning.
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Infallible> {
        let entries = self.shared.entries.read();
        let mut page = BTreeMap::new();
        for (key, entry) in &*entries {
            if **key <= *from || !is_of_ring(key, "", ring) || self.clock.is_past(entry.deadline) {
                continue;
            }
            page.insert(&**key, entry.deadline);
            if page.len() > at_most.saturating_add(1) {
                page.pop_last();
            }
        }
        let has_more = page.len() > at_most;
        let keys: Vec<FoundKey> = page
            .into_iter()
            .take(at_most)
            .map(|(key, deadline)| FoundKey {
                text: key.to_owned(),
                remaining: self.clock.left(deadline),
            })
            .collect();
        let next = keys.last().filter(|_| has_more).map(|key| key.text.clone());
        Ok(KeyPage { keys, next })
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Infallible> {
        if !is_of_ring(key, "", ring) {
            return Ok(false);
        }
        let removed: Option<Entry<T>> = self.shared.entries.write().remove(key);
        self.facts().went(usize::from(removed.is_some()));
        Ok(removed.is_some_and(|entry| !self.clock.is_past(entry.deadline)))
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Infallible> {
        if !is_of_ring(key, "", ring) {
            return Ok(false);
        }
        let deadline = self.clock.deadline(Some(life));
        let mut entries = self.shared.entries.write();
        let entry = entries.get_mut(key).filter(|entry| entry.deadline > deadline);
        Ok(entry.map(|entry| entry.deadline = deadline).is_some())
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Infallible> {
        self.clear_ring(ring)
    }
}
