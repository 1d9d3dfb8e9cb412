//! Blocking calls, in sequence.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ring_cache_core::body::Body;
use ring_cache_core::clock::ManualClock;
use ring_cache_core::storage::{Clear, Expires, Storage, View};
use ring_cache_core::{Call, Calls, Fallible, Lru, Plain, Ring};

use super::fuse::{Fuse, FusedKey, Value, caught};
use super::{Seen, assert_all_of, assert_whole, at_every_call, small_lru, step, worlds};
use crate::support::Cache;

const MINUTE: Duration = Duration::from_secs(60);

/// Calls of one method.
struct Method<'f, S> {
    cache: Cache<S>,
    fuse: &'f Arc<Fuse>,
    seen: Seen,
    clock: ManualClock,
}

impl<S> Method<'_, S>
where
    S: View<Value, Storage: Storage<S::Stored, Error = Infallible> + Clear<S::Stored> + Expires>,
{
    fn bind(&self, id: u32) -> Call<Plain<Value>, S, impl Body<Out = Value>> {
        let (key, fuse) = (FusedKey(id, Arc::clone(self.fuse)), Arc::clone(self.fuse));
        self.cache.clone().bind((key,), move |_| {
            fuse.burn_freely("body");
            Value::new(id, &fuse)
        })
    }

    /// A call whose body fails; its error is a value, too.
    fn failing(&self, id: u32) -> Call<Fallible<Value, Value>, S, impl Body<Out = Result<Value, Value>>> {
        let (key, fuse) = (FusedKey(id, Arc::clone(self.fuse)), Arc::clone(self.fuse));
        self.cache
            .clone()
            .bind((key,), move |_| Err(Value::new(id, &fuse)))
    }

    fn many(&self, ids: [u32; 4]) -> [Call<Plain<Value>, S, impl Body<Out = Value>>; 4] {
        ids.map(|id| self.bind(id))
    }

    fn new_value(&self, id: u32) -> Value {
        Value::new(id, self.fuse)
    }

    fn fill(&self, id: u32) {
        self.seen.value(id, &self.bind(id).get_or_update());
    }

    fn look(&self, id: u32) {
        if let Some(value) = self.bind(id).get() {
            self.seen.value(id, &value);
        }
    }

    fn set(&self, id: u32, expiry: Option<Duration>) {
        let value = self.new_value(id);
        let stamp = value.stamp;
        match expiry {
            Some(expiry) => self.bind(id).expire_in(expiry).set(value),
            None => self.bind(id).set(value),
        }
        self.seen.stored(id, stamp);
    }

    fn delete(&self, id: u32) {
        self.bind(id).delete();
        self.seen.gone(id, self.fuse);
        assert!(!self.bind(id).has(), "it was deleted");
    }

    /// All verbs of single calls.
    fn single(&self) {
        step("miss", || self.fill(1));
        step("hit", || self.fill(1));
        step("get", || self.look(1));
        step("has", || _ = self.bind(1).has());
        step("key", || _ = self.bind(1).key());
        step("touch", || _ = self.bind(1).expire_in(MINUTE).touch());
        step("set", || self.set(1, None));
        step("set for a while", || self.set(2, Some(MINUTE)));
        step("set a present entry", || self.set(2, Some(MINUTE)));
        self.clock.advance(MINUTE);
        step("get an expired entry", || self.look(2));
        step("set over an expired entry", || self.set(1, Some(MINUTE)));
        step("set for no time", || self.set(1, Some(Duration::ZERO)));
        step("store for a while", || {
            self.seen
                .value(3, &self.bind(3).expire_in(MINUTE).get_or_update());
        });
        step("store for no time", || {
            self.seen
                .value(4, &self.bind(4).expire_in(Duration::ZERO).get_or_update());
        });
        (1..=6).for_each(|id| step("evict", || self.fill(id)));
        step("update", || self.seen.value(6, &self.bind(6).update()));
        step("update an absent entry", || {
            self.seen.value(7, &self.bind(7).update())
        });
        step("execute", || drop(self.bind(7).execute()));
        step("delete", || self.delete(7));
        step("delete nothing", || self.delete(7));
    }

    /// Actions of bodies beside returning a value.
    fn unusual(&self) {
        for id in [8, 9] {
            step("unless", || {
                self.seen
                    .value(id, &self.bind(id).unless(Value::is_refused).get_or_update());
            });
            step("update unless", || {
                self.seen
                    .value(id, &self.bind(id).unless(Value::is_refused).update());
            });
        }
        step("fail", || assert!(self.failing(10).get_or_update().is_err()));
        step("fail to update", || assert!(self.failing(9).update().is_err()));
        step("call itself", || {
            let key = FusedKey(11, Arc::clone(self.fuse));
            let same = |_| self.bind(11).get_or_update();
            let call: Call<Plain<Value>, S, _> = self.cache.clone().bind((key,), same);
            self.seen.value(11, &call.get_or_update());
        });
        step("call another", || {
            let key = FusedKey(12, Arc::clone(self.fuse));
            let other = |_| {
                self.fill(13);
                self.new_value(12)
            };
            let call: Call<Plain<Value>, S, _> = self.cache.clone().bind((key,), other);
            self.seen.value(12, &call.get_or_update());
        });
        step("delete in the body", || {
            let key = FusedKey(14, Arc::clone(self.fuse));
            let deletes = |_| {
                let value = self.new_value(14);
                self.delete(14);
                value
            };
            let call: Call<Plain<Value>, S, _> = self.cache.clone().bind((key,), deletes);
            drop(call.get_or_update());
            assert!(!self.bind(14).has(), "it began before a delete");
        });
        step("set in the body", || {
            let key = FusedKey(15, Arc::clone(self.fuse));
            let sets = |_| {
                let value = self.new_value(15);
                self.set(15, None);
                value
            };
            let call: Call<Plain<Value>, S, _> = self.cache.clone().bind((key,), sets);
            drop(call.update());
            self.look(15);
        });
    }

    /// All verbs of many calls at once.
    fn bulk(&self) {
        let ids = [1, 2, 2, 3];
        let seen = |values: Vec<Value>| {
            ids.iter()
                .zip(&values)
                .for_each(|(id, value)| self.seen.value(*id, value));
        };
        step("clear", || {
            self.cache.clear();
            (1..=15).for_each(|id| self.seen.gone(id, self.fuse));
        });
        step("get_or_update_many", || seen(self.many(ids).get_or_update_many()));
        step("get_or_update_many again", || {
            seen(self.many(ids).get_or_update_many())
        });
        step("update_many", || seen(self.many(ids).update_many()));
        step("unless, many", || {
            let calls = self.many(ids).map(|call| call.unless(Value::is_refused));
            seen(calls.update_many());
        });
        step("execute_many", || drop(self.many(ids).execute_many()));
        step("set_many", || {
            let values = ids.map(|id| self.new_value(id));
            let stamps = values.each_ref().map(|value| value.stamp);
            self.many(ids).set_many(values).expect("as many values as calls");
            ids.iter()
                .zip(stamps)
                .for_each(|(id, stamp)| self.seen.stored(*id, stamp));
        });
        step("set_many of too few", || {
            let set = self.many(ids).set_many([self.new_value(1)]);
            assert!(set.is_err());
        });
        step("get_many", || {
            let values = self.many(ids).get_many();
            for (id, value) in ids.iter().zip(values) {
                value.iter().for_each(|value| self.seen.value(*id, value));
            }
        });
        step("has_many", || _ = self.many(ids).has_many());
        step("touch_many", || {
            _ = self.many(ids).map(|call| call.expire_in(MINUTE)).touch_many();
        });
        step("delete_many", || {
            self.many(ids).delete_many();
            ids.iter().for_each(|id| self.seen.gone(*id, self.fuse));
            assert_eq!(self.many(ids).has_many(), [false; 4]);
        });
        step("leave something", || self.fill(2));
    }

    /// Operations that work on a consistent cache after any panic.
    fn works(&self, id: u32) {
        self.set(id, None);
        assert!(self.bind(id).has() && self.bind(id).touch(), "it was set");
        self.look(id);
        self.delete(id);
        assert!(self.bind(id).get().is_none());
        self.fill(id);
        let one = self.bind(id).get().expect("it was computed").stamp;
        self.seen.value(id, &self.bind(id).update());
        let other = self.bind(id).get().expect("it was updated").stamp;
        assert!(other > one);
    }

    fn run(&self, is_whole: impl Fn()) {
        for script in [Self::single, Self::unusual, Self::bulk] {
            script(self);
            is_whole();
        }
        self.afterwards();
        is_whole();
    }

    fn afterwards(&self) {
        self.fuse
            .without(|| [1, 2, 11, 15, 16].into_iter().for_each(|id| self.works(id)));
    }
}

