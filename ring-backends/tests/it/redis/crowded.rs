//! More callers than connections: a healthy server is not blamed, and the existing connections serve all.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use ring_cache_core::Key;
use ring_cache_core::storage::Storage;
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::{On, at, open, own};

const KEYS: u32 = 100;

fn store(redis: &On<ring_cache_backends::Redis>) {
    for number in 0..KEYS {
        redis
            .set(&Key::of(&number), number.to_be_bytes().to_vec(), None)
            .unwrap();
    }
}

/// Asks for stored values all the time. Returns the number of calls that did not find theirs.
fn ask(redis: &On<ring_cache_backends::Redis>, callers: u32, calls: u32) -> usize {
    let barrier = Barrier::new(callers as usize);
    let caller = |caller: u32| {
        barrier.wait();
        let missed = (0..calls).filter(|call| {
            let number = (caller * 7 + call) % KEYS;
            match redis.get(&Key::of(&number)) {
                Ok(found) => {
                    assert_eq!(found, Some(number.to_be_bytes().to_vec()));
                    false
                }
                Err(_) => true,
            }
        });
        missed.count()
    };
    let caller = &caller;
    thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    })
}

/// A server for twelve clients, of which this test has 32.
#[test]
fn a_server_that_refuses_further_connections_serves_by_those_that_there_are() {
    let started = Server::options().arguments(["--maxclients", "12"]).start();
    let Some(server) = or_leave_out("a Redis with few connections", started) else {
        return;
    };
    let redis = open(&server);
    store(&redis);
    assert_eq!(ask(&redis, 32, 100), 0, "{:?}", redis.health());
    let health = redis.health();
    assert_eq!((health.spared, health.busy), (0, 0), "{health:?}");
}

/// With the default deadline: however slow this machine is, the server answers, and its breaker stays closed.
#[test]
fn many_callers_do_not_open_the_breaker_of_a_healthy_server() {
    let Some(server) = own("many callers of a healthy Redis") else {
        return;
    };
    let redis = at(&server.url());
    store(&open(&server));
    let missed = ask(&redis, 300, 20);
    let health = redis.health();
    assert_eq!(health.spared, 0, "{missed} missed: {health:?}");
}

/// Waiting for a connection ends at the deadline.
#[test]
fn waiting_for_a_connection_ends_at_the_deadline() {
    let started = Server::options().arguments(["--maxclients", "4"]).start();
    let Some(server) = or_leave_out("a Redis that is full", started) else {
        return;
    };
    let redis = open(&server);
    store(&redis);
    let hurried = redis.clone().deadline(Duration::from_millis(20));
    ask(&hurried, 50, 5);
    assert_eq!(hurried.health().spared, 0, "{:?}", hurried.health());
    // It works afterwards.
    assert_eq!(ask(&redis, 8, 20), 0);
}
