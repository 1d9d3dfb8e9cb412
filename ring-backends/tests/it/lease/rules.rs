//! The rules of leases, on Redis.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use futures_util::future::join;
use ring_cache::{AsyncCalls, Calls, Lookup, Redis};
use ring_cache_test_servers::{Redis as Server, Reply, or_leave_out};

use super::service::{Gate, PATIENCE, Service, eventually};

fn server(what: &str) -> Option<Server> {
    or_leave_out(what, Server::start())
}

/// A process on this server, whose bodies run `act`.
fn process(
    server: &Server,
    act: impl Fn(u32) -> Result<u32, String> + Send + Sync + 'static,
) -> Service<Redis> {
    Service::new(redis(server), act)
}

fn redis(server: &Server) -> Redis {
    Redis::open(server.url()).unwrap().deadline(PATIENCE)
}

fn idle(server: &Server) -> Service<Redis> {
    process(server, |_| panic!("this process does not compute"))
}

fn has_lease(server: &Server, key: &str) -> bool {
    matches!(
        server.command(&["EXISTS", &format!("{key}%lease")]),
        Reply::Integer(1)
    )
}

/// The number of times that each command was sent since the last reset.
fn calls(server: &Server, command: &str) -> u64 {
    let stats = server.info("commandstats");
    let line = stats.get(&format!("cmdstat_{command}"));
    let count = line.and_then(|line| line.split(['=', ',']).nth(1)?.parse().ok());
    count.unwrap_or(0)
}

#[test]
fn l1_a_hit_sends_what_it_sends_without_a_lease_and_a_miss_two_scripts() {
    let Some(server) = server("the commands of a hit with a lease") else {
        return;
    };
    let one = process(&server, Ok);
    // For the connection and the scripts.
    assert_eq!(one.get(1), Ok(1));
    server.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(one.get(1), Ok(1));
    assert_eq!((calls(&server, "get"), calls(&server, "echo")), (1, 1));
    let stats = server.info("commandstats");
    let sent: Vec<_> = stats.keys().filter(|name| !name.contains("config")).collect();
    assert_eq!(sent, ["cmdstat_echo", "cmdstat_get", "cmdstat_info"]);
    server.command(&["CONFIG", "RESETSTAT"]);
    assert_eq!(one.get(2), Ok(2));
    assert_eq!(calls(&server, "evalsha"), 2, "one asks, one stores");
    assert!(!has_lease(&server, "leased:2"));
}

#[test]
fn l1_another_process_takes_the_value_and_computes_nothing() {
    let Some(server) = server("the value of another process") else {
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
    let [one, other] = [process(&server, act.clone()), process(&server, act)];
    thread::scope(|scope| {
        let first = scope.spawn(|| one.get(7));
        gate.wait_for(1);
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| other.get(7))).collect();
        server.command(&["CONFIG", "RESETSTAT"]);
        eventually(|| calls(&server, "evalsha") > 3);
        gate.open();
        assert_eq!(first.join().unwrap(), Ok(70));
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), Ok(70));
        }
    });
    assert_eq!(computed.load(SeqCst), 1);
    assert_eq!(other.get_ring(7).get().unwrap(), Some(70));
}

/// Computes 1 in one process, while another runs `meanwhile`. Returns the stored value afterwards.
fn overtaken(server: &Server, meanwhile: impl Fn(&Service<Redis>)) -> Option<u32> {
    let gate = Gate::default();
    let one = Service::behind_gate(redis(server), &gate, |_| 1);
    let other = process(server, |_| Ok(2));
    other.get_ring(3).delete().unwrap();
    thread::scope(|scope| {
        let computing = scope.spawn(|| one.get(3));
        gate.wait_for(1);
        assert!(has_lease(server, "leased:3"));
        meanwhile(&other);
        gate.open();
        assert_eq!(
            computing.join().unwrap(),
            Ok(1),
            "its caller gets it all the same"
        );
    });
    other.get_ring(3).get().unwrap()
}

