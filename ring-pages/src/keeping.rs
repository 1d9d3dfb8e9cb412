//! Entries with tags: the version of the tags is inside of the entry, or beside it.

use std::time::{Duration, Instant};

use ring_cache_core::RingKey;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{Asked, AsyncStorage, AsyncTags, StorageBase};

use crate::stored::StoredResponse;

/// How a storage `S` keeps the versions of the tags of entries `T`. All operations are those of [`AsyncStorage`], for an
/// entry that has tags.
#[allow(async_fn_in_trait)]
pub trait KeepsTags<T, S: StorageBase<T>> {
    /// Sees the version of the tags.
    async fn see(storage: &S, asked: Asked<'_>, until: Option<Instant>) -> Result<(), S::Error>;

    /// The entry, if its version is that of its tags, which is seen.
    async fn read<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<Option<T>, S::Error>;

    /// Puts an entry with the version that was seen. Without one it is removed.
    async fn write<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        entry: (T, Duration),
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<(), S::Error>;

    /// Removes an entry.
    async fn remove<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, S::Error>;
}

/// A memory storage: the entry has the version inside, that of this process.
#[derive(Debug)]
pub struct Inside;

impl<S: AsyncStorage<StoredResponse>> KeepsTags<StoredResponse, S> for Inside {
    async fn see(_: &S, asked: Asked<'_>, _: Option<Instant>) -> Result<(), S::Error> {
        asked.see(Some(asked.version_in_memory()));
        Ok(())
    }

    async fn read<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<Option<StoredResponse>, S::Error> {
        let version = asked.version_in_memory();
        asked.see(Some(version));
        let found = storage.read(key, until).await?;
        Ok(found.filter(|found| found.version == version))
    }

    async fn write<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        (value, life): (StoredResponse, Duration),
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<(), S::Error> {
        let Some(version) = asked.seen() else {
            return storage.remove(key, until).await.map(drop);
        };
        let value = StoredResponse { version, ..value };
        storage.write(key, value, Some(life), until).await
    }

    async fn remove<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, S::Error> {
        storage.remove(key, until).await
    }
}

/// A storage that keeps versions, as those of cached methods.
#[derive(Debug)]
pub struct Beside;

impl<T, S: AsyncTags<T>> KeepsTags<T, S> for Beside {
    async fn see(storage: &S, asked: Asked<'_>, until: Option<Instant>) -> Result<(), S::Error> {
        storage.see_tagged(&[asked], until).await
    }

    async fn read<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<Option<T>, S::Error> {
        let found = storage.read_tagged(&[(key, asked)], until).await?;
        Ok(found.into_iter().next().flatten().map(|found| found.value))
    }

    async fn write<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        (value, life): (T, Duration),
        asked: Asked<'_>,
        until: Option<Instant>,
    ) -> Result<(), S::Error> {
        let entries = vec![(EncodedKey::of(key), value, Some(life))];
        storage.write_tagged(entries, &[asked], until).await
    }

    async fn remove<K: RingKey + ?Sized>(
        storage: &S,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, S::Error> {
        let removed = storage.remove_tagged(&[key], until).await?;
        Ok(removed.into_iter().next().unwrap_or_default())
    }
}
