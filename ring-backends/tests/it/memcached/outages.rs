//! Servers that restart, die, or hang.

use std::time::{Duration, Instant};

use ring_cache::ErrorKind;
use ring_cache_backends::{Breaker, Memcached};
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_test_servers as servers;

use super::{PATIENCE, eventually, read, read_async, run, start, write, write_async};

const DEADLINE: Duration = Duration::from_millis(150);
/// The most time of an operation on a busy machine.
const GENEROUS: Duration = Duration::from_secs(5);

fn hasty(server: &servers::Memcached) -> Memcached {
    let breaker = Breaker::after(3).pause(Duration::from_millis(300));
    Memcached::open(server.url())
        .unwrap()
        .deadline(DEADLINE)
        .breaker(breaker)
}

#[test]
fn a_restart_is_not_noticed() {
    let Some((server, storage)) = start("memcached that restarts") else {
        return;
    };
    let runtime = super::runtime();
    for _ in 0..3 {
        write(&storage, "key", "value").unwrap();
        runtime.block_on(write_async(&storage, "other", "value")).unwrap();
        server.restart();
        assert_eq!(read(&storage, "key").unwrap(), None);
        assert_eq!(runtime.block_on(read_async(&storage, "other")).unwrap(), None);
    }
    assert_eq!(storage.health(), Default::default());
}

#[test]
fn a_dead_server_fails_at_once_and_comes_back() {
    let Some((server, _)) = start("memcached that dies") else {
        return;
    };
    let storage = hasty(&server).deadline(PATIENCE);
    write(&storage, "key", "value").unwrap();
    server.kill();
    let begun = Instant::now();
    assert_eq!(read(&storage, "key").unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(
        run(read_async(&storage, "key")).unwrap_err().kind(),
        ErrorKind::Storage
    );
    assert!(begun.elapsed() < PATIENCE, "it waited for nothing");
    for _ in 0..5 {
        read(&storage, "key").unwrap_err();
    }
    assert_eq!(read(&storage, "key").unwrap_err().kind(), ErrorKind::Unavailable);
    server.restart();
    eventually(|| read(&storage, "key").is_ok());
    assert_eq!(run(read_async(&storage, "key")).unwrap(), None);
    write(&storage, "key", "value").unwrap();
    assert_eq!(server.value("key").unwrap(), b"value");
}

#[test]
fn a_server_that_stops_costs_a_deadline_each_until_the_breaker_opens() {
    let Some((server, _)) = start("memcached that stops") else {
        return;
    };
    for connected in [true, false] {
        let storage = hasty(&server);
        if connected {
            eventually(|| write(&storage, "key", "value").is_ok());
        }
        server.stop();
        let begun = Instant::now();
        assert_eq!(read(&storage, "key").unwrap_err().kind(), ErrorKind::Deadline);
        assert!(begun.elapsed() >= DEADLINE - Duration::from_millis(20));
        assert_eq!(
            run(read_async(&storage, "key")).unwrap_err().kind(),
            ErrorKind::Deadline
        );
        assert_eq!(
            Storage::read_many(&storage, &["a", "b"], None)
                .unwrap_err()
                .kind(),
            ErrorKind::Deadline
        );
        assert!(begun.elapsed() < GENEROUS, "{:?}", begun.elapsed());
        assert_eq!(read(&storage, "key").unwrap_err().kind(), ErrorKind::Unavailable);
        server.cont();
        eventually(|| read(&storage, "key").is_ok());
        eventually(|| run(read_async(&storage, "key")).is_ok());
    }
}

/// Neither a `set` nor a `delete` during the outage leaves an older value.
#[test]
fn writes_that_failed_leave_nothing_old() {
    let Some((server, _)) = start("memcached that stops") else {
        return;
    };
    let storage = hasty(&server).breaker(Breaker::after(3).pause(Duration::ZERO));
    let keys = ["set", "deleted", "set_async", "deleted_async", "many"];
    eventually(|| keys.iter().all(|key| write(&storage, key, "old").is_ok()));
    server.stop();
    write(&storage, "set", "new").unwrap_err();
    Storage::remove(&storage, "deleted", None).unwrap_err();
    run(write_async(&storage, "set_async", "new")).unwrap_err();
    run(AsyncStorage::remove(&storage, "deleted_async", None)).unwrap_err();
    Storage::write_many(&storage, vec![("many", b"new".to_vec(), None)], None).unwrap_err();
    assert!(storage.health().repairs >= 5);
    server.cont();
    let patient = storage.clone().deadline(PATIENCE);
    for key in keys {
        eventually(|| read(&patient, key).is_ok());
        assert_eq!(read(&patient, key).unwrap(), None, "{key}");
        assert_eq!(server.value(key), None, "{key}");
    }
    assert_eq!(storage.health().repairs, 0);
    write(&patient, "set", "newest").unwrap();
    assert_eq!(server.value("set").unwrap(), b"newest");
}

/// Name look-ups and connecting take as long as they need; calls do not wait longer than their deadline.
#[test]
fn a_server_that_cannot_be_reached() {
    // A network reserved for documentation.
    let storage = Memcached::open("192.0.2.1:11211").unwrap().deadline(DEADLINE);
    let storage = storage.breaker(Breaker::never());
    let begun = Instant::now();
    for _ in 0..3 {
        read(&storage, "key").unwrap_err();
        run(read_async(&storage, "key")).unwrap_err();
    }
    assert!(begun.elapsed() < GENEROUS, "{:?}", begun.elapsed());
}

/// A connection opened while the server hangs is ready when the server answers.
#[test]
fn connections_are_made_beyond_the_deadline() {
    let Some((server, _)) = start("memcached that stops") else {
        return;
    };
    let storage = hasty(&server).breaker(Breaker::never());
    server.stop();
    read(&storage, "key").unwrap_err();
    run(read_async(&storage, "key")).unwrap_err();
    let connections = || server.statistics()["total_connections"].parse::<u32>().unwrap();
    server.cont();
    eventually(|| read(&storage, "key").is_ok());
    let before = connections();
    for _ in 0..10 {
        eventually(|| read(&storage, "key").is_ok());
    }
    assert!(connections() < before + 10, "a connection for each operation");
}
