//! Leases of rings with `tags` and `depends`: an entry whose tag was forgotten is absent for all that ask for its lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use ring_cache::{AsyncCalls, Calls, Lookup, Lru, Memcached, Redis, RedisCluster, Tiered, tag};
use ring_cache_test_servers::{
    Memcached as MemcachedServer, Redis as RedisServer, RedisCluster as Servers, Reply, or_leave_out,
};

use super::service::{Gate, PATIENCE, Service, eventually};

macro_rules! a_storage {
    ($name:ident, $Storage:ty) => {
        mod $name {
            use super::*;

            /// A process whose bodies wait at the gate, and return their number among all computations.
            fn numbering(storage: $Storage, gate: &Gate, computed: &Arc<AtomicU32>) -> Service<$Storage> {
                let (gate, computed) = (gate.clone(), Arc::clone(computed));
                Service::new(storage, move |_| {
                    let number = computed.fetch_add(1, SeqCst) + 1;
                    gate.pass();
                    Ok(number)
                })
            }

            fn open_gate() -> Gate {
                let gate = Gate::default();
                gate.open();
                gate
            }

            /// Two processes compute each value once, before and after its tag is forgotten.
            pub(super) fn one_computation(open: impl Fn() -> $Storage) {
                let (gate, computed) = (Gate::default(), Arc::<AtomicU32>::default());
                let [one, other] = [open(), open()].map(|storage| numbering(storage, &gate, &computed));
                let both = || {
                    thread::scope(|scope| {
                        let both = [&one, &other].map(|service| scope.spawn(|| service.get_tagged(1)));
                        gate.wait_for(1);
                        gate.open();
                        both.map(|call| call.join().unwrap())
                    })
                };
                assert_eq!(both(), [Ok(1), Ok(1)]);
                tag("member:1").forget_in(&one.storage).unwrap();
                eventually(|| other.get_tagged_ring(1).get().unwrap().is_none());
                assert_eq!(both(), [Ok(2), Ok(2)], "the old value is given to none");
                tag("team").forget_in(&other.storage).unwrap();
                eventually(|| one.get_tagged_ring(1).get().unwrap().is_none());
                let many = |service: &Service<$Storage>| {
                    [1, 2]
                        .map(|id| service.get_tagged_ring(id))
                        .get_or_update_many()
                };
                let values = many(&one);
                // A lease that has not ended yet makes its key the last.
                assert!([[Ok(3), Ok(4)], [Ok(4), Ok(3)]].contains(&values.clone().try_into().unwrap()));
                assert_eq!(many(&other), values);
                tag("member:2").forget_in(&other.storage).unwrap();
                eventually(|| one.get_tagged_ring(2).get().unwrap().is_none());
                let values = [values[0].clone(), Ok(5)];
                assert_eq!(many(&one), values);
                assert_eq!(many(&other), values);
            }

            pub(super) async fn one_awaited_computation(open: impl Fn() -> $Storage) {
                let (gate, computed) = (open_gate(), Arc::<AtomicU32>::default());
                let [one, other] = [open(), open()].map(|storage| numbering(storage, &gate, &computed));
                let is_forgotten = async |id| {
                    let found = || Box::pin(other.get_tagged_awaited_ring(id).get());
                    while found().await.unwrap().is_some() {}
                };
                let both = async |id| {
                    let first = Box::pin(one.get_tagged_awaited(id));
                    let (first, second) = join(first, Box::pin(other.get_tagged_awaited(id))).await;
                    assert_eq!(first, second);
                    first.unwrap()
                };
                assert_eq!(both(1).await, 1);
                tag("member:1")
                    .forget_in_awaited(&one.storage)
                    .await
                    .unwrap();
                is_forgotten(1).await;
                assert_eq!(both(1).await, 2);
                tag("team").forget_in_awaited(&one.storage).await.unwrap();
                is_forgotten(1).await;
                let many = async |service: &Service<$Storage>| {
                    let calls = [1, 2].map(|id| service.get_tagged_awaited_ring(id));
                    let mut values = calls.get_or_update_many().await;
                    values.sort();
                    values
                };
                assert_eq!(many(&one).await, [Ok(3), Ok(4)]);
                assert_eq!(many(&other).await, [Ok(3), Ok(4)]);
                assert_eq!(one.get_tagged_awaited_ring(1).update().await, Ok(5));
                assert!(one.get_tagged_awaited_ring(1).delete().await.unwrap());
            }

            /// Computes in one process, while another does `meanwhile`. Returns what lies there afterwards.
            fn overtaken(
                open: &impl Fn() -> $Storage,
                get: impl Fn(&Service<$Storage>) -> Result<u32, String> + Sync,
                meanwhile: impl Fn(&Service<$Storage>),
                left: impl Fn(&Service<$Storage>) -> Option<u32>,
            ) -> Option<u32> {
                let gate = Gate::default();
                let one = numbering(open(), &gate, &Arc::default());
                let other = Service::new(open(), |_| Ok(100));
                thread::scope(|scope| {
                    let computing = scope.spawn(|| get(&one));
                    gate.wait_for(1);
                    meanwhile(&other);
                    gate.open();
                    assert_eq!(
                        computing.join().unwrap(),
                        Ok(1),
                        "its caller gets it all the same"
                    );
                });
                assert_eq!(left(&one), left(&other));
                left(&other)
            }

            pub(super) fn overtaken_by_all(open: impl Fn() -> $Storage) {
                let tagged = |meanwhile: &dyn Fn(&Service<$Storage>)| {
                    let left = |service: &Service<$Storage>| service.get_tagged_ring(7).get().unwrap();
                    let found = overtaken(&open, |service| service.get_tagged(7), meanwhile, left);
                    Service::new(open(), Ok)
                        .get_tagged_ring(7)
                        .delete()
                        .unwrap();
                    found
                };
                assert_eq!(tagged(&|_| {}), Some(1));
                let forget = |name: &'static str| {
                    move |other: &Service<$Storage>| tag(name).forget_in(&other.storage).unwrap()
                };
                assert_eq!(tagged(&forget("member:7")), None);
                assert_eq!(tagged(&forget("team")), None);
                assert_eq!(tagged(&forget("member:8")), Some(1));
                assert_eq!(
                    tagged(&|other| _ = other.get_tagged_ring(7).delete().unwrap()),
                    None
                );
                assert_eq!(
                    tagged(&|other| other.get_tagged_ring(7).set(5).unwrap()),
                    Some(5)
                );
                let update = |other: &Service<$Storage>| _ = other.get_tagged_ring(7).update().unwrap();
                assert_eq!(tagged(&update), Some(100));
                let many = |other: &Service<$Storage>| _ = [other.get_tagged_ring(7)].delete_many().unwrap();
                assert_eq!(tagged(&many), None);

                let dependent = |meanwhile: &dyn Fn(&Service<$Storage>)| {
                    let left = |service: &Service<$Storage>| service.get_dependent_ring(7).get().unwrap();
                    // A lease of that life may end while the computation is held.
                    let get = |service: &Service<$Storage>| service.get_dependent_ring(7).get_or_update();
                    overtaken(&open, get, meanwhile, left)
                };
                assert_eq!(
                    dependent(&|other| _ = other.get_briefly_ring(7).delete().unwrap()),
                    None
                );
                assert_eq!(
                    dependent(&|other| other.get_briefly_ring(7).set(5).unwrap()),
                    None
                );
                assert_eq!(
                    dependent(&|other| _ = other.get_briefly_ring(7).update().unwrap()),
                    None
                );
            }

            /// A call that comes after the forget waits for the older computation, and does not take its value.
            pub(super) fn not_given_to_later_calls(open: impl Fn() -> $Storage) {
                let [one, other] = [open(), open()];
                for (round, storage) in [&one, &other].into_iter().enumerate() {
                    let (gate, computed) = (Gate::default(), Arc::<AtomicU32>::default());
                    let older = numbering(one.clone(), &gate, &computed);
                    let newer = numbering(storage.clone(), &gate, &computed);
                    let id = u32::try_from(round).unwrap() + 90;
                    thread::scope(|scope| {
                        let older = scope.spawn(|| older.get_tagged(id));
                        gate.wait_for(1);
                        tag("team").forget_in(&other).unwrap();
                        let newer = scope.spawn(|| newer.get_tagged(id));
                        // Mostly it waits by now.
                        thread::sleep(Duration::from_millis(50));
                        gate.open();
                        assert_eq!(
                            (older.join().unwrap(), newer.join().unwrap()),
                            (Ok(1), Ok(2))
                        );
                    });
                    assert_eq!(newer.get_tagged_ring(id).get().unwrap(), Some(2));
                }
            }

            pub(super) fn all(open: impl Fn() -> $Storage) {
                one_computation(&open);
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(one_awaited_computation(&open));
                overtaken_by_all(&open);
                not_given_to_later_calls(&open);
            }
        }
    };
}
a_storage!(redis, Redis);
a_storage!(cluster, RedisCluster);
a_storage!(memcached, Memcached);
a_storage!(tiers, Tiered<Lru<u32>, Redis>);

