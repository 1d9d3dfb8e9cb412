//! A storage that fails never changes the result of a plain call.

use std::sync::Barrier;
use std::thread::{scope, sleep};
use std::time::Duration;

use ring_cache_core::coder::{Cause, Coder};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Action, ActionResult, Calls, Error, ErrorKind, Map, Plain};

use crate::support::{Cache, Remote, assert_quiet, call, fallible, never, ring};

const EVERYTHING: [&str; 8] = [
    "read",
    "write",
    "remove",
    "contains",
    "renew",
    "read_many",
    "write_many",
    "remove_many",
];

fn broken() -> Remote<u32> {
    let remote = Remote::new();
    remote.fail(&EVERYTHING);
    remote
}

#[test]
fn a_plain_call_returns_the_bodys_value_whatever_fails() {
    let (ring, broken) = (ring(), broken());
    for round in 0..3 {
        assert_eq!(call(ring, &broken, 1, || round).get_or_update(), round);
        assert_eq!(call(ring, &broken, 1, || round).update(), round);
        assert_eq!(call(ring, &broken, 1, || round).execute(), round);
        assert_eq!(
            fallible(ring, &broken, 1, || Ok(round)).get_or_update(),
            Ok(round)
        );
        assert_eq!(
            fallible(ring, &broken, 1, || Err("no")).get_or_update(),
            Err("no")
        );
    }
    let calls = || (0..4).map(|id| call(ring, &broken, id, move || 10 * id));
    assert_eq!(calls().get_or_update_many(), [0, 10, 20, 30]);
    assert_eq!(calls().update_many(), [0, 10, 20, 30]);
    assert_eq!(calls().execute_many(), [0, 10, 20, 30]);
    let run = call(ring, &broken, 1, || 7).run(Action::GetOrUpdate);
    assert_eq!(run.unwrap(), ActionResult::Returned(7));
    assert_quiet(&broken);
}

#[test]
fn each_operation_may_fail_alone() {
    for operation in EVERYTHING {
        let (ring, remote) = (ring(), Remote::new());
        remote.fail(&[operation]);
        for round in 0..2 {
            let value = call(ring, &remote, 1, || round).get_or_update();
            assert!(value <= round);
            let values = [call(ring, &remote, 2, || round)].get_or_update_many();
            assert!(values[0] <= round);
        }
        assert_quiet(&remote);
    }
}

#[test]
fn errors_of_explicit_verbs_name_the_ring_the_storage_and_the_operation() {
    let (ring, broken) = (ring(), broken());
    let one = || call(ring, &broken, 1, never::<u32>);
    let message = |error: Error| {
        assert_eq!((error.kind(), error.ring()), (ErrorKind::Storage, Some("p")));
        assert!(
            std::error::Error::source(&error).is_none(),
            "the message ends with the cause"
        );
        error.to_string()
    };
    assert_eq!(
        message(one().get().unwrap_err()),
        "read on remote for the ring `p` failed: connection refused"
    );
    assert_eq!(one().set(1).unwrap_err().operation(), "write");
    assert_eq!(one().delete().unwrap_err().operation(), "remove");
    assert_eq!(one().has().unwrap_err().operation(), "contains");
    assert_eq!(one().touch().unwrap_err().operation(), "contains");
    let touch = one().expire_in(Duration::from_secs(1)).touch();
    assert_eq!(touch.unwrap_err().operation(), "renew");
    for error in [
        [one()].get_many().map(drop),
        [one()].set_many([1]),
        [one()].delete_many().map(drop),
        [one()].has_many().map(drop),
        [one()].touch_many().map(drop),
        one().run(Action::Get).map(drop),
        one().run(Action::Delete).map(drop),
        one().run(Action::Has).map(drop),
        one().run(Action::Touch).map(drop),
    ] {
        message(error.unwrap_err());
    }
    assert_eq!(one().key(), "p:1");
    assert_eq!(one().run(Action::Key).unwrap(), ActionResult::Key(one().key()));
    assert_eq!(Cache::new(ring, &broken).stats::<u32>().errors, 15);
}

