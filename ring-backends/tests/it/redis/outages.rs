//! Servers that die, hang and come back: plain calls return within their deadline, and old values do not come back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{ErrorKind, ring_impl};
use ring_cache_backends::{Breaker, Redis};
use ring_cache_core::Key;
use ring_cache_core::storage::Storage;
use ring_cache_test_servers::{Redis as Server, Reply};

use super::proxy::Proxy;
use super::{On, PATIENCE, at, eventually, open, own, stubborn};

#[ring_impl]
impl On<Redis> {
    #[ring(storage = self.storage as Redis, coder = Json, ignore(count), key_prefix = "version")]
    fn version(&self, count: &AtomicU32) -> u32 {
        count.fetch_add(1, Ordering::SeqCst) + 1
    }
}

const DEADLINE: Duration = Duration::from_millis(100);
/// The most that a busy machine adds.
const BUSY: Duration = Duration::from_secs(2);

fn counter() -> AtomicU32 {
    AtomicU32::new(0)
}

/// Runs `call`, which must keep to the deadline.
fn in_time<T>(call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = call();
    assert!(start.elapsed() < DEADLINE + BUSY, "{:?}", start.elapsed());
    result
}

#[test]
fn nobody_is_there() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let redis = at(&format!("redis://127.0.0.1:{unused}"));
    assert_eq!(in_time(|| redis.version(&counter())), 1);
    let error = in_time(|| redis.version_ring(&counter()).get()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Storage | ErrorKind::Unavailable),
        "{error:?}"
    );
    assert!(redis.health().broken > 0);
}

