//! An awaited storage that fails or hangs never changes the result of a plain call.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use ring_cache_core::coder::{Cause, Coder};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Action, ActionResult, AsyncCache, AsyncCalls, Error, ErrorKind, Lru, Plain};

use crate::support::{
    AsyncRemote, Count, Gate, assert_quiet, async_call, async_fallible, drive, finish, hold, leak,
    misses_reach, never_async, patient, ring, run,
};

const EVERYTHING: [&str; 9] = [
    "read",
    "write",
    "remove",
    "contains",
    "renew",
    "read_many",
    "write_many",
    "remove_many",
    "clear",
];

fn broken() -> AsyncRemote<u32> {
    let remote = AsyncRemote::new();
    remote.fail(&EVERYTHING);
    remote
}

#[test]
fn a_plain_call_returns_the_bodys_value_whatever_fails() {
    run(async {
        let (ring, broken) = (ring(), broken());
        for round in 0..3 {
            let one = || async_call(ring, &broken, 1, || async { round });
            assert_eq!(one().get_or_update().await, round);
            assert_eq!(one().update().await, round);
            assert_eq!(one().execute().await, round);
            let yes = async_fallible(ring, &broken, 1, || async { Ok(round) });
            assert_eq!(yes.get_or_update().await, Ok(round));
            let no = async_fallible(ring, &broken, 1, || async { Err("no") });
            assert_eq!(no.get_or_update().await, Err("no"));
        }
        let calls = || (0..4).map(|id| async_call(ring, &broken, id, move || async move { 10 * id }));
        assert_eq!(calls().get_or_update_many().await, [0, 10, 20, 30]);
        assert_eq!(calls().update_many().await, [0, 10, 20, 30]);
        assert_eq!(calls().execute_many().await, [0, 10, 20, 30]);
        let run = async_call(ring, &broken, 1, || async { 7 }).run(Action::GetOrUpdate);
        assert_eq!(run.await.unwrap(), ActionResult::Returned(7));
        assert_quiet(&broken);
    });
}

#[test]
fn each_operation_may_fail_alone() {
    run(async {
        for operation in EVERYTHING {
            let (ring, remote) = (ring(), AsyncRemote::new());
            remote.fail(&[operation]);
            for round in 0..2 {
                let value = async_call(ring, &remote, 1, || async { round })
                    .get_or_update()
                    .await;
                assert!(value <= round);
                let values = [async_call(ring, &remote, 2, || async { round })]
                    .get_or_update_many()
                    .await;
                assert!(values[0] <= round);
            }
            assert_quiet(&remote);
        }
    });
}

#[test]
fn errors_of_explicit_verbs_name_the_ring_the_storage_and_the_operation() {
    run(async {
        let (ring, broken) = (ring(), broken());
        let one = || async_call(ring, &broken, 1, never_async::<u32>);
        let message = |error: Error| {
            assert_eq!((error.kind(), error.ring()), (ErrorKind::Storage, Some("p")));
            assert!(
                std::error::Error::source(&error).is_none(),
                "the message ends with the cause"
            );
            error.to_string()
        };
        assert_eq!(
            message(one().get().await.unwrap_err()),
            "read on remote for the ring `p` failed: connection refused"
        );
        assert_eq!(one().set(1).await.unwrap_err().operation(), "write");
        assert_eq!(one().delete().await.unwrap_err().operation(), "remove");
        assert_eq!(one().has().await.unwrap_err().operation(), "contains");
        assert_eq!(one().touch().await.unwrap_err().operation(), "contains");
        let touch = one().expire_in(Duration::from_secs(1)).touch();
        assert_eq!(touch.await.unwrap_err().operation(), "renew");
        for error in [
            [one()].get_many().await.map(drop),
            [one()].set_many([1]).await,
            [one()].delete_many().await.map(drop),
            [one()].has_many().await.map(drop),
            [one()].touch_many().await.map(drop),
            one().run(Action::Get).await.map(drop),
            one().run(Action::Delete).await.map(drop),
            one().run(Action::Has).await.map(drop),
            one().run(Action::Touch).await.map(drop),
        ] {
            message(error.unwrap_err());
        }
        assert_eq!(one().key(), "p:1");
        assert_eq!(
            one().run(Action::Key).await.unwrap(),
            ActionResult::Key(one().key())
        );
        let cache = AsyncCache::new(ring, &broken);
        assert_eq!(cache.stats::<u32>().errors, 15);
        assert_eq!(
            message(cache.clear::<u32>().await.unwrap_err()),
            "clear on remote for the ring `p` failed: connection refused"
        );
    });
}