#[test]
fn l2_a_computation_that_is_overtaken_is_stored_by_no_process() {
    let Some(server) = server("computations that are overtaken") else {
        return;
    };
    assert_eq!(overtaken(&server, |_| {}), Some(1));
    assert_eq!(
        overtaken(&server, |other| assert!(!other.get_ring(3).delete().unwrap())),
        None
    );
    assert_eq!(
        overtaken(&server, |other| other.get_ring(3).set(5).unwrap()),
        Some(5)
    );
    assert_eq!(
        overtaken(&server, |other| assert_eq!(other.get_ring(3).update(), Ok(2))),
        Some(2)
    );
    assert_eq!(
        overtaken(&server, |other| assert!(!other.get_ring(3).expire().unwrap())),
        None
    );
    assert_eq!(
        overtaken(&server, |other| other.get_cache().clear().unwrap()),
        None
    );
    let many = |other: &Service<Redis>| drop([other.get_ring(3)].delete_many().unwrap());
    assert_eq!(overtaken(&server, many), None);
    let many = |other: &Service<Redis>| [other.get_ring(3)].set_many([6]).unwrap();
    assert_eq!(overtaken(&server, many), Some(6));
    let many = |other: &Service<Redis>| assert_eq!([other.get_ring(3)].update_many(), [Ok(2)]);
    assert_eq!(overtaken(&server, many), Some(2));
}

#[test]
fn l2_an_update_that_is_overtaken_leaves_no_older_value() {
    let Some(server) = server("updates that are overtaken") else {
        return;
    };
    let gate = Gate::default();
    let one = Service::behind_gate(redis(&server), &gate, |_| 1);
    let other = idle(&server);
    thread::scope(|scope| {
        let updating = scope.spawn(|| one.get_ring(3).update());
        gate.wait_for(1);
        other.get_ring(3).set(5).unwrap();
        gate.open();
        assert_eq!(updating.join().unwrap(), Ok(1));
    });
    assert_eq!(
        other.get_ring(3).get().unwrap(),
        None,
        "no value that the update was to replace"
    );
}

#[test]
fn l3_a_computation_that_outlives_its_lease_is_returned_and_not_stored() {
    let Some(server) = server("computations that outlive their leases") else {
        return;
    };
    let url = server.url();
    let one = process(&server, {
        let looking = Redis::open(&url).unwrap().deadline(PATIENCE);
        move |id| {
            let mut client = looking.backend().get_connection().unwrap();
            let is_held = move || {
                let exists: u32 = redis::cmd("EXISTS")
                    .arg("briefly:4%lease")
                    .query(&mut client)
                    .unwrap();
                exists == 1
            };
            let is_held = parking_lot::Mutex::new(is_held);
            eventually(|| !(is_held.lock())());
            Ok(id)
        }
    });
    assert_eq!(one.get_briefly(4), Ok(4));
    assert_eq!(one.get_briefly_ring(4).get().unwrap(), None);
}

#[test]
fn l3_what_is_not_stored_releases_its_lease_at_once() {
    let Some(server) = server("leases that are released") else {
        return;
    };
    let released = |key: &str| eventually(|| !has_lease(&server, key));
    let failing = process(&server, |_| Err("down".into()));
    assert_eq!(failing.get(1), Err("down".into()));
    released("leased:1");
    let panicking = process(&server, |_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| panicking.get(2))).is_err());
    released("leased:2");
    let refused = process(&server, |_| Ok(0));
    assert_eq!(refused.get_unless_zero(3), Ok(0));
    released("unless:3");
    assert_eq!(refused.get_unless_zero_ring(3).get().unwrap(), None);
    let gate = Gate::default();
    let slow = Service::behind_gate(redis(&server), &gate, |id| id);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let cancelled = tokio::spawn({
            let slow = slow.clone();
            async move { slow.get_awaited(4).await }
        });
        eventually(|| has_lease(&server, "leased-awaited:4"));
        cancelled.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
    });
    released("leased-awaited:4");
    gate.open();
    // None of them makes another process wait.
    let next = process(&server, Ok);
    assert_eq!(
        (next.get(1), next.get(2), next.get_unless_zero(3)),
        (Ok(1), Ok(2), Ok(3))
    );
}

#[test]
fn l4_leases_that_are_not_used_end_when_their_storage_is_dropped() {
    let Some(server) = server("leases of dropped storages") else {
        return;
    };
    for id in 0..100 {
        assert_eq!(process(&server, |_| Ok(0)).get_unless_zero(id), Ok(0));
    }
    eventually(|| matches!(server.command(&["KEYS", "*"]), Reply::Array(keys) if keys.is_empty()));
    let counts = server.command(&["INFO", "stats"]).bytes().unwrap();
    let counts = String::from_utf8(counts).unwrap();
    assert!(
        counts.contains("expired_keys:0\r\n"),
        "they were released: {counts}"
    );
}

