//! Statistics of one instance, of one ring and of one storage are separate.

use std::sync::Arc;
use std::time::Duration;

use ring_cache::storage::StorageBase;
use ring_cache::{Calls, Lru, Map, RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Users {
    #[ring_key(skip)]
    cache: Lru<String>,
    #[ring_key(skip)]
    map: Map<u32>,
}

#[ring_impl]
impl Users {
    #[ring(lru = self.cache, key_prefix = "instances.name")]
    fn name(&self, id: u32) -> String {
        id.to_string()
    }
    #[ring(lru = self.cache, key_prefix = "instances.city")]
    fn city(&self, id: u32) -> String {
        id.to_string()
    }
    #[ring(lru = self.cache, key_prefix = "instances.awaited")]
    async fn awaited(&self, id: u32) -> String {
        id.to_string()
    }
    #[ring(map = self.map, key_prefix = "instances.age")]
    fn age(&self, id: u32) -> u32 {
        id
    }
}

fn users() -> Users {
    Users {
        cache: Lru::new(100),
        map: Map::new(),
    }
}

#[test]
fn a_service_reads_its_own_numbers_method_by_method() {
    let (one, other) = (users(), users());
    let before = one.name_cache().total_stats();
    for round in 0..50 {
        one.name(1);
        one.city(round % 2);
        one.age(1);
    }
    for id in 0..5 {
        other.name(id);
        other.age(id);
    }
    let counted = |stats: ring_cache::Stats| (stats.hits, stats.misses, stats.computed, stats.stores);
    assert_eq!(counted(one.name_cache().stats()), (49, 1, 1, 1));
    assert_eq!(counted(one.city_cache().stats()), (48, 2, 2, 2));
    assert_eq!(counted(one.age_cache().stats()), (49, 1, 1, 1));
    assert_eq!(counted(other.name_cache().stats()), (0, 5, 5, 5));
    assert_eq!(counted(other.city_cache().stats()), (0, 0, 0, 0));
    assert_eq!(counted(other.age_cache().stats()), (0, 5, 5, 5));
    let total = one.name_cache().total_stats().since(&before);
    assert_eq!(counted(total), (49, 6, 6, 6));
    drop(one);
    assert_eq!(
        other.name_cache().total_stats().since(&before),
        total,
        "it is not forgotten"
    );
}

#[test]
fn an_async_service_reads_its_own_numbers() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (one, other) = (users(), users());
        for _ in 0..10 {
            one.awaited(7).await;
        }
        other.awaited(7).await;
        let (one, other) = (one.awaited_cache().stats(), other.awaited_cache().stats());
        assert_eq!((one.hits, one.misses, one.computed), (9, 1, 1));
        assert_eq!((other.hits, other.misses, other.computed), (0, 1, 1));
    });
}

/// Instances come and go on many threads, so that cells of counters are reused.
#[test]
fn numbers_of_many_instances_on_many_threads_are_exact() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..40_u32 {
                    let users = Arc::new(users());
                    for id in 0..=round {
                        users.name(id % 3);
                        users.city(7);
                    }
                    std::thread::scope(|scope| {
                        _ = scope.spawn(|| (0..thread).for_each(|_| drop(users.city(7))))
                    });
                    let (names, cities) = (users.name_cache().stats(), users.city_cache().stats());
                    let different = u64::from(round.min(2) + 1);
                    assert_eq!(
                        (names.hits, names.misses),
                        (u64::from(round) + 1 - different, different)
                    );
                    assert_eq!((cities.hits, cities.misses), (u64::from(round + thread), 1));
                }
            });
        }
    });
}

#[test]
fn what_was_stored_under_the_keys_of_calls_is_counted_by_its_ring() {
    let users = users();
    users.name(1);
    users.cache.set(&users.city_ring(1).key(), "Paris".into());
    for _ in 0..10 {
        assert_eq!(users.city(1), "Paris");
        users.name(1);
    }
    assert_eq!(
        (users.city_cache().stats().hits, users.name_cache().stats().hits),
        (10, 10)
    );
}

