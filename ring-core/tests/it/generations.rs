//! A computation that began before a delete is not stored after it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{scope, sleep};
use std::time::Duration;

use ring_cache_core::storage::{Clear, Storage};
use ring_cache_core::{Calls, Lru, Map, Ring};

use crate::support::{Cache, Remote, assert_quiet, call, eventually, keep, never, ring};

/// A computation in two halves: it reports its start, and ends when it is told to.
struct Slow {
    began: Receiver<()>,
    end: Sender<()>,
}

fn slow(value: u32) -> (Slow, impl FnOnce() -> u32 + Send) {
    let ((begin, began), (end, ended)) = (channel(), channel());
    let body = move || {
        begin.send(()).unwrap();
        ended.recv().unwrap();
        value
    };
    (Slow { began, end }, body)
}

impl Slow {
    fn began(&self) {
        self.began.recv().unwrap();
    }

    fn end(&self) {
        self.end.send(()).unwrap();
    }
}

/// Starts a computation of 1, runs `interfere`, ends the computation; returns the caller's value and the cached
/// value.
fn during_a_computation<S: Storage<u32, Error: std::fmt::Debug> + Sync>(
    ring: &'static Ring,
    storage: &S,
    verb: Verb,
    interfere: impl FnOnce(),
) -> (u32, Option<u32>) {
    let (computation, body) = slow(1);
    let returned = scope(|scope| {
        let caller = scope.spawn(move || match verb {
            Verb::GetOrUpdate => call(ring, storage, 1, body).get_or_update(),
            Verb::Update => call(ring, storage, 1, body).update(),
            Verb::Many => [call(ring, storage, 1, body)].get_or_update_many()[0],
        });
        computation.began();
        interfere();
        computation.end();
        caller.join().unwrap()
    });
    assert_quiet(storage);
    (
        returned,
        storage.get(&call(ring, storage, 1, never).key()).unwrap(),
    )
}

/// Stops until another thread reaches the barrier, and again.
fn meet_twice(barrier: &Barrier) {
    barrier.wait();
    barrier.wait();
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    GetOrUpdate,
    Update,
    Many,
}

const VERBS: [Verb; 3] = [Verb::GetOrUpdate, Verb::Update, Verb::Many];

fn rings() -> [&'static Ring; 2] {
    [ring(), keep(Ring::with_prefix("p").coalesce(false))]
}

#[test]
fn undisturbed_computations_are_stored() {
    for (ring, verb) in rings()
        .into_iter()
        .flat_map(|ring| VERBS.map(|verb| (ring, verb)))
    {
        assert_eq!(
            during_a_computation(ring, &Lru::new(10), verb, || ()),
            (1, Some(1))
        );
        assert_eq!(during_a_computation(ring, &Map::new(), verb, || ()), (1, Some(1)));
    }
}

#[test]
fn a_delete_during_a_computation_leaves_nothing() {
    for (ring, verb) in rings()
        .into_iter()
        .flat_map(|ring| VERBS.map(|verb| (ring, verb)))
    {
        let lru = Lru::new(10);
        let one = || call(ring, &lru, 1, never);
        let delete = || assert!(!one().delete());
        assert_eq!(
            during_a_computation(ring, &lru, verb, delete),
            (1, None),
            "{verb:?}"
        );
        let delete = || assert_eq!([one(), one()].delete_many(), [false, false]);
        assert_eq!(
            during_a_computation(ring, &lru, verb, delete),
            (1, None),
            "{verb:?}"
        );
        let delete = || assert!(!lru.delete(&one().key()));
        assert_eq!(
            during_a_computation(ring, &lru, verb, delete),
            (1, None),
            "{verb:?}"
        );
        let delete = || assert_eq!(Storage::delete(&lru, &one().key()), Ok(false));
        assert_eq!(
            during_a_computation(ring, &lru, verb, delete),
            (1, None),
            "{verb:?}"
        );
    }
}

#[test]
fn a_clear_during_a_computation_leaves_nothing() {
    for (ring, verb) in rings()
        .into_iter()
        .flat_map(|ring| VERBS.map(|verb| (ring, verb)))
    {
        let (lru, map) = (Lru::new(10), Map::new());
        let clear = || lru.clear();
        assert_eq!(
            during_a_computation(ring, &lru, verb, clear),
            (1, None),
            "{verb:?}"
        );
        let clear = || Cache::new(ring, &lru).clear::<u32>();
        assert_eq!(
            during_a_computation(ring, &lru, verb, clear),
            (1, None),
            "{verb:?}"
        );
        let clear = || map.clear();
        assert_eq!(
            during_a_computation(ring, &map, verb, clear),
            (1, None),
            "{verb:?}"
        );
        let clear = || Cache::new(ring, &map).clear::<u32>();
        assert_eq!(
            during_a_computation(ring, &map, verb, clear),
            (1, None),
            "{verb:?}"
        );
    }
}

