//! The bounded cache in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::storage::{EvictionCounts, Storage, StorageBase};
use ring_cache_core::{Calls, Lru};

use crate::support::{Cache, assert_quiet, call, ring};

const SECOND: Duration = Duration::from_secs(1);

fn with_clock(capacity: usize) -> (Lru<u32>, ManualClock) {
    let clock = ManualClock::default();
    let lru = Lru::builder().capacity(capacity).clock(clock.clone()).build();
    (lru, clock)
}

fn keys<T>(lru: &Lru<T>) -> Vec<u32> {
    (0..100).filter(|key| lru.has(key)).collect()
}

#[test]
fn a_cache_of_one_keeps_the_newest() {
    let lru = Lru::new(1);
    lru.set(&1_u32, 1);
    lru.set(&2_u32, 2);
    assert_eq!((lru.get(&1_u32), lru.get(&2_u32), lru.len()), (None, Some(2), 1));
}

#[test]
fn a_cache_of_two_keeps_the_last_used_entry() {
    let lru = Lru::new(2);
    lru.set(&1_u32, 1);
    lru.set(&2_u32, 2);
    lru.get(&1_u32);
    lru.set(&3_u32, 3);
    assert_eq!(keys(&lru), [1, 3]);
    lru.set(&1_u32, 10); // a new value is a use as well
    lru.set(&4_u32, 4);
    assert_eq!(keys(&lru), [1, 4]);
    assert_eq!(lru.get(&1_u32), Some(10));
}

#[test]
fn a_cache_of_three_evicts_entries_in_the_order_of_use() {
    let lru = Lru::new(3);
    for key in [1_u32, 2, 3] {
        lru.set(&key, key);
    }
    for key in [2_u32, 1, 2, 3, 1] {
        lru.get(&key);
    }
    for (new, left) in [(4_u32, [1, 3, 4]), (5, [1, 4, 5]), (6, [4, 5, 6])] {
        lru.set(&new, new);
        assert_eq!(keys(&lru), left);
    }
}

#[test]
fn has_does_not_count_as_a_use() {
    let lru = Lru::new(2);
    lru.set(&1_u32, 1);
    lru.set(&2_u32, 2);
    assert!(lru.has(&1_u32));
    lru.set(&3_u32, 3);
    assert_eq!(keys(&lru), [2, 3]);
}

#[test]
fn touch_without_expiry_does_not_count_as_a_use() {
    let (ring, lru) = (ring(), Lru::new(2));
    let cached = |id| call(ring, &lru, id, move || id);
    cached(1).update();
    cached(2).update();
    assert!(cached(1).touch());
    cached(3).update();
    assert_eq!(
        (cached(1).has(), cached(2).has(), cached(3).has()),
        (false, true, true)
    );
}

#[test]
fn a_cache_with_capacity_zero_stores_nothing_and_always_computes() {
    let (ring, lru) = (ring(), Lru::new(0));
    for round in 0..3 {
        assert_eq!(call(ring, &lru, 1, || round).get_or_update(), round);
    }
    call(ring, &lru, 1, || 0).set(7);
    lru.set(&1_u32, 1);
    assert!(lru.is_empty() && call(ring, &lru, 1, || 0).get().is_none());
    assert_eq!(Cache::new(ring, &lru).stats::<u32>().hits, 0);
}

#[test]
fn entries_never_exceed_the_capacity_with_many_writing_threads() {
    for (capacity, shards) in [(1, 1), (3, 1), (7, 4), (64, 8), (1000, 64), (3, 64)] {
        let lru = Lru::builder().capacity(capacity).shards(shards).build();
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let lru = &lru;
                scope.spawn(move || {
                    for key in 0..2000_u32 {
                        lru.set(&(thread, key), key);
                        assert!(lru.len() <= capacity);
                    }
                });
            }
        });
        assert!(lru.len() <= capacity && !lru.is_empty());
        assert_eq!(lru.capacity(), capacity);
    }
}

#[test]
fn an_expired_entry_is_absent_for_every_verb() {
    let (lru, clock) = with_clock(10);
    for key in 0..6_u32 {
        lru.set_with_expiry(&key, key, 60 * SECOND);
    }
    clock.advance(60 * SECOND - Duration::from_nanos(1));
    assert_eq!(lru.get(&0_u32), Some(0));
    clock.advance(Duration::from_nanos(1));
    assert_eq!(lru.get(&0_u32), None);
    assert!(!lru.has(&1_u32));
    assert_eq!(Storage::touch(&lru, &2_u32, Some(SECOND)), Ok(false));
    assert!(!lru.has(&2_u32));
    assert!(!lru.delete(&3_u32));
    lru.set(&4_u32, 44);
    assert_eq!(lru.get(&4_u32), Some(44));
    assert_eq!(lru.len(), 4, "0 was found expired, 3 was deleted");
    assert_eq!(lru.eviction_counts(), EvictionCounts::new(0, 3));
}