#[test]
fn evictions_are_those_of_the_ring_and_the_storage_has_all() {
    let users = Users {
        cache: Lru::new(10),
        map: Map::new(),
    };
    for id in 0..30 {
        users.name(id);
    }
    for id in 0..5 {
        users.city(id);
    }
    let (names, cities) = (users.name_cache().stats(), users.city_cache().stats());
    assert_eq!(names.evictions + cities.evictions, 25);
    assert!(names.evictions >= 20, "{names:?}");
    assert_eq!(users.cache.eviction_counts().evictions, 25);
}

#[ring(capacity = 10, expire = Duration::from_millis(1), key_prefix = "instances.short")]
fn short(id: u32) -> u32 {
    id
}

#[test]
fn entries_that_expired_are_counted_apart() {
    short(1);
    std::thread::sleep(Duration::from_millis(20));
    short(1);
    let stats = short_cache().stats();
    assert_eq!((stats.evictions, stats.expirations, stats.misses), (0, 1, 2));
}

#[ring(key_prefix = "instances.slow")]
fn slow(id: u32) -> Result<u32, String> {
    std::thread::sleep(Duration::from_millis(5));
    id.checked_sub(1).ok_or_else(|| "zero".into())
}

#[test]
fn the_time_of_bodies_is_counted_also_of_those_that_fail() {
    let mut runs = 0;
    for id in [0, 1, 2, 2, 0] {
        runs += u64::from(slow(id).is_err());
    }
    assert_eq!(runs, 2);
    let _ = [3, 4].map(slow_ring).get_or_update_many();
    slow_ring(4).update().unwrap();
    let stats = slow_cache().stats();
    assert_eq!((stats.computed, stats.stores, stats.hits), (7, 5, 1));
    assert!(stats.compute_time >= Duration::from_millis(35), "{stats:?}");
    assert!(stats.mean_compute_time() >= Some(Duration::from_millis(5)));
    assert_eq!(
        (stats.lookup_time, stats.mean_lookup_time()),
        (Duration::ZERO, None)
    );
}

#[test]
fn since_is_what_came_after() {
    let users = users();
    users.name(1);
    let before = users.name_cache().stats();
    users.name(1);
    users.name(2);
    let stats = users.name_cache().stats().since(&before);
    assert_eq!((stats.hits, stats.misses, stats.hit_ratio()), (1, 1, Some(0.5)));
    assert_eq!(before.since(&before), ring_cache::Stats::default());
}

#[cfg(feature = "redis")]
#[test]
fn errors_are_counted_by_their_kinds_and_look_ups_by_their_time() {
    use ring_cache::{ErrorKind, Redis};

    #[derive(RingKey)]
    struct Shop {
        #[ring_key(skip)]
        redis: Redis,
    }
    #[ring_impl]
    impl Shop {
        #[ring(redis = self.redis, key_prefix = "instances.price", expire = "1m")]
        fn price(&self, article: u32) -> u32 {
            article
        }
    }
    let shop = Shop {
        redis: super::unreachable_redis(),
    };
    assert_eq!(shop.price(3), 3);
    let stats = shop.price_cache().stats();
    assert!(stats.errors_by_kind.of(ErrorKind::Storage) >= 1, "{stats:?}");
    let sum: u64 = stats.errors_by_kind.iter().map(|(_, count)| count).sum();
    assert_eq!(
        (stats.errors, stats.errors_by_kind.of(ErrorKind::Decode)),
        (sum, 0)
    );
    let other = Shop {
        redis: super::unreachable_redis(),
    };
    assert_eq!(other.price_cache().stats().errors, 0);
}

static SHARED: std::sync::LazyLock<Lru<u32>> = std::sync::LazyLock::new(|| Lru::new(10));

#[ring(lru = SHARED, key_prefix = "instances.shared")]
fn first(id: u32) -> u32 {
    id
}

#[ring(lru = SHARED, key_prefix = "instances.shared")]
fn second(id: u32) -> u32 {
    id
}

#[test]
fn methods_with_one_key_prefix_on_one_storage_are_one_ring_also_to_statistics() {
    first(1);
    for _ in 0..5 {
        second(1);
    }
    for stats in [first_cache().stats(), second_cache().stats()] {
        assert_eq!((stats.hits, stats.misses), (5, 1));
    }
    assert_eq!(super::ring("instances.shared").stats().hits, 5);
}
