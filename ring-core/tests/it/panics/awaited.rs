//! Async calls, in sequence and waiting for one another.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ring_cache_core::body::AsyncBody;
use ring_cache_core::clock::ManualClock;
use ring_cache_core::{AsyncCache, AsyncCall, AsyncCalls, Fallible, Lru, Plain};

use super::fuse::{Fuse, FusedKey, Guard, Value, caught};
use super::{Seen, assert_all_of, assert_whole, at_every_call, small_lru, step, worlds};
use crate::support::{Held, drive, finish, hold, pause, poll_once};

const MINUTE: Duration = Duration::from_secs(60);

/// Calls of one `async fn`.
struct Method<'s> {
    cache: AsyncCache<&'s Lru<Value>>,
    fuse: &'s Arc<Fuse>,
    seen: Seen,
    clock: ManualClock,
}

/// Computes a value, and yields in the middle.
async fn body(id: u32, fuse: &Arc<Fuse>) -> Value {
    fuse.burn_freely("body");
    let guard = Guard(fuse);
    pause().await;
    fuse.burn_freely("the rest of the body");
    let value = Value::new(id, fuse);
    drop(guard);
    value
}

impl<'s> Method<'s> {
    fn key(&self, id: u32) -> FusedKey {
        FusedKey(id, Arc::clone(self.fuse))
    }

    fn bind(
        &self,
        id: u32,
    ) -> AsyncCall<Plain<Value>, &'s Lru<Value>, impl AsyncBody<Out = Value> + use<'s>> {
        let fuse = self.fuse;
        self.cache.bind((self.key(id),), move |_| body(id, fuse))
    }

    fn many(
        &self,
        ids: [u32; 4],
    ) -> [AsyncCall<Plain<Value>, &'s Lru<Value>, impl AsyncBody<Out = Value> + use<'s>>; 4] {
        ids.map(|id| self.bind(id))
    }

    /// A step that returns a value of a key.
    fn value(&self, name: &str, id: u32, call: impl Future<Output = Value>) {
        step(name, || self.seen.value(id, &finish(hold(call))));
    }

    fn set(&self, id: u32) {
        let value = Value::new(id, self.fuse);
        let stamp = value.stamp;
        finish(hold(self.bind(id).set(value)));
        self.seen.stored(id, stamp);
    }

    fn delete(&self, id: u32) {
        finish(hold(self.bind(id).delete()));
        self.seen.gone(id, self.fuse);
        assert!(!finish(hold(self.bind(id).has())), "it was deleted");
    }

    fn look(&self, id: u32) {
        let found = finish(hold(self.bind(id).get()));
        found.iter().for_each(|value| self.seen.value(id, value));
    }

    fn single(&self) {
        // Bound inside the steps, since keys may panic when they are bound.
        step("miss", || {
            self.seen.value(1, &finish(hold(self.bind(1).get_or_update())))
        });
        step("hit", || {
            self.seen.value(1, &finish(hold(self.bind(1).get_or_update())))
        });
        step("get", || self.look(1));
        step("set", || self.set(1));
        step("touch", || {
            _ = finish(hold(self.bind(1).expire_in(MINUTE).touch()))
        });
        self.clock.advance(MINUTE);
        step("get an expired entry", || self.look(1));
        for id in 1..=6 {
            self.value("evict", id, async { self.bind(id).get_or_update().await });
        }
        self.value("update", 6, async { self.bind(6).update().await });
        self.value("unless", 8, async {
            self.bind(8).unless(Value::is_refused).get_or_update().await
        });
        self.value("update unless", 6, async {
            self.bind(6).unless(Value::is_refused).update().await
        });
        step("execute", || drop(finish(hold(self.bind(7).execute()))));
        step("fail", || {
            let fails = |_| async { Err(Value::new(9, self.fuse)) };
            let call: AsyncCall<Fallible<Value, Value>, _, _> = self.cache.bind((self.key(9),), fails);
            assert!(finish(hold(call.get_or_update())).is_err());
        });
        step("delete", || self.delete(5));
        step("begin and leave", || {
            _ = poll_once(&mut hold(self.bind(10).get_or_update()));
        });
        step("never begin", || drop(hold(self.bind(10).get_or_update())));
    }

