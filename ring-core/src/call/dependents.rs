//! Dependents of a call: entries of rings with `depends(..)`, which end with a change of this call's entry.
//!
//! A call with dependents is the name of a [tag](crate::tag()). Its `set`, `update`, `delete` and `expire` forget that tag,
//! in this process and in the storage, after they have taken effect.

use super::context::CallContext;
use crate::error::Failure;
use crate::key::{EncodedKey, RingKey};
use crate::ring::Ring;
use crate::storage::{AsyncStorage, Storage, StorageBase, View};
use crate::tag::Tag;

impl Ring {
    /// The tags that a change of an entry of this ring forgets.
    fn tags_of<'k, K: RingKey + 'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Vec<Tag> {
        if !self.has_dependents() {
            return Vec::new();
        }
        let mut tags: Vec<_> = keys.into_iter().map(Tag::of).collect();
        if !tags.is_empty() {
            tags.push(Tag::of_any(self.name()));
        }
        tags
    }

    /// The tags that the removal of all entries of this ring forgets.
    fn tags_of_all(&self) -> Vec<Tag> {
        if self.has_dependents() {
            vec![Tag::of_all(self.name()), Tag::of_any(self.name())]
        } else {
            Vec::new()
        }
    }
}

/// Forgets tags in memory, and in a shared storage.
pub(super) fn forget<T, S: Storage<T>>(storage: &S, tags: &[Tag]) -> Result<(), S::Error> {
    tags.iter().for_each(|tag| tag.forget());
    if tags.is_empty() || !S::TEXT_KEYS {
        return Ok(());
    }
    let removed = storage.remove_many(tags, None).map(drop);
    removed.inspect_err(|_| mark_suspect(storage, tags))
}

/// [`forget`], awaited.
pub(super) async fn forget_awaited<T, S: AsyncStorage<T>>(storage: &S, tags: &[Tag]) -> Result<(), S::Error> {
    tags.iter().for_each(|tag| tag.forget());
    if tags.is_empty() || !S::TEXT_KEYS {
        return Ok(());
    }
    let removed = Box::pin(storage.remove_many(tags, None)).await.map(drop);
    removed.inspect_err(|_| mark_suspect(storage, tags))
}

/// The removal of tags' versions may have failed: marks them suspect.
fn mark_suspect<T, S: StorageBase<T>>(storage: &S, tags: &[Tag]) {
    for key in tags.iter().map(EncodedKey::of) {
        storage.flights().table().mark_suspect(&key);
        storage.mark_suspect(&key);
    }
}

/// All entries of a ring were removed: forgets their dependents.
pub(crate) fn end_of_all<T, S: Storage<T>>(ring: &Ring, storage: &S) -> Result<(), S::Error> {
    forget(storage, &ring.tags_of_all())
}

/// [`end_of_all`], awaited.
pub(crate) async fn end_of_all_awaited<T, S: AsyncStorage<T>>(
    ring: &Ring,
    storage: &S,
) -> Result<(), S::Error> {
    forget_awaited(storage, &ring.tags_of_all()).await
}

/// Marks the entries of a ring and their dependents suspect.
pub(crate) fn mark_all_suspect<T, S: StorageBase<T>>(ring: &Ring, storage: &S) {
    let tags = ring.tags_of_all();
    tags.iter().for_each(|tag| tag.forget());
    mark_suspect(storage, &tags);
}

impl<V, S: View<V>> CallContext<V, S> {
    /// The tags that a change of these entries forgets.
    pub(super) fn dependents<'k, K: RingKey + 'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Vec<Tag> {
        self.ring.tags_of(keys)
    }

    /// Marks the entry of a key and its dependents suspect, without a waiting call.
    pub(super) fn mark_dependents_suspect<K: RingKey>(&self, key: &K) {
        let tags = self.ring.tags_of([key]);
        tags.iter().for_each(|tag| tag.forget());
        mark_suspect(self.storage(), &tags);
    }
}

/// The result of a change, or else that of its consequence.
pub(crate) fn both<T, E: Failure>(changed: Result<T, E>, ended: Result<(), E>) -> Result<T, E> {
    let changed = changed?;
    ended.map(|()| changed)
}
