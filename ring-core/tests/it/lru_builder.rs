//! Memory caches with weights, a time to idle and a listener.

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::storage::{Storage, StorageBase};
use ring_cache_core::{Calls, EvictionReason, Lru, Policy};

use crate::support::{assert_quiet, call, ring};

const SECOND: Duration = Duration::from_secs(1);

fn weighing(max_weight: u64) -> Lru<u32> {
    Lru::builder()
        .capacity(100)
        .weigher(max_weight, |value| *value)
        .build()
}

/// Checks the invariants, where that is possible.
#[cfg(feature = "testing")]
fn validate<T>(lru: &Lru<T>) {
    lru.validate();
}

#[cfg(not(feature = "testing"))]
fn validate<T>(_: &Lru<T>) {}

fn keys<T>(lru: &Lru<T>) -> Vec<u32> {
    (0..100).filter(|key| lru.has(key)).collect()
}

#[test]
fn entries_weigh_at_most_so_much_together() {
    let lru = weighing(10);
    for key in 1..=4_u32 {
        lru.set(&key, key);
    }
    assert_eq!((lru.weight(), keys(&lru)), (10, vec![1, 2, 3, 4]));
    lru.set(&5_u32, 5);
    assert!(lru.weight() <= 10 && lru.has(&5_u32));
    validate(&lru);
}

#[test]
fn a_heavy_entry_evicts_several_light_ones() {
    let lru = weighing(10);
    for key in 1..=10_u32 {
        lru.set(&key, 1);
    }
    lru.set(&11_u32, 8);
    assert_eq!((lru.weight(), lru.len()), (10, 3));
    assert_eq!(lru.eviction_counts().evictions, 8);
    validate(&lru);
}

#[test]
fn a_heavier_value_of_a_key_evicts_others() {
    let lru = weighing(10);
    for key in 1..=5_u32 {
        lru.set(&key, 2);
    }
    lru.set(&3_u32, 8);
    assert_eq!(lru.get(&3_u32), Some(8));
    assert_eq!((lru.weight(), lru.len()), (10, 2));
    lru.set(&3_u32, 1);
    assert_eq!(lru.weight(), 3);
    validate(&lru);
}

#[test]
fn what_is_too_heavy_alone_is_not_stored_and_costs_no_other_entry() {
    let lru = weighing(10);
    lru.set(&1_u32, 5);
    lru.set(&2_u32, 11);
    assert_eq!((lru.get(&2_u32), lru.weight()), (None, 5));
    lru.set(&1_u32, 11);
    assert_eq!((lru.get(&1_u32), lru.weight()), (None, 0));
    validate(&lru);
}

#[test]
fn entries_without_weight_are_bounded_by_their_number() {
    let lru = Lru::builder().capacity(3).weigher(10, |_: &u32| 0).build();
    for key in 0..10_u32 {
        lru.set(&key, key);
    }
    assert_eq!((lru.len(), lru.weight()), (3, 0));
}

#[test]
fn removed_entries_weigh_nothing() {
    let lru = weighing(10);
    lru.set(&1_u32, 4);
    lru.set(&2_u32, 6);
    assert!(lru.delete(&2_u32));
    assert_eq!(lru.weight(), 4);
    lru.clear();
    assert_eq!(lru.weight(), 0);
    validate(&lru);
}

#[test]
fn the_weight_is_kept_under_random_operations_by_both_policies() {
    for policy in [Policy::LeastRecentlyUsed, Policy::ScanResistant] {
        for shards in [1, 4] {
            let lru = Lru::builder();
            let lru = lru.capacity(300).shards(shards).policy(policy);
            let lru = lru.weigher(1_000, |value: &u32| *value % 50).build();
            let mut random = 88_172_645_463_325_252_u64;
            for _ in 0..20_000 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = (random >> 20) as u32 % 500;
                match random % 8 {
                    0 => drop(lru.delete(&key)),
                    1..4 => drop(lru.get(&key)),
                    _ => lru.set(&key, (random >> 40) as u32),
                }
            }
            validate(&lru);
            assert!(lru.weight() <= 1_000 && lru.len() > 10);
        }
    }
}

#[test]
fn computed_values_are_weighed_before_any_lock() {
    let nested = Lru::<u32>::new(10);
    let within = nested.clone();
    let lru = Lru::builder();
    let lru = lru.weigher(10, move |value: &u32| {
        within.set(&1_u32, *value);
        *value
    });
    let lru = lru.build();
    let ring = ring();
    assert_eq!(call(ring, &lru, 7, || 7).get_or_update(), 7);
    let many = [1, 2].map(|id| call(ring, &lru, id, move || id));
    many.get_or_update_many();
    assert_eq!((nested.get(&1_u32), lru.weight()), (Some(2), 10));
}

