//! The common behaviour of all storages with leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use futures_util::future::join;
use ring_cache::{AsyncCalls, Calls, Memcached, Redis, RedisCluster};
use ring_cache_test_servers::{
    Memcached as MemcachedServer, Redis as RedisServer, RedisCluster as Servers, Reply, or_leave_out,
};

use super::service::{Gate, PATIENCE, Service, eventually};

macro_rules! a_storage {
    ($name:ident, $Storage:ty) => {
        /// Two processes on one storage: each sees the other's values and changes.
        fn $name(open: impl Fn() -> $Storage) {
            let (gate, computed) = (Gate::default(), Arc::<AtomicU32>::default());
            let act = {
                let (gate, computed) = (gate.clone(), Arc::clone(&computed));
                move |id| {
                    computed.fetch_add(1, SeqCst);
                    gate.pass();
                    Ok(id * 10)
                }
            };
            let [one, other] = [Service::new(open(), act.clone()), Service::new(open(), act)];
            // One computation, blocking or awaited.
            thread::scope(|scope| {
                let both = [&one, &other].map(|service| scope.spawn(|| service.get(1)));
                gate.wait_for(1);
                gate.open();
                assert_eq!(both.map(|call| call.join().unwrap()), [Ok(10), Ok(10)]);
            });
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let (first, second) =
                    join(Box::pin(one.get_awaited(2)), Box::pin(other.get_awaited(2))).await;
                assert_eq!((first, second), (Ok(20), Ok(20)));
                let (first, second) = join(
                    Box::pin(
                        [3, 4]
                            .map(|id| one.get_awaited_ring(id))
                            .get_or_update_many(),
                    ),
                    Box::pin(
                        [3, 4]
                            .map(|id| other.get_awaited_ring(id))
                            .get_or_update_many(),
                    ),
                )
                .await;
                assert_eq!(
                    (first, second),
                    (vec![Ok(30), Ok(40)], vec![Ok(30), Ok(40)])
                );
                assert_eq!(other.get_awaited_ring(2).update().await, Ok(20));
                assert!(other.get_awaited_ring(2).delete().await.unwrap());
            });
            assert_eq!(computed.load(SeqCst), 5);
            assert_eq!(
                [5, 6].map(|id| one.get_ring(id)).get_or_update_many(),
                [Ok(50), Ok(60)]
            );
            assert_eq!(
                [5, 6].map(|id| other.get_ring(id)).get_many().unwrap(),
                [Some(50), Some(60)]
            );
            assert_eq!(
                [5, 6].map(|id| other.get_ring(id)).update_many(),
                [Ok(50), Ok(60)]
            );
            assert_eq!(
                [5, 6].map(|id| one.get_ring(id)).touch_many().unwrap(),
                [true, true]
            );
            assert_eq!(
                [5, 6].map(|id| one.get_ring(id)).delete_many().unwrap(),
                [true, true]
            );
            assert_eq!(
                [5, 6].map(|id| other.get_ring(id)).delete_many().unwrap(),
                [false, false]
            );
            overtaken(
                &open,
                |other| assert!(!other.get_ring(7).delete().unwrap()),
                None,
            );
            overtaken(&open, |other| other.get_ring(7).set(5).unwrap(), Some(5));
            overtaken(
                &open,
                |other| assert_eq!(other.get_ring(7).update(), Ok(2)),
                Some(2),
            );

            fn overtaken(
                open: &impl Fn() -> $Storage,
                meanwhile: impl Fn(&Service<$Storage>),
                left: Option<u32>,
            ) {
                let gate = Gate::default();
                let slow = Service::behind_gate(open(), &gate, |_| 1);
                let other = Service::new(open(), |_| Ok(2));
                other.get_ring(7).delete().unwrap();
                thread::scope(|scope| {
                    let computing = scope.spawn(|| slow.get(7));
                    gate.wait_for(1);
                    meanwhile(&other);
                    gate.open();
                    assert_eq!(computing.join().unwrap(), Ok(1));
                });
                assert_eq!(other.get_ring(7).get().unwrap(), left);
            }
        }
    };
}
a_storage!(redis_leases, Redis);
a_storage!(cluster_leases, RedisCluster);
a_storage!(memcached_leases, Memcached);

#[test]
fn redis() {
    let Some(server) = or_leave_out("leases on Redis", RedisServer::start()) else {
        return;
    };
    redis_leases(|| Redis::open(server.url()).unwrap().deadline(PATIENCE));
    // Everything was released or used.
    eventually(|| matches!(server.command(&["KEYS", "*%lease*"]), Reply::Array(leases) if leases.is_empty()));
}

#[test]
fn memcached() {
    let Some(server) = or_leave_out("leases on memcached", MemcachedServer::start()) else {
        return;
    };
    memcached_leases(|| Memcached::open(server.address()).unwrap().deadline(PATIENCE));
}

#[test]
fn l7_the_lease_of_a_cluster_is_in_the_slot_of_its_key() {
    let Some(servers) = or_leave_out("leases on a cluster", Servers::start()) else {
        return;
    };
    let open = || RedisCluster::open(servers.urls()).unwrap().deadline(PATIENCE);
    cluster_leases(open);
    let (one, other) = (Service::new(open(), Ok), Service::new(open(), Ok));
    // Texts of many lengths, with braces that could determine the slot of a key.
    let texts = (0..40).map(|length| {
        "{}}{a{b}c"
            .chars()
            .cycle()
            .skip(length)
            .take(length)
            .collect::<String>()
    });
    for text in texts {
        let length = u32::try_from(text.len()).unwrap();
        assert_eq!(one.get_text(&text), Ok(length), "{text}");
        assert_eq!(one.get_text_ring(&text).get().unwrap(), Some(length), "{text}");
        assert_eq!(other.get_text_ring(&text).update(), Ok(length), "{text}");
        assert!(other.get_text_ring(&text).delete().unwrap());
    }
    assert_eq!(
        one.get_text_cache().stats().errors + other.get_text_cache().stats().errors,
        0
    );
    // `clear` removes leases, wherever they are.
    let gate = Gate::default();
    let slow = Service::behind_gate(open(), &gate, |id| id);
    let texts = ["{a}", "b", "c}"];
    thread::scope(|scope| {
        let computing = texts.map(|text| scope.spawn(|| slow.get_text(text)));
        gate.wait_for(3);
        other.get_text_cache().clear().unwrap();
        gate.open();
        for call in computing {
            call.join().unwrap().unwrap();
        }
    });
    for text in texts {
        assert_eq!(other.get_text_ring(text).get().unwrap(), None, "{text}");
    }
}
