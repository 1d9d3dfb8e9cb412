//! All used rings, as data.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use ring_cache::{Lru, RingKey, ring, ring_impl, watch};

use super::{ring, rings};

#[ring(capacity = 50, expire = "1m", coalesce = false, key_prefix = "rings.used")]
fn used(id: u32) -> u32 {
    id
}

#[ring(key_prefix = "rings.unused")]
fn unused(id: u32) -> u32 {
    id
}

#[test]
fn o5_a_ring_that_was_used_is_listed_with_what_is_known_of_it() {
    assert!(rings("rings.used").is_empty());
    let _ = (used(1), used(1), used(2));
    let ring = ring("rings.used");
    let (stats, settings, storage) = (ring.stats(), ring.settings(), ring.storage());
    assert_eq!((stats.hits, stats.misses), (1, 2));
    assert!(
        ring.function().ends_with("seen.rings.used"),
        "{}",
        ring.function()
    );
    assert_eq!(
        (settings.expire, settings.coalesce),
        (Some(Duration::from_secs(60)), false)
    );
    assert_eq!(settings.flight_timeout, Duration::from_secs(10));
    assert_eq!(
        (storage.kind(), storage.capacity(), storage.entries()),
        ("Lru<u32>", Some(50), Some(2))
    );
    assert_eq!(
        (storage.deadline(), storage.can_fail(), storage.evictions()),
        (None, false, 0)
    );
    assert_eq!(
        ring.to_string(),
        "rings.used: 1 hits, 2 misses, 0 errors, on Lru<u32> with 2 entries of 50"
    );
    used_ring(2).delete();
    assert_eq!(super::ring("rings.used").storage().entries(), Some(1));
    let _ = unused as fn(u32) -> u32;
    assert!(rings("rings.unused").is_empty());
}

#[derive(RingKey)]
struct Users {
    #[ring_key(skip)]
    inner: Inner,
}

struct Inner {
    cache: Lru<u32>,
}

#[ring_impl]
impl Users {
    #[ring(lru = self.inner.cache, key_prefix = "rings.user")]
    fn user(&self, id: u32) -> u32 {
        id
    }
}

fn users() -> Arc<Users> {
    Arc::new(Users {
        inner: Inner { cache: Lru::new(100) },
    })
}

/// Waits until the services are gone: a concurrent test that lists rings holds them for a moment.
fn until_gone(services: &[Weak<Users>]) {
    while services.iter().any(|service| service.strong_count() > 0) {
        thread::yield_now();
    }
}

#[test]
fn o5_a_watched_service_is_listed_by_itself_until_it_is_gone() {
    let (one, other, unwatched) = (users(), users(), users());
    watch(&one);
    watch(&other);
    for _ in 0..3 {
        one.user(1);
    }
    other.user(1);
    unwatched.user(1);
    unwatched.user(1);
    let rows = rings("rings.user");
    let of_services = rows.iter().filter(|row| row.service().is_some());
    let mut hits: Vec<_> = of_services.map(|row| row.stats().hits).collect();
    hits.sort_unstable();
    assert_eq!((rows.len(), hits), (3, vec![0, 2]));
    assert!(
        rows.iter()
            .any(|row| row.service().is_none() && row.stats().hits == 1)
    );
    assert!(rows.iter().all(|row| row.storages() == 1));
    let services = [&one, &other].map(Arc::downgrade);
    drop((one, other));
    until_gone(&services);
    let row = ring("rings.user");
    assert_eq!(
        (row.service(), row.stats().hits, row.stats().misses),
        (None, 3, 3)
    );
}