#[test]
fn entries_that_are_not_used_for_so_long_end() {
    let clock = ManualClock::default();
    let lru = Lru::builder()
        .clock(clock.clone())
        .time_to_idle(10 * SECOND)
        .build();
    lru.set(&1_u32, 1);
    lru.set(&2_u32, 2);
    for _ in 0..5 {
        clock.advance(6 * SECOND);
        assert_eq!(lru.get(&1_u32), Some(1), "each use is a new beginning");
    }
    assert_eq!((lru.has(&2_u32), lru.get(&2_u32)), (false, None));
    clock.advance(10 * SECOND);
    assert_eq!(lru.get(&1_u32), None);
    validate(&lru);
}

#[test]
fn an_expiry_ends_entries_that_are_used_as_well() {
    let clock = ManualClock::default();
    let lru = Lru::builder()
        .clock(clock.clone())
        .time_to_idle(10 * SECOND)
        .build();
    lru.set_with_expiry(&1_u32, 1, 15 * SECOND);
    lru.set_with_expiry(&2_u32, 2, 5 * SECOND);
    clock.advance(6 * SECOND);
    assert_eq!((lru.get(&1_u32), lru.get(&2_u32)), (Some(1), None));
    clock.advance(9 * SECOND);
    assert_eq!(lru.get(&1_u32), None, "its expiry is the sooner one");
}

#[test]
fn has_is_not_a_use_and_touch_is() {
    let clock = ManualClock::default();
    let lru = Lru::<u32>::builder();
    let lru = lru.clock(clock.clone()).time_to_idle(10 * SECOND).build();
    let ring = ring();
    let cached = |id| call(ring, &lru, id, move || id).expire_in(100 * SECOND);
    assert_eq!((cached(1).get_or_update(), cached(2).get_or_update()), (1, 2));
    clock.advance(6 * SECOND);
    assert!(cached(1).has() && cached(2).touch());
    clock.advance(6 * SECOND);
    assert_eq!((cached(1).get(), cached(2).get()), (None, Some(2)));
}

/// A look-up sees the slot of an entry that ended, and another one removes the entry before it does.
#[test]
fn of_look_ups_that_find_an_entry_idle_one_removes_it() {
    let clock = ManualClock::default();
    let lru = Lru::<u32>::builder().capacity(8).shards(1);
    let lru = lru.clock(clock.clone()).time_to_idle(SECOND).build();
    for round in 0..1_000_u32 {
        lru.set(&round, round);
        clock.advance(2 * SECOND);
        let barrier = Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(lru.get(&round), None);
                });
            }
        });
        validate(&lru);
    }
    assert_eq!(lru.eviction_counts().expirations, 1_000);
}

type Told = Arc<Mutex<Vec<(String, u32, EvictionReason)>>>;

fn listened_to(capacity: usize) -> (Lru<u32>, ManualClock, Told) {
    let (clock, told) = (ManualClock::default(), Told::default());
    let lines = Arc::clone(&told);
    let lru = Lru::builder().capacity(capacity).clock(clock.clone());
    let lru = lru.on_eviction(move |key, value, reason| {
        lines.lock().unwrap().push((key.to_owned(), value, reason));
    });
    (lru.build(), clock, told)
}

#[test]
fn a_listener_is_told_of_what_was_evicted_and_what_expired() {
    let (lru, clock, told) = listened_to(2);
    lru.set(&1_u32, 10);
    lru.set(&2_u32, 20);
    lru.set(&3_u32, 30);
    lru.set_with_expiry(&2_u32, 21, SECOND);
    lru.delete(&3_u32);
    clock.advance(SECOND);
    assert_eq!(lru.get(&2_u32), None);
    let expected = [
        ("1".to_owned(), 10, EvictionReason::Capacity),
        ("2".to_owned(), 21, EvictionReason::Expired),
    ];
    assert_eq!(
        *told.lock().unwrap(),
        expected,
        "not of what was replaced or removed"
    );
}

#[test]
fn a_listener_is_told_of_each_entry_that_gave_way_to_a_heavy_one() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&told);
    let lru = Lru::builder().capacity(10_000).shards(1);
    let lru = lru.weigher(5_000, |value: &u32| *value);
    let lru = lru.on_eviction(move |_, value, _| lines.lock().unwrap().push(value));
    let lru = lru.build();
    for key in 0..5_000_u32 {
        lru.set(&key, 1);
    }
    lru.set(&7_000_u32, 5_000);
    assert_eq!(*told.lock().unwrap(), [1; 5_000]);
    assert_eq!(lru.len(), 1);
}

#[test]
fn a_listener_may_use_the_cache_and_its_panic_changes_nothing() {
    let lru = Arc::new(std::sync::OnceLock::<Lru<u32>>::new());
    let within = Arc::clone(&lru);
    let built = Lru::builder().capacity(1).on_eviction(move |_, value, _| {
        within.get().unwrap().has(&value);
        assert!(value != 2, "the listener's own");
    });
    lru.set(built.build()).unwrap();
    let lru = lru.get().unwrap();
    for key in 1..=4_u32 {
        lru.set(&key, key);
    }
    assert_eq!(keys(lru), [4]);
    let Ok(value) = Storage::get(lru, &4_u32);
    assert_eq!(value, Some(4));
    assert_quiet(lru);
}
