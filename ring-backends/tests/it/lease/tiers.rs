//! Leases through tiers: the far one gives them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use futures_util::future::join;
use ring_cache::{Calls, Lru, Redis, Tiered};
use ring_cache_test_servers::{Redis as Server, Reply, or_leave_out};

use super::service::{Gate, PATIENCE, Service, eventually};

type Tiers = Tiered<Lru<u32>, Redis>;

fn tiers(server: &Server) -> Tiers {
    Tiered::new(
        Lru::new(100),
        Redis::open(server.url()).unwrap().deadline(PATIENCE),
    )
}

#[test]
fn one_process_computes_for_the_tiers_of_all() {
    let Some(server) = or_leave_out("leases through tiers", Server::start()) else {
        return;
    };
    let (gate, computed) = (Gate::default(), Arc::<AtomicU32>::default());
    let act = {
        let (gate, computed) = (gate.clone(), Arc::clone(&computed));
        move |id| {
            computed.fetch_add(1, SeqCst);
            gate.pass();
            Ok(id * 10)
        }
    };
    let [one, other] = [
        Service::new(tiers(&server), act.clone()),
        Service::new(tiers(&server), act),
    ];
    thread::scope(|scope| {
        let both = [&one, &other].map(|service| scope.spawn(|| service.get(1)));
        gate.wait_for(1);
        gate.open();
        assert_eq!(both.map(|call| call.join().unwrap()), [Ok(10), Ok(10)]);
    });
    assert_eq!(
        [2, 3].map(|id| one.get_ring(id)).get_or_update_many(),
        [Ok(20), Ok(30)]
    );
    assert_eq!(
        [2, 3].map(|id| other.get_ring(id)).get_or_update_many(),
        [Ok(20), Ok(30)]
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (first, second) = join(one.get_awaited(4), other.get_awaited(4)).await;
        assert_eq!((first, second), (Ok(40), Ok(40)));
    });
    assert_eq!(computed.load(SeqCst), 4);
    eventually(|| matches!(server.command(&["KEYS", "*%lease"]), Reply::Array(leases) if leases.is_empty()));
}

#[test]
fn superseded_values_are_in_no_tier() {
    let Some(server) = or_leave_out("tiers that are overtaken", Server::start()) else {
        return;
    };
    let gate = Gate::default();
    let one = Service::behind_gate(tiers(&server), &gate, |_| 1);
    let other = Service::new(tiers(&server), Ok);
    thread::scope(|scope| {
        let computing = scope.spawn(|| one.get(1));
        gate.wait_for(1);
        assert!(!other.get_ring(1).delete().unwrap());
        gate.open();
        assert_eq!(computing.join().unwrap(), Ok(1));
    });
    assert_eq!(one.get_ring(1).get().unwrap(), None);
    assert_eq!(one.storage.near().get(&one.get_ring(1).key()), None);
}

#[test]
fn bytes_that_are_no_value_are_computed_anew_through_tiers() {
    let Some(server) = or_leave_out("foreign bytes through tiers with leases", Server::start()) else {
        return;
    };
    server.command(&["SET", "leased:1", "not json"]);
    let one = Service::new(tiers(&server), Ok);
    assert_eq!(one.get(1), Ok(1));
    assert_eq!(server.command(&["GET", "leased:1"]), Reply::Bytes(b"1".to_vec()));
}