#[test]
fn every_entry_has_its_own_expiry() {
    let (lru, clock) = with_clock(10);
    lru.set(&0_u32, 0);
    lru.set_with_expiry(&1_u32, 1, SECOND);
    lru.set_with_expiry(&2_u32, 2, 2 * SECOND);
    lru.set_with_expiry(&3_u32, 3, Duration::MAX);
    let mut left = vec![keys(&lru)];
    for _ in 0..2 {
        clock.advance(SECOND);
        left.push(keys(&lru));
    }
    assert_eq!(left, [vec![0, 1, 2, 3], vec![0, 2, 3], vec![0, 3]]);
}

#[test]
fn a_new_value_brings_its_own_expiry() {
    let (lru, clock) = with_clock(10);
    lru.set_with_expiry(&1_u32, 1, SECOND);
    lru.set(&1_u32, 2);
    lru.set_with_expiry(&2_u32, 1, SECOND);
    lru.set_with_expiry(&2_u32, 2, 3 * SECOND);
    clock.advance(2 * SECOND);
    assert_eq!((lru.get(&1_u32), lru.get(&2_u32)), (Some(2), Some(2)));
}

#[test]
fn an_entry_in_the_slot_of_an_expired_one_does_not_inherit_its_deadline() {
    let (lru, clock) = with_clock(2);
    lru.set_with_expiry(&1_u32, 1, SECOND);
    lru.set_with_expiry(&2_u32, 2, SECOND);
    lru.set(&3_u32, 3); // in the place of 1
    lru.delete(&2_u32); // 3 moves
    lru.set(&4_u32, 4);
    clock.advance(SECOND);
    assert_eq!(keys(&lru), [3, 4]);
}

#[test]
fn touch_restarts_the_expiry() {
    let (ring, (lru, clock)) = (ring(), with_clock(10));
    let cached = || call(ring, &lru, 1, || 7).expire_in(10 * SECOND);
    cached().update();
    for _ in 0..5 {
        clock.advance(9 * SECOND);
        assert!(cached().touch());
    }
    assert_eq!(cached().get(), Some(7));
    clock.advance(10 * SECOND);
    assert!(!cached().touch() && !cached().has());
}

#[test]
fn a_zero_expiry_stores_nothing_and_removes_the_entry() {
    let (ring, lru) = (ring(), Lru::new(10));
    let cached = |value| call(ring, &lru, 1, move || value);
    assert_eq!(cached(1).expire_in(Duration::ZERO).update(), 1);
    assert!(!cached(0).has());
    cached(0).set(2);
    cached(0).expire_in(Duration::ZERO).set(3);
    assert!(!cached(0).has() && lru.is_empty());
    let none = || [cached(4).expire_in(Duration::ZERO)];
    assert_eq!(none().update_many(), [4]);
    none().set_many([5]).expect("one value for one call");
    assert!(lru.is_empty());
    assert_eq!(Cache::new(ring, &lru).stats::<u32>().stores, 1);
}

#[test]
fn counts_tell_evicted_entries_from_expired_ones() {
    let (lru, clock) = with_clock(2);
    for key in 0..5_u32 {
        lru.set_with_expiry(&key, key, SECOND);
    }
    assert_eq!(lru.eviction_counts(), EvictionCounts::new(3, 0));
    clock.advance(SECOND);
    assert_eq!((lru.get(&3_u32), lru.get(&4_u32)), (None, None));
    assert_eq!((lru.eviction_counts(), lru.len()), (EvictionCounts::new(3, 2), 0));
}

/// Looks into its cache when it is dropped.
#[derive(Clone)]
struct Nosy(Arc<OnceLock<Lru<Nosy>>>, Arc<AtomicUsize>);

