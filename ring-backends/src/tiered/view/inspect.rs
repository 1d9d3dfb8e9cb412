//! Two tiers as the inspector sees them: the keys of the far one, and removals from both.

use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ring_cache_core::coder::{Cause, Coder};
use ring_cache_core::inspect::{
    AnyStorage, Inspect, KeyPage, Lent, RingRules, StorageHealth, Visit, lend_whole,
};
use ring_cache_core::storage::{Clear, StorageBase};
use ring_cache_core::{Error, Lru, Name};

use super::super::{Tiered, Tiers};
use super::{Near, TieredView};

/// Why tiers owned by an object are not inspected: their type does not give a handle to hold them by.
pub(super) const NOT_INSPECTABLE: &str =
    "the keys of these tiers are not listed: write `.inspectable()` after `Tiered::new(..)`";

/// Tiers that were not lent as a whole. Facts of the near tier alone do not hold for both.
pub(super) fn not_lent() -> Visit {
    Arc::new(|visitor: &mut dyn FnMut(&dyn AnyStorage)| visitor(&NotLent))
}

struct NotLent;

impl NotLent {
    fn refused<T>(operation: &'static str) -> Result<T, Error> {
        Err(Error::storage("tiered", operation, NOT_INSPECTABLE))
    }
}

impl AnyStorage for NotLent {
    fn refusal(&self) -> Option<&'static str> {
        Some(NOT_INSPECTABLE)
    }

    fn keys(&self, _: &Name, _: &str, _: usize) -> Result<KeyPage, Error> {
        Self::refused("keys")
    }

    fn delete(&self, _: &RingRules<'_>, _: &str) -> Result<bool, Error> {
        Self::refused("delete")
    }

    fn expire(&self, _: &RingRules<'_>, _: &str) -> Result<bool, Error> {
        Self::refused("expire")
    }

    fn clear(&self, _: &RingRules<'_>) -> Result<(), Error> {
        Self::refused("clear")
    }

    fn health(&self) -> StorageHealth {
        StorageHealth::default()
    }
}

impl<V, F> Tiered<Lru<V>, F>
where
    V: Clone + Send + Sync + 'static,
    F: Inspect<Vec<u8>> + Send + Sync + 'static,
{
    /// Lets the inspector list the keys and remove entries of both tiers. It holds them weakly.
    ///
    /// Tiers in statics need no call of this.
    #[must_use]
    pub fn inspectable(self) -> Self {
        let (tiers, near_expiry): (Weak<Tiers<Lru<V>, F>>, _) =
            (Arc::downgrade(&self.tiers), self.near_expiry);
        let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            if let Some(tiers) = tiers.upgrade() {
                let tiered = Tiered { tiers, near_expiry };
                let view = TieredView::<_, _, _, NoValues>::new(&tiered);
                visitor(&Lent::<V, _>::new(&view));
            }
        };
        lend_whole(self.near().flights(), Arc::new(visit));
        self
    }
}

/// The coder of a ring for operations that touch no value.
struct NoValues;

impl<V> Coder<V> for NoValues {
    fn encode(_: &V) -> Result<Vec<u8>, Cause> {
        Err("no value is written".into())
    }

    fn decode(_: &[u8]) -> Result<V, Cause> {
        Err("no value is read".into())
    }
}

impl<V, N, F, C, P> Inspect<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
    V: Clone + 'static,
    N: Near<V> + Clear<V> + Inspect<V>,
    F: Inspect<Vec<u8>>,
    C: Coder<V>,
{
    fn refusal(&self) -> Option<&'static str> {
        self.far().refusal()
    }

    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, F::Error> {
        self.far().keys(ring, from, at_most)
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, F::Error> {
        let removed = self.far().remove_text(ring, key);
        let was_near = self.drop_near_text(ring, key);
        Ok(removed? || was_near)
    }

    /// A stale far entry has no near one.
    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, F::Error> {
        let shortened = self.far().shorten_text(ring, key, life);
        self.drop_near_text(ring, key);
        shortened
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), F::Error> {
        let _clearing = self.clearing::<V>(ring);
        self.far().clear_entries(ring)
    }

    fn health(&self) -> StorageHealth {
        self.far().health()
    }
}

impl<N, F> Tiered<N, F> {
    /// Drops the near entry of the key with this text in the far storage, after it was changed there. Near keys have no
    /// namespace.
    fn drop_near_text<V>(&self, ring: &Name, key: &str) -> bool
    where
        N: Near<V> + Clear<V> + Inspect<V>,
        F: StorageBase<Vec<u8>>,
    {
        self.tiers.fills().changed_all(Some(ring));
        let key = key.strip_prefix("{}").unwrap_or(key);
        match key.strip_prefix(self.far().namespace()) {
            Some(key) => self.near().remove_text(ring, key) == Ok(true),
            None => false,
        }
    }
}