    fn bulk(&self) {
        let ids = [1, 2, 2, 3];
        let seen = |values: Vec<Value>| {
            ids.iter()
                .zip(&values)
                .for_each(|(id, value)| self.seen.value(*id, value));
        };
        step("clear", || {
            finish(hold(self.cache.clear()));
            (1..=10).for_each(|id| self.seen.gone(id, self.fuse));
        });
        step("get_or_update_many", || {
            seen(finish(hold(self.many(ids).get_or_update_many())))
        });
        step("update_many", || {
            seen(finish(hold(self.many(ids).at_most(1).update_many())))
        });
        step("set_many", || {
            let values = ids.map(|id| Value::new(id, self.fuse));
            let stamps = values.each_ref().map(|value| value.stamp);
            finish(hold(self.many(ids).set_many(values))).expect("as many values as calls");
            ids.iter()
                .zip(stamps)
                .for_each(|(id, stamp)| self.seen.stored(*id, stamp));
        });
        step("get_many", || drop(finish(hold(self.many(ids).get_many()))));
        step("delete_many", || {
            finish(hold(self.many(ids).delete_many()));
            ids.iter().for_each(|id| self.seen.gone(*id, self.fuse));
        });
        step("begin many and leave", || {
            _ = poll_once(&mut hold(self.many(ids).get_or_update_many()));
        });
    }

    fn works(&self, id: u32) {
        self.set(id);
        assert!(finish(hold(self.bind(id).has())), "it was set");
        self.delete(id);
        self.seen.value(id, &finish(hold(self.bind(id).get_or_update())));
        assert!(finish(hold(self.bind(id).has())), "it was computed");
    }

    /// Tasks that wait for one flight or for many, one of which is dropped.
    fn crowds(&self) {
        let one = |id| -> Held<'_, ()> {
            hold(async move { assert_eq!(self.bind(id).get_or_update().await.id, id) })
        };
        step("one flight", || {
            drive_in_turn(vec![one(1), one(1), one(1), one(1)])
        });
        step("one that leaves", || {
            let mut leaves = one(2);
            _ = poll_once(&mut leaves);
            let mut others = vec![one(2), one(2)];
            others.retain_mut(|task| caught(|| poll_once(task)) == Some(Poll::Pending));
            _ = caught(|| drop(leaves));
            drive_in_turn(others);
        });
        let many = |ids: [u32; 4]| -> Held<'_, ()> {
            hold(async move {
                let values = self.many(ids).get_or_update_many().await;
                assert!(values.iter().map(|value| value.id).eq(ids));
            })
        };
        step("bulk calls", || {
            drive_in_turn(vec![
                many([3, 4, 5, 3]),
                many([5, 4, 3, 6]),
                one(4),
                many([6, 6, 5, 1]),
            ]);
        });
        step("one that writes", || {
            let sets = hold(async { self.bind(7).set(Value::new(7, self.fuse)).await });
            let updates = hold(async { drop(self.bind(7).update().await) });
            let deletes = hold(async { _ = self.bind(7).delete().await });
            drive_in_turn(vec![one(7), sets, one(7), updates, one(7), deletes, one(7)]);
        });
    }

    fn afterwards(&self) {
        self.fuse
            .without(|| [1, 2, 7, 10, 11].into_iter().for_each(|id| self.works(id)));
    }
}

/// Drives tasks in turn, each to its end or to its panic.
fn drive_in_turn(mut tasks: Vec<Held<'_, ()>>) {
    // Polled once each, all have begun before the first ends.
    tasks.retain_mut(|task| caught(|| poll_once(task)) == Some(Poll::Pending));
    while !tasks.is_empty() {
        let before = tasks.len();
        let mut left = Vec::new();
        for mut task in tasks {
            match caught(|| drive(&mut task)) {
                Some(Poll::Pending) => left.push(task),
                _ => _ = caught(|| drop(task)),
            }
        }
        assert!(left.len() < before, "{before} tasks wait forever");
        tasks = left;
    }
}

#[test]
#[ignore = "slow: scripts of calls with a panic at each place"]
fn the_cache_in_memory_stays_whole_in_async_calls() {
    for (policy, ring) in worlds() {
        let panics = at_every_call("async calls", move |fuse| {
            let (lru, clock) = small_lru(policy, ring, fuse);
            let method = Method {
                cache: AsyncCache::new(ring, &*lru),
                fuse,
                seen: Seen::default(),
                clock,
            };
            for script in [Method::single, Method::bulk, Method::crowds, Method::afterwards] {
                script(&method);
                assert_whole(&lru);
            }
            caught(|| drop(lru));
        });
        let codes = [
            "body",
            "the rest of the body",
            "the end of a body",
            "clone",
            "drop",
            "ring_key",
        ];
        assert_all_of(&panics, &codes);
    }
}