impl Drop for Nosy {
    fn drop(&mut self) {
        let Some(cache) = self.0.get() else { return };
        cache.has(&1_u32);
        cache.delete(&99_u32);
        cache.len();
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn values_are_dropped_when_no_lock_is_held() {
    let (place, drops) = (Arc::new(OnceLock::new()), Arc::new(AtomicUsize::new(0)));
    let nosy = || Nosy(Arc::clone(&place), Arc::clone(&drops));
    let clock = ManualClock::default();
    let lru = place.get_or_init(|| Lru::builder().capacity(2).clock(clock.clone()).build());
    let dropped =
        |what: &str, expected: usize| assert_eq!(drops.swap(0, Ordering::SeqCst), expected, "{what}");
    lru.set(&1_u32, nosy());
    lru.set(&1_u32, nosy());
    dropped("replaced", 1);
    lru.set(&2_u32, nosy());
    lru.set(&3_u32, nosy());
    dropped("evicted", 1);
    lru.delete(&3_u32);
    dropped("deleted", 1);
    lru.set_with_expiry(&3_u32, nosy(), SECOND);
    clock.advance(SECOND);
    lru.get(&3_u32);
    dropped("expired", 1);
    lru.set_with_expiry(&4_u32, nosy(), Duration::ZERO);
    dropped("not stored", 1);
    lru.clear();
    dropped("cleared", 1);
    let ring = ring();
    call(ring, lru, 1, nosy).update();
    dropped("a clone for the cache, the value for the caller", 1);
    Cache::new(ring, lru).clear::<Nosy>();
    dropped("cleared by the ring", 1);
}

/// Deletes the key of the other value when it is dropped.
#[derive(Clone)]
struct Rival(u32, Arc<OnceLock<Lru<Rival>>>);

impl Drop for Rival {
    fn drop(&mut self) {
        if let Some(cache) = self.1.get() {
            let ring = cache_ring();
            call(ring, cache, 1 - self.0, || Rival(0, Arc::default())).delete();
            call(ring, cache, 1 - self.0, || Rival(0, Arc::default())).update();
        }
    }
}

fn cache_ring() -> &'static ring_cache_core::Ring {
    static RING: OnceLock<&'static ring_cache_core::Ring> = OnceLock::new();
    RING.get_or_init(ring)
}

#[test]
fn values_whose_drops_delete_each_other_do_not_wait_for_each_other() {
    let place = Arc::new(OnceLock::new());
    let lru = place.get_or_init(|| Lru::new(10));
    std::thread::scope(|scope| {
        for id in [0, 1, 0, 1] {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..300 {
                    call(cache_ring(), lru, id, || Rival(id, Arc::clone(place))).update();
                }
            });
        }
    });
    assert_quiet(lru);
}

/// Counts its live instances; panics on the way if it is told to.
struct Counted<'a>(&'a AtomicUsize, Panics);

#[derive(Clone, Copy, PartialEq)]
enum Panics {
    Never,
    InClone,
    InDrop,
}

impl<'a> Counted<'a> {
    fn new(alive: &'a AtomicUsize, panics: Panics) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Counted(alive, panics)
    }
}

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        assert!(self.1 != Panics::InClone, "clone");
        Counted::new(self.0, self.1)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        assert!(self.1 != Panics::InDrop || std::thread::panicking(), "drop");
    }
}

#[test]
fn every_value_is_dropped_exactly_once() {
    let alive = AtomicUsize::new(0);
    let lru = Lru::builder().capacity(10).shards(2).build();
    for key in 0..100_u32 {
        lru.set_with_expiry(&(key % 30), Counted::new(&alive, Panics::Never), SECOND);
        lru.delete(&(key % 7));
        lru.get(&(key % 3));
        assert_eq!(alive.load(Ordering::SeqCst), lru.len());
    }
    assert!(!lru.is_empty());
    drop(lru);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_panicking_clone_or_drop_leaves_the_cache_whole() {
    let alive = AtomicUsize::new(0);
    let lru = Lru::new(2);
    lru.set(&1_u32, Counted::new(&alive, Panics::InClone));
    assert!(catch_unwind(AssertUnwindSafe(|| lru.get(&1_u32))).is_err());
    assert!(lru.has(&1_u32));
    lru.set(&2_u32, Counted::new(&alive, Panics::InDrop));
    let replace = || lru.set(&2_u32, Counted::new(&alive, Panics::InDrop));
    assert!(catch_unwind(AssertUnwindSafe(replace)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| lru.delete(&2_u32))).is_err());
    assert_eq!((lru.len(), alive.load(Ordering::SeqCst)), (1, 1));
    lru.set(&2_u32, Counted::new(&alive, Panics::InDrop));
    assert!(catch_unwind(AssertUnwindSafe(|| lru.clear())).is_err());
    assert_eq!((lru.len(), alive.load(Ordering::SeqCst)), (0, 0));
    lru.set(&3_u32, Counted::new(&alive, Panics::Never));
    assert!(lru.get(&3_u32).is_some());
}

#[test]
fn a_panicking_clone_under_a_call_ends_no_other_call() {
    let alive = AtomicUsize::new(0);
    let (ring, lru) = (ring(), Lru::new(2));
    let update = || call(ring, &lru, 1, || Counted::new(&alive, Panics::InClone)).update();
    assert!(catch_unwind(AssertUnwindSafe(update)).is_err());
    assert_eq!((lru.flights().under_way(), alive.load(Ordering::SeqCst)), (0, 0));
    let sound = call(ring, &lru, 1, || Counted::new(&alive, Panics::Never));
    drop(sound.get_or_update());
    assert_eq!((lru.len(), alive.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn an_lru_is_its_own_backend_and_shows_sizes_only() {
    let lru = Lru::<&str>::new(10);
    lru.set(&"key", "secret");
    assert!(std::ptr::eq(lru.backend(), &lru));
    assert_eq!(format!("{lru:?}"), "Lru { len: 1, capacity: 10, .. }");
}