#[test]
fn a_clear_of_another_ring_disturbs_no_computation() {
    let other = keep(Ring::with_prefix("other"));
    let lru = Lru::new(10);
    let clear = || Cache::new(other, &lru).clear::<u32>();
    assert_eq!(
        during_a_computation(ring(), &lru, Verb::GetOrUpdate, clear),
        (1, Some(1))
    );
    lru.clear();
    let delete = || assert!(!call(other, &lru, 1, never).delete());
    assert_eq!(
        during_a_computation(ring(), &lru, Verb::GetOrUpdate, delete),
        (1, Some(1))
    );
}

#[test]
fn a_value_set_during_a_computation_stays() {
    for (ring, verb) in rings()
        .into_iter()
        .flat_map(|ring| VERBS.map(|verb| (ring, verb)))
    {
        let lru = Lru::new(10);
        let one = || call(ring, &lru, 1, never);
        let set = || one().set(5);
        assert_eq!(
            during_a_computation(ring, &lru, verb, set),
            (1, Some(5)),
            "{verb:?}"
        );
        lru.clear();
        let set = || [one()].set_many([6]).unwrap();
        assert_eq!(
            during_a_computation(ring, &lru, verb, set),
            (1, Some(6)),
            "{verb:?}"
        );
        lru.clear();
        let set = || lru.set(&one().key(), 7);
        assert_eq!(
            during_a_computation(ring, &lru, verb, set),
            (1, Some(7)),
            "{verb:?}"
        );
        lru.clear();
        let set = || lru.set_with_expiry(&one().key(), 8, Duration::from_secs(60));
        assert_eq!(
            during_a_computation(ring, &lru, verb, set),
            (1, Some(8)),
            "{verb:?}"
        );
    }
}

#[test]
fn a_reader_that_comes_after_the_delete_starts_afresh() {
    let (ring, lru) = (ring(), Lru::new(10));
    let (old, old_body) = slow(1);
    let (new, new_body) = slow(2);
    scope(|scope| {
        let first = scope.spawn(|| call(ring, &lru, 1, old_body).get_or_update());
        old.began();
        let joined = scope.spawn(|| call(ring, &lru, 1, never).get_or_update());
        sleep(Duration::from_millis(30)); // it waits
        call(ring, &lru, 1, never).delete();
        let second = scope.spawn(|| call(ring, &lru, 1, new_body).get_or_update());
        new.began(); // although the first one is not done
        old.end();
        assert_eq!(first.join().unwrap(), 1);
        assert_eq!(joined.join().unwrap(), 1, "it came before the delete");
        assert!(!call(ring, &lru, 1, never).has());
        let third = scope.spawn(|| call(ring, &lru, 1, never).get_or_update());
        sleep(Duration::from_millis(30));
        new.end();
        assert_eq!((second.join().unwrap(), third.join().unwrap()), (2, 2));
    });
    assert_eq!(call(ring, &lru, 1, never).get(), Some(2));
    assert_quiet(&lru);
}

#[test]
fn of_two_overlapping_updates_the_later_started_wins() {
    for ring in rings() {
        for later_ends_first in [true, false] {
            let lru = Lru::new(10);
            let (earlier, earlier_body) = slow(1);
            let (later, later_body) = slow(2);
            scope(|scope| {
                let first = scope.spawn(|| call(ring, &lru, 1, earlier_body).update());
                earlier.began();
                let second = scope.spawn(|| call(ring, &lru, 1, later_body).update());
                later.began();
                let mut order = [(earlier, first), (later, second)];
                if later_ends_first {
                    order.reverse();
                }
                for (computation, caller) in order {
                    computation.end();
                    caller.join().unwrap();
                }
            });
            assert_eq!(call(ring, &lru, 1, never).get(), Some(2));
            assert_quiet(&lru);
        }
    }
}

#[test]
fn a_delete_waits_for_a_write_in_progress_and_removes_it() {
    for many in [false, true] {
        let (ring, remote, gate) = (ring(), Remote::new(), Arc::new(Barrier::new(2)));
        for operation in ["write", "write_many"] {
            let gate = Arc::clone(&gate);
            remote.before(operation, move || meet_twice(&gate));
        }
        let deleted = AtomicBool::new(false);
        scope(|scope| {
            let writer = scope.spawn(|| match many {
                false => call(ring, &remote, 1, || 1).get_or_update(),
                true => [call(ring, &remote, 1, || 1)].get_or_update_many()[0],
            });
            gate.wait(); // the write is in progress
            let delete = scope.spawn(|| {
                let existed = call(ring, &remote, 1, never).delete().unwrap();
                deleted.store(true, Ordering::SeqCst);
                existed
            });
            sleep(Duration::from_millis(50));
            assert!(!deleted.load(Ordering::SeqCst));
            gate.wait();
            assert_eq!((writer.join().unwrap(), delete.join().unwrap()), (1, true));
        });
        assert_eq!(call(ring, &remote, 1, never).get().unwrap(), None);
        assert_quiet(&remote);
    }
}