#[test]
fn waiters_get_a_value_that_could_not_be_stored() {
    let (ring, broken, start) = (ring(), broken(), Barrier::new(8));
    let runs = std::sync::atomic::AtomicU32::new(0);
    scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let cached = call(ring, &broken, 1, || {
                    sleep(Duration::from_millis(100));
                    runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
                });
                assert_eq!(cached.get_or_update(), 0);
            });
        }
    });
    let stats = Cache::new(ring, &broken).stats::<u32>();
    assert_eq!((runs.into_inner(), stats.coalesced, stats.stores), (1, 7, 0));
    assert_eq!(stats.errors, 9, "eight look-ups and one store");
    assert_quiet(&broken);
}

#[test]
fn a_look_up_that_failed_is_not_repeated() {
    let (ring, broken) = (ring(), broken());
    call(ring, &broken, 1, || 1).get_or_update();
    assert_eq!(broken.operations(), ["read", "write"]);
    [call(ring, &broken, 1, || 1)].get_or_update_many();
    assert_eq!(broken.operations(), ["read_many", "write_many"]);
}

#[test]
fn a_miss_costs_one_look_up_and_one_store() {
    let (ring, remote) = (ring(), Remote::new());
    call(ring, &remote, 1, || 1).get_or_update();
    assert_eq!(remote.operations(), ["read", "write"]);
    call(ring, &remote, 1, never::<u32>).get_or_update();
    assert_eq!(remote.operations(), ["read"]);
}

#[test]
fn after_a_failed_store_the_next_call_computes_again() {
    let (ring, remote) = (ring(), Remote::new());
    remote.fail(&["write"]);
    assert_eq!(call(ring, &remote, 1, || 1).get_or_update(), 1);
    remote.fail(&[]);
    assert_eq!(call(ring, &remote, 1, || 2).get_or_update(), 2);
    assert_eq!(call(ring, &remote, 1, never).get_or_update(), 2);
    let stats = Cache::new(ring, &remote).stats::<u32>();
    assert_eq!(
        (stats.hits, stats.misses, stats.stores, stats.errors),
        (1, 2, 1, 1)
    );
}

/// Writes `u32` as text, and refuses the number 13.
struct Decimal;

impl Coder<u32> for Decimal {
    fn encode(value: &u32) -> Result<Vec<u8>, Cause> {
        match value {
            13 => Err("13 cannot be written".into()),
            _ => Ok(value.to_string().into_bytes()),
        }
    }

    fn decode(bytes: &[u8]) -> Result<u32, Cause> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    }
}

macro_rules! decimal {
    ($ring:expr, $storage:expr, $body:expr) => {
        Cache::new($ring, Coded::<_, Decimal>::from($storage))
            .bind::<Plain<u32>, _, _>((1_u32,), move |_| $body())
    };
}

#[test]
fn foreign_bytes_are_a_miss_that_is_overwritten() {
    let (ring, map) = (ring(), Map::<Vec<u8>>::new());
    let cached = |body: fn() -> u32| decimal!(ring, &map, body);
    let key = cached(never).key();
    map.set(&key, b"foreign".to_vec());
    assert_eq!(cached(never).get(), None);
    assert_eq!(Cache::new(ring, &map).stats::<Vec<u8>>().errors, 1);
    assert_eq!(cached(|| 7).get_or_update(), 7);
    assert_eq!(Cache::new(ring, &map).stats::<Vec<u8>>().errors, 2);
    assert_eq!(map.peek("p:1"), Some(b"7".to_vec()));
    assert_eq!(cached(never).get_or_update(), 7);
    map.set(&key, b"foreign again".to_vec());
    assert_eq!([cached(|| 8)].get_or_update_many(), [8]);
    assert_eq!(map.peek("p:1"), Some(b"8".to_vec()));
}