#[test]
fn l4_a_stale_value_is_returned_while_another_process_refreshes_it() {
    let Some(server) = server("stale values with leases") else {
        return;
    };
    let gate = Gate::default();
    let one = Service::behind_gate(redis(&server), &gate, |_| 2);
    let other = idle(&server);
    other.get_stale_ring(1).set(1).unwrap();
    assert!(other.get_stale_ring(1).expire().unwrap());
    thread::scope(|scope| {
        let refreshing = scope.spawn(|| one.get_stale(1));
        gate.wait_for(1);
        assert_eq!(other.get_stale(1), Ok(1));
        gate.open();
        assert_eq!(refreshing.join().unwrap(), Ok(2));
    });
    assert_eq!(other.get_stale_ring(1).lookup().unwrap(), Lookup::Fresh(2));
    // `expire` ends the lease of a refresh as well.
    let gate = Gate::default();
    let one = Service::behind_gate(redis(&server), &gate, |_| 3);
    thread::scope(|scope| {
        let computing = scope.spawn(|| one.get_stale_ring(1).update());
        gate.wait_for(1);
        assert!(other.get_stale_ring(1).expire().unwrap());
        gate.open();
        assert_eq!(computing.join().unwrap(), Ok(3));
    });
    assert_eq!(other.get_stale_ring(1).lookup().unwrap(), Lookup::Absent);
}

#[test]
fn l4_the_lease_of_a_process_that_is_gone_is_taken_when_it_ends() {
    let Some(server) = server("leases of processes that are gone") else {
        return;
    };
    server.command(&["SET", "leased:9%lease", "another token", "PX", "300"]);
    assert_eq!(process(&server, Ok).get(9), Ok(9));
    assert_eq!(
        idle(&server).get_ring(9).get().unwrap(),
        Some(9),
        "stored under a lease of its own"
    );
}

#[test]
fn l4_a_call_that_waited_for_the_life_of_a_lease_computes() {
    let Some(server) = server("leases that do not end") else {
        return;
    };
    server.command(&["SET", "briefly:9%lease", "another token"]);
    assert_eq!(process(&server, Ok).get_briefly(9), Ok(9));
    assert_eq!(idle(&server).get_briefly_ring(9).get().unwrap(), None);
}

#[test]
fn l5_without_an_answer_each_process_computes() {
    let Some(server) = server("leases without an answer") else {
        return;
    };
    let redis = Redis::open(server.url())
        .unwrap()
        .deadline(Duration::from_millis(100));
    let one = Service::new(redis, Ok);
    server.stop();
    assert_eq!(one.get(1), Ok(1));
    assert_eq!(one.get_ring(2).update(), Ok(2));
    server.cont();
}

#[test]
fn l5_a_server_that_refuses_scripts_is_noticed_once() {
    let Some(server) = server("leases without scripts") else {
        return;
    };
    server.command(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]);
    let one = process(&server, Ok);
    assert_eq!((one.get(1), one.get(2)), (Ok(1), Ok(2)));
    assert_eq!(
        one.get_ring(1).get().unwrap(),
        Some(1),
        "stored as without a lease"
    );
    let errors = one.get_cache().stats().errors;
    assert_eq!(errors, 1);
    assert_eq!(one.get_ring(3).update(), Ok(3));
    assert_eq!(one.get_ring(3).get().unwrap(), Some(3));
}

#[test]
fn l5_scripts_that_the_server_forgot_are_sent_again() {
    let Some(server) = server("scripts that are forgotten") else {
        return;
    };
    let one = process(&server, Ok);
    for id in 0..3 {
        server.command(&["SCRIPT", "FLUSH"]);
        assert_eq!(one.get(id), Ok(id));
        assert_eq!(one.get_ring(id).get().unwrap(), Some(id));
    }
    assert_eq!(one.get_cache().stats().errors, 0);
}

#[test]
fn bytes_that_are_no_value_and_other_types_are_computed_anew_by_one() {
    let Some(server) = server("foreign bytes with leases") else {
        return;
    };
    let computed = Arc::<AtomicU32>::default();
    let act = {
        let computed = Arc::clone(&computed);
        move |id| {
            computed.fetch_add(1, SeqCst);
            Ok(id)
        }
    };
    server.command(&["SET", "leased:1", "not json"]);
    server.command(&["RPUSH", "leased:2", "a list"]);
    let one = process(&server, act);
    assert_eq!((one.get(1), one.get(2)), (Ok(1), Ok(2)));
    assert_eq!((one.get(1), one.get(2)), (Ok(1), Ok(2)));
    assert_eq!(computed.load(SeqCst), 2);
}

