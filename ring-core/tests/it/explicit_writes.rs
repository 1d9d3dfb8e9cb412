//! A set value stays: no computation that began before the end of the set is stored over it.

use std::task::Poll;

use ring_cache_core::storage::Storage;
use ring_cache_core::{AsyncCalls, Calls, Lru, Map, Ring};

use crate::support::{
    AsyncRemote, Gate, Held, Remote, assert_quiet, async_call, call, drive, finish, hold, leak, never,
    never_async, patient, ring, run,
};

type Far = AsyncRemote<u32>;

/// A way to set key 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Set,
    Many,
}

const WAYS: [Way; 2] = [Way::Set, Way::Many];

impl Way {
    fn operation(self) -> &'static str {
        match self {
            Way::Set => "write",
            Way::Many => "write_many",
        }
    }

    fn set<'f>(self, ring: &'static Ring, far: &'f Far, value: u32) -> Held<'f, ()> {
        let one = async_call(ring, far, 1, never_async);
        hold(async move {
            match self {
                Way::Set => one.set(value).await.unwrap(),
                Way::Many => [one].set_many([value]).await.unwrap(),
            }
        })
    }
}

/// A verb that computes 1 for key 1, as soon as the gate is open.
fn computations<'f>(ring: &'static Ring, far: &'f Far, gate: &'f Gate) -> [Held<'f, u32>; 4] {
    let one = || {
        async_call(ring, far, 1, || async {
            gate.pass().await;
            1
        })
    };
    let (single, update, many, update_many) = (one(), one(), one(), one());
    [
        hold(single.get_or_update()),
        hold(update.update()),
        hold(async { [many].get_or_update_many().await[0] }),
        hold(async { [update_many].update_many().await[0] }),
    ]
}

fn cached(ring: &'static Ring, far: &Far) -> Option<u32> {
    finish(hold(async_call(ring, far, 1, never_async).get())).unwrap()
}

fn set_in_a_body<S: Storage<u32, Error: std::fmt::Debug>>(storage: &S, way: Way) -> (Vec<u32>, Option<u32>) {
    let ring = ring();
    let two = || call(ring, storage, 2, never::<u32>);
    let calls = [1, 2].map(|id| {
        call(ring, storage, id, move || {
            match way {
                _ if id == 2 => {}
                Way::Set => drop(two().set(200)),
                Way::Many => [two()].set_many([200]).unwrap(),
            }
            id
        })
    });
    (
        calls.get_or_update_many(),
        storage.read(&two().key(), None).unwrap(),
    )
}

#[test]
fn a_set_in_a_body_for_another_call_of_its_bulk_stays() {
    for way in WAYS {
        let came = (vec![1, 200], Some(200));
        assert_eq!(set_in_a_body(&Lru::new(8), way), came, "{way:?}");
        assert_eq!(set_in_a_body(&Map::new(), way), came, "{way:?}");
        assert_eq!(set_in_a_body(&Remote::new(), way), came, "{way:?}");
    }
}

#[test]
fn a_computation_that_begins_during_a_slow_set_does_not_overwrite_it() {
    for (way, kind) in WAYS
        .into_iter()
        .flat_map(|way| (0..4).map(move |kind| (way, kind)))
    {
        for before_the_effect in [true, false] {
            let (ring, far, body) = (patient(), Far::new(), Gate::default());
            let write = match before_the_effect {
                true => far.stop_before(way.operation()),
                false => far.stop_after(way.operation()),
            };
            let mut set = way.set(ring, &far, 100);
            assert!(drive(&mut set).is_pending());
            let [a, b, c, d] = computations(ring, &far, &body);
            let mut computation = [a, b, c, d].into_iter().nth(kind).unwrap();
            // After the effect, look-ups find it.
            let early = drive(&mut computation);
            write.open(1);
            finish(set);
            assert_eq!(cached(ring, &far), Some(100), "{way:?} {kind}");
            body.open(1);
            let came = match early {
                Poll::Ready(value) => value,
                Poll::Pending => finish(computation),
            };
            assert!([1, 100].contains(&came));
            assert_eq!(cached(ring, &far), Some(100), "{way:?} {kind}");
            assert_quiet(&far);
        }
    }
}

