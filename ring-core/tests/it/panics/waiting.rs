//! Calls that wait for one another, on threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::{scope, yield_now};

use ring_cache_core::body::Body;
use ring_cache_core::{Call, Calls, Lru, Plain, Policy, Ring};

use super::fuse::{Fuse, FusedKey, Value, caught};
use super::{assert_all_of, assert_whole, at_every_call, small_lru};
use crate::support::{Cache, patient};

const THREADS: u64 = 3;

/// Threads that call one method.
struct Crowd<'s> {
    ring: &'static Ring,
    lru: &'s Lru<Value>,
    fuse: &'s Arc<Fuse>,
    /// The number of look-ups that found nothing before.
    misses: u64,
    /// The number of threads that are done.
    ended: AtomicU64,
}

impl<'s> Crowd<'s> {
    fn misses(ring: &'static Ring, lru: &Lru<Value>) -> u64 {
        Cache::new(ring, lru).stats::<Value>().misses
    }

    fn bind(&self, id: u32) -> Call<Plain<Value>, &'s Lru<Value>, impl Body<Out = Value>> {
        let key = FusedKey(id, Arc::clone(self.fuse));
        Cache::new(self.ring, self.lru).bind((key,), move |_| {
            self.gather();
            self.fuse.burn_freely("body");
            Value::new(id, self.fuse)
        })
    }

    /// Waits until no other thread is under way.
    fn gather(&self) {
        while Self::misses(self.ring, self.lru) - self.misses + self.ended.load(SeqCst) < THREADS {
            yield_now();
        }
    }

    /// Runs `each` on all threads. Only the fuse makes one panic.
    fn run(
        ring: &'static Ring,
        lru: &'s Lru<Value>,
        fuse: &'s Arc<Fuse>,
        each: impl Fn(&Crowd<'s>, u64) + Sync,
    ) {
        let crowd = Crowd {
            ring,
            lru,
            fuse,
            misses: Self::misses(ring, lru),
            ended: AtomicU64::new(0),
        };
        scope(|scope| {
            for thread in 0..THREADS {
                let (crowd, each) = (&crowd, &each);
                scope.spawn(move || {
                    caught(|| each(crowd, thread));
                    crowd.ended.fetch_add(1, SeqCst);
                });
            }
        });
        assert_whole(lru);
    }
}

fn one_flight(ring: &'static Ring, lru: &Lru<Value>, fuse: &Arc<Fuse>) {
    Crowd::run(ring, lru, fuse, |crowd, _| {
        assert_eq!(crowd.bind(1).get_or_update().id, 1);
    });
    // With a thread that evicts the entries, and writes meanwhile.
    Crowd::run(ring, lru, fuse, |crowd, thread| match thread {
        0 => crowd.bind(2).set(Value::new(2, fuse)),
        1 => _ = crowd.bind(2).delete(),
        _ => assert_eq!(crowd.bind(2).unless(Value::is_refused).get_or_update().id, 2),
    });
    Crowd::run(ring, lru, fuse, |crowd, thread| {
        let ids = [[3, 4, 5], [5, 4, 3], [4, 3, 5]][thread as usize];
        let values = ids.map(|id| crowd.bind(id)).get_or_update_many();
        assert!(values.iter().map(|value| value.id).eq(ids));
    });
}

#[test]
fn threads_that_wait_for_one_another_all_end() {
    for policy in [Policy::LeastRecentlyUsed, Policy::ScanResistant] {
        let ring = patient();
        let panics = at_every_call("threads that wait", move |fuse| {
            let (lru, _) = small_lru(policy, ring, fuse);
            one_flight(ring, &lru, fuse);
            for id in 1..=5 {
                let call = || Cache::new(ring, &*lru).bind((id,), |_| Value::new(id, fuse));
                let one: Call<Plain<Value>, _, _> = call();
                caught(|| assert_eq!(one.get_or_update().id, id));
            }
            assert_whole(&lru);
            caught(|| drop(lru));
        });
        assert_all_of(&panics, &["body", "clone", "drop", "ring_key"]);
    }
}