fn no_lease_is_left(server: &RedisServer) {
    eventually(|| matches!(server.command(&["KEYS", "*%lease*"]), Reply::Array(leases) if leases.is_empty()));
}

#[test]
fn i6_i7_l2_a_forgotten_entry_is_absent_for_leases_on_redis() {
    let Some(server) = or_leave_out("leases and tags on Redis", RedisServer::start()) else {
        return;
    };
    redis::all(|| Redis::open(server.url()).unwrap().deadline(PATIENCE));
    no_lease_is_left(&server);
}

#[test]
fn i6_i7_l2_a_forgotten_entry_is_absent_for_leases_on_memcached() {
    let Some(server) = or_leave_out("leases and tags on memcached", MemcachedServer::start()) else {
        return;
    };
    memcached::all(|| Memcached::open(server.address()).unwrap().deadline(PATIENCE));
}

#[test]
fn i6_i7_l2_a_forgotten_entry_is_absent_for_leases_on_a_cluster() {
    let Some(servers) = or_leave_out("leases and tags on a cluster", Servers::start()) else {
        return;
    };
    cluster::all(|| RedisCluster::open(servers.urls()).unwrap().deadline(PATIENCE));
}

#[test]
fn i6_i7_l2_a_forgotten_entry_is_absent_for_leases_through_tiers() {
    let Some(server) = or_leave_out("leases and tags through tiers", RedisServer::start()) else {
        return;
    };
    tiers::all(|| {
        let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
        Tiered::new(Lru::new(100), redis)
    });
    no_lease_is_left(&server);
}