#[test]
fn a_computation_that_ends_during_a_slow_set_does_not_overwrite_it() {
    for (way, kind) in WAYS
        .into_iter()
        .flat_map(|way| (0..4).map(move |kind| (way, kind)))
    {
        let (ring, far, body) = (patient(), Far::new(), Gate::default());
        let mut computation = computations(ring, &far, &body).into_iter().nth(kind).unwrap();
        assert!(drive(&mut computation).is_pending());
        let write = far.stop_before(way.operation());
        let mut set = way.set(ring, &far, 100);
        assert!(drive(&mut set).is_pending());
        body.open(1);
        let early = drive(&mut computation);
        write.open(1);
        finish(set);
        let came = match early {
            Poll::Ready(value) => value,
            Poll::Pending => finish(computation),
        };
        assert_eq!((came, cached(ring, &far)), (1, Some(100)), "{way:?} {kind}");
        assert_quiet(&far);
    }
}

#[test]
fn readers_after_a_slow_set_get_its_value() {
    for way in WAYS {
        let (ring, far, body) = (patient(), Far::new(), Gate::default());
        let write = far.stop_before(way.operation());
        let mut set = way.set(ring, &far, 100);
        assert!(drive(&mut set).is_pending());
        let [mut early, ..] = computations(ring, &far, &body);
        assert!(drive(&mut early).is_pending());
        write.open(1);
        finish(set);
        // The computation that is still under way does not delay them.
        let late = || hold(async_call(ring, &far, 1, never_async).get_or_update());
        assert_eq!(finish(late()), 100);
        body.open(1);
        assert_eq!(finish(early), 1);
        assert_eq!(finish(late()), 100);
        assert_quiet(&far);
    }
}

#[test]
fn two_sets_that_overlap_end_with_one_of_the_two_values() {
    for (first, second) in WAYS.into_iter().flat_map(|way| WAYS.map(|other| (way, other))) {
        for first_goes_on_first in [true, false] {
            let (ring, far, body) = (patient(), Far::new(), Gate::default());
            finish(Way::Set.set(ring, &far, 7));
            let write = far.stop_before(first.operation());
            let mut one = first.set(ring, &far, 100);
            assert!(drive(&mut one).is_pending());
            let mut two = second.set(ring, &far, 200);
            assert!(drive(&mut two).is_pending(), "they take turns");
            let [_, mut older, ..] = computations(ring, &far, &body);
            assert!(drive(&mut older).is_pending());
            write.open(1);
            if !first_goes_on_first {
                assert!(drive(&mut two).is_pending());
            }
            finish(one);
            finish(two);
            let stands = cached(ring, &far);
            assert!([Some(100), Some(200)].contains(&stands), "{stands:?}");
            body.open(1);
            assert_eq!(finish(older), 1);
            assert_eq!(cached(ring, &far), stands, "{first:?}, {second:?}");
            assert_quiet(&far);
        }
    }
}

#[test]
fn readers_after_sets_of_many_tasks_see_nothing_older() {
    run(async {
        let (ring, far) = (patient(), leak(Far::new()));
        for round in 1..=100 {
            // Computed from the state before this round.
            let older = async_call(ring, far, 1, move || async move {
                tokio::task::yield_now().await;
                10 * round - 9
            });
            let older = [tokio::spawn(older.get_or_update())];
            let sets = (0..4).map(|nth| {
                let one = async_call(ring, far, 1, never_async);
                let value = 10 * round + nth;
                tokio::spawn(async move {
                    match nth % 2 {
                        0 => one.set(value).await.unwrap(),
                        _ => [one].set_many([value]).await.unwrap(),
                    }
                })
            });
            for set in sets.collect::<Vec<_>>() {
                set.await.unwrap();
            }
            let read = async_call(ring, far, 1, never_async).get_or_update().await;
            assert!((10 * round..10 * round + 4).contains(&read), "{round}: {read}");
            for older in older {
                older.await.unwrap();
            }
            assert_eq!(
                async_call(ring, far, 1, never_async).get().await.unwrap(),
                Some(read)
            );
        }
        assert_quiet(far);
    });
}

#[test]
fn a_set_that_is_dropped_before_its_turn_does_not_undo_an_earlier_one() {
    for (first, second) in WAYS.into_iter().flat_map(|way| WAYS.map(|other| (way, other))) {
        let (ring, far) = (patient(), Far::new());
        let write = far.stop_before("write");
        let mut update = hold(async_call(ring, &far, 1, || async { 1 }).update());
        assert!(drive(&mut update).is_pending());
        let mut stays = first.set(ring, &far, 100);
        assert!(drive(&mut stays).is_pending());
        let mut dropped = second.set(ring, &far, 200);
        assert!(drive(&mut dropped).is_pending());
        drop(dropped);
        write.open(1);
        assert_eq!(finish(update), 1);
        finish(stays);
        assert_eq!(cached(ring, &far), Some(100), "{first:?}, {second:?}");
        assert_quiet(&far);
    }
}
