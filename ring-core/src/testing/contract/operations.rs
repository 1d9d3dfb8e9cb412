//! What a case asks of a storage, by either colour's operations: those of the storage itself, and those of a ring's call.

use std::time::Duration;

use super::subject::{Tested, Value, done};
use crate::keeping::Keeping;
use crate::key::{CallKey, EncodedKey, RingKey};
use crate::ring::Ring;
use crate::storage::{AnyStorage, AnyView, AsyncStorage};

/// The raw operations. A failure of the storage ends the case.
///
/// Futures are made where they are run: some need a runtime from the beginning.
pub(super) trait Raw<T: Value>: Tested<T> {
    fn is_by_text(&self) -> bool {
        by_text::<T, Self::View<'_>>()
    }

    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Option<T> {
        let view = self.view();
        done("read", self.wait(async { view.storage().read(key).await }))
    }

    fn write<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Option<Duration>) {
        let view = self.view();
        done(
            "write",
            self.wait(async { view.storage().write(key, value, expiry).await }),
        );
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let view = self.view();
        done("remove", self.wait(async { view.storage().remove(key).await }))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let view = self.view();
        done(
            "contains",
            self.wait(async { view.storage().contains(key).await }),
        )
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> bool {
        let view = self.view();
        done(
            "renew",
            self.wait(async { view.storage().renew(key, expiry).await }),
        )
    }

    fn read_many<K: RingKey>(&self, keys: &[K]) -> Vec<Option<T>> {
        let view = self.view();
        done(
            "read_many",
            self.wait(async { view.storage().read_many(keys).await }),
        )
    }

    fn contains_many<K: RingKey>(&self, keys: &[K]) -> Vec<bool> {
        let view = self.view();
        done(
            "contains_many",
            self.wait(async { view.storage().contains_many(keys).await }),
        )
    }

    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Vec<bool> {
        let view = self.view();
        done(
            "renew_many",
            self.wait(async { view.storage().renew_many(entries).await }),
        )
    }

    fn write_many<K: RingKey>(&self, entries: Vec<(K, T, Option<Duration>)>) {
        let view = self.view();
        done(
            "write_many",
            self.wait(async { view.storage().write_many(entries).await }),
        );
    }

    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Vec<bool> {
        let view = self.view();
        done(
            "remove_many",
            self.wait(async { view.storage().remove_many(keys).await }),
        )
    }
}

impl<T: Value, Su: Tested<T>> Raw<T> for Su {}

fn by_text<T, V: AnyView<T>>() -> bool {
    V::Storage::TEXT_KEYS
}

/// The explicit verbs of the call `method(id)` of a ring. A failure of the storage ends the case.
pub(super) trait CallVerbs<T: Value>: Tested<T> {
    fn call_get(&self, ring: &'static Ring, id: u32) -> Option<T> {
        let keeping = keeping(ring, self.view());
        done("get", self.wait(keeping.get(&key(ring, id))))
    }

    fn call_set(&self, ring: &'static Ring, id: u32, value: T) {
        let keeping = keeping(ring, self.view());
        done("set", self.wait(keeping.set(key(ring, id), value)));
    }

    fn call_delete(&self, ring: &'static Ring, id: u32) -> bool {
        let keeping = keeping(ring, self.view());
        done("delete", self.wait(keeping.delete(&key(ring, id))))
    }

    fn call_has(&self, ring: &'static Ring, id: u32) -> bool {
        let keeping = keeping(ring, self.view());
        done("has", self.wait(keeping.has(&key(ring, id))))
    }
}

impl<T: Value, Su: Tested<T>> CallVerbs<T> for Su {}

/// The key of the call `method(id)` of a ring.
pub(super) fn key(ring: &'static Ring, id: u32) -> EncodedKey {
    EncodedKey::of(&CallKey::new(ring.name(), &(id,)))
}

fn keeping<T, V>(ring: &'static Ring, view: V) -> Keeping<T, V> {
    Keeping {
        ring,
        view,
        segments: 1,
        expiry: None,
        unless: None,
        replaces: false,
    }
}