#[test]
fn l4_a_stale_value_whose_tag_was_forgotten_is_not_returned_while_another_process_refreshes_it() {
    let Some(server) = or_leave_out("stale values with leases and tags", RedisServer::start()) else {
        return;
    };
    let open = || Redis::open(server.url()).unwrap().deadline(PATIENCE);
    let gate = Gate::default();
    let one = Service::behind_gate(open(), &gate, |_| 2);
    let other = Service::new(open(), |_| Ok(3));
    other.get_tagged_stale_ring(1).set(1).unwrap();
    assert!(other.get_tagged_stale_ring(1).expire().unwrap());
    thread::scope(|scope| {
        let refreshing = scope.spawn(|| one.get_tagged_stale(1));
        gate.wait_for(1);
        assert_eq!(other.get_tagged_stale(1), Ok(1));
        tag("team").forget_in(&other.storage).unwrap();
        assert_eq!(other.get_tagged_stale_ring(1).lookup().unwrap(), Lookup::Absent);
        let computing = scope.spawn(|| other.get_tagged_stale(1));
        gate.open();
        assert_eq!(refreshing.join().unwrap(), Ok(2));
        assert_eq!(computing.join().unwrap(), Ok(3));
    });
    assert_eq!(other.get_tagged_stale_ring(1).lookup().unwrap(), Lookup::Fresh(3));
    no_lease_is_left(&server);
}

/// Without the versions of its tags a value cannot be stored, and its lease is given back.
#[test]
fn l5_a_value_whose_versions_are_not_known_is_not_stored() {
    let Some(server) = or_leave_out("leases without versions of tags", RedisServer::start()) else {
        return;
    };
    let redis = Redis::open(server.url())
        .unwrap()
        .deadline(Duration::from_millis(200));
    let one = {
        let server = server.url();
        Service::new(redis, move |id| {
            // The server answers after the pause.
            let client = ::redis::Client::open(server.as_str()).unwrap();
            let mut connection = client.get_connection().unwrap();
            ::redis::cmd("PING").exec(&mut connection).unwrap();
            Ok(id)
        })
    };
    server.command(&["CLIENT", "PAUSE", "1000"]);
    assert_eq!(one.get_tagged(1), Ok(1));
    eventually(|| matches!(one.get_tagged_ring(1).get(), Ok(None)));
    no_lease_is_left(&server);
    eventually(|| one.get_tagged(1) == Ok(1) && matches!(one.get_tagged_ring(1).get(), Ok(Some(1))));
}