#[test]
fn a_value_that_cannot_be_encoded_is_returned_and_leaves_nothing_stale() {
    let (ring, map) = (ring(), Map::<Vec<u8>>::new());
    let cached = |body: fn() -> u32| decimal!(ring, &map, body);
    assert_eq!(cached(|| 13).get_or_update(), 13);
    assert!(map.is_empty());
    type Step<'s> = (&'s str, &'s dyn Fn());
    let steps: [Step<'_>; 5] = [
        ("update", &|| assert_eq!(cached(|| 13).update(), 13)),
        ("update_many", &|| assert_eq!([cached(|| 13)].update_many(), [13])),
        ("set", &|| cached(never).set(13)),
        ("set_many", &|| {
            let error = [cached(never)].set_many([13]).unwrap_err();
            assert_eq!((error.kind(), error.ring()), (ErrorKind::Encode, Some("p")));
        }),
        ("run", &|| {
            assert_eq!(cached(|| 13).run(Action::Update), ActionResult::Returned(13))
        }),
    ];
    for (verb, step) in steps {
        cached(never).set(7);
        let errors = Cache::new(ring, &map).stats::<Vec<u8>>().errors;
        step();
        assert!(!cached(never).has(), "{verb}");
        assert_eq!(
            Cache::new(ring, &map).stats::<Vec<u8>>().errors,
            errors + 1,
            "{verb}"
        );
    }
    assert_quiet(&map);
}

#[test]
fn set_returns_the_coders_error_where_it_can_fail() {
    let (ring, remote) = (ring(), Remote::<Vec<u8>>::new());
    let cached = || decimal!(ring, &remote, never);
    cached().set(7).unwrap();
    let error = cached().set(13).unwrap_err();
    assert_eq!((error.kind(), error.ring()), (ErrorKind::Encode, Some("p")));
    assert_eq!(
        error.to_string(),
        "encode for the ring `p` failed: 13 cannot be written"
    );
    assert!(!cached().has().unwrap());
}

#[test]
fn set_many_stores_the_values_that_can_be_encoded() {
    let (ring, map) = (ring(), Map::<Vec<u8>>::new());
    let calls = || {
        [1_u32, 2, 3].map(|id| {
            Cache::new(ring, Coded::<_, Decimal>::from(&map)).bind::<Plain<u32>, _, _>((id,), |_| never())
        })
    };
    calls().set_many([1, 2, 3]).unwrap();
    assert_eq!(
        calls().set_many([10, 13, 30]).unwrap_err().kind(),
        ErrorKind::Encode
    );
    assert_eq!(calls().get_many(), [Some(10), None, Some(30)]);
}

#[test]
fn encode_and_decode_name_the_ring() {
    let (ring, map) = (ring(), Map::<Vec<u8>>::new());
    let cached = decimal!(ring, &map, never);
    assert_eq!(cached.encode(&42).unwrap(), b"42");
    assert_eq!(cached.decode(b"42").unwrap(), 42);
    assert_eq!(cached.encode(&13).unwrap_err().ring(), Some("p"));
    let error = cached.decode(b"x").unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, "decode"));
}

#[test]
fn a_storage_with_too_few_answers_loses_no_calls() {
    let (ring, remote) = (ring(), Remote::new());
    let calls = || [1_u32, 2, 3].map(|id| call(ring, &remote, id, move || 10 * id));
    remote.answer_at_most(0);
    assert_eq!(calls().get_or_update_many(), [10, 20, 30]);
    assert_eq!(calls().get_many().unwrap(), [None; 3]);
    remote.answer_at_most(1);
    assert_eq!(calls().get_or_update_many(), [10, 20, 30]);
    assert_eq!(calls().get_many().unwrap(), [Some(10), None, None]);
    let stats = Cache::new(ring, &remote).stats::<u32>();
    assert_eq!(stats.hits + stats.misses, 12);
    assert_quiet(&remote);
}