/// Operations on the cache itself.
fn raw(lru: &Lru<Value>, method: &Method<'_, &Lru<Value>>) {
    let key = |id| FusedKey(id, Arc::clone(method.fuse));
    let value = |id| method.new_value(id);
    step("set", || lru.set(&key(1), value(1)));
    step("set_with_expiry", || {
        lru.set_with_expiry(&key(2), value(2), MINUTE)
    });
    step("get", || _ = lru.get(&key(1)));
    step("read_expiring", || _ = lru.read_expiring(&key(2), None));
    step("renew", || _ = lru.renew(&key(2), MINUTE, None));
    step("evict", || {
        (3..6).for_each(|id| lru.set_with_expiry(&key(id), value(id), MINUTE))
    });
    method.clock.advance(MINUTE);
    step("get an expired entry", || _ = lru.get(&key(5)));
    step("evict an expired entry", || {
        (6..9).for_each(|id| lru.set(&key(id), value(id)))
    });
    step("write for no time", || {
        _ = lru.write(&key(6), value(6), Some(Duration::ZERO), None)
    });
    step("remove", || _ = lru.remove(&key(7), None));
    step("write_many", || {
        let entries = (1..6).map(|id| (key(id), value(id), Some(MINUTE)));
        _ = lru.write_many(entries.collect(), None);
    });
    step("read_many", || _ = lru.read_many(&[key(3), key(4)], None));
    step("renew_many", || {
        _ = lru.renew_many(&[(key(4), MINUTE), (key(5), MINUTE)], None)
    });
    step("contains_many", || _ = lru.contains_many(&[key(4), key(5)], None));
    step("remove_many", || _ = lru.remove_many(&[key(4), key(5)], None));
    step("refill", || (1..4).for_each(|id| lru.set(&key(id), value(id))));
    step("clear", || lru.clear());
    assert_whole(lru);
}