#[test]
fn a_clear_waits_for_a_write_in_progress_and_removes_it() {
    let (ring, remote, gate) = (ring(), Remote::new(), Arc::new(Barrier::new(2)));
    let hook = Arc::clone(&gate);
    remote.before("write", move || meet_twice(&hook));
    scope(|scope| {
        scope.spawn(|| call(ring, &remote, 1, || 1).get_or_update());
        gate.wait();
        let clear = scope.spawn(|| Cache::new(ring, &remote).clear::<u32>().unwrap());
        sleep(Duration::from_millis(50));
        assert!(!remote.operations().contains(&"clear"));
        gate.wait();
        clear.join().unwrap();
    });
    assert!(remote.entries.lock().unwrap().is_empty());
    assert!(Clear::clear_ring(&remote, ring.name()).is_ok());
}

#[test]
fn a_delete_does_not_wait_for_computations_that_begin_after_it() {
    // Writers of one key follow each other without a pause; a delete among them comes to an end.
    let (ring, remote, done) = (ring(), Remote::new(), AtomicBool::new(false));
    remote.before("write", || sleep(Duration::from_millis(5)));
    scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    call(ring, &remote, 1, || 1).update();
                }
            });
        }
        for _ in 0..20 {
            call(ring, &remote, 1, never).delete().unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    assert_quiet(&remote);
}

#[test]
fn a_slow_write_of_an_earlier_update_does_not_end_after_that_of_a_later_one() {
    let (ring, remote, first) = (ring(), Remote::new(), Arc::new(AtomicBool::new(true)));
    let slow_first = Arc::clone(&first);
    remote.before("write", move || {
        if slow_first.swap(false, Ordering::SeqCst) {
            sleep(Duration::from_millis(60));
        }
    });
    scope(|scope| {
        scope.spawn(|| call(ring, &remote, 1, || 1).update());
        eventually(|| remote.running() == 1);
        assert_eq!(call(ring, &remote, 1, || 2).update(), 2);
    });
    assert_eq!(call(ring, &remote, 1, never).get().unwrap(), Some(2));
}

#[test]
fn calls_after_a_delete_do_not_get_a_value_found_before_it() {
    let (ring, remote, step) = (ring(), Arc::new(Remote::new()), Arc::new(Barrier::new(2)));
    let (looks, weak, leader_step) = (AtomicUsize::new(0), Arc::downgrade(&remote), Arc::clone(&step));
    remote.after_read(move || {
        if std::thread::current().name() != Some("leader") {
            return;
        }
        if looks.fetch_add(1, Ordering::SeqCst) == 0 {
            // It found nothing; before its look-up returns, the value is stored.
            let remote = weak.upgrade().unwrap();
            call(ring, &*remote, 1, || 1).update();
            leader_step.wait(); // lets the delete begin
            leader_step.wait(); // goes on when it detached the flight
        } else {
            // It looked again, and found the value.
            leader_step.wait(); // lets the delete remove it
            leader_step.wait(); // goes on when a reader waits for it
        }
    });
    let delete_step = Arc::clone(&step);
    remote.before("remove", move || meet_twice(&delete_step));
    scope(|scope| {
        let leader = std::thread::Builder::new().name("leader".into());
        let leader = leader.spawn_scoped(scope, || call(ring, &*remote, 1, || 2).get_or_update());
        step.wait();
        assert!(call(ring, &*remote, 1, never).delete().unwrap());
        let reader = scope.spawn(|| call(ring, &*remote, 1, || 3).get_or_update());
        sleep(Duration::from_millis(30)); // it waits for the leader
        step.wait();
        assert_eq!(leader.unwrap().join().unwrap(), 1, "it came before the delete");
        assert_eq!(reader.join().unwrap(), 3);
    });
    assert_quiet(&*remote);
}

/// By the storage's own operations, which do not know the call.
#[test]
fn a_value_that_is_deleted_while_its_body_runs_is_not_stored() {
    let lru = Lru::new(10);
    let key = call(ring(), &lru, 1, never::<u32>).key();
    let deleted = || {
        assert!(!lru.delete(&key));
        7
    };
    assert_eq!(call(ring(), &lru, 1, deleted).get_or_update(), 7);
    assert!(!call(ring(), &lru, 1, never).has());
    let cleared = || {
        lru.clear();
        8
    };
    assert_eq!(call(ring(), &lru, 1, cleared).get_or_update(), 8);
    assert!(!call(ring(), &lru, 1, never).has());
}
