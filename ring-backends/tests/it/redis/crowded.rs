//! More callers than connections: a healthy server is not blamed, and the existing connections serve all.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
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

/// Takes the places for clients that are left.
fn take_all_places(server: &Server) -> Vec<TcpStream> {
    let mut taken = Vec::new();
    loop {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let mut said = String::new();
        // A server that is full says so by itself, and ends the connection.
        if stream.write_all(b"PING\r\n").is_ok() {
            let _ = BufReader::new(&stream).read_line(&mut said);
        }
        if said != "+PONG\r\n" {
            return taken;
        }
        taken.push(stream);
    }
}

/// A runtime needs a connection of its own. Without one its calls fail, and no others.
#[cfg(feature = "tokio")]
#[test]
fn one_who_gets_no_connection_keeps_no_other_from_its_own() {
    let started = Server::options().arguments(["--maxclients", "8"]).start();
    let Some(server) = or_leave_out("a Redis that takes no further client", started) else {
        return;
    };
    let redis = open(&server);
    store(&redis);
    let _places = take_all_places(&server);
    let runtime = super::awaited::runtime();
    for _ in 0..10 {
        let key = Key::of(&1_u32);
        let awaited = ring_cache_core::storage::AsyncStorage::get(&*redis, &key);
        let error = runtime.block_on(awaited).unwrap_err();
        assert_eq!(error.kind(), ring_cache::ErrorKind::Unavailable);
        assert!(error.to_string().contains("max number of clients"), "{error}");
    }
    assert_eq!(ask(&redis, 4, 20), 0, "{:?}", redis.health());
    let health = redis.health();
    assert_eq!(
        (health.busy, health.broken, health.spared),
        (10, 0, 0),
        "{health:?}"
    );
}

/// One with a password says so as soon as it is told it.
#[test]
fn a_full_server_is_not_blamed() {
    let started = Server::options().password("secret").start();
    let Some(server) = or_leave_out("a full Redis with a password", started) else {
        return;
    };
    server.command(&["CONFIG", "SET", "maxclients", "1"]);
    let mut place = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    place.write_all(b"AUTH secret\r\n").unwrap();
    BufReader::new(&place).read_line(&mut String::new()).unwrap();
    let redis = open(&server);
    for _ in 0..10 {
        let error = redis.get(&Key::of(&1_u32)).unwrap_err();
        assert!(error.to_string().contains("max number of clients"), "{error}");
    }
    assert_eq!(redis.health().busy, 10, "{:?}", redis.health());
    drop(place);
    // It is asked again at once.
    super::eventually(|| redis.get(&Key::of(&1_u32)).is_ok());
    assert_eq!(redis.health().spared, 0);
}