#[test]
fn a_server_started_later_is_used() {
    let Some(server) = own("a Redis that is started later") else {
        return;
    };
    server.kill();
    let redis = stubborn(&server, PATIENCE);
    assert_eq!(redis.version(&counter()), 1);
    server.restart();
    let count = counter();
    redis.version(&count);
    assert_eq!((redis.version(&count), count.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_restart_costs_no_error() {
    let Some(server) = own("a Redis that is restarted") else {
        return;
    };
    let (redis, key) = (open(&server), Key::of(&"restart"));
    redis.set(&key, b"old".to_vec(), None).unwrap();
    server.restart();
    assert_eq!(redis.get(&key).unwrap(), None);
    redis.set(&key, b"new".to_vec(), None).unwrap();
    assert_eq!(redis.get(&key).unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(redis.health().broken, 0);
}

#[test]
fn a_connection_that_is_killed_costs_no_error() {
    let Some(server) = own("a killed connection to Redis") else {
        return;
    };
    let (redis, key) = (open(&server), Key::of(&"kill"));
    redis.set(&key, b"value".to_vec(), None).unwrap();
    for _ in 0..10 {
        let Reply::Integer(killed) = server.command(&["CLIENT", "KILL", "TYPE", "normal"]) else {
            panic!()
        };
        assert!(killed > 0, "there was a connection");
        assert_eq!(redis.get(&key).unwrap().as_deref(), Some(&b"value"[..]));
    }
}

#[test]
fn connections_that_are_cut_cost_no_error() {
    let Some(server) = own("cut connections to Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let (redis, key) = (at(&proxy.url()).deadline(PATIENCE), Key::of(&"cut"));
    redis.set(&key, b"value".to_vec(), None).unwrap();
    for _ in 0..10 {
        proxy.cut();
        assert_eq!(redis.get(&key).unwrap().as_deref(), Some(&b"value"[..]));
    }
}

#[test]
fn after_kill_9_calls_answer_at_once() {
    let Some(server) = own("a Redis that was killed") else {
        return;
    };
    let (redis, count) = (open(&server).deadline(DEADLINE), counter());
    redis.version(&count);
    server.kill();
    for expected in 2..50 {
        assert_eq!(in_time(|| redis.version(&count)), expected);
    }
    assert!(
        redis.health().spared > 0,
        "the breaker opened: {:?}",
        redis.health()
    );
}

#[test]
fn a_server_that_hangs_costs_one_deadline() {
    let Some(server) = own("a Redis that hangs") else {
        return;
    };
    let (redis, count) = (open(&server).deadline(DEADLINE), counter());
    redis.version(&count);
    server.stop();
    for expected in 2..20 {
        assert_eq!(in_time(|| redis.version(&count)), expected);
    }
    let silent = redis.health().silent;
    assert!((1..=6).contains(&silent), "{:?}", redis.health());
    server.cont();
    eventually(|| redis.version_ring(&count).get().is_ok());
    let computed = count.load(Ordering::SeqCst);
    redis.version(&count);
    redis.version(&count);
    assert!(count.load(Ordering::SeqCst) <= computed + 1, "it is used again");
}

#[test]
fn bulk_calls_keep_to_the_deadline_as_well() {
    let Some(server) = own("bulk calls to a Redis that hangs") else {
        return;
    };
    let redis = stubborn(&server, DEADLINE);
    let keys: Vec<Key> = (0..1_000_u32).map(|number| Key::of(&number)).collect();
    redis.read_many(&keys, None).unwrap();
    server.stop();
    let entries = || keys.iter().map(|key| (key, vec![b'x'; 10_000], None));
    assert_eq!(
        in_time(|| redis.remove_many(&keys, None)).unwrap_err().kind(),
        ErrorKind::Deadline
    );
    assert_eq!(
        in_time(|| redis.write_many(entries().collect(), None))
            .unwrap_err()
            .kind(),
        ErrorKind::Deadline
    );
}

#[test]
fn a_reply_that_came_too_late_is_not_taken_for_another() {
    let Some(server) = own("late replies of Redis") else {
        return;
    };
    let redis = stubborn(&server, DEADLINE);
    let keys: Vec<Key> = (0..20_u32).map(|number| Key::of(&number)).collect();
    for (number, key) in keys.iter().enumerate() {
        redis
            .clone()
            .deadline(PATIENCE)
            .set(key, vec![number as u8], None)
            .unwrap();
    }
    for _ in 0..5 {
        server.stop();
        for key in &keys[..3] {
            assert!(redis.get(key).is_err());
        }
        server.cont();
        for (number, key) in keys.iter().enumerate() {
            let read = redis.clone().deadline(PATIENCE).get(key).unwrap();
            assert_eq!(read, Some(vec![number as u8]));
        }
    }
}

#[test]
fn a_black_hole_is_left_for_a_new_connection() {
    let Some(server) = own("a black hole before Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).deadline(DEADLINE).breaker(Breaker::never());
    let key = Key::of(&"hole");
    redis.clone().deadline(PATIENCE).get(&key).unwrap();
    proxy.fall_silent();
    assert_eq!(
        in_time(|| redis.get(&key)).unwrap_err().kind(),
        ErrorKind::Deadline
    );
    proxy.speak();
    redis.deadline(PATIENCE).get(&key).unwrap();
}

#[test]
fn the_breaker_opens_and_closes_by_itself() {
    let Some(server) = own("the breaker before Redis") else {
        return;
    };
    let pause = Duration::from_millis(50);
    let redis = at(&server.url()).breaker(Breaker::after(2).pause(pause));
    let key = Key::of(&"breaker");
    server.kill();
    let kinds: Vec<_> = (0..3).map(|_| redis.get(&key).unwrap_err().kind()).collect();
    assert_eq!(
        kinds,
        [ErrorKind::Storage, ErrorKind::Storage, ErrorKind::Unavailable]
    );
    server.restart();
    eventually(|| redis.get(&key).is_ok());
    assert!(redis.get(&key).is_ok());
}

/// Runs a failing operation on a storage whose server hangs, then lets the server continue.
fn after_failing(server: &Server, what: impl FnOnce(&On<Redis>)) -> On<Redis> {
    let redis = stubborn(server, DEADLINE);
    let call = |count| redis.version_ring(count).set(7);
    let patient = redis.clone().deadline(PATIENCE);
    patient.version_ring(&counter()).set(7).unwrap();
    let _ = call;
    server.stop();
    what(&redis);
    server.cont();
    redis.deadline(PATIENCE)
}

#[test]
fn a_delete_that_failed_leaves_no_old_value() {
    let Some(server) = own("failed deletes in Redis") else {
        return;
    };
    let redis = after_failing(&server, |redis| {
        redis.version_ring(&counter()).delete().unwrap_err();
    });
    assert_eq!(redis.health().repairs, 1);
    assert_eq!(redis.version_ring(&counter()).get().unwrap(), None);
    assert_eq!(redis.health().repairs, 0);
}

#[test]
fn a_set_that_failed_leaves_no_old_value() {
    let Some(server) = own("failed sets in Redis") else {
        return;
    };
    let redis = after_failing(&server, |redis| {
        redis.version_ring(&counter()).set(8).unwrap_err();
    });
    assert_ne!(redis.version_ring(&counter()).get().unwrap(), Some(7));
}

#[test]
fn an_update_that_failed_leaves_no_old_value() {
    let Some(server) = own("failed updates in Redis") else {
        return;
    };
    let redis = after_failing(&server, |redis| {
        assert_eq!(in_time(|| redis.version_ring(&AtomicU32::new(8)).update()), 9);
    });
    assert_ne!(redis.version_ring(&counter()).get().unwrap(), Some(7));
}