#[test]
fn waiters_get_a_value_that_could_not_be_stored() {
    run(async {
        let (ring, broken, runs) = (patient(), broken(), Count::default());
        let body = || async {
            misses_reach(ring, &broken, 8).await;
            runs.next() as u32
        };
        let values = join_all((0..8).map(|_| async_call(ring, &broken, 1, body).get_or_update())).await;
        assert_eq!((values, runs.get()), (vec![1; 8], 1));
        let stats = AsyncCache::new(ring, &broken).stats::<u32>();
        assert_eq!(
            (stats.hits, stats.misses, stats.coalesced, stats.stores),
            (0, 8, 7, 0)
        );
        assert_eq!(stats.errors, 9, "eight look-ups and one store");
        assert_quiet(&broken);
    });
}

#[test]
fn a_miss_costs_one_look_up_and_one_store() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        async_call(ring, &remote, 1, || async { 1 }).get_or_update().await;
        assert_eq!(remote.operations(), ["read", "write"]);
        async_call(ring, &remote, 1, never_async::<u32>)
            .get_or_update()
            .await;
        assert_eq!(remote.operations(), ["read"]);
        // A look-up that failed is not repeated.
        remote.fail(&EVERYTHING);
        async_call(ring, &remote, 1, || async { 1 }).get_or_update().await;
        assert_eq!(remote.operations(), ["read", "write"]);
        [async_call(ring, &remote, 1, || async { 1 })]
            .get_or_update_many()
            .await;
        assert_eq!(remote.operations(), ["read_many", "write_many"]);
        let stats = AsyncCache::new(ring, &remote).stats::<u32>();
        assert_eq!(
            (stats.hits, stats.misses, stats.stores, stats.errors),
            (1, 3, 1, 4)
        );
    });
}

#[test]
fn after_a_failed_store_the_next_call_computes_again() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        remote.fail(&["write"]);
        assert_eq!(
            async_call(ring, &remote, 1, || async { 1 }).get_or_update().await,
            1
        );
        remote.fail(&[]);
        assert_eq!(
            async_call(ring, &remote, 1, || async { 2 }).get_or_update().await,
            2
        );
        assert_eq!(async_call(ring, &remote, 1, never_async).get_or_update().await, 2);
        let stats = AsyncCache::new(ring, &remote).stats::<u32>();
        assert_eq!(
            (stats.hits, stats.misses, stats.stores, stats.errors),
            (1, 2, 1, 1)
        );
    });
}

#[test]
fn a_hanging_store_delays_its_own_call_only() {
    run(async {
        for operation in ["write", "write_many"] {
            let (ring, remote) = (patient(), leak(AsyncRemote::new()));
            let gate = remote.stop_before(operation);
            let hanging = async_call(ring, remote, 1, || async { 1 });
            let hanging = tokio::spawn(async move {
                match operation {
                    "write" => hanging.get_or_update().await,
                    _ => [hanging].get_or_update_many().await[0],
                }
            });
            gate.reached().await;
            let other = async_call(ring, remote, 2, || async { 2 });
            assert_eq!(other.get_or_update().await, 2);
            assert!(
                async_call(ring, remote, 2, never_async::<u32>)
                    .delete()
                    .await
                    .unwrap()
            );
            gate.open(1);
            assert_eq!(hanging.await.unwrap(), 1);
            assert_quiet(remote);
        }
    });
}