/// Values that compute again when they are dropped: during the write that replaces them, or after it.
fn calling_back(lru: &Lru<Value>, method: &Method<'_, &Lru<Value>>) {
    let plain = |id: u32| crate::support::call(method.ring(), lru, id, move || method.new_value(id));
    for id in [1, 2] {
        let again = || plain(id).set(Value::calling_back(id, method.fuse));
        step("set over it", || {
            again();
            plain(id).set(method.new_value(id));
        });
        step("update over it", || {
            again();
            drop(plain(id).update());
        });
        step("bulk over it", || {
            again();
            drop([plain(id), plain(3)].update_many());
        });
        step("delete it", || {
            again();
            plain(id).delete();
        });
    }
    step("evict it", || {
        plain(1).set(Value::calling_back(1, method.fuse));
        (2..6).for_each(|id| drop(plain(id).get_or_update()));
    });
    step("clear it", || {
        plain(1).set(Value::calling_back(1, method.fuse));
        method.cache.clear();
    });
    // A remaining value of this kind would take the turn of the next write. If the first panics, the second does not.
    (0..2).for_each(|_| step("clear the rest", || lru.clear()));
    assert_whole(lru);
}

impl<S> Method<'_, S> {
    fn ring(&self) -> &'static Ring {
        self.fuse.ring()
    }
}

#[test]
#[ignore = "slow: scripts of calls with a panic at each place"]
fn the_cache_in_memory_stays_whole() {
    for (policy, ring) in worlds() {
        let panics = at_every_call("blocking calls", move |fuse| {
            let (lru, clock) = small_lru(policy, ring, fuse);
            let method = Method {
                cache: Cache::new(ring, &*lru),
                fuse,
                seen: Seen::default(),
                clock,
            };
            method.run(|| assert_whole(&lru));
            raw(&lru, &method);
            calling_back(&lru, &method);
            method.afterwards();
            caught(|| drop(lru));
        });
        let codes = [
            "body",
            "clock",
            "clone",
            "drop",
            "ring_key",
            "the end of ring_key",
            "unless",
        ];
        assert_all_of(&panics, &codes);
    }
}

#[cfg(all(feature = "cbor", feature = "json"))]
mod coded {
    use ring_cache_core::Map;
    use ring_cache_core::coder::{Cbor, Coder, Json};
    use ring_cache_core::storage::{Coded, StorageBase};

    use super::super::assert_no_work;
    use super::super::fuse::FusedClock;
    use super::*;

    fn is_worked_through<C: Coder<Value> + 'static>() {
        for (_, ring) in worlds().take(2) {
            let panics = at_every_call("blocking calls through a coder", move |fuse| {
                let clock = ManualClock::default();
                let map = Map::<Vec<u8>>::with_clock(FusedClock(clock.clone(), Arc::clone(fuse)));
                let method = Method {
                    cache: Cache::new(ring, Coded::<_, C>::from(&map)),
                    fuse,
                    seen: Seen::default(),
                    clock,
                };
                method.run(|| assert_no_work(map.flights()));
            });
            assert_all_of(&panics, &["serialize", "the middle of serialize"]);
            assert_all_of(
                &panics,
                &["deserialize", "the end of deserialize", "clock", "unless"],
            );
        }
    }

    #[test]
    #[ignore = "slow: scripts of calls with a panic at each place"]
    fn a_ring_with_a_coder_stays_whole() {
        is_worked_through::<Json>();
        is_worked_through::<Cbor>();
    }
}