/// Another program's list under the key of a lease.
#[test]
fn l5_a_key_of_another_type_is_no_lease() {
    let Some(server) = server("leases under foreign keys") else {
        return;
    };
    server.command(&["RPUSH", "leased:1%lease", "a list"]);
    let one = process(&server, Ok);
    assert_eq!(one.get(1), Ok(1));
    assert_eq!(one.get_ring(1).get().unwrap(), Some(1));
    let replaced = process(&server, {
        let url = server.url();
        move |id| {
            let mut connection = redis::Client::open(url.as_str())
                .unwrap()
                .get_connection()
                .unwrap();
            let key = format!("leased:{id}%lease");
            redis::cmd("DEL").arg(&key).exec(&mut connection).unwrap();
            redis::cmd("RPUSH")
                .arg(&key)
                .arg("a list")
                .exec(&mut connection)
                .unwrap();
            Ok(id)
        }
    });
    assert_eq!(replaced.get(2), Ok(2));
    assert_eq!(replaced.get_ring(2).get().unwrap(), None, "its lease was lost");
    assert_eq!(one.get_cache().stats().errors, 0);
}

/// A process that waits at the gate in the computation of one key.
fn waiting_for(server: &Server, gate: &Gate, own: u32) -> Service<Redis> {
    let gate = gate.clone();
    process(server, move |id| {
        if id == own {
            gate.pass();
        }
        Ok(id * 10)
    })
}

#[test]
fn many_calls_compute_their_own_keys_before_they_wait_for_another_process() {
    let Some(server) = server("many calls with leases") else {
        return;
    };
    let gate = Gate::default();
    // Each first computes a key for which the other waits.
    let [one, other] = [1, 2].map(|own| waiting_for(&server, &gate, own));
    thread::scope(|scope| {
        let first = scope.spawn(|| [1, 2].map(|id| one.get_ring(id)).get_or_update_many());
        let second = scope.spawn(|| [2, 1].map(|id| other.get_ring(id)).get_or_update_many());
        gate.wait_for(2);
        gate.open();
        assert_eq!(first.join().unwrap(), [Ok(10), Ok(20)]);
        assert_eq!(second.join().unwrap(), [Ok(20), Ok(10)]);
    });
    assert!(!has_lease(&server, "leased:1") && !has_lease(&server, "leased:2"));
}

#[test]
fn many_awaited_calls_compute_their_own_keys_before_they_wait_for_another_process() {
    let Some(server) = server("many awaited calls with leases") else {
        return;
    };
    let gate = Gate::default();
    let one = Service::behind_gate(redis(&server), &gate, |id| id * 10);
    let other = idle(&server);
    server.command(&["SET", "leased-awaited:2%lease", "another token", "PX", "30000"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // The first key is the one that another process computes.
        let many = [2, 1].map(|id| one.get_awaited_ring(id)).get_or_update_many();
        let opening = async {
            let arrived = gate.clone();
            tokio::task::spawn_blocking(move || arrived.wait_for(1))
                .await
                .unwrap();
            other.get_awaited_ring(2).set(5).await.unwrap();
            gate.open();
        };
        let (many, ()) = join(many, opening).await;
        assert_eq!(many, [Ok(5), Ok(10)]);
    });
    assert!(!has_lease(&server, "leased-awaited:1") && !has_lease(&server, "leased-awaited:2"));
}

#[test]
fn many_awaited_calls_of_two_processes_do_not_wait_for_each_other() {
    let Some(server) = server("many awaited calls of two processes") else {
        return;
    };
    let computed = Arc::<AtomicU32>::default();
    let [one, other] = [0; 2].map(|_| {
        let computed = Arc::clone(&computed);
        process(&server, move |id| {
            computed.fetch_add(1, SeqCst);
            Ok(id * 10)
        })
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let first = [1, 2].map(|id| one.get_awaited_ring(id)).get_or_update_many();
        let second = [2, 1].map(|id| other.get_awaited_ring(id)).get_or_update_many();
        let (first, second) = join(first, second).await;
        assert_eq!((first, second), (vec![Ok(10), Ok(20)], vec![Ok(20), Ok(10)]));
    });
    assert_eq!(computed.load(SeqCst), 2, "each key by one of them");
    assert!(!has_lease(&server, "leased-awaited:1") && !has_lease(&server, "leased-awaited:2"));
}