#[test]
fn a_call_during_a_failing_write_gets_the_value() {
    let (ring, remote) = (patient(), leak(AsyncRemote::new()));
    remote.fail(&["write"]);
    let gate = remote.stop_before("write");
    let mut leader = hold(async_call(ring, remote, 1, || async { 1 }).get_or_update());
    assert!(drive(&mut leader).is_pending());
    let newcomer = hold(async_call(ring, remote, 1, never_async).get_or_update());
    assert_eq!(finish(newcomer), 1, "it does not wait for the write");
    gate.open(1);
    assert_eq!(finish(leader), 1);
    assert_quiet(remote);
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

#[test]
fn foreign_bytes_are_a_miss_and_a_value_that_cannot_be_encoded_leaves_no_entry() {
    run(async {
        let (ring, lru, remote) = (ring(), Lru::<Vec<u8>>::new(10), AsyncRemote::<Vec<u8>>::new());
        macro_rules! cached {
            ($storage:expr, $value:expr) => {
                AsyncCache::new(ring, Coded::<_, Decimal>::from($storage))
                    .bind::<Plain<u32>, _, _, _>((1_u32,), |_| async { $value })
            };
        }
        let key = cached!(&remote, 0).key();
        remote
            .entries
            .lock()
            .unwrap()
            .insert(key.to_string(), b"foreign".to_vec());
        assert_eq!(cached!(&remote, 0).get().await.unwrap(), None);
        assert_eq!(cached!(&remote, 7).get_or_update().await, 7);
        assert_eq!(cached!(&remote, 8).get_or_update().await, 7);
        assert_eq!(AsyncCache::new(ring, &remote).stats::<Vec<u8>>().errors, 2);
        // On a storage that can fail, `set` returns the error; a computed value is still returned.
        assert_eq!(
            cached!(&remote, 0).set(13).await.unwrap_err().kind(),
            ErrorKind::Encode
        );
        assert!(!cached!(&remote, 0).has().await.unwrap());
        assert_eq!([cached!(&remote, 7)].update_many().await, [7]);
        assert_eq!([cached!(&remote, 13)].update_many().await, [13]);
        assert!(!cached!(&remote, 0).has().await.unwrap());
        // On a storage that cannot fail, a counter shows it.
        cached!(&lru, 0).set(7).await;
        cached!(&lru, 0).set(13).await;
        assert!(!cached!(&lru, 0).has().await);
        assert_eq!(cached!(&lru, 13).get_or_update().await, 13);
        assert_eq!(cached!(&lru, 13).update().await, 13);
        assert!(lru.is_empty());
        assert_quiet(&remote);
    });
}

/// Writes `u32` as text, and counts the encodings.
struct Counting;

static ENCODED: AtomicUsize = AtomicUsize::new(0);

impl Coder<u32> for Counting {
    fn encode(value: &u32) -> Result<Vec<u8>, Cause> {
        ENCODED.fetch_add(1, SeqCst);
        Decimal::encode(value)
    }

    fn decode(bytes: &[u8]) -> Result<u32, Cause> {
        Decimal::decode(bytes)
    }
}

#[test]
fn a_value_is_encoded_once_for_the_storage_and_all_waiters() {
    let (ring, remote, gate) = (patient(), AsyncRemote::<Vec<u8>>::new(), Gate::leaked());
    let cached = || {
        AsyncCache::new(ring, Coded::<_, Counting>::from(&remote)).bind::<Plain<u32>, _, _, _>(
            (1_u32,),
            |_| async {
                gate.pass().await;
                7
            },
        )
    };
    let mut calls = [(); 3].map(|()| hold(cached().get_or_update()));
    for call in &mut calls {
        assert!(drive(call).is_pending());
    }
    gate.open(1);
    for call in calls {
        assert_eq!(finish(call), 7);
    }
    assert_eq!(ENCODED.load(SeqCst), 1);
}
