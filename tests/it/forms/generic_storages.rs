//! A service over a storage of any type: the storage's type parameter does not distinguish entries.

use ring_cache::storage::Storage;
use ring_cache::{KeyWriter, Lru, Map, RingKey, ring_impl};

struct Service<R> {
    store: R,
    n: u32,
}

#[ring_impl(storage = self.store as R)]
impl<R: Storage<u32>> Service<R> {
    #[ring(ignore(self))]
    fn named(&self, x: u32) -> u32 {
        self.n + x
    }

    #[ring(ignore(self), key_prefix = "of-any-storage")]
    fn prefixed(&self, x: u32) -> u32 {
        self.n + x
    }

    #[ring(key = "{self.n}:{x}")]
    fn template(&self, x: u32) -> u32 {
        self.n + x
    }

    #[ring(ignore(self))]
    fn generic<T: RingKey + Into<u32>>(&self, x: T) -> u32 {
        self.n + x.into()
    }
}

trait Count {
    fn first(&self, x: u32) -> u32;
    fn second(&self, x: u32) -> u32;
}

#[ring_impl(storage = self.store as R)]
impl<R: Storage<u32>> Count for Service<R> {
    #[ring(ignore(self))]
    fn first(&self, x: u32) -> u32 {
        self.n + x
    }

    #[ring(ignore(self))]
    fn second(&self, x: u32) -> u32 {
        self.n + x + 1
    }
}

/// The other parameters do.
struct Kinds<K, R> {
    store: R,
    kind: K,
}

impl<K: RingKey, R> RingKey for Kinds<K, R> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.kind.ring_key(key);
    }
}

#[ring_impl(storage = self.store as R)]
impl<K: RingKey, R: Storage<u32>> Kinds<K, R> {
    #[ring]
    fn of_kind(&self, x: u32) -> u32 {
        x
    }
}

#[test]
fn a_service_over_any_storage_needs_no_key_of_the_storage() {
    let (lru, map) = (
        Service {
            store: Lru::new(9),
            n: 1,
        },
        Service {
            store: Map::new(),
            n: 2,
        },
    );
    for _ in 0..2 {
        assert_eq!(
            (lru.named(1), map.named(1), lru.prefixed(1), map.prefixed(1)),
            (2, 3, 2, 3)
        );
        assert_eq!((lru.template(1), map.template(1)), (2, 3));
        assert_eq!(
            (lru.first(1), lru.second(1), map.first(1), map.second(1)),
            (2, 3, 3, 4)
        );
    }
    assert_eq!(lru.named_ring(1).key(), map.named_ring(1).key());
    assert_eq!(lru.prefixed_ring(1).key().as_str(), "of-any-storage:1");
    assert!(lru.named_ring(1).has() && map.named_ring(1).has() && map.second_ring(1).has());
    assert_eq!(
        (lru.named_cache().conflict(), map.named_cache().conflict()),
        (None, None)
    );
}

#[test]
fn other_parameters_tell_entries_apart() {
    let service = Service {
        store: Lru::new(9),
        n: 1,
    };
    assert_eq!((service.generic(1_u8), service.generic(1_u16)), (2, 2));
    assert_ne!(
        service.generic_ring(1_u8).key(),
        service.generic_ring(1_u16).key()
    );
    let number = Kinds {
        store: Lru::new(9),
        kind: 1_u8,
    };
    let text = Kinds {
        store: Lru::new(9),
        kind: "1",
    };
    assert_eq!((number.of_kind(1), text.of_kind(1)), (1, 1));
    assert_ne!(number.of_kind_ring(1).key(), text.of_kind_ring(1).key());
}
